"""Orders that the venue would refuse by its filters are not sent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager
from trading_assets.adapters.binance.filters import FilterCache
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.errors import (
    OrderRejected,
)
from trading_assets.domain.order import (
    OrderStatus,
)
from trading_assets_tests.stand_ins.binance_account import (
    SECRET,
    a_limit,
    a_ticket,
    control,
)


@pytest.fixture
def filtering(exchange):
    """A broker that knows the filters, and hours that the test lets pass."""
    local = [0.0]
    client = make_client(exchange.api_url, "demo-key", SECRET, timeout_s=1, recv_window_ms=5000)
    pager = KlinePager(client, WallClock(), max_attempts=1)
    filters = FilterCache(pager.entry, monotonic=lambda: local[0])
    broker = BinanceBroker(
        client, WallClock(), recv_window_ms=5000, time_is_auth=False, filters=filters
    )
    return broker, local


def _posts(exchange):
    return sum(r["method"] == "POST" for r in control(exchange, "ledger")["requests"])


@pytest.mark.parametrize(
    ("ticket", "failed"),
    [
        (a_ticket(quantity="0.1005"), "LOT_SIZE"),
        (a_ticket(quantity="0"), "LOT_SIZE"),
        (a_ticket(quantity="900000000"), "LOT_SIZE"),
        (a_limit("ta-one", "110.001"), "PRICE_FILTER"),
        (a_limit("ta-one", "100.00", quantity="0.010"), "NOTIONAL"),
    ],
)
def test_what_fails_a_known_filter_is_not_sent(exchange, filtering, ticket, failed):
    with pytest.raises(OrderRejected, match=failed) as caught:
        filtering[0].submit(ticket)
    assert caught.value.code == -1013
    assert _posts(exchange) == 0


def test_a_filter_that_changed_is_read_again_after_the_refusal(exchange, filtering):
    broker, _ = filtering
    broker.submit(a_ticket("ta-before", quantity="0.105"))
    change = {"kind": "filter_change", "symbol": "SOLUSDT", "step_size": "0.01"}
    control(exchange, "fault", change)
    for name in ("ta-sent", "ta-kept"):
        with pytest.raises(OrderRejected) as caught:
            broker.submit(a_ticket(name, quantity="0.105"))
        assert caught.value.code == -1013
    assert "LOT_SIZE" in str(caught.value)
    assert _posts(exchange) == 2  # the first, and the one that told us
    broker.submit(a_ticket("ta-after", quantity="0.110"))


def test_filters_are_read_once_an_hour(exchange, filtering):
    broker, local = filtering

    first = broker._filters.of("SOLUSDT")
    change = {"kind": "filter_change", "symbol": "SOLUSDT", "step_size": "0.01"}
    control(exchange, "fault", change)
    local[0] = 3_599.0
    assert broker._filters.of("SOLUSDT") == first
    local[0] = 3_600.0
    assert broker._filters.of("SOLUSDT").quantity.step == Decimal("0.01")


def test_filters_that_cannot_be_read_refuse_nothing(exchange, filtering):
    match = {"path": "/api/v3/exchangeInfo"}
    control(exchange, "fault", {"kind": "status", "status": 503, "match": match})
    report, _ = filtering[0].submit(a_ticket())
    assert report.status is OrderStatus.FILLED


def test_rules_are_asked_for_at_once_and_say_what_has_changed(exchange, filtering):
    filters = filtering[0]._filters
    before = filters.rules("SOLUSDT")
    change = {"kind": "filter_change", "symbol": "SOLUSDT", "step_size": "0.01"}
    control(exchange, "fault", change)
    after = filters.rules("SOLUSDT")

    assert before.is_trading
    assert (before.lot, after.lot) == (Decimal("0.001"), Decimal("0.01"))
    assert filters.of("SOLUSDT").quantity.step == Decimal("0.01")
    ticket = after.fitted(a_ticket(quantity="0.105"))
    report, _ = filtering[0].submit(ticket)
    assert report.executed == Decimal("0.10")
