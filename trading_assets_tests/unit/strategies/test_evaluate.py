import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.domain.setup import SignalFamily
from trading_assets.features.look_ahead import find_look_ahead
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets.strategies.evaluate import (
    anchored,
    bar_matrix,
    evaluate,
    evaluated_matrix,
    month_signals,
    row_hash,
    signal_matrix,
    signal_rows,
    time_axis,
    with_forecasts,
)
from trading_assets.strategies.forecast_driven import ForecastDriven
from trading_assets.strategies.inside_bar import InsideBar

FEBRUARY = Month(2024, 2)
SOL, BTC = Symbol("SOLUSDT"), Symbol("BTCUSDT")


def ts(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.fixture
def two_months(make_bars):
    return make_bars(288 * 60)  # January and February


def test_a_month_is_computed_from_its_anchor_whatever_frame_is_given(two_months):
    strategy = EmaTrend(fast=5, slow=20)  # warm-up of 23 hours 20 minutes
    whole = month_signals(strategy, two_months, FEBRUARY)
    short = month_signals(strategy, two_months.filter(pl.col("ts") >= ts(2024, 1, 31)), FEBRUARY)
    assert whole.equals(short)
    assert (whole["ts"].min(), whole.height) == (ts(2024, 2, 1), 29 * 288)
    assert anchored(two_months, strategy, FEBRUARY)["ts"].min() == ts(2024, 1, 31)


def test_live_rows_are_the_rows_of_the_month_bit_for_bit(two_months):
    strategy = EmaTrend(fast=5, slow=20, band_bps=1)
    whole = month_signals(strategy, two_months, FEBRUARY)
    for hour in (0, 7, 300):
        now = ts(2024, 2, 1) + timedelta(hours=hour)
        live = month_signals(strategy, two_months.filter(pl.col("ts") <= now), FEBRUARY)
        assert live.tail(1).equals(whole.filter(pl.col("ts") == now))


@pytest.mark.parametrize("strategy", [EmaTrend(fast=5, slow=20), InsideBar(min_range_bps=5)])
def test_signals_of_a_month_know_no_future(strategy, two_months):
    frame = anchored(two_months, strategy, FEBRUARY)
    assert find_look_ahead(lambda part: evaluate(strategy, part), frame, seed=3) == ()


def test_rows_without_full_warm_up_are_empty(two_months):
    january = month_signals(EmaTrend(fast=5, slow=20), two_months, Month(2024, 1))
    known = january.filter(pl.col("target").is_not_null())
    assert known["ts"].min() == ts(2024, 1, 1, 23, 20)


def test_a_month_without_bars_has_no_rows(two_months):
    empty = month_signals(EmaTrend(), two_months, Month(2025, 1))
    assert (empty.height, empty.columns) == (0, ["ts", "target", "stop_distance", "confidence"])


def test_forecasts_join_their_bar_and_those_before_the_month_stay_unseen(two_months):
    forecasts = two_months.select(
        "ts", horizon=pl.lit("1h"), prediction=pl.lit(0.01), confidence=pl.lit(0.9)
    ).filter(pl.col("ts") != ts(2024, 2, 3))
    other = forecasts.with_columns(horizon=pl.lit("4h"), prediction=pl.lit(-1.0))
    frame = with_forecasts(two_months, pl.concat([forecasts, other]), "1h")
    assert frame.height == two_months.height

    @dataclass(frozen=True)
    class Spread:
        horizon: ClassVar[str] = "1h"
        name: ClassVar[str] = "spread"
        family: ClassVar[SignalFamily] = SignalFamily.TARGET
        warm_up: ClassVar[timedelta] = timedelta(hours=1)
        order_types: ClassVar[frozenset] = frozenset()

        def signals(self, frame):
            return frame.select("ts", target=pl.col("prediction").shift(1))

    targets = month_signals(Spread(), frame, FEBRUARY).select("ts", "target")
    unknown = targets.filter(pl.col("target").is_null())["ts"].to_list()
    assert unknown == [ts(2024, 2, 1), ts(2024, 2, 3, 0, 5)]
    followed = month_signals(ForecastDriven(), frame, FEBRUARY)
    assert followed["target"].null_count() == 1


def test_two_forecasts_for_one_bar_are_refused(make_bars):
    bars = make_bars(3)
    forecasts = bars.select(
        "ts", horizon=pl.lit("1h"), prediction=pl.lit(0.01), confidence=pl.lit(0.9)
    )
    with pytest.raises(DataError, match="Two forecasts"):
        with_forecasts(bars, pl.concat([forecasts, forecasts]), "1h")


def test_a_strategy_that_breaks_its_protocol_is_named(make_bars):
    @dataclass(frozen=True)
    class Broken(ForecastDriven):
        def signals(self, frame):
            return frame.select("ts", taget=pl.lit(1.0))

    with pytest.raises(DataError, match="forecast_driven breaks its protocol"):
        evaluate(Broken(), make_bars(5))


def test_matrices_share_one_axis_and_leave_holes_open(make_bars):
    sol = make_bars(10)
    btc = make_bars(12, seed=1, symbol="BTCUSDT").filter(pl.col("ts").dt.minute() != 15)
    frames = {SOL: sol, BTC: btc}
    bars = bar_matrix(frames, [BTC, SOL])
    assert len(bars.ts) == 12
    assert bars.close[0].tolist()[:3] == btc["close"].to_list()[:3]
    assert np.isnan(bars.close[0, 3])
    assert np.isnan(bars.close[1, 10:]).all()
    strategy = EmaTrend(fast=1, slow=2)
    signals = {symbol: strategy.signals(frame) for symbol, frame in frames.items()}
    full = {s: f.with_columns(stop_distance=None, confidence=None) for s, f in signals.items()}
    full = {s: f.with_columns(pl.exclude("ts").cast(pl.Float64)) for s, f in full.items()}
    matrix = signal_matrix(SignalFamily.TARGET, full, [BTC, SOL], time_axis(frames))
    assert matrix.values.shape == (2, 12, 3)
    assert np.isnan(matrix.values[1, 10:]).all()
    assert matrix.values[1, 5, 0] == signals[SOL]["target"][5]


def test_row_hashes_are_of_symbol_time_and_bits():
    values = (1.0, float("nan"), -0.5)
    expected = hashlib.sha256(
        struct.pack("<I", 7)
        + b"SOLUSDT"
        + struct.pack("<q", 42)
        + struct.pack("<d", 1.0)
        + bytes.fromhex("000000000000f87f")
        + struct.pack("<d", -0.5)
    ).hexdigest()
    assert row_hash(SOL, 42, values) == expected
    assert row_hash(SOL, 42, (1.0, -float("nan"), -0.5)) == expected
    assert row_hash(SOL, 43, values) != expected
    assert row_hash(BTC, 42, values) != expected
    assert row_hash(SOL, 42, (1.0, float("nan"), -0.25)) != expected


def test_signal_rows_carry_the_hash_and_the_forecast_behind_them(two_months):
    signals = month_signals(EmaTrend(fast=5, slow=20), two_months, FEBRUARY).head(3)
    first = int(signals["ts"].to_physical()[0])
    rows = signal_rows(SOL, SignalFamily.TARGET, signals, {first: "f1"})
    assert [row.forecast_id for row in rows] == ["f1", "", ""]
    assert all(row.row_hash == row_hash(SOL, row.ts, row.values) for row in rows)
    assert rows[0].ts == first


class Broken(EmaTrend):
    """Gives whatever it is told to."""

    def signals(self, frame):
        return BROKEN[self.fast](frame)


BROKEN = {
    1: lambda f: f.select("ts", target=pl.lit("long")),
    2: lambda f: f.select("ts", target=pl.when(pl.int_range(pl.len()) == 3).then(float("inf"))),
    3: lambda f: f.select("ts", target=pl.when(pl.int_range(pl.len()) == 3).then(-float("inf"))),
    4: lambda f: f.select("ts", target=pl.lit(1.0)).head(-1),
    5: lambda f: f.select("ts", aim=pl.lit(1.0)),
    6: lambda f: f["close"],
}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (1, "column target is not a number; expected Float64; found String"),
        (2, "target of SOLUSDT at .* is infinite"),
        (3, "target of SOLUSDT at .* is infinite"),
        (4, "breaks its protocol"),
        (5, "breaks its protocol"),
        (6, "breaks its protocol; expected a polars DataFrame"),
    ],
)
def test_signals_of_the_wrong_type_length_or_size_are_refused(two_months, kind, message):
    with pytest.raises(DataError, match=message) as caught:
        evaluate(Broken(fast=kind, slow=20), two_months)
    if kind in (2, 3):
        assert str(two_months["ts"][3]) in caught.value.what


