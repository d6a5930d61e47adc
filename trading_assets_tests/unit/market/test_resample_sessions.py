"""Larger bars are cut by sessions: opens, closes, breaks, half days and daylight saving time."""

import datetime as dt
from collections.abc import Callable

import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE, Gap, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.bar_frame import validate_bars
from trading_assets.market.calendars import build_sessions
from trading_assets.market.resample import resample
from trading_assets.market.sessions import Sessions

BarsAt = Callable[..., pl.DataFrame]
START = Month(2024, 3).start


def sessions(calendar: str) -> Sessions:
    return build_sessions(calendar, dt.date(2024, 2, 1), dt.date(2024, 12, 31))


def clock(*texts: str) -> list[Micros]:
    moments = [dt.datetime.fromisoformat(f"2024-{text}+00:00") for text in texts]
    return [int(moment.timestamp()) * 1_000_000 for moment in moments]


def minutes_of(known: Sessions, first: str, last: str) -> list[int]:
    """List the expected minutes from one instant to another, as numbers of the fixture."""
    start, end = clock(first, last)
    return [int(ts - START) // MINUTE for ts in known.minutes(start, end)]


def times(frame: pl.DataFrame) -> list[str]:
    return [f"{ts:%m-%d %H:%M}" for ts in frame["ts"]]


def test_hours_count_from_the_open_and_the_last_one_is_shorter(bars_at: BarsAt) -> None:
    known = sessions("XNYS")
    frame = resample(
        bars_at(minutes_of(known, "03-01T00:00", "03-02T00:00")), Timeframe.H1, sessions=known
    )
    assert times(frame) == [f"03-01 {hour}:30" for hour in range(14, 21)]
    assert frame["n_minutes"].to_list() == [60] * 6 + [30]
    assert frame["complete"].all()
    validate_bars(frame, Symbol("BTCUSDT"), Timeframe.H1, grid=Timeframe.M1)


def test_hours_move_with_daylight_saving_time_both_ways(bars_at: BarsAt) -> None:
    known = sessions("XNYS")
    for span, opens in (
        (("03-08T00:00", "03-12T00:00"), ["03-08 14:30", "03-11 13:30"]),
        (("11-01T00:00", "11-05T00:00"), ["11-01 13:30", "11-04 14:30"]),
    ):
        frame = resample(bars_at(minutes_of(known, *span)), Timeframe.H1, sessions=known)
        assert times(frame)[::7] == opens
        assert frame["n_minutes"].to_list() == ([60] * 6 + [30]) * 2


def test_a_half_day_is_complete_with_its_210_minutes(bars_at: BarsAt) -> None:
    known = sessions("XNYS")
    frame = bars_at(minutes_of(known, "11-29T00:00", "11-30T00:00"))
    day = resample(frame, Timeframe.D1, sessions=known)
    assert times(day) == ["11-29 00:00"]
    assert day.select("n_minutes", "complete").row(0) == (210, True)
    short = resample(frame[:-1], Timeframe.D1, sessions=known)
    assert short.select("n_minutes", "complete").row(0) == (209, False)


def test_a_day_bears_the_label_of_its_session_even_across_a_month(bars_at: BarsAt) -> None:
    for calendar, opens, length in (("CME", "31 22:00", 1380), ("24x5", "31 21:00", 1440)):
        known = sessions(calendar)
        frame = bars_at(minutes_of(known, "03-31T00:00", "04-03T00:00"))
        assert times(frame)[0] == f"03-{opens}"
        days = resample(frame, Timeframe.D1, sessions=known)
        assert times(days) == ["04-01 00:00", "04-02 00:00", "04-03 00:00"]
        assert days["n_minutes"].to_list()[:2] == [length, length]
        assert days["complete"].to_list() == [True, True, False]
        assert days["open"][1] == frame.filter(pl.col("ts") == known.frame.filter(
            pl.col("session") == dt.date(2024, 4, 2))["open"][0])["open"][0]  # fmt: skip


def test_joining_a_day_on_its_label_plus_a_day_knows_no_future() -> None:
    for calendar in ("24/7", "24x5", "CME", "CME_FX", "XNYS", "XHKG", "XLON"):
        known = sessions(calendar).frame
        known_from = known["session"].to_physical().cast(pl.Int64) * DAY + DAY
        assert (known["close"].to_physical() <= known_from).all()


def test_a_bucket_ends_at_a_break_and_starts_again_after_it(bars_at: BarsAt) -> None:
    known = sessions("XHKG")
    frame = bars_at(minutes_of(known, "03-01T00:00", "03-02T00:00"))
    hours = resample(frame, Timeframe.H1, sessions=known)
    assert times(hours) == [f"03-01 {t}" for t in
                            ("01:30", "02:30", "03:30", "05:00", "06:00", "07:00")]  # fmt: skip
    assert hours["n_minutes"].to_list() == [60, 60, 30, 60, 60, 60]
    assert hours["complete"].all()
    day = resample(frame, Timeframe.D1, sessions=known)
    assert day.select("n_minutes", "complete").row(0) == (330, True)


def test_the_hour_of_cme_divides_two_sessions(bars_at: BarsAt) -> None:
    known = sessions("CME")
    frame = bars_at(minutes_of(known, "03-05T20:30", "03-06T00:30"))
    hours = resample(frame, Timeframe.H1, sessions=known)
    assert times(hours) == ["03-05 20:00", "03-05 21:00", "03-05 23:00", "03-06 00:00"]
    assert hours["complete"].to_list() == [False, True, True, False]


def test_minutes_before_and_after_the_session_are_in_no_bar(bars_at: BarsAt) -> None:
    known = sessions("XNYS")
    day = range(1440)
    inside = set(minutes_of(known, "03-01T00:00", "03-02T00:00"))
    for size in (Timeframe.M5, Timeframe.H1, Timeframe.D1):
        frame = resample(bars_at(day), size, sessions=known)
        assert frame.equals(resample(bars_at(sorted(inside)), size, sessions=known))
        assert frame["n_minutes"].sum() == 390
    weekend = bars_at(range(1440, 3 * 1440))
    assert resample(weekend, Timeframe.H1, sessions=known).is_empty()
    assert resample(bars_at([]), Timeframe.D1, sessions=known).is_empty()


def test_a_session_that_has_not_closed_has_no_day_yet(bars_at: BarsAt) -> None:
    known = sessions("XNYS")
    frame = bars_at(minutes_of(known, "03-01T00:00", "03-02T00:00"))
    (close,) = clock("03-01T21:00")
    assert resample(frame, Timeframe.D1, sessions=known, now=close).height == 1
    assert resample(frame, Timeframe.D1, sessions=known, now=close - 1).is_empty()
    assert resample(frame, Timeframe.H1, sessions=known, now=close - 1).height == 6


def test_silence_leaves_a_bar_complete_and_a_hole_does_not(bars_at: BarsAt) -> None:
    frame = bars_at([0, 3, 5, 6, 12, 13, 14, 15])
    hole = Gap(START + 7 * MINUTE, START + 11 * MINUTE, 5)
    bars = resample(frame, Timeframe.M5, holes=(hole,))
    assert bars["n_minutes"].to_list() == [2, 2, 3, 1]
    assert bars["complete"].to_list() == [True, False, False, True]
    assert resample(frame, Timeframe.M5, holes=())["complete"].all()


def test_an_amount_that_is_not_known_stays_unknown(bars_at: BarsAt) -> None:
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("volume", "quote_volume")]
    frame = bars_at(range(10)).with_columns(
        *nothing, pl.lit(None, dtype=pl.Int64).alias("n_trades")
    )
    bars = resample(frame, Timeframe.M5)
    assert bars.select("volume", "quote_volume", "n_trades").null_count().row(0) == (2, 2, 2)
    validate_bars(bars, Symbol("BTCUSDT"), Timeframe.M5)
    twice = resample(bars, Timeframe.H1)
    assert twice.equals(resample(frame, Timeframe.H1))


def test_bars_that_were_cut_otherwise_are_refused(bars_at: BarsAt) -> None:
    known = sessions("XNYS")
    utc_days = resample(bars_at(range(1440)), Timeframe.D1)
    with pytest.raises(DataError, match="does not start inside a session"):
        resample(utc_days, Timeframe.D1, sessions=known)


def test_minutes_that_the_calendar_does_not_know_are_refused(bars_at: BarsAt) -> None:
    known = build_sessions("XNYS", dt.date(2024, 3, 1), dt.date(2024, 3, 4))
    with pytest.raises(DataError, match="does not know this span"):
        resample(bars_at(range(5 * 1440)), Timeframe.H1, sessions=known)
