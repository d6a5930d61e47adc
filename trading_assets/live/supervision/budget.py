"""What a book does about its error budget: pauses entries, journalled, and lets them go on."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.domain.events import Event
from trading_assets.domain.ids import Micros
from trading_assets.domain.policy_events import EntriesAllowed, EntriesPaused
from trading_assets.live.book_state import BookState
from trading_assets.live.policies.pauses import ALL
from trading_assets.live.supervision.slo import SloLevel, next_level

SLO = "slo"
SLO_PAPER = "slo_paper"
_CAUSES = ((SloLevel.ENTRIES_OFF, SLO), (SloLevel.PAPER, SLO_PAPER))


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of an error budget.

    Attributes:
        remaining: share of it; below 0 when it is overdrawn.
        failure: why it cannot be told, "" when it can; entries are off then.
    """

    remaining: float
    failure: str = ""


def level_of(state: BookState) -> SloLevel:
    """Give the level in force, as the journal has it."""
    standing = [level for level, cause in _CAUSES if (ALL, cause) in state.pauses]
    return max(standing, default=SloLevel.NORMAL)


def budget_events(state: BookState, budget: Budget | None, now: Micros) -> list[Event]:
    """Give what changes, at market time `now`; nothing while no budget is known."""
    if budget is None:
        return []
    level = level_of(state)
    left = f"{max(budget.remaining, 0.0):.1%} of the error budget is left"
    if budget.failure:
        wanted, reason = max(level, SloLevel.ENTRIES_OFF), budget.failure
    else:
        wanted, reason = next_level(level, budget.remaining), left
    events: list[Event] = []
    for each, cause in _CAUSES:
        if level < each <= wanted:
            events.append(EntriesPaused(now, ALL, cause, reason))
        elif wanted < each <= level:
            events.append(EntriesAllowed(now, ALL, cause, reason))
    return events
