"""What an account is told: every change once, in order, at the market time of the change."""

import sqlite3

import numpy as np
import pytest

from trading_assets.exchange.application import Exchange
from trading_assets.exchange.config import ExchangeConfig
from trading_assets.exchange.market.market_model import CELL, cell_of
from trading_assets.exchange.venue.orders import MODEL, Status
from trading_assets.exchange.venue.reports import Execution, OrderReport, PositionReport


@pytest.fixture
def told(desk):
    """All that the desk's venue has published so far."""
    reports = []
    desk.venue.publish = reports.append
    return reports


def kinds(reports):
    return [r.execution.name if isinstance(r, OrderReport) else type(r).__name__ for r in reports]


def test_a_taker_is_told_of_the_order_then_its_trades_then_the_balances(desk, told):
    asks = [(level.ticks, level.lots) for level in desk.book("SOLUSDT").asks]
    order = desk.place("SOLUSDT", "BUY", lots=asks[0][1] + 1, client_order_id="mine")
    assert kinds(told) == ["NEW", "TRADE", "TRADE", "PositionReport"]
    new, first, second, position = told
    assert (new.status, new.executed_lots, new.trade) == (Status.NEW, 0, None)
    assert (first.status, first.executed_lots) == (Status.PARTIALLY_FILLED, asks[0][1])
    assert (second.status, second.executed_lots) == (Status.FILLED, order.lots)
    assert [first.trade, second.trade] == order.trades
    assert [r.execution_id for r in told[:3]] == [1, 2, 3]
    assert {(r.client_order_id, r.account, r.ts) for r in told[:3]} == {("mine", "demo", desk.now)}
    assert position.balances == (
        ("SOL", desk.free("SOL"), 0),
        ("USDT", desk.free("USDT"), 0),
    )


def test_what_is_left_of_a_taker_that_may_not_rest_expires_last(desk, told):
    best = desk.book("SOLUSDT").asks[0]
    price, size = best.ticks, best.lots
    desk.place("SOLUSDT", "BUY", lots=size + 5, ticks=price, tif="IOC")
    assert kinds(told) == ["NEW", "TRADE", "EXPIRED", "PositionReport"]
    assert (told[2].status, told[2].executed_lots) == (Status.EXPIRED, size)
    told.clear()
    desk.place("SOLUSDT", "BUY", lots=10, ticks=price - 900, tif="FOK")
    assert kinds(told) == ["NEW", "EXPIRED"]


def test_a_cancel_is_told_with_its_own_id_and_the_orders(desk, told):
    order = desk.place("SOLUSDT", "BUY", lots=1_000, ticks=5_000, client_order_id="mine")
    assert kinds(told) == ["NEW", "PositionReport"]
    assert told[0].is_resting
    assert told[1].balances == (("USDT", 10**13 - 5 * 10**9, 5 * 10**9),)
    told.clear()
    desk.step(1)
    desk.cancel(order)
    assert kinds(told) == ["CANCELED", "PositionReport"]
    assert (told[0].client_order_id, told[0].cancel_id) == ("mine", "the-cancel")
    assert (told[0].is_resting, told[0].ts) == (False, desk.now)
    assert told[1].balances == (("USDT", 10**13, 0),)


def test_a_fill_by_the_path_is_told_with_the_time_of_the_fill(desk, told):
    ahead = desk.ticks_ahead("SOLUSDT", 5_000)
    limit = int(ahead.min()) + 3
    first = int(np.flatnonzero(ahead <= limit)[0])
    filled_ts = (cell_of(desk.now) + 1 + first) * CELL
    desk.place("SOLUSDT", "BUY", lots=1, ticks=limit)
    told.clear()
    desk.step(25_000)
    assert kinds(told) == ["TRADE", "PositionReport"]
    report, position = told
    assert (report.ts, report.trade.ts, position.ts) == (filled_ts,) * 3
    assert (report.trade.is_maker, report.is_resting) == (True, False)


def test_the_house_is_told_nothing_and_refusals_are_no_news(desk, told):
    with pytest.raises(Exception, match="insufficient balance"):
        desk.place("SOLUSDT", "SELL", lots=1)
    assert told == []
    desk.place("SOLUSDT", "BUY", lots=10)
    assert {r.account for r in told if isinstance(r, PositionReport)} == {"demo"}


def test_execution_ids_go_on_after_a_restart(tmp_path, noon, desk):
    config = ExchangeConfig(start=noon, stepped=True, ledger=tmp_path / "ledger.sqlite")
    told = []
    for _ in range(2):
        exchange = Exchange(config)
        exchange.venue.publish = told.append
        desk.venue, desk.now = exchange.venue, exchange.settled_now()
        desk.place("SOLUSDT", "BUY", lots=10)
        exchange.close()
    orders = [r for r in told if isinstance(r, OrderReport)]
    assert [r.execution for r in orders] == [Execution.NEW, Execution.TRADE] * 2
    assert [r.execution_id for r in orders] == [1, 2, 3, 4]


def test_a_ledger_without_execution_ids_is_brought_up_to_date(tmp_path, noon, desk):
    path = tmp_path / "ledger.sqlite"
    config = ExchangeConfig(start=noon, stepped=True, ledger=path)
    exchange = Exchange(config)
    desk.venue = exchange.venue
    desk.place("SOLUSDT", "BUY", lots=1_000, ticks=5_000)
    desk.place("SOLUSDT", "BUY", lots=1_000)
    exchange.close()
    old = sqlite3.connect(path)
    for table, column in (
        ("symbols", "next_execution_id"),
        ("orders", "working_ts"),
        ("orders", "stop_ticks"),
        ("orders", "list_id"),
        ("trades", "against"),
    ):
        old.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    old.execute("DROP TABLE order_lists")
    old.execute("""UPDATE meta SET value = replace(value, '"format": 2', '"format": 1')""")
    old.commit()
    old.close()
    again = Exchange(config)
    order = again.venue.orders["SOLUSDT", 1]
    assert (order.working_ts, order.list_id, order.status) == (noon, -1, Status.NEW)
    assert again.venue.counters["SOLUSDT"].next_execution_id == 1
    assert [t.against for t in again.venue.trades["demo", "SOLUSDT"]] == [MODEL]
    again.close()
