"""Signed endpoints over raw HTTP: the venue's codes and texts, and the shapes of its answers."""

import pytest


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"symbol": "NOPEUSDT"}, (-1121, "Invalid symbol.")),
        ({"side": "HOLD"}, (-1117, "Invalid side.")),
        ({"type": "STOP"}, (-1116, "Invalid orderType.")),
        ({"timeInForce": "DAY"}, (-1115, "Invalid timeInForce.")),
        ({"quantity": "1e-05"}, (-1100, "Illegal characters found in parameter 'quantity'")),
        ({"price": "1.123456789"}, (-1111, "Parameter 'price' has too much precision.")),
        ({"price": "100.001"}, (-1013, "Filter failure: PRICE_FILTER")),
        ({"price": "10.00"}, (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
        ({"quantity": "0.0005"}, (-1013, "Filter failure: LOT_SIZE")),
        ({"quantity": "0"}, (-1013, "Filter failure: LOT_SIZE")),
        ({"quantity": "0.01"}, (-1013, "Filter failure: NOTIONAL")),
        ({"quantity": "5000"}, (-2010, "Account has insufficient balance for requested action.")),
        ({"stopPrice": "1"}, (-1106, "Parameter 'stopPrice' sent when not required.")),
        ({"quoteOrderQty": "1"}, (-1106, "Parameter 'quoteOrderQty' sent when not required.")),
        ({"newClientOrderId": "a.b"}, (-1100, "Illegal characters found in parameter 'newCl")),
        ({"newOrderRespType": "ALL"}, (-1130, "Data sent for parameter 'newOrderRespType' is")),
        ({"surprise": "1"}, (-1104, "Not all sent parameters were read; read '")),
        (
            {"type": "STOP_LOSS_LIMIT"},
            (
                -1102,
                "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed.",
            ),
        ),
    ],
)
def test_bad_orders_get_the_venues_words(shared, change, expected):
    answer = shared.order(**shared.limit_buy(0.9, **change))
    status, code, text = shared.refusal(answer)
    assert (status, code) == (400, expected[0])
    assert text.startswith(expected[1])


@pytest.mark.parametrize("name", ["side", "type", "timeInForce", "quantity", "price", "symbol"])
def test_each_missing_part_of_an_order_is_named(shared, name):
    wish = shared.limit_buy(0.9)
    del wish[name]
    text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    assert shared.refusal(shared.order(**wish)) == (400, -1102, text)


def test_market_orders_take_quantity_or_money(shared):
    market = {"symbol": "SOLUSDT", "side": "BUY", "type": "MARKET"}
    assert shared.refusal(shared.order(**market))[1] == -1102
    assert shared.refusal(shared.order(**market, quantity="1", quoteOrderQty="100"))[1] == -1128
    assert shared.refusal(shared.order(**market, quantity="1", price="100"))[1] == -1106
    assert shared.refusal(shared.order(**market, quantity="1", timeInForce="GTC"))[1] == -1106
    assert shared.refusal(shared.order(**market, quoteOrderQty="4.99"))[1:] == (
        -1013,
        "Filter failure: NOTIONAL",
    )


def test_an_order_lives_from_placement_to_cancel(wire):
    placed = wire.order(**wire.limit_buy(0.9, newClientOrderId="mine"))
    assert placed.json()["status"] == "NEW"
    assert placed.json()["fills"] == []
    assert placed.headers["X-MBX-USED-WEIGHT-1M"].isdigit()
    assert placed.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    assert placed.headers["X-MBX-ORDER-COUNT-1D"] == "1"
    duplicate = wire.order(**wire.limit_buy(0.8, newClientOrderId="mine"))
    assert wire.refusal(duplicate) == (400, -2010, "Duplicate order sent.")
    (listed,) = wire.signed("GET", "openOrders", symbol="SOLUSDT").json()
    queried = wire.signed("GET", "order", symbol="SOLUSDT", origClientOrderId="mine").json()
    assert queried == listed
    assert queried["orderId"] == placed.json()["orderId"]
    assert float(balances(wire)["USDT"]["locked"]) == pytest.approx(float(queried["price"]))
    cancelled = wire.signed("DELETE", "order", symbol="SOLUSDT", origClientOrderId="mine").json()
    assert (cancelled["status"], cancelled["origClientOrderId"]) == ("CANCELED", "mine")
    assert cancelled["clientOrderId"] != "mine"
    again = wire.signed("DELETE", "order", symbol="SOLUSDT", origClientOrderId="mine")
    assert wire.refusal(again) == (400, -2011, "Unknown order sent.")
    assert balances(wire) == {
        "BTC": {"free": "1.00000000", "locked": "0.00000000"},
        "USDT": {"free": "100000.00000000", "locked": "0.00000000"},
    }


