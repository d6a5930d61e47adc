"""A long journal in minutes: the real feed, session and journal, with a venue that fills at once.

Bars and signals come by the live feed from an exchange's market, decisions from the release's own
engine, and every row is written by the journal itself. Only the venue's answers are made up here,
and rows are committed by thousands, since no order leaves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.commands import Command, SubmitOrder
from trading_assets.domain.events import (
    BarReady,
    Event,
    OrderFilled,
    OrderReported,
    OrderSubmitted,
    Reconciled,
    SessionClosed,
    SessionOpened,
)
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.order import OrderReport, OrderSide, OrderStatus, OrderTicket
from trading_assets.live.bar_screen import BarScreen
from trading_assets.live.feed import BarFeed
from trading_assets.live.hand_over import Terms
from trading_assets.live.session import Session
from trading_assets.live.signal_desk import Signals
from trading_assets.settings import Settings
from trading_assets.simulation.chaos.rig import BOOK, START, Rig
from trading_assets.storage.journal import Journal
from trading_assets.storage.release_store import Release

PartsOf = Callable[[Settings, str, Release], tuple[Terms, Signals]]
"""Gives what a release makes of a book, by name: its terms, and who computes its signals."""

_ROWS_PER_BAR = 5
"""At least so many, of three symbols that trade at almost every bar."""
_BATCH = 20_000
_ANSWER: Micros = 1_000_000
_WINDOW_MS = 5_000
_FEE = Decimal("1e-6")
"""So small that a book that trades without end still has money after a quarter of a year."""
_UNIT = Decimal("1e-8")
_RECONCILED_EVERY = 20
_RESTARTED_EVERY = 1_440
_FUNDS = {"USDT": Decimal(100_000), "BTC": Decimal(1)}


def market_end(rows: int) -> Micros:
    """Give the market time that an exchange must have reached to have the bars of a journal."""
    return START + (rows // _ROWS_PER_BAR + 1) * MINUTE


def write_long_journal(
    rig: Rig, parts_of: PartsOf, rows: int, report: Callable[[int, int], None]
) -> tuple[Micros, dict[str, Decimal]]:
    """Write a journal that begins at `START`, with a snapshot of its last row.

    Args:
        rig: its exchange has reached `market_end`, its book has no journal yet.
        parts_of: joins its release to the book.
        rows: to write, or some more: the last bar is whole.
        report: told (rows written, 0) now and then.

    Returns:
        Its last instant, and what the account must hold then, by asset.
    """
    release = rig.release
    terms, signals = parts_of(rig.settings, BOOK, release)
    venue = _Venue()
    session = Session(terms.setup, terms.machines.new())
    clock = _Recorded()
    journal = Journal(rig.folder, book=BOOK, epoch="virtual", clock=clock, holder="long journal")
    with closing(journal):
        waiting: list[Event] = []
        for bar in _bars(rig, signals, rows):
            waiting += _happenings(session, venue, bar)
            if len(waiting) >= _BATCH or journal.head + len(waiting) >= rows:
                clock.instants.extend(event.ts for event in waiting)
                report(journal.append(waiting), 0)
                waiting.clear()
            if journal.head >= rows:
                break
        journal.save_snapshot(session.snapshot())
    return session.state.last_ts, session.state.expected_balances(release.instruments)


def _bars(rig: Rig, signals: Signals, rows: int) -> Iterator[BarReady]:
    """Give finished bars with their signals, as a live book gets them."""
    spec = rig.release.spec
    client = make_client(rig.exchange.api_url, timeout_s=10, recv_window_ms=_WINDOW_MS)
    source = BinanceBarSource(KlinePager(client, WallClock(), max_attempts=3))
    end = market_end(rows)
    feed = BarFeed(
        source,
        signals,
        spec.symbols,
        spec.timeframe,
        grace=MINUTE,
        screen=BarScreen(50.0),
    )
    with ExitStack() as stack:
        stack.callback(client.close_connection)
        feed.load(START)
        for now in (*range(START + DAY, end, DAY), end):
            yield from feed.poll(now)


def _happenings(session: Session, venue: _Venue, bar: BarReady) -> list[Event]:
    """Give all rows of a bar: what happens around it, what it causes, and what the venue says."""
    rows: list[Event] = []
    closed = bar.ts + MINUTE

    def take(event: Event) -> list[Command]:
        commands = session.handle(event)
        rows.extend((event, *session.take_derived()))
        return commands

    bars = session.state.bars
    if bars % _RESTARTED_EVERY == 0:
        if bars:
            take(SessionClosed(closed, "stopped"))
        setup = session.setup
        opening = venue.balances(session)
        take(SessionOpened(closed, setup.book, setup.release_id, opening))
    if bars % _RECONCILED_EVERY == 0:
        compared = venue.balances(session)
        take(Reconciled(closed, len(session.setup.instruments), 0, compared))
    closes = {each.symbol: Decimal(repr(each.close)) for each in bar.bars}
    waiting = deque(take(bar))
    while waiting:
        command = waiting.popleft()
        if isinstance(command, SubmitOrder):
            for event in venue.answers(command.ticket, closes, closed):
                waiting += take(event)
    return rows


@dataclass(slots=True)
class _Recorded(WallClock):
    """The clock of a journal whose rows are recorded when they happen."""

    instants: deque[Micros] = field(default_factory=deque)

    def now(self) -> Micros:
        """Give the instant of the next row; the start of the rig's market without one."""
        return self.instants.popleft() if self.instants else START


class _Venue:
    """Fills every order whole at the close that caused it, every third in two parts."""

    def __init__(self) -> None:
        self._orders = 0
        self._trades = 0

    def answers(
        self, ticket: OrderTicket, closes: Mapping[Symbol, Decimal], now: Micros
    ) -> Iterator[Event]:
        """Give an order's life, from its departure on."""
        self._orders += 1
        name, price = ticket.client_order_id, closes[ticket.symbol].quantize(_UNIT)
        quote = (price * ticket.quantity).quantize(_UNIT)
        filled = now + _ANSWER
        yield OrderSubmitted(now, name, now, _WINDOW_MS)
        report = OrderReport(
            name, str(self._orders), ticket.symbol, ticket.side, OrderStatus.FILLED,
            ticket.quantity, ticket.quantity, quote, filled,
        )  # fmt: skip
        yield OrderReported(now, report)
        for part in self._parts(ticket):
            self._trades += 1
            is_buy = ticket.side is OrderSide.BUY
            paid = part if is_buy else part * price
            yield OrderFilled(
                now,
                Fill(
                    ticket.symbol, str(self._trades), name, str(self._orders), ticket.side, price,
                    part, (paid * _FEE).quantize(_UNIT, ROUND_UP),
                    ticket.symbol.removesuffix("USDT") if is_buy else "USDT", filled,
                ),
            )  # fmt: skip

    def _parts(self, ticket: OrderTicket) -> tuple[Decimal, ...]:
        lot = Decimal((0, (1,), int(ticket.quantity.normalize().as_tuple().exponent)))
        if self._orders % 3 or ticket.quantity <= lot:
            return (ticket.quantity,)
        return (ticket.quantity - lot, lot)

    @staticmethod
    def balances(session: Session) -> tuple[Balance, ...]:
        """Give what the account holds, nothing of it locked."""
        if session.state.opened_ts is None:
            held = dict(_FUNDS)
        else:
            held = session.state.expected_balances(session.setup.instruments)
        return tuple(Balance(asset, total, Decimal(0)) for asset, total in held.items())
