"""A small venue, a small machine and a small memory, all real enough to be wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import threading
from decimal import Decimal
from types import SimpleNamespace

import pytest

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.bar import Bar, Timeframe
from trading_assets.domain.errors import OrderRejected, OutcomeUnknown, VenueUnavailable
from trading_assets.domain.events import (
    BarReady,
    OrderFilled,
    OrderIntentCreated,
    SignalRow,
)
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import (
    OrderReport,
    OrderSide,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from trading_assets.live.book_state import SessionSetup
from trading_assets.live.executor import Executor
from trading_assets.live.executor_terms import Pace, Surroundings
from trading_assets.live.recovery import MachineFactory, recover
from trading_assets.live.session import Session
from trading_assets.live.venue_time import VenueTime

MINUTE = 60_000_000
BAR = 5 * MINUTE
START = 1_711_929_600_000_000  # 2024-04-01T00:00:00Z

SOL = Instrument("SOLUSDT", "SOL", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))
BTC = Instrument("BTCUSDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(5))


@dataclasses.dataclass(frozen=True)
class TinyOrder:
    """An order as the engine gives it."""

    order_id: int
    symbol_index: int
    side: OrderSide
    type: OrderType
    tif: TimeInForce
    lots: int
    limit_ticks: int | None
    stop_ticks: int | None
    reduce_only: bool
    leg: int
    bar_ts: int


class TinyMachine:
    """Trades towards the whole lots that a signal names; NaN keeps what is held."""

    def __init__(self):
        self.position = [0, 0]
        self.cash = 0.0
        self.price = [0.0, 0.0]
        self.working = {}
        self.next_id = 1
        self.closed = []
        self.held = {"USDT": "10000", "SOL": "0", "BTC": "0"}

    @property
    def equity(self):
        held = sum(p * c * 0.001 for p, c in zip(self.position, self.price, strict=True))
        return 10_000.0 + self.cash + held

    @property
    def drawdown(self):
        return 0.0

    def on_close(self, ts, bars, signals):
        orders = []
        for place in range(2):
            if not math.isnan(bars[place, 3]):
                self.price[place] = float(bars[place, 3])
            target = signals[place, 0]
            if math.isnan(target) or any(o["place"] == place for o in self.working.values()):
                continue
            change = int(target) - self.position[place]
            if change:
                orders.append(self._place(place, change, ts))
        return tuple(orders)

    def _place(self, place, change, ts):
        order_id, self.next_id = self.next_id, self.next_id + 1
        self.working[order_id] = {
            "place": place,
            "left": abs(change),
            "sign": 1 if change > 0 else -1,
        }
        side = OrderSide.BUY if change > 0 else OrderSide.SELL
        return TinyOrder(
            order_id,
            place,
            side,
            OrderType.MARKET,
            TimeInForce.GTC,
            abs(change),
            None,
            None,
            reduce_only=abs(self.position[place] + change) < abs(self.position[place]),
            leg=0,
            bar_ts=ts,
        )

    def on_fill(self, order_id, lots, price, fee_units, fee_in_base, ts):
        order = self.working[order_id]
        self.position[order["place"]] += order["sign"] * lots
        self.cash -= order["sign"] * lots * 0.001 * price
        if not fee_in_base:
            self.cash -= fee_units / 1e8
        order["left"] -= lots
        self._book(order, lots, price, fee_units, fee_in_base)
        if not order["left"]:
            del self.working[order_id]
        return ()

    def _book(self, order, lots, price, fee_units, fee_in_base):
        instrument = (SOL, BTC)[order["place"]]
        quantity = instrument.quantity_from_lots(lots) * order["sign"]
        self._move(instrument.base, quantity)
        self._move("USDT", -quantity * Decimal(repr(price)))
        fee = Decimal(fee_units) / 10**8
        self._move(instrument.base if fee_in_base else "USDT", -fee)

    def _move(self, asset, change):
        self.held[asset] = str(Decimal(self.held[asset]) + change)

    def on_closed(self, order_id, reason, ts):
        del self.working[order_id]
        self.closed.append([order_id, reason.name])
        return ()

    def cancel_requests(self):
        return ()

    def balances(self):
        return {asset: Decimal(text) for asset, text in self.held.items()}

    def snapshot(self):
        values = dict(vars(self))
        values["working"] = list(self.working.items())
        return json.dumps(values, sort_keys=True).encode()

    @classmethod
    def restore(cls, blob):
        machine = cls()
        vars(machine).update(json.loads(blob))
        machine.working = {int(k): v for k, v in machine.working}
        return machine

    def state_hash(self):
        return hashlib.sha256(self.snapshot()).hexdigest()


class Killed(BaseException):
    """The process is gone; nothing after it happens."""


class Doom:
    """Kills the process at the n-th boundary between two effects; 0 never."""

    def __init__(self, at=0):
        self.at = at
        self.seen = 0

    def point(self):
        self.seen += 1
        if self.seen == self.at:
            raise Killed


class MemoryJournal:
    """A journal that lasts as long as the test, longer than the processes that write it."""

    def __init__(self, doom=None):
        self.events = []
        self.commits = []
        self.snapshots = []
        self.doom = doom or Doom()

    @property
    def head(self):
        return len(self.events)

    def append(self, events):
        self.doom.point()
        self.commits.append(tuple(events))
        self.events.extend(events)
        self.doom.point()
        return self.head

    def read(self, since=0):
        return iter(list(enumerate(self.events, 1))[since:])

    def latest(self, kind):
        found = [event for event in self.events if type(event).__name__ == kind]
        return found[-1] if found else None

    def save_snapshot(self, payload):
        self.doom.point()
        self.snapshots.append((self.head, payload))
        self.doom.point()

    def latest_snapshot(self):
        return self.snapshots[-1] if self.snapshots else None


class LocalClock:
    """Local time that passes only by waiting; it takes the venue's clocks along."""

    def __init__(self, *followers):
        self.seconds = 1000.0
        self.followers = followers

    def monotonic(self):
        return self.seconds

    def wait(self, seconds, stop):
        self.seconds += seconds
        for follower in self.followers:
            follower.advance(seconds)
        return stop.is_set()


