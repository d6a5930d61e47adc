"""Rate limits."""

import pytest

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.venue.limits import MINUTE, ORDERS_10S, OrderMeter, WeightMeter

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
    meter.give_back("a", T0, T0)
    assert meter.counts("a", T0) == (1, 1)
    meter.give_back("a", T0, T0)
    meter.give_back("a", T0, T0)
    assert meter.counts("a", T0) == (0, 0)


def status_of(meter, wall):
    try:
        meter.spend(1, wall)
    except Refused as refusal:
        return refusal.status, refusal.retry_after_s
    return 200, None


def test_going_on_after_a_429_is_a_ban_that_grows():
    meter, wall = WeightMeter(10), 1_000 * MINUTE
    assert [status_of(meter, wall)[0] for _ in range(10)] == [200] * 10
    assert {status_of(meter, wall) for _ in range(100)} == {(429, 61)}
    assert status_of(meter, wall) == (418, 121)
    assert status_of(meter, wall + MINUTE) == (418, 61)
    wall += 2 * MINUTE
    assert status_of(meter, wall) == (200, None)
    answers = [status_of(meter, wall) for _ in range(110)]
    assert answers[-1] == (418, 241)


def test_who_waits_is_never_banned():
    meter = WeightMeter(10)
    for minute in range(300):
        answers = [status_of(meter, minute * MINUTE)[0] for _ in range(11)]
        assert answers == [200] * 10 + [429]


def test_no_ban_is_longer_than_three_days():
    meter, wall = WeightMeter(1), 0
    for _ in range(20):
        while (answer := status_of(meter, wall))[0] != 418:
            pass
        wall += answer[1] * 1_000_000
    assert answer[1] == 3 * 86_400 + 1
