"""Resampling in steps is resampling, and nothing is lost or invented on the way."""

import datetime as dt

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.bar import DAY, MINUTE, Timeframe
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import BAR_SCHEMA, row_content_hash, validate_bars
from trading_assets.market.calendars import build_sessions
from trading_assets.market.gaps import gaps
from trading_assets.market.resample import resample

START = Month(2024, 3).start
CALENDARS = {
    name: build_sessions(name, dt.date(2024, 2, 1), dt.date(2024, 4, 30))
    for name in ("XNYS", "XHKG", "CME", "24x5", "24/7")
}
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


@settings(max_examples=25, deadline=None)
@given(minutes(), st.sampled_from(sorted(CALENDARS)), st.integers(0, 200))
def test_sessions_cut_the_same_in_one_step_and_in_two(
    frame: pl.DataFrame, calendar: str, silence: int
) -> None:
    known = CALENDARS[calendar]
    holes = gaps(frame, START, START + 4 * DAY, sessions=known, longest_silence_minutes=silence)
    for of in (None, holes):
        for first, second in (("5m", "1h"), ("5m", "1d"), ("1h", "1d"), ("5m", "5m")):
            direct = resample(frame, Timeframe(second), sessions=known, holes=of)
            once = resample(frame, Timeframe(first), sessions=known, holes=of)
            stepwise = resample(once, Timeframe(second), sessions=known, holes=of)
            assert row_content_hash(stepwise) == row_content_hash(direct)


@settings(max_examples=60, deadline=None)
@given(
    minutes(),
    st.sampled_from(sorted(CALENDARS)),
    st.sampled_from([Timeframe.M5, Timeframe.H1, Timeframe.D1]),
)
def test_every_minute_of_a_session_is_in_one_bar_and_no_bar_lies_across_a_close(
    frame: pl.DataFrame, calendar: str, timeframe: Timeframe
) -> None:
    known = CALENDARS[calendar]
    larger = resample(frame, timeframe, sessions=known)
    inside = sum(known.is_open(ts) for ts in frame["ts"].to_physical())
    assert larger["n_minutes"].sum() == inside
    validate_bars(larger, Symbol("BTCUSDT"), timeframe, grid=Timeframe.M1)
    if timeframe is Timeframe.D1:
        assert larger["ts"].dt.date().is_in(known.frame["session"].implode()).all()
        return
    for ts, n_minutes in larger.select(pl.col("ts").to_physical(), "n_minutes").iter_rows():
        close = min(known.next_close(ts), ts + timeframe.micros)
        assert known.expected_minutes(ts, close) == (close - ts) // MINUTE
        assert n_minutes <= (close - ts) // MINUTE


@settings(max_examples=30, deadline=None)
@given(minutes())
def test_days_of_utc_as_sessions_change_no_bit(frame: pl.DataFrame) -> None:
    for size in (Timeframe.M5, Timeframe.H1, Timeframe.D1):
        plain = resample(frame, size)
        for holes in (None, gaps(frame, START, START + 4 * DAY)):
            cut = resample(frame, size, sessions=CALENDARS["24/7"], holes=holes)
            assert row_content_hash(cut) == row_content_hash(plain)
