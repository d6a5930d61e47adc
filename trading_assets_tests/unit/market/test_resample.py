"""Larger bars from minutes."""

from collections.abc import Callable

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA, empty_bars
from trading_assets.market.resample import resample

BarsAt = Callable[..., pl.DataFrame]
START = Month(2024, 3).start


def test_a_larger_bar_sums_up_its_minutes(bars_at: BarsAt) -> None:
    frame = resample(bars_at(range(10)), Timeframe.M5)
    assert frame.schema == RESAMPLED_SCHEMA
    assert frame["ts"].to_physical().to_list() == [START, START + 5 * MINUTE]
    second = frame.row(1, named=True)
    assert (second["open"], second["close"]) == (105.0, 110.0)
    assert (second["high"], second["low"]) == (110.5, 104.0)
    assert second["volume"] == 4.0  # 0.6 + 0.7 + 0.8 + 0.9 + 1.0, exactly
    assert second["n_trades"] == 40
    assert (second["n_minutes"], second["complete"]) == (5, True)


def test_missing_minutes_are_counted_and_empty_buckets_have_no_row(bars_at: BarsAt) -> None:
    frame = resample(bars_at([0, 1, 3, 4, 17]), Timeframe.M5)
    assert frame["ts"].to_physical().to_list() == [START, START + 15 * MINUTE]
    assert frame["n_minutes"].to_list() == [4, 1]
    assert frame["complete"].to_list() == [False, False]
    assert frame["open"].to_list() == [100.0, 117.0]


def test_buckets_lie_on_the_grid_of_utc_whatever_the_first_minute_is(bars_at: BarsAt) -> None:
    frame = resample(bars_at(range(58, 130)), Timeframe.H1)
    assert frame["ts"].to_physical().to_list() == [START + h * 60 * MINUTE for h in range(3)]
    assert frame["n_minutes"].to_list() == [2, 60, 10]
    day = resample(bars_at(range(1440)), Timeframe.D1)
    assert day["complete"].to_list() == [True]


def test_a_bucket_that_has_not_ended_is_left_out(bars_at: BarsAt) -> None:
    frame = bars_at(range(10))
    end = START + 10 * MINUTE
    assert resample(frame, Timeframe.M5, now=end).height == 2
    assert resample(frame, Timeframe.M5, now=end - 1).height == 1


def test_sums_do_not_depend_on_the_path(bars_at: BarsAt) -> None:
    frame = bars_at(range(1440)).with_columns(
        (pl.col("volume") * 1_000_003.000_000_01).round(8), (pl.col("quote_volume") / 7).round(8)
    )
    direct = resample(frame, Timeframe.D1)
    stepwise = resample(resample(resample(frame, Timeframe.M5), Timeframe.H1), Timeframe.D1)
    assert stepwise.equals(direct)
    chunks = pl.concat([frame[:7], frame[7:800], frame[800:]], rechunk=False)
    assert resample(chunks, Timeframe.D1).equals(direct)


@pytest.mark.parametrize("units", [0, 1, 10**8, 2**50 // 5, 2**53 // 5, 2**53 // 5 + 1, 3 * 10**16])
def test_sums_are_rounded_once_however_large(bars_at: BarsAt, units: int) -> None:
    frame = bars_at(range(5)).with_columns(volume=pl.lit(units / 10**8))
    whole = round(frame["volume"][0] * 10**8)
    assert resample(frame, Timeframe.M5)["volume"].to_list() == [whole * 5 / 10**8]


def test_nothing_gives_nothing() -> None:
    frame = resample(empty_bars(), Timeframe.H1)
    assert frame.is_empty()
    assert frame.schema == RESAMPLED_SCHEMA


def test_disorder_and_mixtures_are_refused(bars_at: BarsAt) -> None:
    frame = bars_at(range(10))
    with pytest.raises(DataError, match="not in order"):
        resample(frame.reverse(), Timeframe.M5)
    other = frame.with_columns(pl.lit("ETHUSDT").alias("symbol"))
    with pytest.raises(DataError, match="more than one symbol"):
        resample(pl.concat([frame, other]).sort("ts"), Timeframe.M5)
