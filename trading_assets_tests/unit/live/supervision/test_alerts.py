"""Each rule alerts just beyond its line, and not on it."""

from __future__ import annotations

import pytest

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import (
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderSubmitted,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.policy_events import BreakerTripped, EntriesAllowed, EntriesPaused
from trading_assets.live.policies.pauses import ALL
from trading_assets.live.supervision.alerts import RULES, Signs, alerts
from trading_assets.live.supervision.budget import SLO, SLO_PAPER
from trading_assets.live.supervision.counters import Counters

SECOND = 1_000_000
GIB = 1024**3


@pytest.mark.parametrize(
    ("name", "well", "ill"),
    [
        ("bar_gap", Signs(bars_behind=2.0), Signs(bars_behind=2.1)),
        ("order_errors", Signs(error_rate=0.1, outcomes=50), Signs(error_rate=0.11, outcomes=50)),
        ("order_errors", Signs(error_rate=1.0, outcomes=9), Signs(error_rate=1.0, outcomes=10)),
        ("order_latency", Signs(latency_ms=1_000.0), Signs(latency_ms=1_001.0)),
        ("loss_halt", Signs(halt_source="cli"), Signs(halt_source="risk")),
        ("circuit_breaker", Signs(), Signs(breaker="drawdown of the book: 35%")),
        ("drift", Signs(halt_source="person"), Signs(halt_source="reconcile")),
        ("order_unresolved", Signs(in_doubt_s=60.0), Signs(in_doubt_s=60.1)),
        ("error_budget", Signs(), Signs(budget="entries are off: 40% is left")),
        ("disk", Signs(free_bytes=GIB), Signs(free_bytes=GIB - 1)),
        ("clock", Signs(offset_ms=-500.0), Signs(offset_ms=-501.0)),
    ],
)
def test_obs_04_a_rule_alerts_beyond_its_line(name, well, ill):
    assert alerts(well) == {}
    assert list(alerts(ill)) == [name]
    assert name in RULES


def test_signs_of_trouble_come_and_go_with_the_rows():
    counters = Counters(60 * SECOND, is_wall=True)
    counters.note(OrderSubmitted(0, "a", 10 * SECOND + 600_000, 5000), 10 * SECOND)
    counters.note(OrderOutcomeUnknown(0, "a", "lost"), 11 * SECOND)
    counters.note(OrderOutcomeUnknown(0, "a", "still"), 50 * SECOND)
    counters.note(TradingHalted(0, "daily loss", HaltLevel.HALT, "risk"), 12 * SECOND)
    assert counters.offset_ms == 600.0
    assert counters.in_doubt_s(81 * SECOND) == 70.0
    assert counters.halt_source == "risk"
    counters.note(OrderProvenAbsent(0, "a", "2 queries"), 90 * SECOND)
    counters.note(TradingResumed(0, "seen", "ann"), 91 * SECOND)
    assert counters.in_doubt_s(99 * SECOND) == 0.0
    assert counters.halt_source == ""


def test_a_breaker_alerts_until_a_person_resumes():
    counters = Counters(60 * SECOND, is_wall=True)
    tripped = BreakerTripped(0, "volatility", "SOLUSDT", 8.25, 7.0)
    counters.note(tripped, 1)
    counters.note(TradingHalted(0, "a person's", HaltLevel.HALT, "cli"), 2)
    assert counters.breaker == tripped.reason
    assert "volatility of SOLUSDT: 8.2 times the usual, the limit is 7" in tripped.reason
    counters.note(TradingResumed(0, "seen", "ann"), 3)
    assert counters.breaker == ""


def test_what_the_error_budget_leads_to_is_known_from_rows():
    counters = Counters(300 * SECOND, is_wall=True)
    seen = []
    for event in (
        EntriesPaused(1, ALL, SLO, "40% is left"),
        EntriesPaused(2, ALL, SLO_PAPER, "20% is left"),
        EntriesAllowed(3, ALL, "upstream", "seen"),
        EntriesAllowed(4, ALL, SLO_PAPER, "36% is left"),
        EntriesAllowed(5, ALL, SLO, "61% is left"),
    ):
        counters.note(event, event.ts)
        seen.append(counters.budget)
    assert seen == [
        "entries are off: 40% is left",
        "entries are off, then paper: 20% is left",
        "entries are off, then paper: 20% is left",
        "entries are off: 40% is left",
        "",
    ]
