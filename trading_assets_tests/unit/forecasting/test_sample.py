import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month
from trading_assets.forecasting.barriers import Barriers
from trading_assets.forecasting.past_returns import PAST_COLUMNS
from trading_assets.forecasting.sample import sample_from_tables

_FEATURES = ("volatility_1d", "lean", "noise")
_UNTIL = Month(2024, 2).end


def test_rows_of_all_symbols_in_order_of_time(make_tables):
    sample = sample_from_tables(make_tables(days=4), _FEATURES, "1h", until=_UNTIL)
    assert len(sample) == 2 * (4 * 288 - 12)
    assert (np.diff(sample.decided) >= 0).all()
    assert (sample.known - sample.decided == 60 * MINUTE).all()
    assert sample.x.shape == (len(sample), 3)
    assert sample.x.flags.c_contiguous


def test_nothing_is_known_that_closes_after_the_end(make_tables):
    tables = make_tables(days=4)
    for until in (_UNTIL, _UNTIL - 7 * 60 * MINUTE):
        for horizon in ("1h", "4h"):
            sample = sample_from_tables(tables, _FEATURES, horizon, until=until)
            assert sample.known.max() == until
    late = {
        symbol: (rows, bars.with_columns(close=pl.col("close") * 1000))
        for symbol, (rows, bars) in tables.items()
    }
    cut = _UNTIL - 1440 * MINUTE
    mixed = {
        symbol: (rows, pl.concat([bars.head(3 * 288), late[symbol][1].tail(288)]))
        for symbol, (rows, bars) in tables.items()
    }
    honest, other = (sample_from_tables(t, _FEATURES, "4h", until=cut) for t in (tables, mixed))
    assert honest.y.tobytes() == other.y.tobytes()


def test_incomplete_rows_are_left_out(make_tables):
    tables = make_tables(days=4)
    rows, bars = tables["SOLUSDT"]
    row = pl.int_range(pl.len())
    holed = rows.with_columns(
        lean=pl.when(row != 5).then("lean"),
        volatility_1d=pl.when(row == 7).then(0.0).otherwise("volatility_1d"),
    )
    full = sample_from_tables(tables, _FEATURES, "1h", until=_UNTIL)
    less = sample_from_tables(tables | {"SOLUSDT": (holed, bars)}, _FEATURES, "1h", until=_UNTIL)
    assert len(less) == len(full) - 2


def test_features_that_the_source_can_never_know_are_named(make_tables):
    tables = {
        symbol: (rows.with_columns(pl.lit(None, pl.Float64).alias(_FEATURES[1])), bars)
        for symbol, (rows, bars) in make_tables(days=4).items()
    }
    with pytest.raises(DataError, match=rf"none in {_FEATURES[1]}\. .*model\.feature_set"):
        sample_from_tables(tables, _FEATURES, "1h", until=_UNTIL)


def test_targets_are_scaled_and_clipped(make_sample):
    sample = make_sample(days=4)
    assert sample.scale == pytest.approx(sample.volatility * 12**0.5)
    scaled = sample.y / sample.scale
    inside = np.abs(scaled) < 5
    assert sample.target[inside] == pytest.approx(scaled[inside])
    assert np.abs(sample.target).max() <= 5


def test_with_barriers_models_learn_the_return_to_the_first_one(make_tables):
    tables = make_tables(days=4)
    plain = sample_from_tables(tables, _FEATURES, "1h", until=_UNTIL)
    wide, near = (
        sample_from_tables(tables, _FEATURES, "1h", until=_UNTIL, barriers=Barriers(size, size))
        for size in (50.0, 0.5)
    )
    assert wide.learned.tobytes() == plain.target.tobytes()  # no barrier is ever met
    assert near.target.tobytes() == plain.target.tobytes()
    assert (
        np.mean(np.isclose(np.abs(near.learned), 0.5)) > 0.4
    )  # bars without range open at a close
    assert np.abs(near.learned).max() < np.abs(plain.target).max()
    assert len(near) == len(plain)


def test_past_returns_go_with_the_rows_in_the_units_of_the_target(make_tables):
    tables = make_tables(days=4)
    sample = sample_from_tables(tables, _FEATURES, "1h", until=_UNTIL)
    rows = sample.rows()
    assert rows.names == (*_FEATURES, *PAST_COLUMNS)
    assert rows.select(_FEATURES).tobytes() == sample.x.tobytes()
    assert not sample.past[: 2 * 12].any()  # nothing is known before the data begin
    one_hour_later = sample.past[2 * 12 :, 0] * sample.scale[2 * 12 :]
    inside = np.abs(sample.past[2 * 12 :, 0]) < 5
    assert one_hour_later[inside] == pytest.approx(sample.y[: -2 * 12][inside])
