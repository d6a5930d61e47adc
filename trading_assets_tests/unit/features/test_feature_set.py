import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month
from trading_assets.features.anchor import anchor
from trading_assets.features.core import CORE
from trading_assets.features.feature import Feature
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.indicators import log_return
from trading_assets.features.look_ahead import differing_rows
from trading_assets.market.bar_frame import instant
from trading_assets.market.calendars import build_sessions
from trading_assets.market.resample import resample


def _same_bits(left: pl.DataFrame, right: pl.DataFrame) -> bool:
    assert left.columns == right.columns
    return not any(differing_rows(left[name], right[name]).any() for name in left.columns)


def test_the_core_set_has_its_columns_and_says_what_they_are():
    assert len(CORE.columns) >= 20
    assert CORE.warm_up == timedelta(days=3)
    assert {feature.source for feature in CORE.features} == {Timeframe.M5, Timeframe.H1}
    assert all(feature.formula for feature in CORE.features)


def test_every_value_is_finite_once_warm_and_null_before(make_bars):
    rows = CORE.compute(make_bars(days=5))
    assert rows.columns == ["ts", "symbol", *CORE.columns]
    for feature in CORE.features:
        values = rows[feature.name]
        cold = feature.warm_up // timedelta(minutes=5) - 1
        assert values.dtype == pl.Float64
        assert values.head(cold).null_count() == cold, feature.name
        assert values.slice(cold).is_finite().all(), feature.name
        assert values.slice(cold).null_count() == 0, feature.name
        assert values.slice(cold).n_unique() > 1, feature.name


def test_a_warm_up_is_never_shorter_than_the_window_behind_it(make_bars):
    """No null is left after the warm-up when the mask is taken away, and windows waste no row."""
    bars = make_bars(days=5).with_columns(**CORE.shared_columns)
    for feature in CORE.features:
        table = bars if feature.source is Timeframe.M5 else resample(bars, feature.source)
        known = table.select(feature.expression.alias("value"))["value"].is_not_null()
        first = known.arg_max()
        assert first <= feature.warm_up_bars, feature.name
        recursive = feature.name.startswith(("rsi", "atr", "ema"))
        assert recursive or first == feature.warm_up_bars, feature.name


def test_a_market_that_stands_still_gives_finite_values(make_bars):
    bars = make_bars(days=4).with_columns(
        pl.lit(100.0).alias(name) for name in ("open", "high", "low", "close")
    )
    still = bars.with_columns(
        volume=pl.lit(0.0), quote_volume=pl.lit(0.0), n_trades=pl.lit(0, pl.Int64)
    )
    for frame in (bars, still):
        rows = CORE.compute(frame).tail(200)
        for name in CORE.columns:
            assert rows[name].is_finite().all(), name
            assert rows[name].null_count() == 0, name


def test_an_absurd_volume_leaves_no_trace_once_its_window_has_passed(make_bars):
    bars = make_bars(days=6)
    spiked = bars.with_columns(
        pl.when(pl.int_range(pl.len()) == 300).then(1e15).otherwise(pl.col(name)).alias(name)
        for name in ("volume", "quote_volume")
    )
    clean, dirty = (CORE.compute(frame).tail(288 * 3) for frame in (bars, spiked))
    for name in CORE.columns:
        assert dirty[name].to_list() == pytest.approx(clean[name].to_list(), rel=1e-9, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 7 * 288), seed=st.integers(0, 3))
def test_batch_and_live_agree_to_the_bit(make_bars, height, seed):
    """Live evaluates the month's frame from the same first row up to now."""
    bars = make_bars(days=7, seed=seed)
    batch = CORE.compute(bars)
    assert _same_bits(CORE.compute(bars.head(height)), batch.head(height))
    chunked = pl.concat([bars.head(height // 2), bars.slice(height // 2, height)], rechunk=False)
    assert _same_bits(CORE.compute(chunked.head(height)), batch.head(height))


def test_an_hour_is_known_when_it_has_closed_and_not_before(make_bars):
    bars = make_bars(days=4)
    rows = CORE.compute(bars)
    hours = resample(bars, Timeframe.H1).select("ts", expected=log_return(pl.col("close"), 24))
    at = Month(2024, 2).start + 3 * 1440 * MINUTE
    hour = hours.filter(pl.col("ts") == instant(at))["expected"].item()
    before = hours.filter(pl.col("ts") == instant(at - 60 * MINUTE))["expected"].item()
    for minutes, expected in ((0, before), (50, before), (55, hour), (110, hour)):
        row = rows.filter(pl.col("ts") == instant(at + minutes * MINUTE))
        assert row["h1_return_24"].item() == expected


def test_rows_of_a_month_stand_whatever_comes_before_its_anchor(make_bars):
    month = Month(2024, 2)
    start = anchor(month, CORE.warm_up)
    long = make_bars(start=start - 5 * 1440 * MINUTE, days=20)
    short = long.filter(pl.col("ts") >= instant(start))
    first = CORE.compute(short).filter(pl.col("ts") >= instant(month.start)).head(1)
    assert first["ts"].item() == first.select(pl.lit(month.start).cast(first["ts"].dtype)).item()
    assert first.null_count().sum_horizontal().item() == 0


def test_the_code_version_follows_the_expressions():
    other = FeatureSet("core", 1, Timeframe.M5, CORE.features, CORE.shared)
    assert other.code_version == CORE.code_version
    first = CORE.features[0]
    changed = [
        replace(first, make=lambda col: first.make(col) * 1.0),
        replace(first, make=lambda col: log_return(col.close, 2)),  # only a window differs
        replace(first, warm_up_bars=first.warm_up_bars + 1),
        replace(first, name="other"),
    ]
    versions = {
        replace(CORE, features=(feature, *CORE.features[1:])).code_version for feature in changed
    }
    shared = {**CORE.shared, "_trade_size": lambda _: pl.lit(1.0)}
    versions |= {replace(CORE, shared=shared).code_version, replace(CORE, version=2).code_version}
    assert len(versions | {CORE.code_version}) == 7
    reworded = replace(first, formula="said otherwise")
    same = replace(CORE, features=(reworded, *CORE.features[1:]))
    assert same.code_version == CORE.code_version


def test_the_code_version_is_the_same_in_another_process():
    code = "from trading_assets.features.core import CORE; print(CORE.code_version)"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == CORE.code_version


def test_colliding_columns_are_refused():
    one = Feature("one", "1", Timeframe.M5, 0, lambda col: col.close)
    with pytest.raises(ConfigurationError, match="colliding columns"):
        FeatureSet("twice", 1, Timeframe.M5, (one, one))
    with pytest.raises(ConfigurationError, match="colliding columns"):
        FeatureSet("shadow", 1, Timeframe.M5, (replace(one, name="ts"),))


def test_larger_bars_are_cut_by_the_sessions_of_the_calendar(make_bars):
    known = build_sessions("XNYS", date(2024, 1, 1), date(2024, 3, 31))
    size = Feature("minutes", "minutes of the hour", Timeframe.H1, 0, lambda col: col.n_minutes)
    whole = FeatureSet("sizes", 1, Timeframe.M5, (size,))
    bars = known.inside(make_bars(days=5))  # from 1 February 2024 on
    rows = whole.compute(bars, known)
    seen = {f"{ts:%d %H:%M}": value for ts, value in rows.select("ts", "minutes").iter_rows()}
    assert seen["01 15:20"] is None
    assert seen["01 15:25"] == 60  # known when this row's own bar closes, at 15:30
    assert seen["02 14:30"] == 30  # the last half hour of the day before
    assert set(rows["minutes"].drop_nulls()) == {60.0, 30.0}
