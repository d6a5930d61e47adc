"""A chart with a book: published bars, and behind them those that the book saw."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE, Bar, Timeframe
from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.events import BarReady, EquityMarked, ReleaseSwitched, SessionOpened
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.resample import resample
from trading_assets.storage.journal import Journal
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.chart_bars import chart_bars
from trading_assets.workflows.live_book import live_book
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.stand_ins.published_release import published_release
from trading_assets_tests.stand_ins.trending_bars import lay_month, trending_bars
from trading_assets_tests.stand_ins.written_book import BAR, BTC, SPEC, START

FIRST, APRIL = datetime(2024, 4, 1, tzinfo=UTC), Month(2024, 4)
SEEN = 24
"""Two hours of five minutes, whose closes are their places in the day."""
S = 1_000_000


@pytest.fixture
def desk(make_desk):
    """A desk without tables, whose book has seen bars of bitcoin."""
    made = make_desk(TA_SYMBOLS='["BTCUSDT","SOLUSDT"]')
    wrote(made, [opened(released(made)), *(saw(n) for n in range(SEEN))])
    return made


def released(desk, size="5m"):
    """Publish a release of bitcoin, which stands as it was once published; give its id."""
    spec = parse_spec(f"{SPEC}bar_size: {size}\n", where="mine.yaml")
    return published_release(desk, spec).release_id


def opened(release_id):
    return SessionOpened(START - BAR, "paper", release_id, ())


def saw(place, ts=None):
    ts, price = START + place * BAR if ts is None else ts, float(place + 1)
    return BarReady(ts, (Bar(BTC, ts, price, price, price, price, 5.0, None, None),), ())


def wrote(desk, events):
    place = live_book(desk.settings, "paper")
    with Journal(place.folder, book="paper", epoch="wall", clock=JumpingClock(5)) as journal:
        journal.append(list(events))


def published(desk, minutes):
    """Publish the day's first bars, which are others than the book saw; give them."""
    frame = trending_bars(BTC, 3, FIRST, FIRST + timedelta(minutes=minutes))
    lay_month(desk, BTC, APRIL, frame)
    return frame


def shown(desk, timeframe=Timeframe.M5, *, symbol=BTC, points=500, **span):
    return chart_bars(desk, symbol, timeframe, points=points, book="paper", **span)


