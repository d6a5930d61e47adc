"""A book's journal as evidence: every row proven by itself, every order decided once more."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from trading_assets.domain.account import Fill
from trading_assets.domain.bar import Bar
from trading_assets.domain.errors import CorruptFile, TradingAssetsError
from trading_assets.domain.events import (
    BarReady,
    Event,
    OrderFilled,
    OrderIntentCreated,
    OrderReported,
    ReleaseSwitched,
    SessionOpened,
)
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.live.hand_over import Terms, TermsOf
from trading_assets.live.recovery import DERIVED, first_session, follow, with_derived
from trading_assets.storage.journal_reader import FILE, JournalReader, JournalRow


@dataclass(frozen=True, slots=True)
class SeenBar:
    """A bar as the book saw it: its row in the journal, and whether it lacked a minute."""

    seq: int
    bar: Bar
    is_complete: bool


@dataclass(slots=True)
class DecidedOrder:
    """One order as the journal tells of it.

    Attributes:
        seq: row of its intent.
        cause: row and event that it followed from: the bar that it was decided on, mostly.
        release_id: that the book traded then.
        rows: all of its own, ascending.
        reported: the venue's latest word, "" while there is none.
    """

    seq: int
    intent: OrderIntentCreated
    cause: tuple[int, Event]
    release_id: str
    rows: list[int]
    venue_order_id: str = ""
    reported: str = ""
    fills: list[Fill] = field(default_factory=list)


@dataclass(slots=True)
class _Read:
    """What one pass through the rows gathers."""

    damaged: dict[int, str] = field(default_factory=dict)
    orders: dict[str, DecidedOrder] = field(default_factory=dict)
    bars: dict[Symbol, dict[Micros, SeenBar]] = field(default_factory=lambda: defaultdict(dict))


class JournalStory:
    """A journal, read once for all questions about its orders.

    Attributes:
        damaged: rows that are not as they were written: number to what is wrong.
        orders: by client order id, in the order of their decisions.
        bars: all that the book saw of each symbol, by open time, ascending.
        replay_ended: why `decided_again` did not come to the journal's end, "" when it did.
    """

    def __init__(self, journal: JournalReader) -> None:
        """Read every row.

        Raises:
            RecoveryError: if the database itself cannot be read.
        """
        self._journal = journal
        self.book = journal.book
        self.path = journal.folder / FILE
        self.replay_ended = ""
        read = _read(journal)
        self.damaged, self.orders, self.bars = read.damaged, read.orders, read.bars

    def damage_before(self, order: DecidedOrder) -> dict[int, str]:
        """Give the damaged rows that an order rests on.

        A decision is made of all rows before it, since the book's state is; what became of the
        order stands in its own rows.
        """
        own = set(order.rows)
        return {n: said for n, said in self.damaged.items() if n <= order.seq or n in own}

    def decided_again(self, last: Terms, before: TermsOf) -> Mapping[str, str]:
        """Take a new engine through the journal; give for each order what it decides now.

        Args:
            last: terms of the release that the journal trades last.
            before: terms of those before it.

        Returns:
            By client order id: "" for the same order to the last field, else what came instead.
            Orders behind a row where the replay ends are not in it, see `replay_ended`.
        """
        return dict(self._decide(last, before))

    def _decide(self, last: Terms, before: TermsOf) -> Iterator[tuple[str, str]]:
        row = 0
        try:
            session = first_session(self._journal, last, before)
            for seq, event, derived in with_derived(self._journal):
                row = seq
                decides = session
                session = follow(session, event, last, before)
                again = decides.take_derived()
                for live in (each for each in derived if isinstance(each, OrderIntentCreated)):
                    name = live.ticket.client_order_id
                    yield name, "" if live in again else f"decided now: {_intents(again)}"
        except TradingAssetsError as error:
            self.replay_ended = f"the replay cannot go on at row {row}: {error.what}"

    @cached_property
    def by_venue_id(self) -> Mapping[str, tuple[str, ...]]:
        """Client order ids by what else names an order: its venue's id, and its executions' ids."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, order in self.orders.items():
            for other in {order.venue_order_id, *(fill.trade_id for fill in order.fills)} - {""}:
                found[other].append(name)
        return {other: tuple(names) for other, names in found.items()}


def _read(journal: JournalReader) -> _Read:
    read = _Read()
    release_id, chain, number = "", 0, 0
    cause: tuple[int, Event] | None = None
    for row in journal.rows():
        wrong = _wrong_with(row, number, chain)
        number, chain = row.seq, row.crc
        try:
            event = row.event
        except CorruptFile as error:
            read.damaged[row.seq] = wrong or error.what
            continue
        if wrong:
            read.damaged[row.seq] = wrong
        if isinstance(event, SessionOpened | ReleaseSwitched):
            release_id = event.release_id
        if not isinstance(event, DERIVED):
            cause = row.seq, event
        if isinstance(event, BarReady):
            for bar in event.bars:
                is_complete = bar.symbol not in event.incomplete
                read.bars[bar.symbol][bar.ts] = SeenBar(row.seq, bar, is_complete)
        elif isinstance(event, OrderIntentCreated):
            name = event.ticket.client_order_id
            caused_by = cause or (row.seq, event)
            read.orders[name] = DecidedOrder(row.seq, event, caused_by, release_id, [row.seq])
        elif row.client_order_id in read.orders:
            _note(read.orders[row.client_order_id], row, event)
    return read


def _wrong_with(row: JournalRow, before: int, chain: int) -> str:
    """Say what is wrong with a row; the stored checksum before it stands for all earlier rows."""
    if row.seq != before + 1:
        return f"follows row {before}: rows between them are missing"
    try:
        found = row.chained(chain)
    except (AttributeError, TypeError, UnicodeError, struct.error):
        return f"row {row.seq} has a column of another type"
    if found != row.crc:
        return f"a {row.kind} with checksum {found:08x}, written as {row.crc:08x}"
    return ""


def _note(order: DecidedOrder, row: JournalRow, event: Event) -> None:
    order.rows.append(row.seq)
    if isinstance(event, OrderReported):
        order.venue_order_id = event.report.venue_order_id or order.venue_order_id
        order.reported = event.report.status.value
    elif isinstance(event, OrderFilled):
        order.venue_order_id = event.fill.venue_order_id or order.venue_order_id
        order.fills.append(event.fill)


def _intents(events: tuple[Event, ...]) -> str:
    found = [str(event.ticket) for event in events if isinstance(event, OrderIntentCreated)]
    return "; ".join(found) or "nothing"
