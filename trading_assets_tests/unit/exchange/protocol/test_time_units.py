"""Microseconds by header: every instant, and nothing but instants."""

import json

import pytest

MICRO = {"X-MBX-TIME-UNIT": "MICROSECOND"}


def both(wire, path, **parameters):
    """Ask in either unit."""
    address = f"/api/v3/{path}"
    milli = wire.http.get(address, params=parameters).json()
    return milli, wire.http.get(address, params=parameters, headers=MICRO).json()


@pytest.mark.parametrize(
    ("path", "instants", "parameters"),
    [
        ("time", {"serverTime"}, {}),
        ("trades", {"time"}, {"symbol": "SOLUSDT", "limit": 3}),
        ("aggTrades", {"T"}, {"symbol": "SOLUSDT", "limit": 3}),
        ("ticker/24hr", {"openTime", "closeTime"}, {"symbol": "SOLUSDT"}),
        ("avgPrice", {"closeTime"}, {"symbol": "SOLUSDT"}),
        ("exchangeInfo", {"serverTime"}, {}),
        ("depth", set(), {"symbol": "SOLUSDT", "limit": 5}),
    ],
)
def test_instants_are_a_thousand_times_as_large(wire, path, instants, parameters):
    milli, micro = both(wire, path, **parameters)
    rows = zip(milli, micro, strict=True) if isinstance(milli, list) else [(milli, micro)]
    for one, other in rows:
        changed = {name for name in one if one[name] != other[name]}
        assert changed == instants
        assert all(other[name] == 1_000 * one[name] for name in changed)


def test_bars_end_a_microsecond_before_the_next(wire):
    milli, micro = both(wire, "klines", symbol="SOLUSDT", interval="1m", limit=2)
    assert [row[0] for row in micro] == [row[0] * 1_000 for row in milli]
    assert micro[0][6] + 1 == micro[1][0]
    assert [row[1:6] + row[7:] for row in micro] == [row[1:6] + row[7:] for row in milli]


def test_orders_and_their_history(wire, noon):
    header = {"X-MBX-APIKEY": "demo-key", **MICRO}
    order = wire.signed("POST", "order", headers=header, **wire.limit_buy(0.9)).json()
    assert order["transactTime"] == noon
    (found,) = wire.signed("GET", "allOrders", headers=header, symbol="SOLUSDT").json()
    assert (found["time"], found["updateTime"], found["workingTime"]) == (noon, noon, noon)
    assert found["orderId"] == order["orderId"]


def test_windows_may_be_in_microseconds(wire, noon):
    opened = noon - 120_000_000
    micro = wire.get("klines", symbol="SOLUSDT", interval="1m", startTime=opened, limit=1)
    milli = wire.get("klines", symbol="SOLUSDT", interval="1m", startTime=opened // 1_000, limit=1)
    assert micro.json() == milli.json()


def test_another_unit_is_refused(wire):
    answer = wire.http.get("/api/v3/time", headers={"X-MBX-TIME-UNIT": "SECOND"})
    assert json.loads(answer.text)["code"] == -1194
    assert answer.status_code == 400
