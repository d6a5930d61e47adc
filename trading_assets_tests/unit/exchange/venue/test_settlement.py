"""Resting orders: filled by the path, whoever looks, and never from nothing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.market_model import CELL, CELLS_PER_DAY, cell_of
from trading_assets.exchange.market.outages import Outages
from trading_assets.exchange.venue.orders import Status


def test_a_resting_order_fills_when_the_path_reaches_it(desk):
    ahead = desk.ticks_ahead("SOLUSDT", 5_000)
    limit = int(ahead.min()) + 3
    first = int(np.flatnonzero(ahead <= limit)[0])
    order = desk.place("SOLUSDT", "BUY", lots=1, ticks=limit)
    assert order.status is Status.NEW
    desk.now = (cell_of(desk.now) + 1 + first) * CELL - 1
    desk.step(0)
    assert order.status is Status.NEW
    desk.now += 1
    desk.step(0)
    assert order.status is Status.FILLED
    (trade,) = order.trades
    assert (trade.ticks, trade.is_maker, trade.ts) == (limit, True, desk.now)
    assert order.locked_units == desk.locked("USDT") == 0


def test_a_large_resting_order_fills_in_parts_bounded_by_public_volume(make_desk):
    desk = make_desk(deposits={"USDT": 10**15})
    path = desk.venue.model.day(desk.venue.listings["SOLUSDT"], cell_of(desk.now) // CELLS_PER_DAY)
    limit = int(desk.ticks_ahead("SOLUSDT", 5_000).min()) + 5
    order = desk.place("SOLUSDT", "BUY", lots=50_000_000, ticks=limit)
    desk.step(25_000)
    assert order.status is Status.PARTIALLY_FILLED
    assert len(order.trades) > 1
    for trade in order.trades:
        index = trade.ts // CELL % CELLS_PER_DAY
        sold = int(path.lots[index] - path.taker_lots[index])
        assert path.ticks[index] <= limit
        assert trade.lots == (sold if path.ticks[index] < limit else sold // 2)


def test_better_prices_and_older_orders_are_served_first(make_desk):
    desk = make_desk(deposits={"USDT": 10**15})
    limit = int(desk.ticks_ahead("SOLUSDT", 5_000).min()) + 20
    older = desk.place("SOLUSDT", "BUY", lots=200_000, ticks=limit)
    younger = desk.place("SOLUSDT", "BUY", lots=200_000, ticks=limit)
    better = desk.place("SOLUSDT", "BUY", lots=200_000, ticks=limit + 2)
    desk.step(25_000)
    assert better.executed_lots >= older.executed_lots >= younger.executed_lots
    assert older.executed_lots > 0


def test_sales_fill_above_as_purchases_fill_below(desk):
    limit = int(desk.ticks_ahead("BTCUSDT", 5_000).max()) - 100
    order = desk.place("BTCUSDT", "SELL", lots=100, ticks=limit)
    desk.step(25_000)
    assert order.status is Status.FILLED
    assert order.trades[0].fee_asset == "USDT"
    assert order.trades[0].fee_units == order.executed_units * 100_000 // 10**8


def test_nothing_fills_in_an_outage(make_desk):
    desk = make_desk(deposits={"USDT": 10**15})
    start, end = Outages(7).of_year(desk.venue.listings["SOLUSDT"], 2024)[1]
    desk.now = start * 60_000_000 - CELL
    ahead = desk.ticks_ahead("SOLUSDT", (end - start) * 12)
    order = desk.place("SOLUSDT", "BUY", lots=1, ticks=int(ahead.min()) + 1)
    quiet = order.status is Status.NEW
    desk.now = end * 60_000_000 - 1
    desk.step(0)
    assert (order.status is Status.NEW) == quiet


def test_orders_left_for_days_are_settled_too(make_desk):
    desk = make_desk(deposits={"USDT": 10**15})
    limit = int(desk.ticks_ahead("SOLUSDT", 3 * CELLS_PER_DAY).min())
    order = desk.place("SOLUSDT", "BUY", lots=1, ticks=limit)
    desk.step(3 * 86_400)
    assert order.status is Status.FILLED
    assert order.trades[0].ts < desk.now


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["limit", "market", "money", "ioc", "fok", "cancel", "wait"]),
        st.sampled_from(["BTCUSDT", "SOLUSDT"]),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(-40, 40),  # price offset in 1/10,000
        st.integers(1, 4_000),  # tenths of a percent of what can be afforded, beyond 100 % too
    ),
    min_size=1,
    max_size=14,
)


def play(desk, actions, looks=()):
    """Carry out actions 7 s apart or more; look at the venue in between, `looks` s apart."""
    placed, refused = [], 0
    for kind, symbol, side, offset, size in actions:
        listing = desk.venue.listings[symbol]
        last = desk.last(symbol)
        lots = max(int(size / 1_000 * 2 * 10**12 / (last * listing.value_units)), 1)
        ticks = last + last * offset // 10_000
        wishes = {
            "limit": {"lots": lots, "ticks": ticks},
            "market": {"lots": lots},
            "money": {"quote_units": size * 10**9},
            "ioc": {"lots": lots, "ticks": ticks, "tif": "IOC"},
            "fok": {"lots": lots, "ticks": ticks, "tif": "FOK"},
        }
        try:
            if kind == "cancel" and placed:
                desk.cancel(placed[size % len(placed)])
            elif kind in wishes:
                placed.append(desk.place(symbol, side, **wishes[kind]))
        except Refused:
            refused += 1
        then = desk.now + (607 if kind == "wait" else 7) * 1_000_000
        for seconds in looks:
            desk.step(seconds)
        desk.now = then
    desk.step(0)
    return refused


@settings(max_examples=200, deadline=None)
@given(actions=ACTIONS)
def test_no_sequence_of_orders_creates_or_destroys_a_unit(make_desk, actions):
    desk = make_desk()
    accounts = desk.venue.accounts
    before = {asset: accounts.total(asset) for asset in ("USDT", "BTC", "SOL")}
    play(desk, actions)
    assert {asset: accounts.total(asset) for asset in before} == before
    flows = dict.fromkeys(before, 0)
    for order in desk.venue.orders.values():
        base = order.listing.instrument.base
        for trade in order.trades:
            amount = trade.lots * order.listing.instrument.lot_units
            assert trade.value_units == trade.ticks * trade.lots * order.listing.value_units
            flows[base] += amount * trade.side
            flows["USDT"] -= trade.value_units * trade.side
            flows[trade.fee_asset] -= trade.fee_units
        assert sum(t.lots for t in order.trades) == order.executed_lots <= order.lots
        assert sum(t.value_units for t in order.trades) == order.executed_units
        assert order.status.is_open or order.locked_units == 0
    for asset, start in (("USDT", 10**13), ("BTC", 10**8), ("SOL", 0)):
        holding = accounts.holding("demo", asset)
        assert holding.free + holding.locked == start + flows[asset]
        assert holding.free >= 0
    locked = sum(o.locked_units for o in desk.venue.orders.values() if o.side == 1)
    assert desk.locked("USDT") == locked


@settings(max_examples=150, deadline=None)
@given(actions=ACTIONS, looks=st.lists(st.integers(0, 2), min_size=1, max_size=3))
def test_looking_changes_nothing(make_desk, actions, looks):
    left_alone, watched = make_desk(), make_desk()
    assert play(left_alone, actions) == play(watched, actions, looks)
    assert left_alone.venue.accounts.rows() == watched.venue.accounts.rows()
    assert left_alone.venue.trades == watched.venue.trades
    assert left_alone.venue.orders == watched.venue.orders
