"""The error budget of random lives of a book equals a recount, minute by minute, in other code."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import BarReady, SignalRow, TradingHalted, TradingResumed
from trading_assets.live.supervision.slo import WINDOW, SloMeter, SloTerms

MINUTE = 60_000_000
BEGAN = 29_000_000 * MINUTE
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")

minute = st.tuples(
    st.sampled_from(["up", "up", "up", "down", "late"]),
    st.integers(0, 10_000_000),  # how long after the close it was recorded
    st.sets(st.sampled_from(SYMBOLS)),  # symbols that the venue gave
    st.sampled_from(["", "", "", "", "fault", "person", "resume"]),  # within the minute
)


def _recount(minutes, size_minutes, judged):
    """Walk the minutes one by one with a flag for the fault, as a person with a pencil would."""
    good = bad = 0
    faulty = False
    for place, (kind, lag, symbols, halt) in enumerate(minutes):
        was_faulty = faulty
        if halt == "fault":
            faulty = True
        elif halt == "resume":
            faulty = False
        if place >= judged:
            break
        spoiled = was_faulty or faulty or kind != "up" or lag > 5_000_000
        good_now = 0 if spoiled else len(symbols)
        good += good_now * size_minutes
        bad += (len(SYMBOLS) - good_now) * size_minutes
    return good, bad


@given(
    st.lists(minute, max_size=60),
    st.sampled_from([1, 5, 15]),
    st.integers(0, 59_999_999),
    st.randoms(use_true_random=False),
)
@settings(max_examples=400, deadline=None)
def test_the_budget_equals_an_independent_recount(minutes, size_minutes, offset, order):
    size = size_minutes * MINUTE
    meter = SloMeter(SloTerms(len(SYMBOLS), size, BEGAN // size * size + offset % size))
    first = BEGAN // size * size
    rows = []
    for place, (kind, lag, symbols, halt) in enumerate(minutes):
        ts = first + place * size
        if kind != "down":
            signals = tuple(SignalRow(symbol, ts, (), "") for symbol in sorted(symbols))
            rows.append((BarReady(ts, (), signals, late=kind == "late"), ts + size + lag))
        inside = ts + size // 2
        if halt in ("fault", "person"):
            source = "reconcile" if halt == "fault" else "cli"
            rows.append((TradingHalted(inside, "?", HaltLevel.HALT, source), inside))
        elif halt == "resume":
            rows.append((TradingResumed(inside, "fine", "anna"), inside))
    order.shuffle(rows)
    for event, recorded in rows:
        meter.note(event, recorded)

    judged = max(0, len(minutes) - 1)
    found = meter.standing(first + judged * size + 5_000_000)
    good, bad = _recount(minutes, size_minutes, judged)
    assert (found.good, found.bad) == (good, bad)
    assert found.budget == 216 * len(SYMBOLS)


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 400))
@settings(max_examples=200, deadline=None)
def test_the_window_rolls(ups, later):
    meter = SloMeter(SloTerms(1, MINUTE, BEGAN))
    for place, is_up in enumerate(ups):
        ts = BEGAN + place * MINUTE
        if is_up:
            meter.note(BarReady(ts, (), (SignalRow("BTCUSDT", ts, (), ""),)), ts + MINUTE)
    found = meter.standing(BEGAN + WINDOW + later * MINUTE)
    assert found.good == sum(ups[later:])
    assert found.good + found.bad == 30 * 1440 - 1
