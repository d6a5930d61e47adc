from datetime import timedelta

import polars as pl
import pytest

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month
from trading_assets.features.core import CORE
from trading_assets.features.indicators import ema, sma
from trading_assets.features.warm_up import find_short_warm_up

_START = Month(2024, 2).start + 8 * DAY
_CLOSE = pl.col("close")


def _with(**columns: pl.Expr):
    return lambda bars: bars.select("ts", **columns)


def test_the_core_set_is_warm_after_its_warm_up(make_bars):
    for seed in (1, 2):
        bars = make_bars(days=10, seed=seed)
        assert find_short_warm_up(CORE.compute, bars, start=_START, warm_up=CORE.warm_up) == ()


def test_half_the_warm_up_is_too_short_and_the_columns_are_named(make_bars):
    found = find_short_warm_up(
        CORE.compute, make_bars(days=10), start=_START, warm_up=timedelta(days=1)
    )
    names = {defect.column for defect in found}
    assert {"ema_distance_48", "rsi_14", "h1_return_24", "h1_range_position_72"} <= names
    assert not {"return_1d", "volatility_4h", "range_position_4h", "body", "time_sin"} & names


def test_a_smoothing_that_still_remembers_its_seed_is_named(make_bars):
    compute = _with(short=ema(_CLOSE, 20), long=ema(_CLOSE, 200), window=sma(_CLOSE, 200))
    found = find_short_warm_up(compute, make_bars(days=10), start=_START, warm_up=timedelta(days=2))
    assert [defect.column for defect in found] == ["long"]
    assert "long" in str(found[0])
    assert found[0].once != found[0].twice


def test_a_value_that_needs_older_bars_is_named(make_bars):
    found = find_short_warm_up(
        _with(slow=sma(_CLOSE, 600)), make_bars(days=10), start=_START, warm_up=timedelta(days=2)
    )
    assert [(defect.column, defect.once) for defect in found] == [("slow", None)]


def test_rows_that_a_hole_leaves_cold_are_no_defect(make_bars):
    bars = make_bars(days=10).filter(~pl.int_range(pl.len()).is_between(7 * 288, 7 * 288 + 40))
    assert find_short_warm_up(CORE.compute, bars, start=_START, warm_up=CORE.warm_up) == ()


def test_a_sign_may_not_change_however_small_the_value(make_bars):
    cut = Month(2024, 2).start + 7 * DAY
    older = pl.col("ts").first().dt.epoch("us") < cut
    compute = _with(target=pl.when(older).then(1e-30).otherwise(-1e-30) + 0 * _CLOSE)
    bars, wide = make_bars(days=10), {"start": _START, "warm_up": timedelta(days=1)}
    assert [d.column for d in find_short_warm_up(compute, bars, **wide, signs=("target",))] == [
        "target"
    ]
    big = _with(target=_CLOSE, tiny=pl.when(older).then(1e-30).otherwise(-1e-30) * _CLOSE)
    assert [d.column for d in find_short_warm_up(big, bars, **wide)] == ["tiny"]


def test_bars_that_do_not_reach_back_twice_are_refused(make_bars):
    with pytest.raises(DataError, match="bars from 2024-02-03 on"):
        find_short_warm_up(
            CORE.compute,
            make_bars(days=10).tail(7 * 288 - 1),
            start=_START,
            warm_up=CORE.warm_up,
        )
