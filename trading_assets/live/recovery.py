"""From a journal back to the book that wrote it, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trading_assets.domain.errors import RecoveryError, TradingAssetsError
from trading_assets.domain.events import (
    BarReady,
    Event,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    SessionOpened,
)
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderStatus
from trading_assets.live.book_state import BookState, SessionSetup
from trading_assets.live.ports import DecisionMachine, JournalHistory
from trading_assets.live.session import Session


@dataclass(frozen=True, slots=True)
class MachineFactory:
    """How an engine is made: new, or from the bytes of a snapshot."""

    new: Callable[[], DecisionMachine]
    restore: Callable[[bytes], DecisionMachine]


def recover(journal: JournalHistory, setup: SessionSetup, machines: MachineFactory) -> Session:
    """Replay the journal, from its newest snapshot where that can be used.

    A snapshot only saves time: one that does not fit (another layout of the engine's record, say)
    is left aside and everything is replayed.

    Raises:
        RecoveryError: if this program would have decided otherwise than the journal says.
    """
    session, since = _start(journal, setup, machines)
    for _, event in journal.read(since):
        session.handle(event)
    left = session.take_derived()
    if left:
        raise RecoveryError(
            f"Book {setup.book}: the journal ends in the middle of a bar",
            expected=f"{left[0]} beside its cause, since both are committed together",
            found="the end of the journal",
            fix="Start the version that wrote the journal.",
        )
    return session


def replay_until(
    journal: JournalHistory, setup: SessionSetup, machines: MachineFactory, bar_ts: Micros
) -> Session:
    """Give the book as it was before the first bar that opened at `bar_ts` or later.

    Raises:
        RecoveryError: if this program would have decided otherwise than the journal says.
    """
    session = Session(setup, machines.new())
    for _, event in journal.read():
        if isinstance(event, BarReady) and event.ts >= bar_ts:
            break
        session.handle(event)
    return session


def replay_rows(
    journal: JournalHistory, setup: SessionSetup, machines: MachineFactory, last: int
) -> Session:
    """Give the book as it was right after row `last`.

    What the last row's event causes is part of the book, whether its rows are included or not.

    Raises:
        RecoveryError: if this program would have decided otherwise than the journal says.
    """
    session = Session(setup, machines.new())
    for seq, event in journal.read():
        if seq > last:
            break
        session.handle(event)
    session.take_derived()
    return session


def last_release(journal: JournalHistory) -> str | None:
    """Give the release that the journal's latest session traded, None for a new journal."""
    event = journal.latest(SessionOpened.__name__)
    return event.release_id if isinstance(event, SessionOpened) else None


def after_restart(state: BookState, ts: Micros) -> list[Event]:
    """Give what a new process knows of the orders that the last one left behind.

    One without a SENT row never left, for that row is durable before sending. One without an answer
    is in doubt.
    """
    events: list[Event] = []
    for order in state.orders.values():
        name = order.client_order_id
        if order.status is OrderStatus.INTENT:
            evidence = "never sent: the journal has no row that it left"
            events.append(OrderProvenAbsent(ts, name, evidence))
        elif order.status is OrderStatus.SENT:
            events.append(OrderOutcomeUnknown(ts, name, "the process ended before the answer"))
    return events


def _start(
    journal: JournalHistory, setup: SessionSetup, machines: MachineFactory
) -> tuple[Session, int]:
    snapshot = journal.latest_snapshot()
    if snapshot is not None:
        seq, payload = snapshot
        try:
            return Session.restored(setup, machines.restore, payload), seq
        except (TradingAssetsError, ValueError, KeyError, TypeError):
            pass
    return Session(setup, machines.new()), 0
