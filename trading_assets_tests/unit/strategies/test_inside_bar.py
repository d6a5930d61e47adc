from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.strategies.inside_bar import InsideBar


def frame(rows, start=datetime(2024, 1, 1, tzinfo=UTC)):
    return pl.DataFrame(
        [
            {"ts": start + timedelta(minutes=m), "high": h, "low": low, "close": c}
            for m, h, low, c in rows
        ],
        schema_overrides={"ts": pl.Datetime("us", "UTC")},
    )


MOTHER, CHILD = (0, 101.0, 100.0, 100.5), (5, 100.8, 100.2, 100.6)


def test_a_setup_is_the_mothers_range_and_one_tick_on_both_sides():
    row = InsideBar(reward_risk=2).signals(frame([MOTHER, CHILD])).row(1, named=True)
    assert row["long_entry"] == pytest.approx(101.01)
    assert row["sl_long"] == pytest.approx(99.99)
    assert row["tp_long"] == pytest.approx(101.01 + 2 * 1.02)
    assert row["short_entry"] is None
    assert row["sl_short"] is None
    assert row["valid_to"] == datetime(2024, 1, 1, 23, 55, tzinfo=UTC).timestamp() * 1e6


def test_shorts_are_the_mirror_when_allowed():
    row = InsideBar(reward_risk=2, short=True).signals(frame([MOTHER, CHILD])).row(1, named=True)
    assert row["short_entry"] == pytest.approx(99.99)
    assert row["sl_short"] == pytest.approx(101.01)
    assert row["tp_short"] == pytest.approx(99.99 - 2 * 1.02)


@pytest.mark.parametrize(
    "child",
    [
        (5, 101.0, 100.2, 100.6),  # same high
        (5, 100.8, 100.0, 100.6),  # same low
        (10, 100.8, 100.2, 100.6),  # a bar is missing between
    ],
)
def test_what_is_not_strictly_inside_its_neighbour_is_no_setup(child):
    signals = InsideBar().signals(frame([MOTHER, child]))
    assert signals.drop("ts").null_count().row(0) == (2,) * 7


def test_mothers_that_are_too_small_or_too_large_are_skipped():
    bars = frame([MOTHER, CHILD])  # her range is 99.5 bps
    assert InsideBar(min_range_bps=100).signals(bars)["long_entry"].null_count() == 2
    assert InsideBar(max_range_bps=90).signals(bars)["long_entry"].null_count() == 2
    assert InsideBar(min_range_bps=99).signals(bars)["long_entry"].null_count() == 1


def test_no_setup_opens_shortly_before_the_day_ends():
    evening = datetime(2024, 1, 1, 22, 50, tzinfo=UTC)
    bars = frame([MOTHER, CHILD], start=evening)
    assert InsideBar(last_entry_minutes=60).signals(bars)["long_entry"].null_count() == 2
    assert InsideBar(last_entry_minutes=55).signals(bars)["long_entry"].null_count() == 1


def test_a_trend_filter_looks_at_a_close_of_the_right_age_only():
    calm = [(5 * i, 100.9, 100.1, 100.0 + i / 100) for i in range(3)]
    bars = frame([*calm, (15, 101.5, 100.0, 100.5), (20, 101.0, 100.5, 100.7)])
    assert InsideBar(trend_bars=4).signals(bars)["long_entry"].null_count() == 4
    assert InsideBar(trend_bars=5).signals(bars)["long_entry"].null_count() == 5
    holed = bars.filter(pl.col("ts").dt.minute() != 5)
    assert InsideBar(trend_bars=3).signals(holed)["long_entry"].null_count() == holed.height


def test_prices_are_on_the_grid(make_bars):
    signals = InsideBar(short=True).signals(make_bars(2000)).drop("ts", "valid_to")
    for column in signals.iter_columns():
        prices = column.drop_nulls()
        assert len(prices) > 50
        assert ((prices / 0.01 - (prices / 0.01).round()).abs() < 1e-6).all()


@pytest.mark.parametrize(
    "params",
    [
        {"tick": 0},
        {"tick": float("nan")},
        {"reward_risk": -1},
        {"min_range_bps": 300.0},
        {"trend_bars": -1},
        {"last_entry_minutes": 2000},
    ],
)
def test_parameters_without_meaning_are_refused(params):
    with pytest.raises(ConfigurationError, match=next(iter(params))):
        InsideBar(**params)