def a_setup(**changes):
    values = {
        "book": "demo",
        "account": "demo",
        "tag": "tiny",
        "release_id": "r1",
        "instruments": (SOL, BTC),
        "signal_columns": 1,
        "snapshot_bars": 1000,
    }
    return SessionSetup(**{**values, **changes})


def tiny_machines():
    return MachineFactory(TinyMachine, TinyMachine.restore)


def a_bar_ready(number, *, sol=math.nan, btc=math.nan, late=False, price=100.0, columns=1):
    ts = START + number * BAR
    bars, rows = [], []
    for symbol, target in (("SOLUSDT", sol), ("BTCUSDT", btc)):
        bars.append(Bar(symbol, ts, price, price, price, price, 1.0, price, 3))
        values = (float(target), math.nan, math.nan)[:columns]
        rows.append(SignalRow(symbol, ts, values, f"{symbol}{number}{target}"))
    return BarReady(ts, tuple(bars), tuple(rows), late)


def a_fill(ticket, trade_id, quantity, price="100.00", fee="0", fee_asset="USDT"):
    return Fill(
        ticket.symbol,
        str(trade_id),
        ticket.client_order_id,
        "v1",
        ticket.side,
        Decimal(price),
        Decimal(quantity),
        Decimal(fee),
        fee_asset,
        START + BAR,
    )


def a_report(ticket, status, executed="0"):
    return OrderReport(
        ticket.client_order_id,
        "v1",
        ticket.symbol,
        ticket.side,
        OrderStatus[status],
        ticket.quantity,
        Decimal(executed),
        Decimal(executed) * 100,
        START + BAR,
    )


