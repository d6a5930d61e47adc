"""Counters and timers follow from the journal's rows; each figure is worked out by hand here."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_assets.domain.events import (
    BarReady,
    EquityMarked,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderSubmitted,
)
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.live.supervision.counters import Counters, quantile

MINUTE = 60_000_000
DAY = 1440 * MINUTE
START = 20_000 * DAY
MS = 1_000


def _ticket(name, bar_ts):
    return OrderTicket(
        name, "", "BTCUSDT", OrderSide.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal(1), bar_ts
    )


def test_times_are_from_the_close_of_the_bar_and_from_the_sending():
    counters = Counters(MINUTE, is_wall=True)
    close = START + MINUTE
    counters.note(BarReady(START, (), ()), close + 40 * MS)
    for place, name in enumerate(("a", "b", "c")):
        counters.note(OrderIntentCreated(START, _ticket(name, START), place), close + 41 * MS)
        counters.note(OrderSubmitted(close, name, close, 5000), close + (50 + place) * MS)
    counters.note(OrderRefused(close, "a", -2010, "no"), close + 80 * MS)
    counters.note(OrderOutcomeUnknown(close, "b", "lost"), close + 151 * MS)
    counters.note(OrderOutcomeUnknown(close, "b", "still"), close + 999 * MS)
    found = counters.figures()

    assert found["bars_lag_ms_p95"] == 40.0
    assert (found["latency_ms_p50"], found["latency_ms_p99"]) == (51.0, 52.0)
    assert (found["order_rtt_ms_p50"], found["order_rtt_ms_p99"]) == (30.0, 100.0)
    assert found["orders_sent_total"] == 3
    assert found["rejects_total"] == 1
    assert found["unknown_outcomes_total"] == 2
    assert found["error_rate"] == 1.0


def test_on_another_clock_nothing_is_said_of_time_since_the_close():
    counters = Counters(MINUTE, is_wall=False)
    counters.note(BarReady(START, (), (), late=True), START)
    counters.note(OrderSubmitted(START, "a", 0, 5000), 7)
    counters.note(OrderRefused(START, "a", -1, "no"), 7 + 3 * MS)
    found = counters.figures()
    assert "latency_ms_p50" not in found
    assert "bars_lag_ms_p50" not in found
    assert found["order_rtt_ms_p50"] == 3.0
    assert found["late_bars_total"] == 1


def test_todays_profit_is_counted_from_the_last_mark_of_the_day_before():
    counters = Counters(MINUTE, is_wall=True)
    marks = [(START - MINUTE, "1000"), (START, "1010"), (START + MINUTE, "990.5")]
    for ts, equity in marks:
        counters.note(EquityMarked(ts, Decimal(equity), 0.0), ts)
    assert counters.pnl_intraday == -9.5


@pytest.mark.parametrize(
    ("share", "wanted"), [(0.5, 50), (0.95, 95), (0.99, 99), (0.0, 1), (1.0, 100)]
)
def test_a_quantile_is_a_value_that_was_measured(share, wanted):
    assert quantile(range(100, 0, -1), share) == wanted
