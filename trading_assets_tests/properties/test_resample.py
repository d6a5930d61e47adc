"""Resampling in steps is resampling, and nothing is lost or invented on the way."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import BAR_SCHEMA, row_content_hash, validate_bars
from trading_assets.market.resample import resample

START = Month(2024, 3).start
cents = st.integers(1, 10**7)
amounts = st.integers(0, 10**14)  # in 1e-8


@st.composite
def minutes(draw: st.DrawFn) -> pl.DataFrame:
    """A few hours with holes, every bar consistent."""
    times = sorted(draw(st.sets(st.integers(0, 3 * 1440), min_size=1, max_size=40)))
    prices = [sorted(draw(st.tuples(*[cents] * 4))) for _ in times]
    flips = draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times)))
    columns = {
        "ts": [START + minute * MINUTE for minute in times],
        "symbol": ["BTCUSDT"] * len(times),
        "open": [(p[2] if flip else p[1]) / 100 for p, flip in zip(prices, flips, strict=True)],
        "high": [p[3] / 100 for p in prices],
        "low": [p[0] / 100 for p in prices],
        "close": [(p[1] if flip else p[2]) / 100 for p, flip in zip(prices, flips, strict=True)],
        "volume": [draw(amounts) / 10**8 for _ in times],
        "quote_volume": [draw(amounts) / 10**8 for _ in times],
        "n_trades": [draw(st.integers(0, 10**6)) for _ in times],
        "source": ["test"] * len(times),
    }
    raw = pl.DataFrame(columns, schema_overrides={"ts": pl.Int64})
    return raw.cast(dict(BAR_SCHEMA))


@settings(max_examples=60, deadline=None)
@given(minutes())
def test_two_steps_equal_one(frame: pl.DataFrame) -> None:
    for first, second in (("5m", "1h"), ("5m", "1d"), ("1h", "1d"), ("5m", "5m")):
        direct = resample(frame, Timeframe(second))
        stepwise = resample(resample(frame, Timeframe(first)), Timeframe(second))
        assert row_content_hash(stepwise) == row_content_hash(direct)


@settings(max_examples=60, deadline=None)
@given(minutes(), st.sampled_from([Timeframe.M5, Timeframe.H1, Timeframe.D1]))
def test_minutes_and_trades_are_kept_and_bars_stay_valid(
    frame: pl.DataFrame, timeframe: Timeframe
) -> None:
    larger = resample(frame, timeframe)
    validate_bars(larger, Symbol("BTCUSDT"), timeframe)
    assert larger["n_minutes"].sum() == frame.height
    assert larger["n_trades"].sum() == frame["n_trades"].sum()
    assert larger["high"].max() == frame["high"].max()
    assert larger["low"].min() == frame["low"].min()
    assert set(larger["ts"]) == set(frame["ts"].dt.truncate(timeframe.value))