class TinyVenue:
    """A spot account whose network loses, delays and doubts, as a script says.

    `script` names what happens to the next submissions: `ok`, `partial`, `refuse`, `lost_request`,
    `lost_answer`, `late:<seconds>` (arrives so much later), `unreachable`; then all are `ok`.
    """

    recv_window_ms = 5000

    def __init__(self, script=(), doom=None):
        self.script = list(script)
        self.doom = doom or Doom()
        self.orders = []
        self.trades = []
        self.sent = []
        self.holdings = {"USDT": Decimal(100_000), "BTC": Decimal(1)}
        self.auth = 1_700_000_000_000_000
        self.market = START
        self.waiting = []
        self.down = 0
        self.price = Decimal("100.00")
        self.blind_s = 0.0

    # Clocks

    def auth_now(self):
        return self.auth

    def now(self):
        self._heed_outage()
        return self.market

    def wait(self, seconds):
        raise AssertionError("the venue is never waited for")

    def advance(self, seconds):
        self.auth += int(seconds * 1e6)
        self.market += int(seconds * 1e6)
        due = [item for item in self.waiting if item[0] <= self.auth]
        self.waiting = [item for item in self.waiting if item[0] > self.auth]
        for arrival, timestamp, ticket in due:
            if arrival - timestamp <= self.recv_window_ms * 1000:
                self._execute(ticket)

    # Broker

    def submit(self, ticket):
        self.doom.point()
        self.sent.append(ticket.client_order_id)
        fate = self.script.pop(0) if self.script else "ok"
        if fate == "unreachable":
            raise VenueUnavailable("cannot be reached")
        if fate == "refuse":
            raise OrderRejected("no", code=-2010, status=400)
        if fate == "lost_request":
            raise OutcomeUnknown("lost")
        if fate.startswith("late:"):
            arrival = self.auth + int(float(fate[5:]) * 1e6)
            self.waiting.append((arrival, self.auth, ticket))
            raise OutcomeUnknown("lost")
        share = Decimal("0.5") if fate == "partial" else Decimal(1)
        order = self._execute(ticket, share)
        self.doom.point()
        if fate == "lost_answer":
            raise OutcomeUnknown("lost")
        return self._report(order), tuple(self._fills(order))

    def query(self, symbol, client_order_id):
        self._heed_outage()
        found = [o for o in self.orders if o["ticket"].client_order_id == client_order_id]
        return self._report(found[-1]) if found else None

    def cancel(self, symbol, client_order_id):
        return None

    def fills_since(self, symbol, since):
        self._heed_outage()
        return tuple(f for f in self.trades if f.symbol == symbol and f.ts >= since)

    def orders_since(self, symbol, since):
        self._heed_outage()
        found = (o for o in self.orders if o["ticket"].symbol == symbol and o["ts"] >= since)
        return tuple(self._report(order) for order in found)

    def open_orders(self):
        self._heed_outage()
        return ()

    def balances(self):
        self._heed_outage()
        zero = Decimal(0)
        return tuple(Balance(a, v, zero) for a, v in self.holdings.items() if v)

    # Inside

    def _heed_outage(self):
        if self.down:
            self.down -= 1
            raise VenueUnavailable("down")

    def _execute(self, ticket, share=Decimal(1)):
        order = {"ticket": ticket, "ts": self.market, "id": len(self.orders) + 1}
        lot = {"SOLUSDT": SOL, "BTCUSDT": BTC}[ticket.symbol].lot
        done = (ticket.quantity * share) // lot * lot
        order["executed"] = done
        self.orders.append(order)
        for part in _halves(done, lot):
            self._trade(order, part)
        return order

    def _trade(self, order, quantity):
        ticket = order["ticket"]
        base = ticket.symbol.removesuffix("USDT")
        buy = ticket.side is OrderSide.BUY
        fee_asset = base if buy else "USDT"
        fee = (quantity if buy else quantity * self.price) * Decimal("0.001")
        fee = fee.quantize(Decimal("0.00000001"))
        fill = Fill(
            ticket.symbol,
            str(len(self.trades) + 1),
            ticket.client_order_id,
            str(order["id"]),
            ticket.side,
            self.price,
            quantity,
            fee,
            fee_asset,
            self.market,
        )
        self.trades.append(fill)
        sign = 1 if buy else -1
        self._move(base, sign * quantity)
        self._move("USDT", -sign * quantity * self.price)
        self._move(fee_asset, -fee)

    def _move(self, asset, change):
        self.holdings[asset] = self.holdings.get(asset, Decimal(0)) + change

    def _fills(self, order):
        name = order["ticket"].client_order_id
        return [fill for fill in self.trades if fill.client_order_id == name]

    def _report(self, order):
        ticket = order["ticket"]
        full = order["executed"] == ticket.quantity
        return OrderReport(
            ticket.client_order_id,
            str(order["id"]),
            ticket.symbol,
            ticket.side,
            OrderStatus.FILLED if full else OrderStatus.EXPIRED,
            ticket.quantity,
            order["executed"],
            order["executed"] * self.price,
            order["ts"],
        )


