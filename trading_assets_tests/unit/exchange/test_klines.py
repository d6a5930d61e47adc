"""Bars: longer ones are built from shorter ones, windows follow the venue's rules."""

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.exchange.klines import INTERVALS, Klines, combine
from trading_assets.exchange.listing import listing_of
from trading_assets.exchange.market_model import CELL, MarketModel, cell_of
from trading_assets.exchange.outages import LISTED_MINUTE, Outages
from trading_assets.exchange.tape import Tape

MINUTE_MS = 60_000
NOON_MS = 1_709_294_400_000
SOL = listing_of("SOLUSDT")


@pytest.fixture(scope="module")
def klines():
    return Klines(Tape(MarketModel(7, 0.5), Outages(7)))


def ask(klines, interval, now_ms, listing=SOL, start=None, end=None, limit=500):
    pages = list(
        klines.pages(
            listing,
            INTERVALS[interval],
            now_ms * 1_000,
            start_ms=start,
            end_ms=end,
            limit=limit,
        )
    )
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


@pytest.mark.parametrize("interval", [name for name in INTERVALS if name != "1m"])
def test_longer_bars_are_built_from_minutes_exactly(klines, interval):
    width = INTERVALS[interval] * MINUTE_MS
    start = NOON_MS // 86_400_000 * 86_400_000
    minutes = []
    for hour in range(24):
        minutes += ask(klines, "1m", NOON_MS * 2, start=start + hour * 60 * MINUTE_MS, limit=60)
    for bar in ask(klines, interval, NOON_MS * 2, start=start, end=start + 86_399_999):
        parts = [m for m in minutes if bar[0] <= m[0] < bar[0] + width]
        assert bar[1] == parts[0][1]
        assert bar[4] == parts[-1][4]
        assert Decimal(bar[2]) == max(Decimal(m[2]) for m in parts)
        assert Decimal(bar[3]) == min(Decimal(m[3]) for m in parts)
        assert bar[6] == bar[0] + width - 1
        for column in (5, 7, 9, 10):
            assert Decimal(bar[column]) == sum(Decimal(m[column]) for m in parts)
        assert bar[8] == sum(m[8] for m in parts)


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
        assert row[0] % (INTERVALS[interval] * MINUTE_MS) == 0
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
    empty = klines.minute_bars(SOL, 20_000, now=0)
    assert len(combine(empty, 60)) == 0


def test_cells_are_five_seconds():
    assert CELL == 5_000_000
    assert np.array_equal(np.diff([cell_of(t * CELL) for t in range(4)]), [1, 1, 1])
