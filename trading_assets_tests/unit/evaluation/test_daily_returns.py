from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.evaluation.daily_returns import on_common_days, profit_shares, returns_since

DAY = 86_400_000_000
HOUR = DAY // 24
START = 19_358 * DAY


def test_a_day_is_measured_from_the_end_of_the_day_before():
    ts = START + np.arange(72) * HOUR
    equity = np.repeat([110.0, 99.0, 99.0], 24) + np.tile(np.arange(24) == 5, 3)
    found = returns_since(ts, equity, opening=100.0, start=START, per_year=365.0)
    assert found.days.tolist() == [START, START + DAY, START + 2 * DAY]
    assert found.values == pytest.approx([0.1, -0.1, 0.0])


def test_days_before_the_start_count_as_the_equity_they_end_with():
    ts = START + np.arange(72) * HOUR
    equity = np.repeat([110.0, 99.0, 108.9], 24)
    found = returns_since(ts, equity, opening=100.0, start=START + DAY + 3 * HOUR, per_year=365.0)
    assert found.values == pytest.approx([-0.1, 0.1])


def test_no_bar_is_no_day():
    none = np.empty(0, np.int64)
    found = returns_since(none, np.empty(0), opening=100.0, start=START, per_year=365.0)
    assert (len(found.days), found.moments) == (0, None)


def test_both_are_cut_to_the_days_that_they_share(returns):
    one, other = returns(0.001, days=10), returns(0.002, days=300, seed=5)
    mine, theirs = on_common_days(one, other)
    assert mine.days.tolist() == theirs.days.tolist() == one.days.tolist()
    assert theirs.values == pytest.approx(other.values[:10])


def trips(*rows):
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        [
            {
                "entry_ts_utc": begin + timedelta(days=day),
                "exit_ts_utc": begin + timedelta(days=day, hours=1),
                "symbol": symbol,
                "pnl": pnl,
            }
            for day, symbol, pnl in rows
        ],
        schema_overrides={"pnl": pl.Float64},
    ).with_columns(pl.col("entry_ts_utc", "exit_ts_utc").dt.cast_time_unit("us"))


def test_profit_is_shared_by_trades_months_and_symbols():
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    found = profit_shares(trips((1, "A", 30), (2, "B", 30), (40, "A", 40), (41, "B", -20)), start)
    assert found.winners == pytest.approx(100**2 / (30**2 + 30**2 + 40**2))
    assert found.month == pytest.approx(60 / 80)
    assert found.symbol == pytest.approx(70 / 80)
    assert profit_shares(trips((1, "A", 30), (2, "A", 30)), start).symbol is None


def test_without_a_profit_there_is_nothing_to_share():
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert profit_shares(trips((1, "A", 30), (2, "B", -30)), start) is None
    assert profit_shares(trips((1, "A", 30)), start + 10 * DAY) is None


def test_shares_have_the_same_bits_in_whatever_order_threads_add_up():
    """A decision is made again byte by byte."""
    pnl = np.random.default_rng(0).normal(0.3, 1.0, 500)
    table = trips(*((n % 90, "AB"[n % 2], float(value)) for n, value in enumerate(pnl)))
    found = [profit_shares(table.sample(fraction=1.0, shuffle=True, seed=s), 0) for s in range(20)]
    assert len(set(found)) == 1
