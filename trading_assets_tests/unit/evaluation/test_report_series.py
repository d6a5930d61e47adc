"""Short series keep the extremes of the long ones."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from trading_assets.evaluation.report_series import (
    monthly_returns,
    short_depth,
    short_line,
    short_prices,
)


@pytest.fixture
def series():
    rng = np.random.default_rng(3)
    ts = np.arange(10_007, dtype=np.int64) * 60_000_000
    return ts, 100 + np.cumsum(rng.normal(0, 1, ts.size)).round(2)


def test_a_line_keeps_its_ends_its_peak_and_its_trough_in_order(series):
    ts, values = series
    times, short = short_line(ts, values, points=50)
    assert len(short) <= 2 * 51 + 2
    assert (max(short), min(short)) == (values.max(), values.min())
    assert (short[0], short[-1]) == (values[0], values[-1])
    assert times == sorted(times)
    assert set(times) <= set((ts // 1000).tolist())


def test_a_short_series_is_taken_as_it_is(series):
    ts, values = series
    assert short_line(ts[:90], values[:90], points=50) == (
        (ts[:90] // 1000).tolist(),
        values[:90].tolist(),
    )


def test_prices_keep_high_low_and_the_last_close_of_every_stretch(series):
    ts, close = series
    close = close.copy()
    close[5:9] = np.nan
    times, high, low, last = short_prices(ts, close + 1, close - 1, close, points=10)
    assert len(times) == len(high) == len(low) == len(last) == 10
    assert (max(high), min(low)) == (np.nanmax(close) + 1, np.nanmin(close) - 1)
    assert last[-1] == close[-1]
    assert short_prices(ts[5:9], close[5:9], close[5:9], close[5:9]) == ([], [], [], [])


def test_the_deepest_drawdown_stands_at_its_own_time(series):
    ts, values = series
    drawdown = 1 - values / np.maximum.accumulate(values)
    times, depth = short_depth(ts, drawdown, points=20)
    deepest = int(drawdown.argmax())
    assert min(depth) == pytest.approx(-100 * drawdown[deepest], abs=1e-4)
    assert times[depth.index(min(depth))] == ts[deepest] // 1000
    assert max(depth) <= 0


def test_monthly_returns_chain_to_the_return_of_the_year():
    days = [datetime(2023, 12, 30, tzinfo=UTC), datetime(2024, 1, 31, tzinfo=UTC)]
    days += [datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC)]
    daily = pl.DataFrame({"ts_utc": days, "equity": [110.0, 121.0, 100.0, 133.1]})
    last, this = monthly_returns(daily, 100.0)
    assert (last["year"], last["months"][11]) == (2023, pytest.approx(10))
    assert last["months"][:11] == [None] * 11
    assert this["months"][:3] == [pytest.approx(10), None, pytest.approx(10)]
    assert this["total"] == pytest.approx(21)
