"""Counters and timers follow from the journal's rows; each figure is worked out by hand here."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import (
    BarReady,
    EquityMarked,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderSubmitted,
    TradingHalted,
)
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.live.supervision.alerts import Signs, alerts
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


def test_obs_11_the_budget_of_a_second_is_measured_at_p95_of_the_latest_orders():
    counters = Counters(MINUTE, is_wall=True)

    def sent(number, late_ms):
        for place in range(number):
            name = f"{late_ms}-{place}"
            counters.note(OrderIntentCreated(START, _ticket(name, START), place), START)
            counters.note(OrderSubmitted(START, name, 0, 5000), START + MINUTE + late_ms * MS)
        return counters.latency_ms

    assert sent(9, 5_000) == 0.0  # too few to say
    assert sent(1, 4_000) == 5_000.0
    assert sent(95, 900) == 900.0  # five of the latest hundred were slow
    assert sent(2, 3_000) == 900.0  # and of the next hundred again five
    assert sent(4, 2_000) == 2_000.0


def test_obs_10_profit_orders_and_latency_are_measured_and_told():
    counters = Counters(MINUTE, is_wall=True)
    for ts, equity in ((START - MINUTE, "1000"), (START, "980")):
        counters.note(EquityMarked(ts, Decimal(equity), 0.0), ts)
    for place in range(10):
        name, sent = f"o{place}", START + MINUTE + 1_200 * MS
        counters.note(OrderIntentCreated(START, _ticket(name, START), place), sent)
        counters.note(OrderSubmitted(START, name, sent, 5000), sent)
        counters.note(OrderRefused(START, name, -2010, "no"), sent + 30 * MS)
    counters.note(TradingHalted(START, "daily loss", HaltLevel.HALT, "risk"), START)
    figures = counters.figures()
    assert figures["pnl_intraday"] == -20.0
    assert (figures["orders_sent_total"], figures["rejects_total"]) == (10, 10)
    assert (figures["latency_ms_p95"], figures["order_rtt_ms_p95"]) == (1_200.0, 30.0)
    signs = Signs(
        error_rate=counters.error_rate, outcomes=counters.outcomes,
        latency_ms=counters.latency_ms, halt_source=counters.halt_source,
    )  # fmt: skip
    assert alerts(signs) == {
        "order_errors": "100% of the latest 10 orders failed",
        "order_latency": "orders leave 1200 ms after the close of their bar (p95)",
        "loss_halt": "halted for a loss",
    }


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