def _halves(quantity, lot):
    first = (quantity / 2) // lot * lot
    return [part for part in (first, quantity - first) if part]


class TinyFeed:
    """Bars of a market clock, with the targets of a plan; bar numbers count from START."""

    def __init__(self, plan, columns=1):
        self.plan = plan
        self.columns = columns
        self.next = None

    def load(self, first):
        self.next = first

    def poll(self, now):
        ready = []
        while self.next + BAR <= now:
            number = (self.next - START) // BAR
            sol, btc = self.plan[number % len(self.plan)]
            ready.append(a_bar_ready(number, sol=sol, btc=btc, columns=self.columns))
            self.next += BAR
        return ready


class Desk:
    """One book over several processes: journal and venue live on, the rest is built anew."""

    Killed = Killed

    def __init__(self, plan, script=(), kill_at=0, machines=None, columns=1):
        self.doom = Doom(kill_at)
        self.journal = MemoryJournal(self.doom)
        self.venue = TinyVenue(script, self.doom)
        self.local = LocalClock(self.venue)
        self.plan = plan
        self.observed = []
        self.beats = []
        self.halt = ""
        self.machines = machines or tiny_machines()
        self.setup = a_setup(snapshot_bars=4, signal_columns=columns)
        self.session = None

    def executor(self, **pace):
        self.session = recover(self.journal, self.setup, self.machines)
        values = {"poll_s": 20.0, "late_bar": 100_000_000, "stop_s": 40.0, "heartbeat_s": 60.0}
        return Executor(
            self.session,
            self.journal,
            self.venue,
            TinyFeed(self.plan, self.setup.signal_columns),
            clock=VenueTime(self.venue, not_before=self.session.state.last_ts),
            local=self.local,
            timeframe=Timeframe.M5,
            pace=Pace(**{**values, **pace}),
            around=Surroundings(
                lambda *beat: self.beats.append(beat), lambda: self.halt, self.observed.append
            ),
        )

    def run(self, bars, stop=None):
        return self.executor().run(stop or threading.Event(), max_bars=bars)

    def verdicts(self):
        """Judge the book by the venue's own record; an empty list is a good book."""
        wrong = []
        intents = [e.ticket for e in self.journal.events if isinstance(e, OrderIntentCreated)]
        fills = [e.fill for e in self.journal.events if isinstance(e, OrderFilled)]
        if len(set(self.venue.sent)) != len(self.venue.sent):
            wrong.append("an order was sent twice")
        decisions = [(t.symbol, t.bar_ts) for t in intents]
        if len(set(decisions)) != len(decisions):
            wrong.append("a bar was decided twice")
        names = {o["ticket"].client_order_id for o in self.venue.orders}
        if not names <= {t.client_order_id for t in intents}:
            wrong.append("the venue has an order that the journal lacks")
        if self.session.state.orders:
            wrong.append("an order is unresolved")
        if sorted(fills, key=lambda f: int(f.trade_id)) != self.venue.trades:
            wrong.append("fills were lost or doubled")
        held = {k: v for k, v in self.venue.holdings.items() if v}
        expected = self.session.state.expected_balances((SOL, BTC))
        if {k: v for k, v in expected.items() if v} != held:
            wrong.append(f"balances: {expected} {held}")
        return wrong


@pytest.fixture
def kit():
    """Everything above, since test modules cannot import a conftest."""
    return SimpleNamespace(
        MINUTE=MINUTE,
        BAR=BAR,
        START=START,
        SOL=SOL,
        BTC=BTC,
        Machine=TinyMachine,
        Journal=MemoryJournal,
        Local=LocalClock,
        Venue=TinyVenue,
        Desk=Desk,
        setup=a_setup,
        machines=tiny_machines,
        bar=a_bar_ready,
        fill=a_fill,
        report=a_report,
    )


@pytest.fixture
def session():
    return Session(a_setup(), TinyMachine())
