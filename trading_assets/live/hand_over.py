"""From one release to the next between two bars: when it can happen, and what goes over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trading_assets.domain.errors import CorruptFile, RecoveryError
from trading_assets.domain.events import (
    Event,
    ReleaseAwaited,
    ReleaseRefused,
    ReleaseSwitched,
)
from trading_assets.domain.ids import Micros
from trading_assets.live.book_state import SessionSetup
from trading_assets.live.ports import DecisionMachine
from trading_assets.live.session import Session

CARRY, WHEN_FLAT, CLOSE = "carry", "when_flat", "close"
UNREADABLE = "unreadable"
"""Stands for the release that a damaged ledger names."""


@dataclass(frozen=True, slots=True)
class MachineFactory:
    """How an engine is made: new, or from the bytes of a snapshot."""

    new: Callable[[], DecisionMachine]
    restore: Callable[[bytes], DecisionMachine]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a release makes of a book: its session's setup, and its engine."""

    setup: SessionSetup
    machines: MachineFactory


TermsOf = Callable[[str], Terms]
"""Gives the terms of a release; raises MissingPartition or CorruptFile."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of a release that a running book shall take.

    Attributes:
        refusal: why it cannot be traded, "" when it can.
        can_carry: its engine can go on with the positions of the present one.
    """

    refusal: str = ""
    can_carry: bool = False


@dataclass(frozen=True, slots=True)
class Releases:
    """How an executor learns of releases.

    Attributes:
        current: gives the id of the release that the book shall trade, "" for none; cheap.
        examine: gives whether one can be traded, None while that is being looked at; returns at
            once, see `live.examination`.
        policy: of the hand-over, where the release allows it.
        bars: how long `when_flat` waits.
    """

    current: Callable[[], str]
    examine: Callable[[str], Examined | None]
    policy: str = WHEN_FLAT
    bars: int = 288


def next_step(session: Session, releases: Releases, ts: Micros) -> Event | None:
    """Give what is to happen for the sake of another release; None while nothing is.

    Called between two bars.
    """
    state, present = session.state, session.setup.release_id
    try:
        wanted = releases.current()
    except CorruptFile as error:  # what the book trades is known; what it shall trade is not
        known = state.refused_release == UNREADABLE
        return None if known else ReleaseRefused(ts, UNREADABLE, str(error))
    if wanted in ("", present, state.refused_release):
        return ReleaseAwaited(ts, "", "", 0) if state.awaited else None
    if wanted != state.awaited:
        return _examined(releases, wanted, ts)
    return _leaving(session, releases, ts) if _is_ready(session) else None


def _examined(releases: Releases, wanted: str, ts: Micros) -> Event | None:
    found = releases.examine(wanted)
    if found is None:
        return None
    if found.refusal:
        return ReleaseRefused(ts, wanted, found.refusal)
    carries = releases.policy != CARRY or found.can_carry
    policy = releases.policy if carries else WHEN_FLAT
    return ReleaseAwaited(ts, wanted, policy, 0 if policy == CLOSE else releases.bars)


def _leaving(session: Session, releases: Releases, ts: Micros) -> Event | None:
    """Look at the release once more: it may have been damaged while it was awaited."""
    state = session.state
    found = releases.examine(state.awaited)
    if found is None:
        return None
    if found.refusal:
        return ReleaseRefused(ts, state.awaited, found.refusal)
    carried = state.hand_over == CARRY
    return ReleaseSwitched(ts, session.setup.release_id, state.awaited, carried)


def handed_over(former: Session, terms: Terms, event: ReleaseSwitched) -> Session:
    """Give the session of the next release: the same book, another engine.

    Raises:
        RecoveryError: if the terms are of another release than the event names.
    """
    if terms.setup.release_id != event.release_id:
        raise RecoveryError(
            f"Book {terms.setup.book} was given the terms of another release",
            expected=event.release_id,
            found=terms.setup.release_id,
        )
    machine = terms.machines.new()
    machine.inherit(former.machine, carry=event.carried)
    state = former.state
    state.awaited = state.hand_over = ""
    state.exit_tries.clear()
    held = machine.balances()
    state.funds = {asset: held[asset] - state.flows.get(asset, 0) for asset in held}
    return Session(terms.setup, machine, state)


def _is_ready(session: Session) -> bool:
    state = session.state
    if state.hand_over == CARRY:
        return all(order.is_at_rest for order in state.orders.values())
    held = any(position.lots for position in session.machine.positions())
    return not held and not state.orders
