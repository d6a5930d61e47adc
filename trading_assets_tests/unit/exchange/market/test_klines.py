"""Bars: longer ones are built from shorter ones, windows follow the venue's rules."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.bars import NO_BARS, combine
from trading_assets.exchange.market.intervals import INTERVALS, zone_minutes
from trading_assets.exchange.market.klines import Klines
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.market_model import CELL, MarketModel, cell_of
from trading_assets.exchange.market.outages import LISTED_MINUTE, Outages
from trading_assets.exchange.market.tape import Tape

MINUTE_MS = 60_000
DAY_MS = 86_400_000
NOON_MS = 1_709_294_400_000
SOL = listing_of("SOLUSDT")


@pytest.fixture(scope="module")
def klines():
    return Klines(Tape(MarketModel(7, 0.5), Outages(7)))


def ask(klines, interval, now_ms, listing=SOL, start=None, end=None, limit=500, zone=0):
    window = {"start_ms": start, "end_ms": end, "limit": limit}
    if interval == "1s":
        pages = list(klines.second_rows(listing, now_ms * 1_000, **window))
    else:
        size = INTERVALS[interval]
        pages = list(klines.pages(listing, size, now_ms * 1_000, **window, zone=zone))
    if start is None:
        pages.reverse()
    return json.loads("[" + ",".join(row for page in pages for row in page) + "]")


def test_a_row_has_the_twelve_fields_of_the_venue(klines):
    (row,) = ask(klines, "1m", NOON_MS, start=NOON_MS - MINUTE_MS, limit=1)
    assert [type(value) for value in row] == [int, *[str] * 5, int, str, int, *[str] * 3]
    assert row[0] == NOON_MS - MINUTE_MS
    assert row[6] == NOON_MS - 1
    assert row[11] == "0"
    assert all(len(value.split(".")[1]) == 8 for value in row if "." in str(value))


def check_against(bar, parts):
    """Hold a bar to be exactly what its shorter bars make."""
    assert parts
    assert bar[1] == parts[0][1]
    assert bar[4] == parts[-1][4]
    assert Decimal(bar[2]) == max(Decimal(part[2]) for part in parts)
    assert Decimal(bar[3]) == min(Decimal(part[3]) for part in parts)
    for column in (5, 7, 9, 10):
        assert Decimal(bar[column]) == sum(Decimal(part[column]) for part in parts)
    assert bar[8] == sum(part[8] for part in parts)


def all_rows(klines, interval, start, end, now_ms):
    rows = []
    while start < end:
        page = ask(klines, interval, now_ms, start=start, end=end - 1, limit=1_000)
        if not page:
            return rows
        rows += page
        start = page[-1][6] + 1
    return rows


@pytest.mark.parametrize("interval", [*INTERVALS])
def test_longer_bars_are_built_from_minutes_exactly(klines, interval):
    # Over the end of a year, and over the outage of February 2024, which 1M reaches.
    year_end = 19_723 * DAY_MS
    begin, end = year_end - 40 * DAY_MS, year_end + 62 * DAY_MS
    if INTERVALS[interval].fits_days(0):
        begin, end = year_end - DAY_MS, year_end + DAY_MS
    shorter = "1m" if INTERVALS[interval].fits_days(0) else "1h"
    parts = all_rows(klines, shorter, begin, end, 2 * NOON_MS)
    bars = ask(klines, interval, 2 * NOON_MS, start=begin, end=end, limit=1_000)
    whole = [bar for bar in bars if bar[6] < end]
    assert len(whole) >= 2
    for bar in whole:
        check_against(bar, [part for part in parts if bar[0] <= part[0] <= bar[6]])
    for one, following in pairwise(bars):
        assert one[6] + 1 == following[0]


@settings(max_examples=40, deadline=None)
@given(
    minute=st.integers(LISTED_MINUTE + 3 * 1_440, LISTED_MINUTE + 10 * 525_600),
    interval=st.sampled_from(["1m", "30m", "1h", "4h", "12h", "1d", "3d", "1w"]),
    zone=st.integers(-12 * 60, 14 * 60),
)
def test_a_time_zone_moves_the_borders_only(klines, minute, interval, zone):
    now_ms = minute * MINUTE_MS + 17_345
    rows = ask(klines, interval, now_ms, limit=2, zone=zone)
    for row in rows:
        day_offset = (row[0] + zone * MINUTE_MS) % DAY_MS
        assert day_offset % min(row[6] + 1 - row[0], DAY_MS) == 0
        assert row[0] <= now_ms
    if rows and rows[-1][6] >= now_ms:
        first = rows[-1][0] // MINUTE_MS
        parts = klines.minutes_between(SOL, first, minute, now_ms * 1_000)
        assert rows[-1][8] == parts.trades.sum()
        assert Decimal(rows[-1][5]) == int(parts.lots.sum()) * SOL.instrument.lot
    again = ask(klines, interval, now_ms, start=rows[0][0], limit=2, zone=zone) if rows else []
    assert again == rows


def test_weeks_begin_on_monday_and_months_follow_the_calendar(klines):
    for interval, opened, closed in [
        ("3d", "2024-02-29", "2024-03-03"),
        ("1w", "2024-02-26", "2024-03-04"),
        ("1M", "2024-03-01", "2024-04-01"),
    ]:
        (row,) = ask(klines, interval, NOON_MS, limit=1)
        for ms, date in ((row[0], opened), (row[6] + 1, closed)):
            assert datetime.fromtimestamp(ms / 1_000, tz=UTC).isoformat()[:10] == date
            assert ms % DAY_MS == 0


@pytest.mark.parametrize(
    ("text", "minutes"),
    [(None, 0), ("0", 0), ("-1:00", -60), ("05:45", 345), ("8", 480), ("+14:00", 840)],
)
def test_time_zones_are_hours_or_hours_and_minutes(text, minutes):
    assert zone_minutes(text) == minutes


@pytest.mark.parametrize("text", ["-12:01", "14:01", "15", "UTC", "1:5", "1:60", ""])
def test_other_time_zones_are_refused(text):
    with pytest.raises(Refused) as caught:
        zone_minutes(text)
    assert caught.value.code == -1130


def test_seconds_build_the_minute_as_it_stands(klines):
    for now_ms in (NOON_MS + 37_531, NOON_MS + 60_000):
        (minute,) = ask(klines, "1m", now_ms, start=NOON_MS, limit=1)
        seconds = ask(klines, "1s", now_ms, start=NOON_MS, end=NOON_MS + 59_999)
        check_against(minute, seconds)
        assert [row[0] for row in seconds] == list(
            range(NOON_MS, min(now_ms, NOON_MS + 59_999) + 1, 1_000)
        )
        assert {row[6] - row[0] for row in seconds} == {999}
    latest = ask(klines, "1s", NOON_MS + 37_531, limit=3)
    assert latest == ask(klines, "1s", NOON_MS + 37_531, start=latest[0][0])


def test_seconds_of_an_outage_have_no_rows(klines):
    start, end = Outages(7).of_year(SOL, 2024)[0]
    rows = ask(klines, "1s", NOON_MS, start=(start * 60 - 2) * 1_000, limit=4)
    assert [row[0] // 1_000 for row in rows] == [
        start * 60 - 2, start * 60 - 1, end * 60, end * 60 + 1
    ]  # fmt: skip
    back = ask(klines, "1s", NOON_MS, end=end * 60_000, limit=2)
    assert [row[0] // 1_000 for row in back] == [start * 60 - 1, end * 60]


@settings(max_examples=40, deadline=None)
@given(
    minute=st.integers(LISTED_MINUTE, LISTED_MINUTE + 10 * 525_600),
    seconds=st.integers(0, 59),
    interval=st.sampled_from(sorted(INTERVALS)),
    symbol=st.sampled_from(["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
    limit=st.integers(1, 30),
)
def test_bars_of_any_window_are_sane(minute, seconds, interval, symbol, limit):
    klines = Klines(Tape(MarketModel(3, 0.5), Outages(3)))
    now_ms = minute * MINUTE_MS + seconds * 1_000
    rows = ask(klines, interval, now_ms, listing_of(symbol), limit=limit)
    assert len(rows) <= limit
    opens = [row[0] for row in rows]
    assert opens == sorted(set(opens))
    for row in rows:
        opened, high, low, close = map(float, row[1:5])
        assert low <= min(opened, close) <= max(opened, close) <= high
        assert row[0] == INTERVALS[interval].open_of(row[0] // MINUTE_MS) * MINUTE_MS
        assert row[0] <= now_ms
        assert 0 <= float(row[9]) <= float(row[5])
        assert low * 0.999999 <= float(row[7]) / float(row[5]) <= high * 1.000001
        assert row[8] >= 1


def test_without_a_window_the_latest_bars_come_in_order(klines):
    rows = ask(klines, "1m", NOON_MS + 30_000, limit=3)
    assert [row[0] - NOON_MS for row in rows] == [-2 * MINUTE_MS, -MINUTE_MS, 0]


def test_a_start_gives_the_oldest_bars_from_there(klines):
    start = NOON_MS - 600 * MINUTE_MS + 1
    rows = ask(klines, "1m", NOON_MS, start=start, limit=2)
    assert [row[0] for row in rows] == [start - 1 + MINUTE_MS, start - 1 + 2 * MINUTE_MS]


def test_an_end_gives_the_latest_bars_up_to_it_inclusive(klines):
    end = NOON_MS - 2_000 * MINUTE_MS
    rows = ask(klines, "1m", NOON_MS, end=end, limit=2)
    assert [row[0] for row in rows] == [end - MINUTE_MS, end]


def test_both_bounds_are_inclusive_and_count_from_the_start(klines):
    start, end = NOON_MS - 10 * MINUTE_MS, NOON_MS - 5 * MINUTE_MS
    rows = ask(klines, "1m", NOON_MS, start=start, end=end)
    assert [row[0] for row in rows] == list(range(start, end + 1, MINUTE_MS))
    assert len(ask(klines, "1m", NOON_MS, start=start, end=end, limit=2)) == 2


def test_the_future_is_empty(klines):
    assert ask(klines, "1m", NOON_MS, start=NOON_MS + MINUTE_MS) == []


def test_the_last_bar_is_unfinished_and_grows(klines):
    early = ask(klines, "1m", NOON_MS + 10_000, limit=1)[0]
    later = ask(klines, "1m", NOON_MS + 40_000, limit=1)[0]
    done = ask(klines, "1m", NOON_MS + MINUTE_MS, start=NOON_MS, limit=1)[0]
    assert early[:2] == later[:2] == done[:2]
    assert float(early[5]) < float(later[5]) < float(done[5])
    assert float(early[2]) <= float(later[2]) <= float(done[2])
    at_the_end = ask(klines, "1m", NOON_MS + MINUTE_MS - 1, limit=1)[0]
    assert at_the_end == done


def test_the_close_of_a_growing_bar_is_the_last_price(klines):
    model = MarketModel(7, 0.5)
    for seconds in (0, 5, 17, 59):
        now_ms = NOON_MS + seconds * 1_000
        row = ask(klines, "1h", now_ms, limit=1)[0]
        ticks = model.ticks_at(SOL, cell_of(now_ms * 1_000))
        assert round(float(row[4]) * 100) == ticks


def test_history_begins_with_the_listing(klines):
    rows = ask(klines, "1m", NOON_MS, start=0, limit=1)
    assert rows[0][0] == LISTED_MINUTE * MINUTE_MS
    assert ask(klines, "1m", NOON_MS, end=LISTED_MINUTE * MINUTE_MS - 1) == []
    day = ask(klines, "1d", NOON_MS, start=0, limit=1)[0]
    assert day[0] == LISTED_MINUTE * MINUTE_MS // 86_400_000 * 86_400_000


def test_minutes_of_an_outage_have_no_rows(klines):
    outages = Outages(7)
    start, end = outages.of_year(SOL, 2024)[0]
    rows = ask(klines, "1m", NOON_MS, start=(start - 2) * MINUTE_MS, end=(end + 1) * MINUTE_MS)
    assert [row[0] // MINUTE_MS for row in rows] == [start - 2, start - 1, end, end + 1]


def test_an_hour_with_a_hole_is_built_from_what_is_there(klines):
    start, end = Outages(7).of_year(SOL, 2024)[0]
    hours = ask(klines, "1h", NOON_MS, start=(start - 120) * MINUTE_MS, end=(end + 60) * MINUTE_MS)
    opens = [row[0] // MINUTE_MS for row in hours]
    whole = [hour for hour in range(opens[0], opens[-1] + 1, 60) if hour not in opens]
    assert all(start <= hour and hour + 60 <= end for hour in whole)


def test_combining_nothing_gives_nothing(klines):
    assert klines.minute_bars(SOL, 20_000, now=0) is NO_BARS
    assert len(combine(NO_BARS, INTERVALS["1h"])) == 0


def test_cells_are_five_seconds():
    assert CELL == 5_000_000
    assert np.array_equal(np.diff([cell_of(t * CELL) for t in range(4)]), [1, 1, 1])
