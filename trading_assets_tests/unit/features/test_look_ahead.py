from datetime import timedelta

import polars as pl
import pytest

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month
from trading_assets.features.core import CORE
from trading_assets.features.look_ahead import cut_heights, differing_rows, find_look_ahead

_CLOSE, _HIGH = pl.col("close"), pl.col("high")
_DATE = pl.col("ts").dt.truncate("1d")
_HOUR = pl.col("ts").dt.truncate("1h")

_LEAKS = {
    "shift(-1)": _CLOSE.shift(-1) / _CLOSE,
    "a centred window": _CLOSE.rolling_mean(13, center=True),
    "a z-score of the whole sample": (_CLOSE - _CLOSE.mean()) / _CLOSE.std(),
    "the maximum of the day": _CLOSE / _HIGH.max().over(_DATE),
    "the close of the unfinished hour": _CLOSE.last().over(_HOUR),
    "a rank over the sample": _CLOSE.rank().cast(pl.Float64),
    "a sum from the end": _CLOSE.reverse().cum_sum().reverse(),
    "back-filled values": pl.when(_CLOSE.shift(1) < _CLOSE).then(_CLOSE).backward_fill(),
    "interpolation": pl.when(pl.int_range(pl.len()) % 7 == 0).then(_CLOSE).interpolate(),
    "a scale by the sample's end": _CLOSE / _CLOSE.last(),
    "the next bar, one bit of it": (_CLOSE.shift(-1) > _CLOSE).cast(pl.Float64),
    "how much is still to come": (pl.len() - pl.int_range(pl.len())).cast(pl.Float64),
}


def _with(**columns: pl.Expr):
    return lambda bars: bars.select("ts", **columns)


def test_the_core_set_does_not_look_ahead(make_bars):
    for seed in range(3):
        bars = make_bars(days=7 + seed, seed=seed)
        assert find_look_ahead(CORE.compute, bars, cuts=16, seed=seed) == ()


def test_the_core_set_does_not_look_ahead_across_holes(make_bars):
    bars = make_bars(days=8)
    holed = bars.filter(~pl.int_range(pl.len()).is_between(1000, 1043))
    assert find_look_ahead(CORE.compute, holed, cuts=24, seed=5) == ()


@pytest.mark.parametrize("leak", _LEAKS)
def test_a_planted_leak_is_found_and_named(make_bars, leak):
    compute = _with(clean=_CLOSE.rolling_mean(12), planted=_LEAKS[leak])
    for seed in range(4):
        found = find_look_ahead(compute, make_bars(days=3, seed=seed), seed=seed)
        assert [one.column for one in found] == ["planted"]
        assert found[0].ts <= found[0].cut
        assert "planted" in str(found[0])


def test_a_leak_planted_in_the_core_set_is_found(make_bars):
    def leaking(bars: pl.DataFrame) -> pl.DataFrame:
        return CORE.compute(bars).with_columns(pl.col("rsi_14").shift(-1))

    found = find_look_ahead(leaking, make_bars(), seed=1)
    assert [one.column for one in found] == ["rsi_14"]


def test_signals_are_checked_like_features(make_bars):
    """A target that peeks only when it matters: null elsewhere, of another type than float."""
    peek = pl.when(_CLOSE.pct_change().abs() > 2e-3).then((_CLOSE.shift(-1) > _CLOSE).cast(pl.Int8))
    honest = pl.when(_CLOSE.pct_change() > 2e-3).then(pl.lit(1, pl.Int8))
    found = find_look_ahead(_with(honest=honest, peek=peek), make_bars(days=20), cuts=60, seed=2)
    assert [one.column for one in found] == ["peek"]


def test_the_same_seed_cuts_at_the_same_places(make_bars):
    compute, bars = _with(planted=_CLOSE.mean()), make_bars(days=2)
    assert find_look_ahead(compute, bars, seed=3) == find_look_ahead(compute, bars, seed=3)
    assert cut_heights(bars["ts"], 12, 3) == cut_heights(bars["ts"], 12, 3)
    assert cut_heights(bars["ts"], 12, 3) != cut_heights(bars["ts"], 12, 4)


def test_it_is_cut_inside_a_day_and_at_the_edges_of_day_month_and_frame(make_bars):
    start = Month(2024, 2).start - 5 * DAY
    bars = make_bars(start=start, days=25)
    heights = cut_heights(bars["ts"], 12, 1)
    month, day = 5 * 288, 18 * 288
    assert {month, month + 1, day, day + 1, day + 144, bars.height - 1} <= set(heights)
    assert len(set(heights[:12])) == 12
    assert all(0 < height < bars.height for height in heights)


def test_that_a_bar_will_be_missing_is_future_too(make_bars):
    """Nothing is missing in these bars: only another future can show it."""
    gap = (pl.col("ts").diff().shift(-1) > timedelta(minutes=5)).fill_null(value=False)
    found = find_look_ahead(_with(clean=_CLOSE, planted=gap), make_bars(days=4))
    assert [one.column for one in found] == ["planted"]


def test_losing_rows_or_too_few_bars_is_refused(make_bars):
    with pytest.raises(DataError, match="one row per bar"):
        find_look_ahead(lambda bars: bars.filter(pl.col("close") > 100), make_bars(days=2))
    with pytest.raises(DataError, match="too little"):
        find_look_ahead(CORE.compute, make_bars(days=2).head(20))
    with pytest.raises(DataError, match="at least 12 cuts"):
        find_look_ahead(CORE.compute, make_bars(days=2), cuts=3)


def test_values_differ_when_their_bits_do():
    nan = float("nan")
    left = pl.Series([1.0, None, nan, 0.0, None, 1.0])
    right = pl.Series([1.0, None, nan, -0.0, 0.0, 1.0 + 2**-52])
    assert differing_rows(left, right).to_list() == [False, False, False, True, True, True]
    assert differing_rows(pl.Series([1]), pl.Series([1.0])).to_list() == [True]
