"""Request weight: planned ahead, learnt from answers, stopped when the venue says so."""

from __future__ import annotations

import pytest

from trading_assets.adapters.binance.budget import RequestBudget, Use, cost_of
from trading_assets.domain.errors import RateLimited, VenueBanned

USED = "X-MBX-USED-WEIGHT-1M"


class Local:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def local() -> Local:
    return Local()


@pytest.fixture
def budget(local: Local) -> RequestBudget:
    return RequestBudget(limit=100, monotonic=local)


def test_what_can_wait_is_refused_first_and_the_wait_ends_with_the_minute(
    budget: RequestBudget, local: Local
) -> None:
    budget.admit(80, Use.READ)
    budget.admit(0, Use.ENTRY)
    local.seconds += 20
    budget.admit(10, Use.READ)
    with pytest.raises(RateLimited) as caught:
        budget.admit(0, Use.ENTRY)
    assert 40_000 <= caught.value.retry_after_ms <= 40_001
    with pytest.raises(RateLimited):
        budget.admit(1, Use.READ)
    budget.admit(10, Use.ESSENTIAL)
    with pytest.raises(RateLimited):
        budget.admit(1, Use.ESSENTIAL)
    local.seconds += 40
    budget.admit(80, Use.ENTRY)
    assert budget.used == 80


def test_what_the_venue_counts_is_believed(budget: RequestBudget, local: Local) -> None:
    budget.admit(2, Use.READ)
    budget.heard(200, {USED: "89"})  # another process of this address
    with pytest.raises(RateLimited):
        budget.admit(2, Use.READ)
    local.seconds += 30
    budget.admit(2, Use.ESSENTIAL)
    budget.heard(200, {USED: "4"})  # a new minute of the venue
    budget.admit(80, Use.READ)
    local.seconds += 59
    assert budget.used == 84


def test_too_many_orders_hold_entries_back_and_no_cancel(
    budget: RequestBudget, local: Local
) -> None:
    budget.heard(429, {}, -1015)
    for use in (Use.ESSENTIAL, Use.READ):
        budget.admit(1, use)
    with pytest.raises(RateLimited) as caught:
        budget.admit(0, Use.ENTRY)
    assert caught.value.retry_after_ms == 10_001
    local.seconds += 10.0
    budget.admit(0, Use.ENTRY)


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (418, VenueBanned)])
def test_nothing_leaves_until_the_venue_may_be_asked_again(
    budget: RequestBudget, local: Local, status: int, kind: type[RateLimited]
) -> None:
    budget.heard(status, {"Retry-After": "9"})
    local.seconds += 8
    for use in Use:
        with pytest.raises(kind) as caught:
            budget.admit(0, use)
        assert type(caught.value) is kind
        assert 1000 <= caught.value.retry_after_ms <= 1001
    local.seconds += 1
    budget.admit(1, Use.READ)


def test_a_ban_without_a_length_lasts_the_shortest(budget: RequestBudget, local: Local) -> None:
    budget.heard(418, {})
    local.seconds += 119
    with pytest.raises(VenueBanned):
        budget.admit(0, Use.ESSENTIAL)


def test_the_limit_comes_from_the_venue(budget: RequestBudget) -> None:
    row = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 10}
    budget.learn_limit({"rateLimits": [row | {"rateLimitType": "ORDERS", "limit": 1}, row]})
    budget.learn_limit(["something else"])
    budget.admit(9, Use.READ)
    with pytest.raises(RateLimited):
        budget.admit(1, Use.READ)


@pytest.mark.parametrize(
    ("method", "path", "has_symbol", "weight", "use"),
    [
        ("get", "klines", True, 2, Use.READ),
        ("get", "order", True, 4, Use.ESSENTIAL),
        ("get", "openOrders", True, 6, Use.READ),
        ("get", "openOrders", False, 80, Use.READ),
        ("get", "myTrades", True, 20, Use.READ),
        ("get", "unheardOf", False, 20, Use.READ),
        ("delete", "order", True, 1, Use.ESSENTIAL),
        ("post", "order", True, 1, Use.ESSENTIAL),
    ],
)
def test_requests_have_weights(
    method: str, path: str, has_symbol: bool, weight: int, use: Use
) -> None:
    assert cost_of(method, f"http://127.0.0.1:9/api/v3/{path}", has_symbol) == (weight, use)
