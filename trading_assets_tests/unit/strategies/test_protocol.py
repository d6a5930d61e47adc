"""What every strategy promises, over all that are shipped."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets.strategies.forecast_driven import ForecastDriven
from trading_assets.strategies.inside_bar import InsideBar

SHIPPED = [
    InsideBar(min_range_bps=5, short=True),
    InsideBar(min_range_bps=5, trend_bars=12),
    EmaTrend(fast=5, slow=30, band_bps=3),
    ForecastDriven(entry_bps=3, min_confidence=0.52),
]
each = pytest.mark.parametrize("strategy", SHIPPED, ids=lambda s: s.name)


@pytest.fixture
def frame(make_bars):
    n, rng = 3000, np.random.default_rng(5)
    return make_bars(n).with_columns(
        prediction=pl.Series(rng.normal(0, 5e-4, n)),
        confidence=pl.Series(rng.uniform(0.4, 0.6, n)).set(pl.Series(rng.random(n) < 0.2), None),
    )


@each
def test_a_prefix_gives_the_same_bits(strategy, frame):
    whole = strategy.signals(frame)
    for cut in np.random.default_rng(1).integers(1, frame.height, 40):
        assert strategy.signals(frame.head(int(cut))).equals(whole.head(int(cut)))


@each
def test_height_and_time_are_those_of_the_frame_and_values_are_floats(strategy, frame):
    signals = strategy.signals(frame)
    assert signals["ts"].equals(frame["ts"])
    assert set(signals.drop("ts").dtypes) == {pl.Float64}
    assert signals.drop("ts").null_count().row(0) != (frame.height,) * (signals.width - 1)


@each
def test_the_warm_up_is_all_the_memory_there_is(strategy, frame):
    rows = int(strategy.warm_up.total_seconds() // 300)
    start = 2500
    once = strategy.signals(frame.slice(start - rows)).slice(rows)
    twice = strategy.signals(frame.slice(start - 2 * rows)).slice(2 * rows)
    assert once.equals(twice)


@each
def test_a_strategy_is_frozen_hashable_and_leaves_its_frame_alone(strategy, frame):
    before = frame.clone()
    strategy.signals(frame)
    assert frame.equals(before)
    assert hash(strategy) == hash(dataclasses.replace(strategy))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(strategy, dataclasses.fields(strategy)[0].name, 2)