@dataclass(frozen=True, slots=True)
class Spoken:
    """Says what its frame holds: numbers, nulls and NaN of two makings."""

    name: ClassVar[str] = "spoken"
    family: ClassVar[SignalFamily] = SignalFamily.TARGET
    warm_up: ClassVar[timedelta] = timedelta(minutes=25)

    def signals(self, frame):
        column = "stop_distance" if "said" not in frame.columns else "target"
        return frame.select("ts", pl.col("close" if column != "target" else "said").alias(column))


@pytest.mark.parametrize("seed", range(8))
def test_a_matrix_without_a_table_between_has_the_same_bits(make_bars, seed):
    draw = np.random.default_rng(seed)
    frames = {}
    for symbol in (BTC, SOL):
        bars = make_bars(200)
        said = draw.choice([1.0, -0.0, np.nan, -np.nan, 0.5], bars.height)
        said = pl.Series("said", said).scatter(draw.choice(200, 20, replace=False), None)
        bars = bars.with_columns(said) if seed % 3 else bars
        kept = np.sort(draw.choice(200, 200 if seed % 2 else 150, replace=False))
        frames[symbol] = bars[kept]
    inside = pl.col("ts").is_between(*(frames[BTC]["ts"][at] for at in (seed, 140)))
    traded = {symbol: frame.filter(inside) for symbol, frame in frames.items()}
    axis = time_axis(traded)
    tables = {symbol: evaluate(Spoken(), frame).filter(inside) for symbol, frame in frames.items()}
    slow = signal_matrix(SignalFamily.TARGET, tables, [BTC, SOL], axis)
    fast = evaluated_matrix(Spoken(), frames, [BTC, SOL], axis)
    said = len(fast.by_column)
    assert said == (1 if seed % 3 else 2)  # up to the last column that the strategy gives
    assert fast.by_column.tobytes() == slow.by_column[:said].tobytes()
    assert np.isnan(slow.by_column[said:]).all()
    assert np.isfinite(slow.values).any()
