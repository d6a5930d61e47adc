"""Several strategies on one account: each has its own books, orders and fills; the money is one."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.events import (
    DecisionDropped,
    SessionOpened,
)
from trading_assets.live.recovery import recover
from trading_assets.live.saved_session import SavedSession
from trading_assets.live.session import Session
from trading_assets.live.signal_desk import SharedDesk, SignalDesk
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets_tests.stand_ins.strategy_books import Book, engine_of_two, session_of_two

NAN = math.nan


@pytest.fixture
def setup(kit):
    return engine_of_two(kit)


@pytest.fixture
def terms(kit):
    return session_of_two(kit)


@pytest.fixture
def book(kit, terms, setup):
    return Book(kit, terms, setup)


def test_each_strategy_sends_its_own_order_for_one_symbol(book):
    fast, slow = book.bar(0, fast_sol=1.0, slow_sol=0.5)

    assert [(t.tag, t.symbol, t.quantity) for t in (fast, slow)] == [
        ("fast", "SOLUSDT", Decimal("30.000")),
        ("slow", "SOLUSDT", Decimal("30.000")),
    ]
    assert fast.client_order_id != slow.client_order_id


def test_fills_belong_to_the_strategy_whose_order_they_are_of(book):
    fast, slow = book.bar(0, fast_sol=1.0, slow_sol=0.5)
    book.fill(slow)
    assert book.held() == {("slow", "SOLUSDT"): Decimal("29.97")}
    book.fill(fast)
    book.session.check_engine()

    (leaving,) = book.bar(1, fast_sol=0.0)
    assert (leaving.tag, leaving.quantity) == ("fast", Decimal("29.970"))
    book.fill(leaving)

    assert book.held() == {("slow", "SOLUSDT"): Decimal("29.97")}
    book.session.check_engine()
    assert book.session.state.flows["SOL"] == Decimal("29.970")


def test_a_fee_in_an_asset_of_the_book_is_the_accounts_where_no_fill_brought_it(book, kit):
    sol, btc = book.bar(0, fast_sol=0.5, fast_btc=0.5)
    book.fill(sol)
    book.fill(btc, fee_asset="SOL")  # as BNB pays for every symbol
    (leaving,) = book.bar(1, fast_sol=0.0)
    book.fill(leaving, fee_asset="SOL")  # and for its own sells
    state = book.session.state

    book.session.check_engine()
    assert book.held() == {("fast", "BTCUSDT"): btc.quantity}
    beside = btc.quantity * Decimal("0.001") + leaving.quantity * Decimal("0.1")
    bought = sol.quantity * Decimal("0.999") - leaving.quantity
    assert state.expected_balances((kit.SOL, kit.BTC))["SOL"] == bought - beside
    assert recover(book.journal, book.terms, book.machines).state.to_json() == state.to_json()


def test_an_open_order_holds_up_its_own_strategy_only(book):
    book.bar(0, fast_sol=0.5)
    (slow,) = book.bar(1, fast_sol=1.0, slow_sol=0.5)

    assert slow.tag == "slow"
    dropped = [e for e in book.journal.events if isinstance(e, DecisionDropped)]
    assert [(e.tag, e.rule) for e in dropped] == [("fast", "order_unresolved")] or not dropped


def test_a_restart_gives_every_book_back(book):
    fast, slow = book.bar(0, fast_sol=1.0, fast_btc=0.5, slow_sol=0.5)[::2]
    book.fill(fast)
    book.fill(slow)
    book.bar(1)

    again = recover(book.journal, book.terms, book.machines)

    assert again.machine.state_hash() == book.session.machine.state_hash()
    assert again.state.to_json() == book.session.state.to_json()
    restored = Session.restored(
        book.terms, book.machines.restore, SavedSession.from_bytes(book.session.snapshot())
    )
    assert restored.machine.state_hash() == book.session.machine.state_hash()


def test_more_orders_of_a_symbol_can_be_allowed(book, kit):
    state = book.session.state
    book.bar(0, fast_sol=0.5)
    assert state.is_blocked("SOLUSDT", "fast")
    assert not state.is_blocked("SOLUSDT", "slow")

    book.take(SessionOpened(kit.START + 1, "paper", "r1", (), orders_per_symbol=2))

    assert not state.is_blocked("SOLUSDT", "fast")
    assert state.open_orders("SOLUSDT", "fast") == 1


def test_desks_of_several_strategies_give_the_rows_of_each(kit):
    strategies = {"fast": EmaTrend(fast=2, slow=5), "slow": EmaTrend(fast=3, slow=9)}
    shared = SharedDesk(
        [
            (("SOLUSDT", "BTCUSDT"), SignalDesk(strategies["fast"], tag="fast")),
            (("SOLUSDT",), SignalDesk(strategies["slow"], tag="slow")),
        ]
    )
    alone = {tag: SignalDesk(strategy) for tag, strategy in strategies.items()}
    for symbol in ("SOLUSDT", "BTCUSDT"):
        frame = _frame(kit, symbol)
        for desk in (shared, *alone.values()):
            desk.append(symbol, frame)
    last = kit.START + 399 * kit.BAR

    rows = shared.rows("SOLUSDT", [last])[last]

    assert [row.tag for row in rows] == ["fast", "slow"]
    for row in rows:
        (same,) = alone[row.tag].rows("SOLUSDT", [last])[last]
        assert row.row_hash == same.row_hash
    assert [row.tag for row in shared.rows("BTCUSDT", [last])[last]] == ["fast"]


def _frame(kit, symbol):
    ts = kit.START + kit.BAR * np.arange(400)
    price = 100 + np.sin(np.arange(400) / 9)
    columns = dict.fromkeys(("open", "high", "low", "close"), price)
    return pl.DataFrame(
        {"ts": ts, "symbol": symbol, **columns, "volume": 1.0, "quote_volume": 1.0, "n_trades": 1}
    ).with_columns(
        pl.col("ts").cast(pl.Datetime("us", "UTC")),
        source=pl.lit("venue"),
        n_minutes=pl.lit(5, pl.Int32),
        complete=pl.lit(True),
    )
