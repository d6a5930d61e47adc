"""Calendars by name: sessions, half days, breaks, and the switches of daylight saving time."""

import datetime as dt
import importlib
import warnings
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month
from trading_assets.market.calendars import build_sessions, origin
from trading_assets.market.sessions import Sessions

FIRST, LAST = dt.date(2011, 1, 1), dt.date(2026, 12, 31)
SHIPPED = ("24/7", "24x5", "FX", "CME", "CME_FX", "XNYS", "XNAS")

Hours = tuple[dt.datetime, dt.datetime]


@cache
def built(calendar: str) -> Sessions:
    return build_sessions(calendar, FIRST, LAST)


@cache
def hours_by_label(calendar: str) -> dict[dt.date, Hours]:
    rows = built(calendar).frame.iter_rows(named=True)
    return {row["session"]: (row["open"], row["close"]) for row in rows}


def hours(calendar: str, label: str) -> str:
    """Give open and close as `17 23:00 - 18 22:00`, UTC."""
    opens, closes = hours_by_label(calendar)[dt.date.fromisoformat(label)]
    return f"{opens:%d %H:%M} - {closes:%d %H:%M}"


def has(calendar: str, label: str) -> bool:
    return dt.date.fromisoformat(label) in hours_by_label(calendar)


def test_new_york_has_the_published_number_of_sessions_each_year() -> None:
    years = [label.year for label in hours_by_label("XNYS")]
    counts = [years.count(year) for year in range(2015, 2026)]
    assert counts == [252, 252, 251, 251, 252, 253, 252, 251, 250, 252, 250]


def test_new_york_closes_early_on_the_published_days() -> None:
    frame = built("XNYS").frame.filter("early_close")
    early = [f"{d}" for d in frame["session"] if 2015 <= d.year < 2020]
    assert early == [
        "2015-11-27", "2015-12-24", "2016-11-25", "2017-07-03", "2017-11-24", "2018-07-03",
        "2018-11-23", "2018-12-24", "2019-07-03", "2019-11-29", "2019-12-24",
    ]  # fmt: skip
    for row in frame.iter_rows(named=True):
        assert row["close"].astimezone(ZoneInfo("America/New_York")).hour == 13
        assert row["close"] - row["open"] == dt.timedelta(minutes=210)


@pytest.mark.parametrize(
    ("calendar", "label", "expected"),
    [
        ("XNYS", "2011-03-11", "11 14:30 - 11 21:00"),
        ("XNYS", "2011-03-14", "14 13:30 - 14 20:00"),
        ("XNYS", "2026-03-06", "06 14:30 - 06 21:00"),
        ("XNYS", "2026-03-09", "09 13:30 - 09 20:00"),
        ("XNYS", "2026-10-30", "30 13:30 - 30 20:00"),
        ("XNYS", "2026-11-02", "02 14:30 - 02 21:00"),
        ("XNYS", "2026-11-27", "27 14:30 - 27 18:00"),
        ("XNYS", "2026-12-24", "24 14:30 - 24 18:00"),
        ("XNAS", "2026-12-24", "24 14:30 - 24 18:00"),
        ("CME", "2024-01-02", "01 23:00 - 02 22:00"),
        ("CME", "2024-03-08", "07 23:00 - 08 22:00"),
        ("CME", "2024-03-11", "10 22:00 - 11 21:00"),
        ("CME", "2024-11-28", "27 23:00 - 28 18:00"),
        ("CME", "2024-11-29", "28 23:00 - 29 18:15"),
        ("CME", "2024-01-15", "14 23:00 - 15 18:00"),
        ("CME_FX", "2024-01-15", "14 23:00 - 15 22:00"),
        ("CME_FX", "2021-01-18", "17 23:00 - 18 18:00"),
        ("24x5", "2024-03-08", "07 22:00 - 08 22:00"),
        ("24x5", "2024-03-11", "10 21:00 - 11 21:00"),
        ("24x5", "2024-11-01", "31 21:00 - 01 21:00"),
        ("24x5", "2024-11-04", "03 22:00 - 04 22:00"),
        ("FX", "2024-11-04", "03 22:00 - 04 22:00"),
        ("24/7", "2024-03-10", "10 00:00 - 11 00:00"),
    ],
)
def test_a_session_opens_and_closes_when_its_venue_does(
    calendar: str, label: str, expected: str
) -> None:
    assert hours(calendar, label) == expected


