"""Which levels a budget leads to, and what makes a minute good or bad."""

from __future__ import annotations

import pytest

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import (
    BarReady,
    SessionClosed,
    SessionOpened,
    SignalRow,
    TradingHalted,
    TradingResumed,
)
from trading_assets.live.supervision.slo import (
    FAULTS,
    WINDOW,
    SloLevel,
    SloMeter,
    SloTerms,
    next_level,
)

MINUTE = 60_000_000
START = 29_000_000 * MINUTE
SECOND = 1_000_000


def meter(**terms):
    return SloMeter(SloTerms(symbols=2, bar_size=MINUTE, began=START, **terms))


def bar(place, symbols=("BTCUSDT", "ETHUSDT"), late=False):
    ts = START + place * MINUTE
    rows = tuple(SignalRow(name, ts, (1.0,), "", tag=tag) for name in symbols for tag in ("a", "b"))
    return BarReady(ts, (), rows, late)


def closed(place):
    return START + (place + 1) * MINUTE


def test_a_minute_is_good_when_journalled_within_five_seconds():
    slo = meter()
    slo.note(bar(0), closed(0) + 5 * SECOND)
    slo.note(bar(1), closed(1) + 5 * SECOND + 1)
    slo.note(bar(2, late=True), closed(2))
    slo.note(bar(3, symbols=("BTCUSDT",)), closed(3))
    found = slo.standing(closed(3) + 5 * SECOND)

    assert (found.good, found.bad, found.budget) == (3.0, 5.0, 432.0)
    assert found.availability == 3 / 8


def test_a_bar_is_judged_when_its_time_has_run_out():
    slo = meter()
    slo.note(bar(0), closed(0))
    assert slo.standing(closed(1)).bad == 0
    assert slo.standing(closed(1) + 5 * SECOND - 1).bad == 0
    assert slo.standing(closed(1) + 5 * SECOND).bad == 2


def test_down_time_is_bad_and_leaves_the_window_again():
    slo = meter()
    slo.note(bar(0), closed(0))
    down = slo.standing(closed(60) + 5 * SECOND)
    assert (down.good, down.bad) == (2, 120)
    for place in range(61, 61 + WINDOW // MINUTE):
        slo.note(bar(place), closed(place))
    later = slo.standing(closed(60) + 6 * SECOND + WINDOW)
    assert later.bad == 0
    assert later.remaining == 1.0


def opened(ts):
    return SessionOpened(ts, "paper", "r1", ())


def test_time_between_a_clean_stop_and_the_next_start_is_not_judged():
    slo = meter()
    slo.note(opened(START), START)
    for place in (0, 1, 5, 6):
        slo.note(bar(place), closed(place))
    slo.note(SessionClosed(closed(1) + 20 * SECOND, "stopped"), 0)
    slo.note(opened(closed(4) + 10 * SECOND), 0)  # in the sixth minute
    found = slo.standing(closed(6) + 5 * SECOND)

    assert (found.good, found.bad) == (6.0, 0.0)  # minutes 0, 1 and 6 of two symbols


def test_two_stops_inside_one_bar_leave_it_out_once():
    slo = meter()
    slo.note(bar(0), closed(0))
    for second in (5, 25):
        slo.note(SessionClosed(closed(0) + second * SECOND, "stopped"), 0)
        slo.note(opened(closed(0) + (second + 5) * SECOND), 0)
    slo.note(bar(2), closed(2))
    found = slo.standing(closed(2) + 5 * SECOND)

    assert (found.good, found.bad) == (4.0, 0.0)


def test_time_after_a_process_has_died_is_down_time():
    slo = meter()
    slo.note(opened(START), START)
    slo.note(bar(0), closed(0))
    slo.note(opened(closed(3)), 0)
    slo.note(bar(4), closed(4))

    assert slo.standing(closed(4) + 5 * SECOND).bad == 6.0


def test_on_another_clock_the_time_of_recording_says_nothing():
    slo = meter(is_wall=False)
    slo.note(bar(0), closed(0) + 3600 * SECOND)
    assert slo.standing(closed(0) + 5 * SECOND).bad == 0


@pytest.mark.parametrize("source", sorted(FAULTS))
def test_a_fault_halts_until_a_resume_whatever_comes_between(source):
    slo = meter()
    for place in range(6):
        slo.note(bar(place), closed(place))
    slo.note(TradingHalted(START + MINUTE + 1, "?", HaltLevel.HALT, source), 0)
    slo.note(TradingHalted(START + 2 * MINUTE, "stop", HaltLevel.HALT, "cli"), 0)
    slo.note(TradingResumed(START + 4 * MINUTE, "seen", "anna"), 0)
    found = slo.standing(closed(5) + 5 * SECOND)
    assert (found.good, found.bad) == (6, 6)


@pytest.mark.parametrize("source", ["cli", "http", "risk", "file", "signal"])
def test_a_halt_as_wanted_costs_nothing(source):
    slo = meter()
    slo.note(bar(0), closed(0))
    slo.note(TradingHalted(START, "?", HaltLevel.HALT, source), 0)
    assert slo.standing(closed(0) + 5 * SECOND).bad == 0


@pytest.mark.parametrize(
    ("level", "remaining", "wanted"),
    [
        (SloLevel.NORMAL, 0.50, SloLevel.NORMAL),
        (SloLevel.NORMAL, 0.4999, SloLevel.ENTRIES_OFF),
        (SloLevel.NORMAL, 0.2499, SloLevel.PAPER),
        (SloLevel.NORMAL, -3.0, SloLevel.PAPER),
        (SloLevel.ENTRIES_OFF, 0.5999, SloLevel.ENTRIES_OFF),
        (SloLevel.ENTRIES_OFF, 0.60, SloLevel.NORMAL),
        (SloLevel.ENTRIES_OFF, 0.25, SloLevel.ENTRIES_OFF),
        (SloLevel.PAPER, 0.3499, SloLevel.PAPER),
        (SloLevel.PAPER, 0.35, SloLevel.ENTRIES_OFF),
        (SloLevel.PAPER, 0.60, SloLevel.NORMAL),
    ],
)
def test_levels_have_ten_points_of_hysteresis(level, remaining, wanted):
    assert next_level(level, remaining) is wanted


def test_old_bars_can_be_forgotten():
    slo = meter()
    slo.note(bar(0), closed(0))
    slo.note(bar(1), closed(1))
    slo.forget_before(START + MINUTE)
    assert slo.standing(closed(1) + 5 * SECOND).good == 2
