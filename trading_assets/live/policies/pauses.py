"""Entries of a symbol that are paused, by cause: pure, from events of the journal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from trading_assets.domain.commands import Command
from trading_assets.domain.ids import Symbol
from trading_assets.domain.policy_events import (
    BarRefused,
    BarRevised,
    BreakerTripped,
    EntriesAllowed,
    EntriesPaused,
    FoundUpstream,
    TradingRulesSeen,
    UpstreamStale,
)
from trading_assets.live.book_state import BookState

ALL = Symbol("")
"""Stands for every symbol of the book."""

FOREIGN = "foreign"
FILL = "fill"
BALANCE = "balance"
FEED = "feed"
STATUS = "status"
UPSTREAM = "upstream"
BY_PEOPLE = frozenset({FOREIGN, FILL, UPSTREAM})
"""Causes that last until a person acknowledges them; the others end when they are over."""


def policy_handlers(state: BookState) -> dict[type[Any], Callable[[Any], list[Command]]]:
    """Give what a session does with the events of policies, by their kind."""
    return {
        TradingRulesSeen: partial(note_rules, state),
        EntriesPaused: partial(pause, state),
        EntriesAllowed: partial(allow, state),
        UpstreamStale: partial(note_upstream, state),
        BreakerTripped: partial(note_trip, state),
        BarRevised: _only_written,
        BarRefused: _only_written,
    }


def pause(state: BookState, event: EntriesPaused) -> list[Command]:
    """Stop entries of a symbol; a cause that stands already gets the new reason and end."""
    state.pauses[event.symbol, event.cause] = (event.reason, event.until)
    return []


def note_rules(state: BookState, event: TradingRulesSeen) -> list[Command]:
    """Let decisions fit into the rules that the venue has now."""
    state.rules[event.rules.symbol] = event.rules
    return []


def note_upstream(state: BookState, event: UpstreamStale) -> list[Command]:
    """Keep what was found, so that the same is not news again."""
    state.upstream = FoundUpstream(event.findings, event.aged)
    return []


def note_trip(state: BookState, event: BreakerTripped) -> list[Command]:
    """Keep what has tripped, so that the same is not news again."""
    state.turmoil.tripped[event.cause, event.symbol] = event.limit
    return []


def allow(state: BookState, event: EntriesAllowed) -> list[Command]:
    """End one cause; entries go on when it was the last."""
    state.pauses.pop((event.symbol, event.cause), None)
    return []


def _only_written(_: object) -> list[Command]:
    return []


def paused_by(state: BookState, symbol: Symbol) -> str:
    """Name the first cause that stops entries of a symbol, "" when none does."""
    return min((cause for of, cause in state.pauses if of in (ALL, symbol)), default="")


def summary(state: BookState) -> str:
    """Say in one line what is paused and why, "" when nothing is."""
    return "; ".join(
        f"{symbol or 'all symbols'}: {cause} ({reason})"
        for (symbol, cause), (reason, _) in sorted(state.pauses.items())
    )