def balances(wire):
    rows = wire.signed("GET", "account", omitZeroBalances="true").json()["balances"]
    return {row.pop("asset"): row for row in rows}


def test_what_does_not_exist_has_its_own_codes(shared):
    query = shared.signed("GET", "order", symbol="SOLUSDT", orderId=99)
    assert shared.refusal(query) == (400, -2013, "Order does not exist.")
    cancel = shared.signed("DELETE", "order", symbol="SOLUSDT", orderId=99)
    assert shared.refusal(cancel) == (400, -2011, "Unknown order sent.")
    assert shared.refusal(shared.signed("DELETE", "openOrders", symbol="SOLUSDT"))[1] == -2011
    neither = shared.signed("GET", "order", symbol="SOLUSDT")
    text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    assert shared.refusal(neither) == (400, -1102, text)


def test_answers_come_in_three_sizes(wire):
    market = {"symbol": "SOLUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1"}
    sizes = {
        kind: set(wire.order(**market, newOrderRespType=kind).json())
        for kind in ("ACK", "RESULT", "FULL")
    }
    assert sizes["ACK"] == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert sizes["ACK"] < sizes["RESULT"] < sizes["FULL"]
    assert sizes["FULL"] - sizes["RESULT"] == {"fills"}
    assert "fills" in wire.order(**market).json()
    maker = {"type": "LIMIT_MAKER", "symbol": "SOLUSDT", "side": "BUY", "quantity": "1"}
    ack = wire.order(**maker, price=f"{wire.price() * 0.9:.2f}").json()
    assert "status" not in ack


def test_a_test_order_changes_nothing(wire):
    answer = wire.signed("POST", "order/test", **wire.limit_buy(0.9))
    assert answer.json() == {}
    assert wire.refusal(wire.signed("POST", "order/test", **wire.limit_buy(0.01)))[1] == -1013
    assert wire.signed("GET", "allOrders", symbol="SOLUSDT").json() == []


def test_all_orders_of_a_symbol_can_be_cancelled_at_once(wire):
    for factor in (0.9, 0.8):
        wire.order(**wire.limit_buy(factor))
    answer = wire.signed("DELETE", "openOrders", symbol="SOLUSDT").json()
    assert [row["status"] for row in answer] == ["CANCELED"] * 2
    assert wire.signed("GET", "openOrders").json() == []


def test_cancels_can_be_restricted(wire):
    order = wire.order(**wire.limit_buy(0.9)).json()
    named = {"symbol": "SOLUSDT", "orderId": order["orderId"]}
    only = wire.signed("DELETE", "order", **named, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    text = "Order was not canceled due to cancel restrictions."
    assert wire.refusal(only) == (400, -2011, text)
    assert wire.refusal(wire.signed("DELETE", "order", **named, cancelRestrictions="X"))[1] == -1145
    done = wire.signed("DELETE", "order", **named, cancelRestrictions="ONLY_NEW")
    assert done.json()["status"] == "CANCELED"


def test_lists_are_cut_by_id_time_and_limit(wire):
    for _ in range(4):
        wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="0.1")
        wire.sim("step", seconds=60)
    orders = wire.signed("GET", "allOrders", symbol="SOLUSDT").json()
    assert [o["orderId"] for o in orders] == [1, 2, 3, 4]
    stamps = [o["time"] for o in orders]

    def ids(path, name, **cut):
        return [row[name] for row in wire.signed("GET", path, symbol="SOLUSDT", **cut).json()]

    assert ids("allOrders", "orderId", orderId=3) == [3, 4]
    assert ids("allOrders", "orderId", limit=2) == [3, 4]
    assert ids("allOrders", "orderId", startTime=stamps[1], limit=2) == [2, 3]
    assert ids("allOrders", "orderId", startTime=stamps[1], endTime=stamps[2]) == [2, 3]
    assert ids("allOrders", "orderId", endTime=stamps[1]) == [1, 2]
    assert ids("myTrades", "orderId", orderId=2) == [2]
    assert ids("myTrades", "id", fromId=2)[0] == 2
    assert ids("myTrades", "orderId", startTime=stamps[3]) == [4]
    long = wire.signed("GET", "myTrades", symbol="SOLUSDT", startTime=0, endTime=86_400_001)
    assert wire.refusal(long)[1:] == (-1127, "More than 24 hours between startTime and endTime.")
