"""Class 26: what cannot be a minute is refused with its reason; class 10: a revision is noted."""

from __future__ import annotations

import dataclasses
import math

import pytest

from trading_assets.domain.bar import Bar, Timeframe
from trading_assets.domain.ids import Month
from trading_assets.domain.policy_events import BarRefused, BarRevised
from trading_assets.live.bar_screen import BarScreen, garbage
from trading_assets.live.feed import BarFeed
from trading_assets.live.signal_desk import SignalDesk
from trading_assets.strategies.ema_trend import EmaTrend

MINUTE = 60_000_000
BAR = 5 * MINUTE
GOOD = Bar("SOLUSDT", 10 * MINUTE, 100.0, 101.0, 99.0, 100.5, 2.0, 200.0, 3)


def _but(**changes):
    return dataclasses.replace(GOOD, **changes)


@pytest.mark.parametrize(
    ("bar", "reason"),
    [
        (_but(close=math.nan), "a price that is none"),
        (_but(high=math.inf), "a price that is none"),
        (_but(open=-1.0), "a price that is none"),
        (_but(low=0.0), "a price that is none"),
        (_but(high=99.0, low=101.0), "open or close outside of low and high"),
        (_but(high=100.2), "open or close outside of low and high"),
        (_but(volume=math.nan), "an amount that is none"),
        (_but(volume=-1.0), "an amount that is none"),
        (_but(quote_volume=math.inf), "an amount that is none"),
        (_but(n_trades=-1), "an amount that is none"),
        (_but(symbol="BTCUSDT"), "a bar of BTCUSDT"),
        (_but(ts=10 * MINUTE + 1), "not a whole minute"),
    ],
)
def test_class_26_garbage_is_refused_once_and_with_its_reason(bar, reason):
    screen = BarScreen()
    for _ in range(2):
        assert list(screen.usable("SOLUSDT", [bar], is_history=False)) == []

    (found,) = screen.take_findings(7)
    assert isinstance(found, BarRefused)
    assert (found.ts, found.symbol, found.reason) == (7, "SOLUSDT", reason)
    assert screen.take_findings(8) == []


def test_sound_minutes_pass_also_without_what_a_venue_does_not_tell():
    assert garbage("SOLUSDT", GOOD) == ""
    assert garbage("SOLUSDT", _but(quote_volume=None, n_trades=None, volume=0.0)) == ""


@pytest.mark.parametrize("times", [10.0, 0.1])
def test_a_jump_is_refused_while_it_lasts_and_history_is_taken_as_it_is(times):
    def minute(number, factor=1.0):
        prices = {k: getattr(GOOD, k) * factor for k in ("open", "high", "low", "close")}
        return _but(ts=GOOD.ts + number * MINUTE, **prices)

    bars = [minute(0), minute(1, times), minute(2, times), minute(3, 1.2)]
    screen = BarScreen(9.99)
    passed = list(screen.usable("SOLUSDT", bars, is_history=False))
    assert passed == [bars[0], bars[3]]
    assert [found.bar for found in screen.take_findings(1)] == bars[1:3]

    again = BarScreen(9.99)
    assert list(again.usable("SOLUSDT", bars[:2], is_history=True)) == bars[:2]
    assert list(again.usable("SOLUSDT", bars[2:3], is_history=False)) == bars[2:3]
    assert list(BarScreen().usable("SOLUSDT", bars, is_history=False)) == bars


class Source:
    """Minutes that a test changes after they were given."""

    def __init__(self):
        self.changed = {}

    def bars(self, symbol, start, end):
        for ts in range(start, end, MINUTE):
            price = 100 + ts / MINUTE % 7
            sound = Bar(symbol, ts, price, price + 1, price - 1, price, 2.0, 2 * price, 3)
            yield self.changed.get((symbol, ts), sound)


@pytest.fixture
def fed():
    first = Month.from_text("2024-04").start + 100 * BAR
    source = Source()
    desk = SignalDesk(EmaTrend(fast=2, slow=5))
    feed = BarFeed(source, desk, ("SOLUSDT",), Timeframe.M5, grace=MINUTE // 4, screen=BarScreen(5))
    feed.load(first)
    return source, feed, first


def test_class_10_a_minute_that_comes_again_otherwise_is_noted_and_nothing_is_decided_again(fed):
    source, feed, first = fed
    (event,) = feed.poll(first + BAR)
    ts = first + 4 * MINUTE
    old = next(iter(source.bars("SOLUSDT", ts, ts + MINUTE)))
    new = dataclasses.replace(old, volume=3.0)
    source.changed["SOLUSDT", ts] = new
    assert feed.findings(1) == []

    (later,) = feed.poll(first + 2 * BAR)
    assert (event.ts, later.ts) == (first, first + BAR)
    assert feed.findings(2) == [BarRevised(2, old, new)]
    feed.poll(first + 3 * BAR)
    assert feed.findings(3) == []


def test_a_minute_that_is_revised_before_its_bar_is_whole_takes_its_new_values(fed):
    source, feed, first = fed
    held = ("SOLUSDT", first + 4 * MINUTE)
    source.changed[held] = dataclasses.replace(GOOD, ts=held[1], close=math.nan)
    assert feed.poll(first + BAR) == []
    (refused,) = feed.findings(1)
    assert refused.reason == "a price that is none"

    early = first + 2 * MINUTE
    sound = next(iter(Source().bars("SOLUSDT", early, early + MINUTE)))
    source.changed["SOLUSDT", early] = dataclasses.replace(sound, volume=50.0)
    del source.changed[held]
    (event,) = feed.poll(first + BAR + 1)
    assert event.bars[0].volume == 4 * 2.0 + 50.0
    assert event.incomplete == ()
    assert [type(found) for found in feed.findings(2)] == [BarRevised]


def test_a_bar_of_refused_minutes_only_says_what_it_lacks(fed):
    source, feed, first = fed
    for number in range(3):
        ts = first + number * MINUTE
        source.changed["SOLUSDT", ts] = dataclasses.replace(GOOD, ts=ts, symbol="XYZUSDT")
    (event,) = feed.poll(first + BAR + MINUTE)

    assert event.bars[0].volume == 2 * 2.0
    assert event.incomplete == ("SOLUSDT",)
    assert len(feed.findings(1)) == 3
