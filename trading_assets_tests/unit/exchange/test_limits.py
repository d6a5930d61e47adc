"""Rate limits."""

import pytest

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.limits import MINUTE, ORDERS_10S, OrderMeter, WeightMeter

T0 = 28_000_000 * MINUTE


def test_weight_is_counted_per_minute_and_then_refused():
    meter = WeightMeter(10)
    meter.spend(10, T0)
    with pytest.raises(Refused) as caught:
        meter.spend(1, T0 + 40_000_000)
    assert (caught.value.code, caught.value.status) == (-1003, 429)
    assert 20 <= caught.value.retry_after_s <= 21
    meter.spend(1, T0 + MINUTE)
    assert meter.used == 1


def test_over_the_limit_even_weightless_requests_are_refused():
    meter = WeightMeter(1)
    meter.spend(1, T0)
    meter.spend(0, T0)
    with pytest.raises(Refused):
        meter.spend(2, T0)
    with pytest.raises(Refused):
        meter.spend(0, T0)


def test_orders_are_limited_per_ten_seconds_and_account():
    meter = OrderMeter()
    for _ in range(ORDERS_10S):
        meter.check("a", T0)
        meter.add("a", T0)
    with pytest.raises(Refused) as caught:
        meter.check("a", T0 + 1)
    assert (caught.value.code, caught.value.status) == (-1015, 429)
    assert caught.value.text == "Too many new orders; current limit is 100 orders per 10 SECOND."
    meter.check("b", T0)
    meter.check("a", T0 + 10_000_000)
    assert meter.counts("a", T0 + 10_000_000) == (0, ORDERS_10S)


def test_a_fill_gives_the_place_back():
    meter = OrderMeter()
    meter.add("a", T0)
    meter.add("a", T0)
    meter.give_back("a", T0)
    assert meter.counts("a", T0) == (1, 1)
    meter.give_back("a", T0)
    meter.give_back("a", T0)
    assert meter.counts("a", T0) == (0, 0)
