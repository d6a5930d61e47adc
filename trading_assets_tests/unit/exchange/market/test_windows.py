"""Windows of any length hold exactly the trades between their instants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.exchange.market.klines import Klines
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.market_model import CELL, MarketModel, cell_of
from trading_assets.exchange.market.outages import LISTED_MINUTE, Outages
from trading_assets.exchange.market.tape import Tape
from trading_assets.exchange.market.windows import Windows

MINUTE = 60_000_000
DAY = 1_440 * MINUTE
SOL = listing_of("SOLUSDT")


@pytest.fixture(scope="module")
def tape():
    return Tape(MarketModel(7, 0.5), Outages(7))


@pytest.fixture(scope="module")
def windows(tape):
    return Windows(tape, Klines(tape))


def check(tape, window, start, now):
    """Hold a window to the trades printed one by one."""
    printed = tape.cells(SOL, cell_of(start), cell_of(now) + 1).until(now)
    trades = printed.part(int(np.searchsorted(printed.ts, start)), len(printed))
    assert window.count == len(trades)
    if not len(trades):
        assert (window.first_id, window.last_id) == (-1, -1)
        return
    assert (window.first_id, window.last_id) == (trades.id[0], trades.id[-1])
    assert window.ticks("open") == trades.ticks[0]
    assert window.last_ticks == trades.ticks[-1]
    assert window.ticks("high") == trades.ticks.max()
    assert window.ticks("low") == trades.ticks.min()
    assert window.lots == trades.lots.sum()
    assert window.value == (trades.lots * trades.ticks).sum()


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers((LISTED_MINUTE - 60) * MINUTE, (LISTED_MINUTE + 10 * 525_600) * MINUTE),
    length=st.one_of(st.integers(0, 10 * CELL), st.integers(0, 3 * DAY)),
)
def test_any_window_holds_exactly_its_trades(tape, windows, start, length):
    check(tape, windows.between(SOL, start, start + length), start, start + length)


@pytest.mark.parametrize("seconds", [-3, 0, 7, 3_600, 86_400])
def test_a_window_over_an_outage_holds_what_traded(tape, windows, seconds):
    start, end = (minute * MINUTE for minute in tape.outages.of_year(SOL, 2024)[0])
    now = end + seconds * 1_000_000
    check(tape, windows.between(SOL, start - 1_234_567, now), start - 1_234_567, now)
    check(tape, windows.between(SOL, start + 1, now), start + 1, now)


def test_a_window_without_trades_has_the_price_before_it(tape, windows):
    start, end = (minute * MINUTE for minute in tape.outages.of_year(SOL, 2024)[0])
    window = windows.between(SOL, start + 5, end - 1)
    assert (window.count, window.lots, window.value, window.ticks("high")) == (0, 0, 0, 0)
    assert window.last_ticks == tape.cell(SOL, start // CELL - 1).ticks[-1]
    assert windows.last_lots(SOL, end - 1) == tape.cell(SOL, start // CELL - 1).lots[-1]
