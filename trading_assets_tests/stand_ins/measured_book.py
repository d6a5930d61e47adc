"""A live book of which everything can be measured: a release, a journal, signs of life."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.account import Fill
from trading_assets.domain.bar import Bar
from trading_assets.domain.control import CommandKind
from trading_assets.domain.events import (
    BarReady,
    CommandReceived,
    EquityMarked,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderSubmitted,
    SessionOpened,
    SignalRow,
    TradingHalted,
)
from trading_assets.domain.ids import canonical_json
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.live.heartbeat import write_heartbeat
from trading_assets.live.lease import Lease
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets.storage.release_store import instrument_to_plain
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.live_book import live_book

MINUTE = 60_000_000
MS = 1_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")
SPEC = (
    "name: mine\nstrategy: ema_trend\nsymbols: [BTCUSDT, ETHUSDT]\ncash: 1000\nbar_size: 1m\n"
    "sizing: {mode: fixed, qty: 1}\n"
)


class Hand:
    """A clock that a test sets."""

    def __init__(self, ts):
        self.ts = ts

    def now(self):
        return self.ts

    def wait(self, seconds):
        raise AssertionError


class MeasuredBook:
    """The book `paper`; `journal` is open for writing, time is `clock.ts`."""

    def __init__(self, home: Path, clock):
        settings = load_settings({"TA_HOME": str(home)}).settings
        self.clock = clock
        self.desk = replace(open_desk(settings), clock=clock)
        self.place = live_book(settings, "paper")
        self.release_id = self._publish()
        self.journal = self._open()
        self.orders = 0

    def _publish(self):
        spec = parse_spec(SPEC, where="test")
        items = [
            Instrument(name, name.removesuffix("USDT"), "USDT", Decimal("0.01"), Decimal("0.001"))
            for name in SYMBOLS
        ]
        facts = {
            "decision_id": "d" * 64,
            "order_types": ["MARKET"],
            "models": {},
            "instruments": [instrument_to_plain(item) for item in items],
        }
        files = {"spec.yaml": spec.canonical_yaml().encode(), "decision.json": b"{}"}
        return self.desk.releases.publish("paper", facts, files, after=None)[0].release_id

    def _open(self):
        return Journal(self.place.folder, book="paper", epoch="wall", clock=self.clock)

    def open_session(self, ts):
        self.journal.append([SessionOpened(ts, "paper", self.release_id, ())])

    def bar(self, ts, *, lag_ms=40, equity="1000", symbols=SYMBOLS):
        """Journal the bar that opened at `ts` so long after its close, and the equity after it."""
        self.clock.ts = ts + MINUTE + lag_ms * MS
        bars = tuple(Bar(s, ts, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1) for s in symbols)
        rows = tuple(SignalRow(s, ts, (0.5,), "h") for s in symbols)
        self.journal.append(
            [BarReady(ts, bars, rows), EquityMarked(ts, Decimal(equity), 0.05)],
        )

    def order(self, ts, *, symbol="BTCUSDT", rtt_ms=20, ends="fill"):
        """Let an order of the bar leave now, and be filled, refused or lost after `rtt_ms`."""
        self.orders += 1
        name = f"ta-{self.orders}"
        ticket = OrderTicket(
            name, "mine", symbol, OrderSide.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal(1), ts
        )
        now = self.clock.now()
        sent = OrderSubmitted(now, name, now, 5000)
        self.journal.append([OrderIntentCreated(ts, ticket, self.orders), sent])
        self.clock.ts = now + rtt_ms * MS
        zero, trade = Decimal(0), str(self.orders)
        fill = Fill(
            symbol, trade, name, trade, OrderSide.BUY, Decimal(1), Decimal(1), zero, "USDT", now
        )
        ended = {
            "fill": OrderFilled(now, fill),
            "refusal": OrderRefused(now, name, -2010, "no"),
            "silence": OrderOutcomeUnknown(now, name, "lost"),
        }
        self.journal.append([ended[ends]])

    def command(self, *, refused=""):
        now = self.clock.now()
        kind = CommandKind.CANCEL_ALL
        self.journal.append(
            [CommandReceived(now, 1, now, kind, "ann", "why", "cli", "{}", refused)]
        )

    def halt_for_loss(self):
        self.journal.append([TradingHalted(self.clock.now(), "daily loss", source="risk")])

    def beat(self, **changes):
        """Leave the signs of life that an executor leaves."""
        now = self.clock.now()
        write_heartbeat(
            self.place.heartbeat, book="paper", state="trading", seq=self.journal.head, ts=now,
            beat=now,
        )  # fmt: skip
        pulse = {
            "positions": [{"symbol": "BTCUSDT"}],
            "orders": [],
            "pauses": [],
            "metrics": {"pnl_realized": 12.5},
        }
        (self.place.folder / "status.json").write_bytes(canonical_json(pulse | changes))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold the lease, as an executor does."""
        with Lease(self.place.lease):
            yield

    def begin_anew(self):
        """Set the journal aside and begin another."""
        self.close()
        self.place.folder.rename(self.place.folder.with_name("paper.old-1"))
        self.journal = self._open()

    def close(self):
        self.journal.close()


@contextmanager
def measured_book(home: Path, clock) -> Iterator[MeasuredBook]:
    book = MeasuredBook(home, clock)
    try:
        yield book
    finally:
        book.close()
