"""A book without a venue: its ledger is the backtest's to the bit, also when its process dies."""

import random
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from trading_assets.backtest.runner import run
from trading_assets.domain.bar import Bar, Timeframe
from trading_assets.domain.events import BarReady, OrderFilled, SignalRow
from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.engine.simulated_broker import SimulatedBroker
from trading_assets.live.executor import Executor
from trading_assets.live.executor_terms import Pace, Surroundings
from trading_assets.live.recovery import recover
from trading_assets.live.shadow_account import catch_up
from trading_assets.live.venue_time import VenueTime
from trading_assets.storage.release_store import Release
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.release_parts import machine_factory, session_setup
from trading_assets_tests.stand_ins.tiny_venue import BAR, BTC, SOL, START, Doom, Killed

BARS = 120
SPEC = """
name: eager
strategy: ema_trend
symbols: [SOLUSDT, BTCUSDT]
cash: 10000
sizing: {mode: pct_of_equity, pos_pct: 40.0, cash_buffer_pct: 3.0, rebalance_pct: 5.0}
costs: {fees_bps: 10.0, slippage_bps: 3.7}
"""


class Market:
    """The market's clock; it moves only by waiting."""

    def __init__(self):
        self.ts = START

    def now(self):
        return self.ts

    def wait(self, seconds):
        raise AssertionError("the market is never waited for")

    def advance(self, seconds):
        self.ts += int(seconds * 1e6)


