"""A book without a venue changes its release: the account goes over, its terms are the new ones."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import InvariantError
from trading_assets.domain.events import (
    BarReady,
    OrderFilled,
    ReleaseSwitched,
    SessionOpened,
    TradingHalted,
)
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.engine.simulated_broker import SimulatedBroker
from trading_assets.live.executor import Executor
from trading_assets.live.executor_terms import Pace, Surroundings
from trading_assets.live.hand_over import Examined, Releases
from trading_assets.live.recovery import last_release, recover
from trading_assets.live.venue_time import VenueTime
from trading_assets.storage.release_store import Release
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.ledger_parity import DISTURBED, EQUAL, LedgerAgain
from trading_assets.workflows.release_parts import machine_factory, release_terms, session_setup
from trading_assets.workflows.simulated_account import simulated_account
from trading_assets_tests.stand_ins.tiny_venue import BAR, BTC, SOL, START, Doom, Killed
from trading_assets_tests.unit.live.test_simulated_book import Feed, Market, a_plan

PLACE = SimpleNamespace(name="shadow", settings=SimpleNamespace(account="shadow"))
SPEC = """
name: eager
strategy: ema_trend
symbols: {symbols}
cash: {cash}
sizing: {{mode: pct_of_equity, pos_pct: {pct}, cash_buffer_pct: 3.0, rebalance_pct: 5.0}}
costs: {{fees_bps: {fees}, fee_asset: {asset}}}
"""
SWITCH_AT = 40


def a_release(name, symbols="[SOLUSDT, BTCUSDT]", pct=40, fees=10, asset="received", cash=10_000):
    text = SPEC.format(symbols=symbols, pct=pct, fees=fees, asset=asset, cash=cash)
    spec = parse_spec(text, where="test")
    grids = tuple(grid for grid in (SOL, BTC) if grid.symbol in spec.symbols)
    return Release(name, "paper", Path(), {}, spec, grids)


class Store(dict):
    """Releases by id."""

    def get(self, release_id):
        return self[release_id]


class Book:
    """One simulated book that is to trade a second release from some bar on."""

    def __init__(self, kit, first, second, policy, kill_at=0):
        self.releases = Store(r1=first, r2=second)
        self.policy = policy
        self.journal = kit.Journal(Doom(kill_at))
        self.market = Market()
        self.local = kit.Local(self.market)
        self.people = kit.Desk([]).people
        self.plan = a_plan(session_setup(PLACE, first).signal_columns)
        self.session = self.broker = None

    @property
    def done(self):
        return sum(isinstance(event, BarReady) for event in self.journal.events)

    def examine(self, release_id):
        ours, theirs = (machine_factory(self.releases[n]).new() for n in ("r1", release_id))
        return Examined(can_carry=theirs.can_carry(ours))

    def executor(self):
        release = self.releases[last_release(self.journal) or "r1"]
        terms = release_terms(PLACE, release)
        before = lambda name: release_terms(PLACE, self.releases[name])  # noqa: E731
        self.session = recover(self.journal, terms.setup, terms.machines, before)
        self.broker = simulated_account(self.releases, release, self.journal, self.market)
        wanted = lambda: "r2" if self.done >= SWITCH_AT else "r1"  # noqa: E731
        return Executor(
            self.session, self.journal, self.broker, Feed(self.bars(release)),
            clock=VenueTime(self.market, not_before=self.session.state.last_ts),
            local=self.local, timeframe=Timeframe.M5,
            pace=Pace(poll_s=20.0, late_bar=100_000_000, stop_s=40.0, heartbeat_s=60.0),
            around=Surroundings(
                lambda *_: None, self.people, lambda _: None,
                settle=lambda bar: self.broker.see(bar.ts, bar.bars),
                releases=Releases(wanted, self.examine, self.policy, bars=3),
            ),
        )  # fmt: skip

    def bars(self, release):
        of = lambda items: tuple(i for i in items if i.symbol in release.spec.symbols)  # noqa: E731
        return [BarReady(event.ts, of(event.bars), of(event.rows)) for event in self.plan]

    def run(self):
        while self.done < len(self.plan):
            try:
                self.executor().run(threading.Event(), max_bars=len(self.plan) - self.done)
            except Killed:
                self.journal.doom = Doom(self.journal.doom.at + 7)
        return self

    def of(self, kind):
        return [event for event in self.journal.events if isinstance(event, kind)]


@pytest.mark.parametrize("policy", ["carry", "when_flat", "close"])
@pytest.mark.parametrize("asset", ["quote", "received"])
def test_the_account_goes_over_and_the_new_release_trades_it_by_its_own_costs(kit, policy, asset):
    second = a_release("r2", pct=20, fees=25, asset=asset, cash=77)
    book = Book(kit, a_release("r1", asset=asset), second, policy).run()

    (switched,) = book.of(ReleaseSwitched)
    assert switched.carried == (policy == "carry")
    assert [e.release_id for e in book.of(SessionOpened)] == ["r1", "r2"]
    assert book.of(TradingHalted) == []  # book and account are compared every minute
    assert book.done == len(book.plan)
    book.session.check_engine()
    fills = [e.fill for e in book.of(OrderFilled)]
    fees = [_bps(fill) for fill in fills]
    at = book.journal.events.index(switched)
    after = len([e for e in book.journal.events[at:] if isinstance(e, OrderFilled)])
    assert fees[: len(fees) - after] == [10] * (len(fees) - after)
    assert fees[-after:] == [25] * after
    assert min(after, len(fees) - after) > 10
    assert [int(fill.trade_id) for fill in fills] == list(range(1, len(fills) + 1))


def _bps(fill):
    is_base = fill.symbol.startswith(fill.fee_asset)
    of = fill.quantity if is_base else fill.quantity * fill.price
    return round(fill.fee / of * 10_000)


def test_what_is_less_than_a_lot_stays_in_the_account_of_other_symbols(kit):
    book = Book(kit, a_release("r1"), a_release("r2", symbols="[BTCUSDT]"), "close").run()

    assert len(book.of(ReleaseSwitched)) == 1
    assert book.of(TradingHalted) == []
    held = {b.asset: b.total for b in book.broker.balances()}
    assert 0 < held["SOL"] < SOL.lot
    expected = book.session.state.expected_balances((SOL, BTC))
    assert {a: v for a, v in expected.items() if v} == held


@pytest.mark.parametrize("policy", ["carry", "close"])
def test_an_account_that_has_followed_is_rebuilt_from_the_journal_after_any_death(kit, policy):
    second = a_release("r2", pct=20, fees=25)
    whole = Book(kit, a_release("r1"), second, policy).run()
    again = simulated_account(whole.releases, second, whole.journal, whole.market)
    assert again.balances() == whole.broker.balances()
    for grid in (SOL, BTC):
        assert again.fills_since(grid.symbol, 0) == whole.broker.fills_since(grid.symbol, 0)
        assert again.orders_since(grid.symbol, 0) == whole.broker.orders_since(grid.symbol, 0)

    torn = Book(kit, a_release("r1"), second, policy, kill_at=5).run()
    assert len(torn.of(SessionOpened)) > 10
    assert len(torn.of(ReleaseSwitched)) == 1
    assert torn.of(TradingHalted) == []
    torn.session.check_engine()


def test_a_backtest_that_changes_the_release_there_has_the_same_ledger(kit):
    book = Book(kit, a_release("r1"), a_release("r2", pct=20, fees=25), "carry").run()
    parts = lambda name: (session_setup(PLACE, book.releases[name]), book.releases[name])  # noqa: E731
    again, other = LedgerAgain(parts, "r1"), LedgerAgain(parts, "r1")
    again.take(book.journal.events)
    other.take(e for e in book.journal.events if not isinstance(e, ReleaseSwitched))

    assert again.verdict(book.session.machine) == EQUAL
    assert other.verdict(book.session.machine).startswith(DISTURBED)


def test_an_account_with_working_orders_follows_by_carrying_them_only(kit):
    book = Book(kit, a_release("r1"), a_release("r2", symbols="[BTCUSDT]"), "close")
    setup, other = (
        book.releases[name].spec.engine_setup(book.releases[name].instruments)
        for name in ("r1", "r2")
    )
    broker = SimulatedBroker(setup, BAR, book.market)
    with pytest.raises(InvariantError, match="the same symbols"):
        broker.follow(other, BAR, carry=True)
    broker.see(START, a_plan(1)[0].bars)
    ticket = OrderTicket(
        "ta-x", "eager", BTC.symbol, OrderSide.BUY, OrderType.MARKET, TimeInForce.GTC,
        Decimal("0.01"), START,
    )  # fmt: skip
    broker.submit(ticket)
    with pytest.raises(InvariantError, match="no working order"):
        broker.follow(other, BAR, carry=False)
    assert len(broker.open_orders()) == 1
