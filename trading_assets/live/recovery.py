"""From a journal back to the book that wrote it, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator

from trading_assets.domain.errors import RecoveryError, TradingAssetsError
from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    EquityMarked,
    Event,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    ReleaseSwitched,
    SessionOpened,
)
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderStatus
from trading_assets.live.book_state import BookState, SessionSetup
from trading_assets.live.hand_over import MachineFactory, Terms, TermsOf, handed_over
from trading_assets.live.ports import JournalHistory
from trading_assets.live.saved_session import SavedSession
from trading_assets.live.session import Session

DERIVED = (OrderIntentCreated, DecisionDropped, EquityMarked)
"""Events that another one causes; they stand right behind it in the journal."""


def recover(
    journal: JournalHistory,
    setup: SessionSetup,
    machines: MachineFactory,
    terms_of: TermsOf | None = None,
) -> Session:
    """Replay the journal, from its newest snapshot where that can be used.

    A snapshot only saves time: one that does not fit (another layout of the engine's record, say)
    is left aside and everything is replayed.

    Args:
        journal: is read.
        setup: of the release that the journal trades last.
        machines: its engine.
        terms_of: gives the terms of releases before it; None where there can be none.

    Raises:
        RecoveryError: if this program would have decided otherwise than the journal says.
    """
    last = Terms(setup, machines)
    session, since = _start(journal, last, terms_of)
    for _, event in journal.read(since):
        session = follow(session, event, last, terms_of)
    left = session.take_derived()
    if left:
        raise RecoveryError(
            f"Book {setup.book}: the journal ends in the middle of a bar",
            expected=f"{left[0]} beside its cause, since both are committed together",
            found="the end of the journal",
            fix="Start the version that wrote the journal.",
        )
    return session


def follow(session: Session, event: Event, last: Terms, terms_of: TermsOf | None = None) -> Session:
    """Let a session handle an event of a journal; give the one that goes on after it.

    Raises:
        RecoveryError: if this program would have decided otherwise, or the release that the event
            leads to cannot be had.
    """
    session.handle(event)
    if not isinstance(event, ReleaseSwitched):
        return session
    return handed_over(session, _terms(event.release_id, last, terms_of), event)


def replay_until(
    journal: JournalHistory, last: Terms, bar_ts: Micros, terms_of: TermsOf | None = None
) -> Session:
    """Give the book as it was before the first bar that opened at `bar_ts` or later.

    Raises:
        RecoveryError: if this program would have decided otherwise than the journal says.
    """
    session = first_session(journal, last, terms_of)
    for _, event in journal.read():
        if isinstance(event, BarReady) and event.ts >= bar_ts:
            break
        session = follow(session, event, last, terms_of)
    return session


def replay_rows(
    journal: JournalHistory, last: Terms, row: int, terms_of: TermsOf | None = None
) -> Session:
    """Give the book as it was right after a row.

    What the row's event causes is part of the book, whether its rows are included or not.

    Raises:
        RecoveryError: if this program would have decided otherwise than the journal says.
    """
    session = first_session(journal, last, terms_of)
    for seq, event in journal.read():
        if seq > row:
            break
        session = follow(session, event, last, terms_of)
    session.take_derived()
    return session


def with_derived(journal: JournalHistory) -> Iterator[tuple[int, Event, tuple[Event, ...]]]:
    """Yield each event with its row and with those that it caused."""
    cause: tuple[int, Event] | None = None
    derived: list[Event] = []
    for seq, event in journal.read():
        if isinstance(event, DERIVED):
            derived.append(event)
            continue
        if cause is not None:
            yield *cause, tuple(derived)
        cause, derived = (seq, event), []
    if cause is not None:
        yield *cause, tuple(derived)


def first_session(journal: JournalHistory, last: Terms, terms_of: TermsOf | None = None) -> Session:
    """Give a new session of the release that a journal began with."""
    for _, event in journal.read():
        if isinstance(event, SessionOpened):
            terms = _terms(event.release_id, last, terms_of)
            return Session(terms.setup, terms.machines.new())
    return Session(last.setup, last.machines.new())


def last_release(journal: JournalHistory) -> str | None:
    """Give the release that the journal trades last, None for a new journal."""
    opened = journal.latest(SessionOpened.__name__)
    if not isinstance(opened, SessionOpened):
        return None
    switched = journal.latest(ReleaseSwitched.__name__)
    if isinstance(switched, ReleaseSwitched) and switched.previous == opened.release_id:
        return switched.release_id  # no session was opened since
    return opened.release_id


def never_sent(state: BookState) -> tuple[str, ...]:
    """Name the orders that the last process decided on and did not send, as its journal says."""
    orders = state.orders.values()
    return tuple(o.client_order_id for o in orders if o.status is OrderStatus.INTENT)


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


def _start(journal: JournalHistory, last: Terms, terms_of: TermsOf | None) -> tuple[Session, int]:
    snapshot = journal.latest_snapshot()
    if snapshot is not None:
        seq, payload = snapshot
        try:
            saved = SavedSession.from_bytes(payload)
            terms = _terms(saved.release_id, last, terms_of)
            return Session.restored(terms.setup, terms.machines.restore, saved), seq
        except (TradingAssetsError, ValueError, KeyError, TypeError):
            pass
    return first_session(journal, last, terms_of), 0


def _terms(release_id: str, last: Terms, terms_of: TermsOf | None) -> Terms:
    return last if terms_of is None or release_id == last.setup.release_id else terms_of(release_id)
