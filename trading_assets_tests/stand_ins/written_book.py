"""A live book whose journal a test writes: a real session decides on what the test lets happen."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.bar import Bar
from trading_assets.domain.events import (
    BarReady,
    Event,
    OrderFilled,
    OrderIntentCreated,
    OrderReported,
    OrderSubmitted,
    SessionOpened,
    SignalRow,
)
from trading_assets.domain.ids import Micros, canonical_json, symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderReport, OrderStatus, OrderTicket
from trading_assets.live.session import Session
from trading_assets.storage.journal import Journal
from trading_assets.storage.release_store import Release
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.live_book import LiveBook
from trading_assets.workflows.release_parts import machine_factory, session_setup
from trading_assets_tests.stand_ins.clock import JumpingClock

BTC = symbol_from_text("BTCUSDT")
START, BAR = 1_711_929_600_000_000, 300_000_000  # 2024-04-01
SPEC = (
    "name: mine\nstrategy: ema_trend\nsymbols: [BTCUSDT]\ncash: 1000\n"
    "sizing: {mode: fixed, qty: 0.01}\n"
)


def release_of_btc() -> Release:
    """Give a release that trades a hundredth of a bitcoin, and stands in no store."""
    grid = Instrument(BTC, "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"))
    spec = parse_spec(SPEC, where="mine.yaml")
    return Release("0123456789abcdef", "paper", Path(), {}, spec, (grid,))


class WrittenBook:
    """A session and its journal."""

    def __init__(self, journal: Journal, session: Session) -> None:
        self._journal, self._session = journal, session

    def happen(self, event: Event) -> tuple[Event, ...]:
        """Let something happen; give what follows from it, once both are in the journal."""
        self._session.handle(event)
        derived = self._session.take_derived()
        self._journal.append([event, *derived])
        return tuple(derived)

    def decide(self, event: Event) -> list[OrderTicket]:
        """Let something happen; give the orders that are decided."""
        derived = self.happen(event)
        return [each.ticket for each in derived if isinstance(each, OrderIntentCreated)]

    def bar(self, number: int, target: float, price: float, tag: str = "") -> list[OrderTicket]:
        """Let a bar of bitcoin end whose signal is the share to hold; give the orders decided.

        Where several strategies share the book, `tag` says whose signal it is.
        """
        ts = START + number * BAR
        values = (target, *(math.nan,) * (self._session.setup.signal_columns - 1))
        bar = Bar(BTC, ts, price, price, price, price, 5.0, 5 * price, 9)
        row = SignalRow(BTC, ts, values, f"h{number}", tag=tag)
        return self.decide(BarReady(ts, (bar,), (row,)))

    def save(self, change: Callable[[dict[str, Any]], object] = lambda _: None) -> None:
        """Save a snapshot after the last row, in which `change` has changed the book's fields."""
        values = json.loads(self._session.snapshot())
        change(values["book"])
        self._journal.save_snapshot(canonical_json(values))

    def fill(self, ticket: OrderTicket, ts: Micros, trade_id: str, price: Decimal) -> None:
        """Let an order be sent and filled, without a fee."""
        name, symbol, side = ticket.client_order_id, ticket.symbol, ticket.side
        quantity, venue_id = ticket.quantity, f"v{trade_id}"
        self.happen(OrderSubmitted(ts, name, ts, 5000))
        fill = Fill(symbol, trade_id, name, venue_id, side, price, quantity, Decimal(0), "USDT", ts)
        self.happen(OrderFilled(ts, fill))
        report = OrderReport(
            name, venue_id, symbol, side, OrderStatus.FILLED, quantity, quantity,
            quantity * price, ts,
        )  # fmt: skip
        self.happen(OrderReported(ts, report))


@contextmanager
def written_book(
    place: LiveBook, release: Release, *, ts: Micros = START, cash: int = 1000
) -> Iterator[WrittenBook]:
    """Open a book at an instant with some dollars."""
    session = Session(session_setup(place, release), machine_factory(release).new())
    with Journal(place.folder, book=place.name, epoch="wall", clock=JumpingClock(5)) as journal:
        book = WrittenBook(journal, session)
        balance = Balance("USDT", Decimal(cash), Decimal(0))
        book.happen(SessionOpened(ts, place.name, release.release_id, (balance,)))
        yield book
