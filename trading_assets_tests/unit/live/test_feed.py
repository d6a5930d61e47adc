"""Bars come finished, in order, once, and with all symbols of their instant."""

from __future__ import annotations

import math

import pytest

from trading_assets.domain.bar import Bar, Timeframe
from trading_assets.domain.errors import DataError, VenueUnavailable
from trading_assets.domain.ids import Month
from trading_assets.live.feed import BarFeed
from trading_assets.live.signal_desk import SignalDesk
from trading_assets.strategies.ema_trend import EmaTrend

MINUTE = 60_000_000
BAR = 5 * MINUTE
SYMBOLS = ("BTCUSDT", "SOLUSDT")
GRACE = 15_000_000


class Source:
    """Minutes of a price that only depends on time; some are missing for ever, or come late."""

    def __init__(self, now, *, missing=(), hidden=()):
        self.now = now
        self.missing = set(missing)
        self.hidden = set(hidden)
        self.asked = []
        self.failing = None

    def bars(self, symbol, start, end):
        self.asked.append((symbol, start, end))
        for ts in range(start, min(end, self.now - MINUTE + 1), MINUTE):
            if self.failing == (symbol, ts):
                raise DataError("out of order")
            if (symbol, ts) not in self.missing | self.hidden:
                yield _minute(symbol, ts)


def _minute(symbol, ts):
    price = 100 + 10 * math.sin(ts / 7e9) + len(symbol)
    return Bar(symbol, ts, price, price + 1, price - 1, price + 0.5, 2.0, 2 * price, 3)


@pytest.fixture
def first():
    return Month.from_text("2024-04").start + 100 * BAR


def _feed(source, first):
    desk = SignalDesk(EmaTrend(fast=2, slow=5))
    feed = BarFeed(source, desk, SYMBOLS, Timeframe.M5, grace=GRACE)
    feed.load(first)
    return feed


def test_nothing_is_asked_before_a_bar_can_have_closed(first):
    source = Source(first + BAR - 1)
    feed = _feed(source, first)
    source.asked.clear()

    assert feed.poll(first + BAR - 1) == []
    assert source.asked == []


def test_a_bar_comes_once_with_all_symbols_and_their_signals(first):
    source = Source(first + BAR)
    feed = _feed(source, first)
    (ready,) = feed.poll(first + BAR)

    assert ready.ts == first
    assert tuple(bar.symbol for bar in ready.bars) == SYMBOLS
    assert [row.ts for row in ready.rows] == [first, first]
    assert ready.bars[0].open == _minute("BTCUSDT", first).open
    assert ready.bars[0].close == _minute("BTCUSDT", first + 4 * MINUTE).close
    assert ready.bars[0].n_trades == 15
    assert feed.poll(first + BAR + MINUTE) == []


def test_a_straggler_is_waited_for_and_then_left_out(first):
    last = first + 4 * MINUTE
    source = Source(first + BAR, hidden={("SOLUSDT", last)})
    feed = _feed(source, first)
    assert feed.poll(first + BAR) == []
    source.hidden.clear()
    (ready,) = feed.poll(first + BAR + 1_000_000)
    assert len(ready.bars) == 2

    source.now = first + 2 * BAR
    source.hidden = {("SOLUSDT", first + BAR + n * MINUTE) for n in range(5)}
    assert feed.poll(first + 2 * BAR + GRACE - 1) == []
    (ready,) = feed.poll(first + 2 * BAR + GRACE)
    assert [bar.symbol for bar in ready.bars] == ["BTCUSDT"]


def test_a_minute_that_never_was_is_not_waited_for(first):
    source = Source(first + BAR + MINUTE, missing={("SOLUSDT", first + 4 * MINUTE)})
    (ready,) = _feed(source, first).poll(first + BAR + MINUTE)

    assert [bar.n_trades for bar in ready.bars] == [15, 12]


def test_an_outage_of_the_venue_has_no_bars_and_ends(first):
    gap = {(s, first + n * MINUTE) for s in SYMBOLS for n in range(12)}
    source = Source(first + 4 * BAR, missing=gap)
    events = _feed(source, first).poll(first + 4 * BAR)

    assert [event.ts for event in events] == [first + 2 * BAR, first + 3 * BAR]
    assert [bar.n_trades for bar in events[0].bars] == [9, 9]


def test_bars_missed_while_away_come_one_by_one_in_order(first):
    source = Source(first + 30 * BAR)
    events = _feed(source, first).poll(first + 30 * BAR)

    assert [event.ts for event in events] == [first + n * BAR for n in range(30)]


def test_a_feed_in_one_go_and_a_feed_bar_by_bar_give_the_same_bits(first):
    boundary = Month.from_text("2024-05").start
    start = boundary - 20 * BAR
    source = Source(boundary + 20 * BAR)
    together = _feed(source, start).poll(boundary + 20 * BAR)
    source.now = start
    feed = _feed(source, start)
    one_by_one = []
    while source.now < boundary + 20 * BAR:
        source.now += MINUTE
        one_by_one += feed.poll(source.now)

    assert [_identity(event) for event in together] == [_identity(event) for event in one_by_one]
    assert len(together) == 40


def _identity(event):
    return event.ts, event.bars, tuple(row.row_hash for row in event.rows)


def test_a_fault_in_the_middle_loses_no_minute(first):
    source = Source(first + 2 * BAR)
    feed = _feed(source, first)
    source.failing = ("SOLUSDT", first + 3 * MINUTE)
    with pytest.raises(VenueUnavailable, match="cannot be used"):
        feed.poll(first + BAR)
    source.failing = None

    assert [bar.n_trades for bar in feed.poll(first + BAR)[0].bars] == [15, 15]


def test_a_minute_that_is_given_late_is_asked_for_again(first):
    hole = ("SOLUSDT", first + MINUTE)
    source = Source(first + BAR, hidden={hole})
    feed = _feed(source, first)
    assert feed.poll(first + BAR) == []

    source.hidden.clear()
    (event,) = feed.poll(first + BAR)

    assert event.incomplete == ()
    assert [bar.volume for bar in event.bars] == [10.0, 10.0]


def test_a_bar_that_lacks_a_minute_says_so(first):
    source = Source(first + 2 * BAR, missing={("SOLUSDT", first + MINUTE)})
    event, whole = _feed(source, first).poll(first + 2 * BAR)

    assert event.incomplete == ("SOLUSDT",)
    assert whole.incomplete == ()


def test_a_venue_that_has_nothing_yet_is_waited_for(first):
    nothing = {(s, first + n * MINUTE) for s in SYMBOLS for n in range(10)}
    source = Source(first + 3 * BAR, hidden=nothing | {(s, first + 2 * BAR) for s in SYMBOLS})
    source.now = first + 2 * BAR
    feed = _feed(source, first)
    assert feed.poll(first + 2 * BAR + GRACE) == []

    source.hidden.clear()

    assert [event.ts for event in feed.poll(first + 2 * BAR + GRACE)] == [first, first + BAR]


def test_bars_that_cannot_be_used_at_the_start_are_asked_for_again(first):
    source = Source(first + BAR)
    source.failing = ("BTCUSDT", first - MINUTE)

    with pytest.raises(VenueUnavailable, match="cannot be used"):
        _feed(source, first)
