"""The error budget of a market with sessions: closed hours are neither good nor bad."""

from __future__ import annotations

import datetime as dt

import pytest

from trading_assets.domain.events import BarReady, SessionClosed, SessionOpened, SignalRow
from trading_assets.live.supervision.slo import ALLOWED, WINDOW, SloMeter, SloTerms
from trading_assets.market.calendars import build_sessions

MINUTE = 60_000_000
SIZE = 5 * MINUTE
XNYS = build_sessions("XNYS", dt.date(2024, 1, 1), dt.date(2024, 12, 31))


def _at(text):
    return int(dt.datetime.fromisoformat(f"{text}+00:00").timestamp()) * 1_000_000


THURSDAY, MONDAY = _at("2024-04-04T13:30"), _at("2024-04-08T14:30")


def _meter(*symbols, sessions=(XNYS,), size=SIZE, left_out=()):
    """Give a meter that has seen every bar of some symbols; `SPY` by its sessions."""
    meter = SloMeter(SloTerms(len(symbols), size, THURSDAY, sessions=sessions))
    for ts in range(THURSDAY, MONDAY, size):
        trading = [s for s in symbols if s != "SPY" or XNYS.is_open(ts)]
        if trading and ts not in left_out:
            rows = tuple(SignalRow(symbol, ts, (1.0,), "") for symbol in trading)
            meter.note(BarReady(ts, (), rows), ts + size)
    return meter


def _judged(meter):
    found = meter.standing(MONDAY + meter.terms.within)
    return found.good, found.bad


def test_nights_and_weekends_are_no_outage():
    open_minutes = XNYS.expected_minutes(THURSDAY, MONDAY)
    assert _judged(_meter("SPY")) == (open_minutes, 0)
    assert open_minutes == 2 * 390 + 60
    assert _judged(_meter("SPY", sessions=()))[1] > 4_000  # as it was without a calendar


@pytest.mark.parametrize("missed", ["2024-04-04T19:55", "2024-04-05T13:30", "2024-04-08T14:25"])
def test_a_bar_that_is_missed_in_a_session_is_bad_also_the_first_and_the_last(missed):
    assert _judged(_meter("SPY", left_out=(_at(missed),)))[1] == 5


def test_symbols_with_and_without_closes_are_counted_each_by_its_own_hours():
    good, bad = _judged(_meter("SPY", "BTCUSDT"))
    assert (good, bad) == (840 + (MONDAY - THURSDAY) // MINUTE, 0)
    outage = [ts for ts in range(THURSDAY, MONDAY, SIZE) if not XNYS.is_open(ts)]
    assert _judged(_meter("SPY", "BTCUSDT", left_out=outage))[1] == 5 * len(outage)


def test_a_stop_over_a_night_is_counted_once():
    meter = _meter("SPY")
    stop, start = _at("2024-04-04T19:00"), _at("2024-04-05T14:30")
    meter.note(SessionClosed(stop, "a person"), stop)
    meter.note(SessionOpened(start, "b", "r", ()), start)
    # the bar that ends as the stop begins, and the two hours of trading inside of it
    assert _judged(meter) == (840 - 5 - 120, 0)


def test_the_budget_is_a_share_of_the_hours_of_trading():
    end = MONDAY + 5_000_000
    hours = XNYS.expected_minutes(end - WINDOW, end)
    assert _meter("SPY").standing(end).budget == pytest.approx(ALLOWED * hours, abs=0.01)
    assert hours < WINDOW / MINUTE / 4


def test_hourly_bars_off_the_hour_are_never_less_than_nothing():
    meter = _meter("SPY", size=60 * MINUTE)
    assert _judged(meter)[1] >= 0
