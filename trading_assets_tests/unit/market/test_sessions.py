"""Sessions: what is expected when, and which tables of them are refused."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month
from trading_assets.market.calendars import build_sessions
from trading_assets.market.sessions import SESSIONS_SCHEMA, Sessions, always_open

MARCH = Month(2024, 3)
HOUR = 60 * MINUTE


def at(day: int, hour: int, minute: int = 0) -> Micros:
    return MARCH.start + (day - 1) * DAY + hour * HOUR + minute * MINUTE


def table(*rows: tuple[int, Micros, Micros, Micros | None, Micros | None]) -> Sessions:
    """Make sessions of days in March 2024."""
    columns = list(zip(*rows, strict=True))
    frame = pl.DataFrame(
        {
            "session": [dt.date(2024, 3, day) for day in columns[0]],
            **{
                name: pl.Series(values, dtype=pl.Int64)
                for name, values in zip(
                    ("open", "close", "break_start", "break_end"), columns[1:], strict=True
                )
            },
            "early_close": [False] * len(rows),
        }
    ).cast(dict(SESSIONS_SCHEMA))
    return Sessions("TEST", frame, MARCH.start, MARCH.end)


@pytest.fixture
def two_days() -> Sessions:
    """Give Monday 4th with a break and Tuesday 5th without."""
    return table(
        (4, at(4, 14), at(4, 21), at(4, 17), at(4, 18)), (5, at(5, 14), at(5, 21), None, None)
    )


def test_an_instant_belongs_to_its_session_and_is_open_outside_the_break(
    two_days: Sessions,
) -> None:
    labels = {
        at(4, 13, 59): None,
        at(4, 14): 4,
        at(4, 17): 4,
        at(4, 20, 59): 4,
        at(4, 21): None,
        at(5, 15): 5,
    }
    for ts, day in labels.items():
        session = two_days.session_of(ts)
        assert (session.label.day if session else None) == day
    opened = [ts for ts in labels if two_days.is_open(ts)]
    assert opened == [at(4, 14), at(4, 20, 59), at(5, 15)]


def test_the_next_open_and_close_include_those_of_a_break(two_days: Sessions) -> None:
    assert two_days.next_open(at(4, 14)) == at(4, 14)
    assert two_days.next_open(at(4, 14) + 1) == at(4, 18)
    assert two_days.next_open(at(4, 21)) == at(5, 14)
    assert two_days.next_close(at(4, 14)) == at(4, 17)
    assert two_days.next_close(at(4, 17)) == at(4, 21)
    with pytest.raises(DataError, match="does not know"):
        two_days.next_open(at(5, 15))


def test_expected_minutes_are_those_between_open_and_close(two_days: Sessions) -> None:
    assert two_days.expected_minutes(MARCH.start, MARCH.end) == 2 * 420 - 60
    assert two_days.expected_minutes(at(4, 16, 58), at(4, 18, 3)) == 5
    assert two_days.expected_minutes(at(4, 14) + 1, at(4, 14, 2) + 1) == 2
    listed = two_days.minutes(at(4, 16, 58), at(4, 18, 3))
    assert listed.tolist() == [at(4, 16, 58), at(4, 16, 59), at(4, 18), at(4, 18, 1), at(4, 18, 2)]
    whole = two_days.minutes(MARCH.start, MARCH.end)
    assert (two_days.stretch_of(whole) >= 0).all()
    assert len(whole) == two_days.expected_minutes(MARCH.start, MARCH.end)


def test_what_the_table_does_not_know_is_not_called_closed(two_days: Sessions) -> None:
    for ask in (two_days.is_open, two_days.session_of, two_days.next_open, two_days.next_close):
        for ts in (MARCH.start - 1, MARCH.end + 1):
            with pytest.raises(DataError, match="trading-assets data calendars"):
                ask(ts)
    with pytest.raises(DataError, match="does not know"):
        two_days.expected_minutes(MARCH.start - MINUTE, MARCH.end)


def test_a_cut_keeps_the_sessions_that_touch_it(two_days: Sessions) -> None:
    part = two_days.cut(at(4, 20), at(5, 14))
    assert part.frame["session"].to_list() == [dt.date(2024, 3, 4)]
    assert (part.start, part.end) == (at(4, 0), at(6, 0))


def test_a_market_that_never_closes_expects_every_minute() -> None:
    sessions = always_open(at(1, 3), at(30, 1))
    assert sessions.never_closes
    assert sessions.frame.height == 30
    assert sessions.expected_minutes(at(2, 0), at(9, 0)) == 7 * 1440
    assert len(sessions.joined_stretches.start) == 1
    assert sessions.next_close(at(2, 0)) == at(31, 0)


def test_a_month_depends_on_the_sessions_that_touch_it_and_no_others() -> None:
    long = build_sessions("CME", dt.date(2023, 6, 1), dt.date(2024, 12, 31))
    short = build_sessions("CME", dt.date(2023, 12, 1), dt.date(2024, 3, 1))
    january = Month(2024, 1)
    assert long.version_of_month(january) == short.version_of_month(january)
    others = long.frame.filter(pl.col("session") != dt.date(2024, 1, 16))
    changed = Sessions("CME", others, long.start, long.end)
    assert changed.version_of_month(january) != long.version_of_month(january)
    assert changed.version_of_month(Month(2024, 2)) == long.version_of_month(Month(2024, 2))


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ([(5, at(5, 14), at(5, 21), None, None), (4, at(4, 14), at(4, 21), None, None)], "labels"),
        ([(4, at(4, 14), at(4, 14), None, None)], "does not end after"),
        ([(4, at(4, 14), at(5, 0), None, None), (5, at(4, 23), at(5, 9), None, None)], "before"),
        ([(4, at(4, 14) + 1, at(4, 21), None, None)], "whole minute"),
        ([(4, at(4, 14), at(4, 21), at(4, 13), at(4, 15))], "break is not inside"),
        ([(4, at(4, 14), at(4, 21), at(4, 15), None)], "break is not inside"),
        ([(4, at(4, 14), at(5, 0, 1), None, None)], "closes later"),
        ([(4, at(2, 23), at(4, 21), None, None)], "opens earlier"),
        ([(4, at(3, 23, 30), at(4, 21), None, None)], "across a midnight"),
    ],
)
def test_a_table_that_bars_cannot_be_cut_by_is_refused(
    rows: list[tuple[int, Micros, Micros, Micros | None, Micros | None]], rule: str
) -> None:
    with pytest.raises(DataError, match=rule):
        table(*rows)


def test_an_empty_table_is_closed_all_the_time(two_days: Sessions) -> None:
    nothing = Sessions("TEST", two_days.frame.clear(), MARCH.start, MARCH.end)
    assert not nothing.is_open(at(4, 15))
    assert nothing.session_of(at(4, 15)) is None
    assert nothing.expected_minutes(MARCH.start, MARCH.end) == 0
    assert nothing.minutes(MARCH.start, MARCH.end).dtype == np.int64
