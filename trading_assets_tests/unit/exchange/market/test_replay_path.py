"""The path inside a replayed minute rebuilds its bar, whatever trades made it."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.exchange.market.replay_path import Minutes, cells_of

trade = st.tuples(st.integers(1_000, 1_020), st.integers(1, 50), st.booleans())


def bar_of(trades):
    """Build the bar that real trades make: (price, lots, bought) in order."""
    prices = [price for price, _, _ in trades]
    bought = [(price, lots) for price, lots, is_bought in trades if is_bought]
    return (
        prices[0], max(prices), min(prices), prices[-1],
        sum(lots for _, lots, _ in trades), sum(price * lots for price, lots, _ in trades),
        len(trades), sum(lots for _, lots in bought), sum(price * lots for price, lots in bought),
    )  # fmt: skip


def minutes(*bars):
    columns = (np.array(column, dtype=np.int64) for column in zip(*bars, strict=True))
    return Minutes(*columns)


def rebuilt(cells, row=0):
    """Build the bar of one minute from its cells, from those that trade."""
    ticks, lots, taker, trades = (
        table[row] for table in (cells.ticks, cells.lots, cells.taker_lots, cells.trades)
    )
    traded = ticks[lots > 0]
    return (
        traded[0], traded.max(), traded.min(), traded[-1], lots.sum(), (lots * ticks).sum(),
        trades.sum(), taker.sum(), (taker * ticks).sum(),
    )  # fmt: skip


def check_sound(cells):
    assert (cells.lots >= 0).all()
    assert ((cells.taker_lots >= 0) & (cells.taker_lots <= cells.lots)).all()
    sides = (cells.taker_lots > 0).astype(int) + (cells.lots > cells.taker_lots)
    assert ((cells.trades >= sides) & (cells.trades <= cells.lots)).all()


@settings(max_examples=300, deadline=None)
@given(st.lists(trade, min_size=1, max_size=11))
def test_few_trades_rebuild_prices_volume_and_count(trades):
    bar = bar_of(trades)
    cells = cells_of(minutes(bar))
    check_sound(cells)
    again = rebuilt(cells)
    assert again[:5] == bar[:5]
    assert again[6] == bar[6]
    assert abs(again[5] - bar[5]) <= bar[4] * (bar[1] - bar[2])
    held = cells.ticks[0]
    assert (held[0], held.max(), held.min(), held[-1]) == bar[:4]


@settings(max_examples=200, deadline=None)
@given(price=st.integers(1, 10**7), lots=st.integers(1, 10**9), is_bought=st.booleans())
def test_a_single_trade_is_itself(price, lots, is_bought):
    bar = bar_of([(price, lots, is_bought)])
    assert rebuilt(cells_of(minutes(bar))) == bar


@settings(max_examples=200, deadline=None)
@given(
    prices=st.lists(st.integers(5_000_000, 5_000_400), min_size=40, max_size=80),
    data=st.data(),
)
def test_many_trades_rebuild_every_figure_to_the_unit(prices, data):
    sizes = data.draw(st.lists(st.integers(2, 10**6), min_size=len(prices), max_size=len(prices)))
    bar = bar_of([(p, n, i % 2 == 0) for i, (p, n) in enumerate(zip(prices, sizes, strict=True))])
    cells = cells_of(minutes(bar))
    check_sound(cells)
    assert rebuilt(cells) == bar


def test_minutes_are_laid_out_one_by_one_as_together():
    rng = np.random.default_rng(5)
    bars = []
    for _ in range(200):
        count = int(rng.integers(1, 60))
        prices, lots = rng.integers(100, 110, count), rng.integers(1, 90, count)
        sides = rng.integers(0, 2, count)
        rows = zip(prices.tolist(), lots.tolist(), sides.tolist(), strict=True)
        bars.append(bar_of(list(rows)))
    together = cells_of(minutes(*bars))
    check_sound(together)
    for row, bar in enumerate(bars):
        alone = cells_of(minutes(bar))
        for field in fields(alone):
            assert (getattr(alone, field.name)[0] == getattr(together, field.name)[row]).all()


@pytest.mark.parametrize(
    "bar",
    [
        (7, 7, 7, 7, 0, 0, 0, 0, 0),  # silent
        (7, 9, 6, 8, 0, 0, 0, 0, 0),  # prices without trades
        (7, 9, 6, 8, 3, 22, 1, 3, 22),  # fewer trades than prices
        (7, 9, 6, 8, 2, 15, 5, 1, 7),  # fewer lots than prices
    ],
)
def test_bars_that_no_trades_can_make_keep_their_prices_and_volume(bar):
    cells = cells_of(minutes(bar))
    check_sound(cells)
    ticks = cells.ticks[0]
    assert (ticks[0], ticks.max(), ticks.min(), ticks[-1]) == bar[:4]
    assert cells.lots.sum() == bar[4]
    assert cells.trades.sum() == min(bar[6], bar[4])