def test_the_books_bars_follow_the_published_ones_and_give_way_to_them(desk):
    for minutes in (30, 60):
        bars = published(desk, minutes)
        found = shown(desk)
        assert found["t"] == [(START + n * BAR) // S for n in range(SEEN)]
        laid = minutes // 5
        closes = [*bars["close"], *(float(n + 1) for n in range(laid, SEEN))]
        assert found["close"] == closes
        assert found["live_from_s"] == START // S + minutes * 60
        assert (found["first"], found["last"]) == (found["t"][0], found["t"][-1])

    published(desk, SEEN * 5)
    assert shown(desk) == chart_bars(desk, BTC, Timeframe.M5, points=500)
    assert shown(desk)["live_from_s"] is None


@pytest.mark.parametrize("asked", [(Timeframe.H1, 500), (Timeframe.M5, 2)])
def test_both_parts_are_one_series_when_they_are_put_together(desk, asked):
    bars = published(desk, 30)
    timeframe, points = asked
    found = shown(desk, timeframe, points=points)
    assert found["t"] == [START // S, START // S + 3600]
    assert found["open"] == [bars["open"][0], 13.0]
    assert found["high"] == [max(bars["high"].max(), 12.0), 24.0]
    assert found["low"] == [7.0, 13.0]
    assert found["close"] == [12.0, 24.0]
    assert found["volume"] == [6 * 10.0 + 6 * 5.0, 60.0]
    assert (found["aggregated_to"], found["live_from_s"]) == ("1h", START // S + 1800)


def test_a_day_that_is_published_in_part_is_not_taken_from_the_book_alone(desk):
    before = trending_bars(BTC, 7, FIRST - timedelta(days=1), FIRST)
    lay_month(desk, BTC, Month(2024, 3), before)
    daily = resample(before, Timeframe.D1)
    desk.tables.publish("bars_1d", BTC, Month(2024, 3), daily, code_version="2", parents={})
    today = published(desk, 30)
    yesterdays = before.filter(pl.col("ts").dt.day() == 31)
    assert shown(desk, Timeframe.D1)["open"] == [yesterdays["open"][0], today["open"][0]]

    # The same within one month: the daily table ends before the smaller ones do.
    months = pl.concat(
        [today, trending_bars(BTC, 5, FIRST + timedelta(days=1), FIRST + timedelta(hours=25))]
    )
    lay_month(desk, BTC, APRIL, months)
    daily = resample(today, Timeframe.D1)
    desk.tables.publish("bars_1d", BTC, APRIL, daily, code_version="2", parents={})
    wrote(desk, [saw(SEEN, START + DAY + 3600 * S)])
    found = shown(desk, Timeframe.D1)
    assert found["open"][1:] == [today["open"][0], months["open"][6]]
    assert found["close"][1:] == [today["close"][-1], SEEN + 1.0]
    assert found["live_from_s"] == (START + DAY) // S + 3600


def test_a_span_gives_what_lies_in_it_and_says_where_the_books_part_begins(desk):
    published(desk, 30)
    inside = shown(desk, since=START + 12 * BAR, until=START + 15 * BAR)
    assert inside["close"] == [13.0, 14.0, 15.0]
    assert (inside["live_from_s"], inside["last"]) == (START // S + 1800, START // S + 6900)
    before = shown(desk, until=START + 6 * BAR)
    assert (len(before["t"]), before["live_from_s"], before["last"]) == (6, None, inside["last"])


def test_without_published_bars_those_of_the_book_stand_alone(desk):
    found = shown(desk)
    assert (len(found["t"]), found["live_from_s"]) == (SEEN, START // S)
    with pytest.raises(MissingPartition, match="no bars of BTCUSDT that 1m"):
        shown(desk, Timeframe.M1)  # five minutes are not minutes


def test_a_book_that_has_seen_nothing_of_it_adds_nothing(desk, make_desk):
    published(desk, 30)
    sol = Symbol("SOLUSDT")
    lay_month(desk, sol, APRIL, trending_bars(sol, 1, FIRST, FIRST + timedelta(minutes=30)))
    assert shown(desk, symbol=sol) == chart_bars(desk, sol, Timeframe.M5, points=500)
    found = chart_bars(desk, BTC, Timeframe.M5, points=500, book="demo")
    assert found == chart_bars(desk, BTC, Timeframe.M5, points=500)


def test_bars_are_of_the_size_of_the_release_that_traded_them(desk):
    before = desk.releases.current_id("paper")
    later, end = released(desk, "15m"), START + SEEN * BAR
    marked = EquityMarked(end - BAR, 1000, 0.0)
    switched = ReleaseSwitched(end, before, later, carried=False)
    wrote(desk, [marked, switched, saw(SEEN, end), saw(SEEN + 1, end + 15 * MINUTE)])
    assert shown(desk)["last"] == (end - BAR) // S  # 15 minutes are not five
    assert shown(desk, Timeframe.M15)["close"] == [3.0 * n for n in range(1, 9)] + [25.0, 26.0]


def test_hours_of_a_market_with_sessions_count_from_its_open(make_desk):
    desk = make_desk(TA_SYMBOLS='["BTCUSDT"]', TA_INSTRUMENTS__BTCUSDT__CALENDAR="XNYS")
    at = FIRST + timedelta(hours=13, minutes=30)
    hour = trending_bars(BTC, 3, at, at + timedelta(minutes=5))
    desk.tables.publish("bars_1h", BTC, APRIL, hour, code_version="2", parents={})
    later = int((at + timedelta(hours=1)).timestamp()) * S
    wrote(desk, [opened(released(desk)), *(saw(n, later + n * BAR) for n in range(18))])
    found = shown(desk, Timeframe.H1)
    assert found["t"] == [later // S - 3600, later // S, later // S + 3600]
    assert found["close"][1:] == [12.0, 18.0]
