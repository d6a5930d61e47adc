"""Planned misfortune."""

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.faults import Fault, Faults


def test_a_fault_is_for_the_next_matching_requests_only():
    faults = Faults()
    faults.arm(Fault(count=2, delay_ms_before=5))
    assert faults.take("GET", "/api/v3/order") is None
    assert faults.take("POST", "/api/v3/klines") is None
    assert faults.take("POST", "/api/v3/order") == Fault(count=2, delay_ms_before=5)
    assert faults.take("POST", "/api/v3/order") is not None
    assert faults.take("POST", "/api/v3/order") is None


def test_an_empty_method_or_path_matches_all():
    faults = Faults()
    faults.arm(Fault(method="", path=""))
    assert faults.take("DELETE", "/anything") is not None


def test_the_short_form_delays_orders_and_loses_answers():
    faults = Faults()
    faults.arm_from({"order_delay_ms_before": 3, "order_delay_ms_after": 4, "drop_after": 2})
    met = [faults.take("POST", "/api/v3/order") for _ in range(4)]
    assert [fault.drop for fault in met] == ["after", "after", "", ""]
    assert {(fault.delay_ms_before, fault.delay_ms_after) for fault in met} == {(3, 4)}
    faults.arm_from({"drop_after": 0})
    assert faults.listed() == []


def test_every_field_can_be_asked_for():
    faults = Faults()
    wish = {
        "method": "DELETE",
        "path": "/api/v3/order",
        "count": 3,
        "delay_ms_before": 1,
        "delay_ms_after": 2,
        "drop": "before",
        "reply": 429,
        "reply_when": "after",
        "retry_after_s": 7,
    }
    faults.arm_from(wish)
    assert faults.listed() == [wish]
    faults.clear()
    assert faults.listed() == []


@pytest.mark.parametrize(
    "wish",
    [
        {"dorp": "after"},
        {"drop": "never"},
        {"reply": 200},
        {"reply_when": "now"},
        {"count": 0},
        {"count": -1},
        {"count": True},
        {"delay_ms_before": "5"},
        {"drop_after": 1, "drop": "after"},
        {"drop_after": 1.5},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(wish):
    faults = Faults()
    with pytest.raises(ConfigurationError, match="Not a fault"):
        faults.arm_from(wish)
    assert faults.listed() == []
