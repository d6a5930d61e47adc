"""A feed by the market's clock: bars as history has them, nothing in closed hours, nothing lost."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.policy_events import EntriesPaused
from trading_assets.live.bar_grid import BarGrid, require_size
from trading_assets.live.book_state import BookState
from trading_assets.live.feed import BarFeed, _frame, bars_from_frame
from trading_assets.live.policies.feed_watch import FeedWatch
from trading_assets.live.signal_desk import SignalDesk
from trading_assets.market.calendars import build_sessions
from trading_assets.market.resample import resample
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets_tests.unit.live.test_feed import Source, _minute

GRACE = 15_000_000
XNYS = build_sessions("XNYS", dt.date(2024, 1, 1), dt.date(2024, 12, 31))
STOCK, COIN = "SPY", "BTCUSDT"
SIZES = [Timeframe.M5, Timeframe.M15, Timeframe.H1]


def _at(text):
    return int(dt.datetime.fromisoformat(f"{text}+00:00").timestamp()) * 1_000_000


def _feed(source, first, size=Timeframe.M5, symbols=(STOCK,)):
    desk = SignalDesk(EmaTrend(fast=2, slow=5))
    feed = BarFeed(source, desk, symbols, size, grace=GRACE, sessions={STOCK: XNYS})
    feed.load(first)
    return feed


def _of_history(symbol, start, end, size, sessions=XNYS):
    minutes = [_minute(symbol, ts) for ts in range(start, end, MINUTE)]
    frame = resample(_frame(minutes), size, sessions=sessions)
    return [bar for ts, bar in bars_from_frame(frame).items() if ts >= start]


def _bars(events, symbol=STOCK):
    return [bar for event in events for bar in event.bars if bar.symbol == symbol]


@pytest.mark.parametrize("size", SIZES)
def test_live_bars_are_those_of_history_over_holidays_and_the_change_of_the_clock(size):
    first, end = _at("2024-03-28T13:30"), _at("2024-04-02T21:00")  # Good Friday, Easter Monday
    source = Source(first)
    feed = _feed(source, first, size)
    events = []
    while source.now < end:
        source.now += 7 * MINUTE
        events += feed.poll(source.now)

    assert _bars(events) == _of_history(STOCK, first, end, size)
    assert [e.ts for e in events] == sorted({e.ts for e in events})
    assert not any(e.incomplete for e in events)


def test_the_last_bar_of_a_session_is_shorter_and_comes_at_its_close():
    close = _at("2024-07-03T17:00")  # an early close before the holiday
    source = Source(close - 1)
    feed = _feed(source, _at("2024-07-03T13:30"), Timeframe.H1)
    assert [e.ts for e in feed.poll(close - 1)][-1] == _at("2024-07-03T15:30")
    assert feed.next_close == close

    source.now = close
    (last,) = feed.poll(close)

    assert (last.ts, last.bars[0].n_trades) == (_at("2024-07-03T16:30"), 30 * 3)
    assert last.incomplete == ()


def test_nothing_is_asked_for_while_the_market_is_closed():
    close, opens = _at("2024-04-05T20:00"), _at("2024-04-08T13:30")
    source = Source(close)
    feed = _feed(source, close - 30 * MINUTE)
    assert len(feed.poll(close)) == 6
    source.asked.clear()

    for source.now in range(close, opens + 5 * MINUTE, 5 * MINUTE):
        assert feed.poll(source.now) == []
    assert source.asked == []

    source.now = opens + 5 * MINUTE
    assert [e.ts for e in feed.poll(source.now)] == [opens]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("begun", ["2024-04-05T19:47", "2024-04-06T11:00", "2024-04-08T13:30"])
def test_a_start_inside_a_bar_or_in_closed_hours_loses_none_and_doubles_none(size, begun):
    now = _at(begun)
    end = _at("2024-04-08T15:30")
    first = now // size.micros * size.micros
    source = Source(now)
    feed = _feed(source, first, size)
    source.now = end

    bars = _bars(feed.poll(end))

    began = BarGrid(size, XNYS).holding(first)
    assert bars == _of_history(STOCK, began, end, size)
    assert bars[0].ts == began


@pytest.mark.parametrize("size", SIZES)
def test_a_market_that_closes_and_one_that_does_not_share_a_book(size):
    first, end = _at("2024-04-05T18:00"), _at("2024-04-08T15:00")
    source = Source(first)
    feed = _feed(source, first, size, (STOCK, COIN))
    events = []
    while source.now < end:
        source.now += 5 * MINUTE
        events += feed.poll(source.now)

    began = BarGrid(size, XNYS).holding(first)
    late = _at("2024-04-08T15:00") - size.micros
    assert _bars(events, COIN) == _of_history(COIN, first, end, size, sessions=None)
    history = [b for b in _of_history(STOCK, began, end, size) if b.ts <= late]
    assert [b for b in _bars(events) if b.ts <= late] == history
    assert [e.ts for e in events] == sorted({e.ts for e in events})


def test_a_hole_inside_a_session_is_waited_for_and_told_by_the_bar():
    first = _at("2024-04-08T13:30")
    source = Source(first + 10 * MINUTE, missing={(STOCK, first + 2 * MINUTE)})
    feed = _feed(source, first)
    cut, whole = feed.poll(source.now)
    assert (cut.incomplete, whole.incomplete) == ((STOCK,), ())


def test_closed_hours_are_no_silence_and_a_market_that_does_not_open_is_one():
    size = 5 * MINUTE
    last, opens = _at("2024-04-05T19:55"), _at("2024-04-08T13:30")
    state = BookState()
    state.symbol_bars[STOCK] = last
    grid = BarGrid(Timeframe.M5, XNYS)
    watch = FeedWatch(state, [STOCK], size, stale_bars=3, next_open={STOCK: grid.after})

    for now in range(last + size, opens + 3 * size, size):
        assert watch.stalled(now) == []
    (paused,) = watch.stalled(opens + 3 * size)

    assert isinstance(paused, EntriesPaused)
    assert paused.symbol == STOCK


def test_an_instant_beyond_the_calendar_is_refused_and_not_guessed():
    with pytest.raises(DataError, match="does not know"):
        BarGrid(Timeframe.M5, XNYS).after(_at("2025-06-01T00:00"))


def test_daily_bars_of_sessions_are_refused():
    with pytest.raises(ConfigurationError, match="Daily bars"):
        BarGrid(Timeframe.D1, XNYS)
    require_size("24/7", Timeframe.D1)
    assert BarGrid(Timeframe.D1).after(0) == Timeframe.D1.micros


def test_the_grid_is_the_one_that_history_is_cut_by():
    start, end = _at("2024-03-07T00:00"), _at("2024-03-13T00:00")
    for size in SIZES:
        grid = BarGrid(size, XNYS)
        bars = [bar.ts for bar in _of_history(STOCK, start, end, size)]
        assert [grid.after(a) for a in bars[:-1]] == bars[1:]
        minutes = pl.Series(XNYS.minutes(start, end)).to_list()
        assert sorted({grid.holding(ts) for ts in minutes}) == bars
        assert all(grid.holding(ts) <= ts < grid.close_of(grid.holding(ts)) for ts in minutes)