class Feed:
    """Bars whose close has come."""

    def __init__(self, plan):
        self.plan = plan
        self.next = 0

    def load(self, first):
        self.next = max((first - START) // BAR, 0)

    def poll(self, now):
        ready = [bar for bar in self.plan[self.next :] if bar.ts + BAR <= now]
        self.next += len(ready)
        return ready

    def findings(self, now):
        return ()


class Book:
    """One simulated book over several processes: only journal and clocks live on."""

    def __init__(self, kit, plan, spec=SPEC, kill_at=0):
        spec = parse_spec(spec, where="test")
        grids = tuple(grid for grid in (SOL, BTC) if grid.symbol in spec.symbols)
        self.release = Release("0123456789abcdef", "paper", Path(), {}, spec, grids)
        self.kit, self.plan = kit, plan
        self.journal = kit.Journal(Doom(kill_at))
        self.market = Market()
        self.local = kit.Local(self.market)
        self.people = kit.Desk([]).people
        self.engine = spec.engine_setup(grids)
        self.session = self.broker = None

    def setup(self):
        place = SimpleNamespace(name="shadow", settings=SimpleNamespace(account="shadow"))
        return session_setup(place, self.release)

    def executor(self):
        self.session = recover(self.journal, self.setup(), machine_factory(self.release))
        self.broker = SimulatedBroker(self.engine, BAR, self.market)
        catch_up(self.broker, self.journal, None)
        return Executor(
            self.session, self.journal, self.broker, Feed(self.plan),
            clock=VenueTime(self.market, not_before=self.session.state.last_ts),
            local=self.local, timeframe=Timeframe.M5,
            pace=Pace(poll_s=20.0, late_bar=100_000_000, stop_s=40.0, heartbeat_s=60.0),
            around=Surroundings(
                lambda *_: None, self.people, lambda _: None,
                settle=lambda bar: self.broker.see(bar.ts, bar.bars),
            ),
        )  # fmt: skip

    def run(self):
        """Run to the end of the plan, in as many processes as it takes; give how many died."""
        deaths = 0
        while True:
            done = sum(isinstance(event, BarReady) for event in self.journal.events)
            try:
                if done < len(self.plan):
                    self.executor().run(threading.Event(), max_bars=len(self.plan) - done)
            except Killed:
                deaths += 1
                self.journal.doom = Doom(self.journal.doom.at + 7)
            else:
                return deaths


def a_plan(columns, symbols=(SOL, BTC), seed=3):
    """Bars that wander, with targets that turn every few of them."""
    chance = random.Random(seed)
    last = {SOL.symbol: 100.0, BTC.symbol: 40_000.0}
    plan = []
    for number in range(BARS):
        bars, rows = [], []
        for grid in symbols:
            open_ = round(last[grid.symbol] * chance.uniform(0.995, 1.005), 2)
            close = round(open_ * chance.uniform(0.99, 1.01), 2)
            high, low = max(open_, close) + 0.07, min(open_, close) - 0.05
            last[grid.symbol] = close
            ts = START + number * BAR
            bars.append(
                Bar(grid.symbol, ts, open_, round(high, 2), round(low, 2), close, 50.0, 9, 9)
            )
            target = chance.choice([0.0, 1.0, 0.5, np.nan])
            values = (target, *(np.nan,) * (columns - 1))
            rows.append(SignalRow(grid.symbol, ts, values, f"{grid.symbol}{number}"))
        plan.append(BarReady(START + number * BAR, tuple(bars), tuple(rows)))
    return plan


def backtest(book):
    """Run the same bars and signals through the backtester, from the same start."""
    plan = book.plan
    shape = lambda name: np.array([[getattr(b, name) for b in bar.bars] for bar in plan]).T  # noqa: E731
    ts = np.array([bar.ts for bar in plan], np.int64)
    bars = BarMatrix(
        ts, *(np.ascontiguousarray(shape(n)) for n in ("open", "high", "low", "close", "volume"))
    )
    values = np.array([[row.values for row in bar.rows] for bar in plan]).transpose(1, 0, 2)
    return run(
        book.engine,
        bars,
        SignalMatrix(SignalFamily.TARGET, np.ascontiguousarray(values)),
        max_hole=10 * BAR,
    )


@pytest.fixture
def plan(kit):
    columns = Book(kit, []).setup().signal_columns
    return a_plan(columns)


def fills_of(log):
    names = ("id", "order_id", "bar_ts", "ts", "lots", "units", "price", "notional", "fee",
             "position", "cash", "symbol", "side", "fee_in_base", "maker")  # fmt: skip
    return log.fills[list(names)].tolist()


def orders_of(log):
    names = (
        "id",
        "bar_ts",
        "closed_ts",
        "lots",
        "filled",
        "symbol",
        "state",
        "side",
        "type",
        "leg",
    )
    return log.ended_orders[list(names)].tolist()


def test_fills_orders_and_equity_are_the_backtests_to_the_bit(kit, plan):
    book = Book(kit, plan)
    book.run()
    expected, machine = backtest(book), book.session.machine

    assert len(expected.fills) > 60
    assert fills_of(machine) == fills_of(expected)
    ended = orders_of(expected)  # what waited for the next open was withdrawn by the stop
    assert orders_of(machine)[: len(ended)] == ended
    assert machine.equity_curve.tobytes() == expected.equity.tobytes()
    assert machine.balances() == expected.balances
    assert {b.asset: b.total for b in book.broker.balances()} == {
        asset: amount for asset, amount in expected.balances.items() if amount
    }


def test_a_book_that_dies_at_any_commit_has_the_same_ledger(kit, plan):
    """One order per bar: what had not left when its process died is dropped, never sent late."""
    spec = SPEC.replace("SOLUSDT, ", "")
    plan = a_plan(len(plan[0].rows[0].values), symbols=(BTC,))
    whole = Book(kit, plan, spec)
    whole.run()
    torn = Book(kit, plan, spec, kill_at=5)

    assert torn.run() > 10
    fills, expected = (
        [event.fill for event in book.journal.events if isinstance(event, OrderFilled)]
        for book in (torn, whole)
    )
    assert fills == expected
    assert len(fills) > 30
    assert torn.session.machine.equity == whole.session.machine.equity
    assert torn.broker.balances() == whole.broker.balances()


def test_a_book_of_several_orders_a_bar_agrees_with_its_account_after_any_death(kit, plan):
    torn = Book(kit, plan, kill_at=3)

    assert torn.run() > 10
    fills = [event.fill for event in torn.journal.events if isinstance(event, OrderFilled)]
    listed = [f for grid in (SOL, BTC) for f in torn.broker.fills_since(grid.symbol, 0)]
    assert sorted(fills, key=lambda f: int(f.trade_id)) == sorted(
        listed, key=lambda f: int(f.trade_id)
    )
    torn.session.check_engine()


def test_an_account_is_rebuilt_from_the_journal(kit, plan):
    book = Book(kit, plan)
    book.run()
    again = SimulatedBroker(book.engine, BAR, book.market)
    catch_up(again, book.journal, None)

    assert again.balances() == book.broker.balances()
    for grid in (SOL, BTC):
        assert again.fills_since(grid.symbol, 0) == book.broker.fills_since(grid.symbol, 0)
        assert again.orders_since(grid.symbol, 0) == book.broker.orders_since(grid.symbol, 0)
