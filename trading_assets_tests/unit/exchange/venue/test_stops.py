"""Stop orders: started by the public price, at its instant, as takers; whoever looks."""

import numpy as np
import pytest

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.market_model import CELL, cell_of
from trading_assets.exchange.venue.orders import Status
from trading_assets.exchange.venue.reports import OrderReport

AHEAD = 5_000


def first_reach(desk, symbol, ticks, *, upwards):
    """Give the market time at which the public price first gets to `ticks`."""
    ahead = desk.ticks_ahead(symbol, AHEAD)
    hit = np.flatnonzero(ahead >= ticks if upwards else ahead <= ticks)
    return (cell_of(desk.now) + 1 + int(hit[0])) * CELL


@pytest.mark.parametrize(
    ("kind", "side", "upwards"),
    [
        ("STOP_LOSS", "BUY", True),
        ("STOP_LOSS", "SELL", False),
        ("TAKE_PROFIT", "BUY", False),
        ("TAKE_PROFIT", "SELL", True),
    ],
)
def test_each_kind_starts_on_its_own_side_of_the_market(make_desk, kind, side, upwards):
    desk = make_desk(deposits={"USDT": 10**13, "SOL": 10**12})
    ahead = desk.ticks_ahead("SOLUSDT", AHEAD)
    stop = int(ahead.max()) - 5 if upwards else int(ahead.min()) + 5
    wrong = desk.last("SOLUSDT") - 1 if upwards else desk.last("SOLUSDT") + 1
    with pytest.raises(Refused, match="-2010 Order would trigger immediately"):
        desk.place("SOLUSDT", side, lots=10, kind=kind, stop_ticks=wrong)
    order = desk.place("SOLUSDT", side, lots=10, kind=kind, stop_ticks=stop)
    when = first_reach(desk, "SOLUSDT", stop, upwards=upwards)
    desk.now = when - 1
    desk.step(0)
    assert (order.status, order.working_ts, order.is_waiting) == (Status.NEW, 0, True)
    desk.now = when
    desk.step(0)
    assert (order.status, order.working_ts) == (Status.FILLED, when)
    assert not any(trade.is_maker for trade in order.trades)
    assert desk.locked("USDT") == desk.locked("SOL") == 0


def test_a_triggered_stop_takes_from_the_book_of_that_instant(make_desk):
    desk = make_desk(deposits={"SOL": 10**13})
    stop = int(desk.ticks_ahead("SOLUSDT", AHEAD).min()) + 5
    when = first_reach(desk, "SOLUSDT", stop, upwards=False)
    twin = make_desk(deposits={"SOL": 10**13})
    twin.now = when
    bids = [(level.ticks, level.lots) for level in twin.book("SOLUSDT").bids]
    wanted = bids[0][1] + bids[1][1] + 1
    order = desk.place("SOLUSDT", "SELL", lots=wanted, kind="STOP_LOSS", stop_ticks=stop)
    desk.step(AHEAD * 5)
    assert [(t.ticks, t.lots) for t in order.trades] == [*bids[:2], (bids[2][0], 1)]
    assert {t.ts for t in order.trades} == {when}


def test_a_triggered_limit_rests_with_what_it_cannot_take(desk):
    stop = int(desk.ticks_ahead("SOLUSDT", AHEAD).max()) - 5
    limit = stop - 400
    order = desk.place(
        "SOLUSDT", "BUY", lots=50, ticks=limit, kind="STOP_LOSS_LIMIT", stop_ticks=stop
    )
    assert desk.locked("USDT") == 50 * limit * 1_000
    reports = []
    desk.venue.publish = reports.append
    desk.now = first_reach(desk, "SOLUSDT", stop, upwards=True)
    desk.step(0)
    assert (order.status, order.is_resting, order.working_ts) == (Status.NEW, True, desk.now)
    assert [r.execution.name for r in reports if isinstance(r, OrderReport)] == ["NEW"]
    assert desk.locked("USDT") == 50 * limit * 1_000
    desk.cancel(order)
    assert desk.locked("USDT") == 0


def test_a_buy_stop_without_a_limit_spends_at_most_what_is_free(make_desk):
    desk = make_desk()
    stop = int(desk.ticks_ahead("BTCUSDT", AHEAD).max()) - 2
    lots = 10**13 // (stop * 10)
    order = desk.place("BTCUSDT", "BUY", lots=lots, kind="STOP_LOSS", stop_ticks=stop)
    assert desk.locked("USDT") == lots * stop * 10
    desk.step(AHEAD * 5)
    assert order.status is Status.EXPIRED
    assert 0 < order.executed_lots < lots
    assert 0 <= desk.free("USDT") < 10**13 // 100
    assert desk.locked("USDT") == 0


def test_stops_need_their_money_at_once(make_desk):
    desk = make_desk(deposits={"USDT": 10**10})
    stop = desk.last("SOLUSDT") + 100
    with pytest.raises(Refused, match="insufficient balance"):
        desk.place("SOLUSDT", "BUY", lots=10**6, kind="STOP_LOSS", stop_ticks=stop)
    assert not desk.venue.orders


def test_at_most_five_stops_wait_on_one_symbol(desk):
    stop = desk.last("SOLUSDT") + 5_000
    for _ in range(5):
        desk.place("SOLUSDT", "BUY", lots=10, kind="STOP_LOSS", stop_ticks=stop)
    with pytest.raises(Refused, match="-1013 Filter failure: MAX_NUM_ALGO_ORDERS"):
        desk.place("SOLUSDT", "BUY", lots=10, kind="STOP_LOSS", stop_ticks=stop)
    desk.place("SOLUSDT", "BUY", lots=10, ticks=5_000)


def test_money_freed_on_one_symbol_is_there_for_a_later_stop_on_another(make_desk):
    """Cells settle in order of time across symbols, however long nobody looked."""

    def run(looks):
        desk = make_desk(deposits={"USDT": 3 * 10**11, "SOL": 10**11})
        sell = int(desk.ticks_ahead("SOLUSDT", 400).max()) - 5
        stop = int(desk.ticks_ahead("BTCUSDT", AHEAD).max()) - 100
        desk.place("SOLUSDT", "SELL", lots=10**6 // 10, ticks=sell)
        desk.place("BTCUSDT", "BUY", lots=4_000, kind="STOP_LOSS", stop_ticks=stop)
        for _ in range(looks):
            desk.step(AHEAD * 5 / looks)
        return desk.venue.accounts.rows(), desk.venue.trades, desk.venue.orders

    assert run(1) == run(50)
