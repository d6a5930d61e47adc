"""What is missing between bars."""

import datetime as dt
from collections.abc import Callable, Sequence

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.ids import Month
from trading_assets.market.calendars import build_sessions
from trading_assets.market.gaps import gaps, merge_gaps

BarsAt = Callable[..., pl.DataFrame]
START = Month(2024, 3).start


def at(minute: int) -> int:
    return START + minute * MINUTE


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (range(10), ()),
        ([0, 1, 5, 9], (Gap(at(2), at(4), 3), Gap(at(6), at(8), 3))),
        ([3, 4], (Gap(at(0), at(2), 3), Gap(at(5), at(9), 5))),
    ],
)
def test_gaps_name_their_first_and_last_missing_minute(
    bars_at: BarsAt, minutes: Sequence[int], expected: tuple[Gap, ...]
) -> None:
    assert gaps(bars_at(minutes), START, at(10)) == expected
    assert sum(gap.minutes for gap in expected) == 10 - len(minutes)


def test_gaps_that_touch_become_one() -> None:
    split = (Gap(at(7), at(9), 3), Gap(at(2), at(4), 3), Gap(at(5), at(5), 1))
    assert merge_gaps(split) == (Gap(at(2), at(5), 4), Gap(at(7), at(9), 3))
    explained = Gap(at(5), at(5), 1, "maintenance")
    assert len(merge_gaps((Gap(at(2), at(4), 3), explained))) == 2


def test_gaps_count_the_minutes_of_sessions_only(bars_at: BarsAt) -> None:
    sessions = build_sessions("XNYS", dt.date(2024, 3, 1), dt.date(2024, 3, 31))
    opens, closes = 14 * 60 + 30, 21 * 60
    friday, monday = range(opens, closes), range(3 * 1440 + opens, 3 * 1440 + closes)
    premarket = range(9 * 60, opens)
    whole = bars_at([*premarket, *friday, *monday])
    end = START + 4 * 1440 * MINUTE
    assert gaps(whole, START, end, sessions=sessions) == ()
    over_the_close = bars_at([*premarket, *friday[:-2], *monday[5:]])
    assert gaps(over_the_close, START, end, sessions=sessions) == (
        Gap(at(closes - 2), at(closes - 1), 2),
        Gap(at(monday[0]), at(monday[4]), 5),
    )
    nothing = gaps(bars_at([]), START, end, sessions=sessions)
    assert [gap.minutes for gap in nothing] == [390, 390]
    assert gaps(bars_at([]), START, at(opens), sessions=sessions) == ()


def test_a_short_absence_is_silence_where_silent_minutes_have_no_bar(bars_at: BarsAt) -> None:
    frame = bars_at([0, 4, 9])
    assert gaps(frame, START, at(10), longest_silence_minutes=3) == (Gap(at(5), at(8), 4),)
    assert gaps(frame, START, at(10), longest_silence_minutes=4) == ()
    assert gaps(frame, START, at(15), longest_silence_minutes=4) == (Gap(at(10), at(14), 5),)


def test_the_end_of_a_session_inside_a_week_of_currencies_cuts_no_gap(bars_at: BarsAt) -> None:
    sessions = build_sessions("24x5", dt.date(2024, 3, 1), dt.date(2024, 3, 31))
    roll = 4 * 1440 + 21 * 60 + 60  # Tuesday 5th, 17:00 New York
    missing = range(roll - 4, roll + 4)
    frame = bars_at([minute for minute in range(4 * 1440, 5 * 1440) if minute not in missing])
    found = gaps(frame, at(4 * 1440), at(5 * 1440), sessions=sessions)
    assert found == (Gap(at(roll - 4), at(roll + 3), 8),)