def test_holidays_and_weekends_have_no_session() -> None:
    assert not has("XNYS", "2026-07-03")
    assert not has("CME", "2024-03-29")
    assert not has("CME", "2024-01-01")
    for calendar in ("24x5", "CME", "CME_FX", "XNYS"):
        assert not any(label.weekday() > 4 for label in hours_by_label(calendar))


def test_a_week_of_currencies_has_no_hole_and_the_hour_of_cme_is_one() -> None:
    monday, friday = dt.date(2024, 3, 11), dt.date(2024, 3, 15)
    for calendar, minutes in (("24x5", 5 * 1440), ("CME", 5 * 1380)):
        sessions = built(calendar)
        week = [hours_by_label(calendar)[monday][0], hours_by_label(calendar)[friday][1]]
        start, end = (int(at.timestamp()) * 1_000_000 for at in week)
        assert sessions.expected_minutes(start, end) == minutes


@pytest.mark.parametrize("calendar", SHIPPED)
def test_a_daily_bar_is_known_a_day_after_its_label_begins(calendar: str) -> None:
    frame = built(calendar).frame
    label_us = frame["session"].to_physical().cast(pl.Int64) * DAY
    assert ((frame["close"].to_physical() - label_us) <= DAY).all()
    assert ((frame["open"].to_physical() - label_us) >= -DAY).all()


def test_a_second_opinion_on_cme_differs_on_listed_days_only() -> None:
    second = importlib.import_module("pandas_market_calendars")
    juneteenth = [f"{year}-06-{19 + (year == 2022)}" for year in (2022, 2023, 2024, 2025, 2026)]
    july = [f"{year}-07-03" for year in (2017, 2018, 2019, 2023, 2024, 2025)]
    mornings = {
        "2018-12-05", "2021-04-02", "2023-04-07", "2024-03-29", "2025-01-09", "2025-04-18",
        "2026-04-03",
    }  # fmt: skip
    for own, product, closed_early in (
        ("CME", "CME Globex Equity", sorted(juneteenth + july)),
        ("CME_FX", "CMEGlobex_FX", []),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library's own, about pandas
            schedule = second.get_calendar(product).schedule("2017-01-01", "2026-12-31")
        theirs = {
            stamp.date(): (opens.to_pydatetime(), closes.to_pydatetime())
            for stamp, opens, closes in zip(
                schedule.index, schedule["market_open"], schedule["market_close"], strict=True
            )
        }
        ours = {k: v for k, v in hours_by_label(own).items() if k.year >= 2017}
        assert {f"{label}" for label in theirs.keys() - ours.keys()} == mornings
        assert not ours.keys() - theirs.keys()
        assert [f"{k}" for k, v in ours.items() if theirs[k] != v] == closed_early


def test_a_lunch_break_is_a_break_inside_the_session() -> None:
    sessions = build_sessions("XHKG", dt.date(2024, 3, 1), dt.date(2024, 3, 31))
    day = Month(2024, 3).start
    first = sessions.session_of(day + 4 * 60 * MINUTE)
    assert first is not None
    assert first.break_start == day + 4 * 60 * MINUTE
    assert not sessions.is_open(day + 4 * 60 * MINUTE)
    assert sessions.is_open(day + 5 * 60 * MINUTE)
    assert sessions.expected_minutes(day, day + DAY) == 330


def test_a_calendar_that_nobody_knows_is_refused() -> None:
    for name in ("XXXX", "24/6", "xnys", ""):
        with pytest.raises(ConfigurationError, match="no such calendar"):
            build_sessions(name, FIRST, LAST)


def test_the_origin_names_the_library_where_it_decides() -> None:
    assert origin("24x5") == "trading_assets rules 1"
    assert origin("XNYS").startswith("exchange_calendars 4.")
    assert "rules 1" in origin("CME")
