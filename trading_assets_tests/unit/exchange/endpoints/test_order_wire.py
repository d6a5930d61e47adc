"""Orders of every type, replacements and order lists over REST, as Binance words them."""

from decimal import Decimal

import pytest

SOL = "SOLUSDT"


@pytest.fixture
def venue(wired):
    """A stepped exchange, with some SOL bought."""
    with wired() as wire:
        wire.order(symbol=SOL, side="BUY", type="MARKET", quantity="40")
        yield wire


def last(venue):
    return Decimal(venue.get("ticker/price", symbol=SOL).json()["price"])


def at(venue, ratio):
    """Give a price on the grid."""
    return str((last(venue) * Decimal(ratio)).quantize(Decimal("0.01")))


def refusal(response):
    said = response.json()
    return response.status_code, said["code"], said["msg"]


def stop(venue, **changes):
    wish = {
        "symbol": SOL, "side": "SELL", "type": "STOP_LOSS_LIMIT", "timeInForce": "GTC",
        "quantity": "1", "price": at(venue, "0.98"), "stopPrice": at(venue, "0.99"),
    }  # fmt: skip
    return {name: value for name, value in {**wish, **changes}.items() if value is not None}


def oco(venue, **changes):
    wish = {
        "symbol": SOL, "side": "SELL", "quantity": "2",
        "aboveType": "LIMIT_MAKER", "abovePrice": at(venue, "1.05"),
        "belowType": "STOP_LOSS_LIMIT", "belowPrice": at(venue, "0.94"),
        "belowStopPrice": at(venue, "0.95"), "belowTimeInForce": "GTC",
    }  # fmt: skip
    return {name: value for name, value in {**wish, **changes}.items() if value is not None}


# Stops


def test_a_stop_waits_and_says_so(venue):
    placed = venue.order(**stop(venue), newOrderRespType="FULL").json()
    queried = venue.signed("GET", "order", symbol=SOL, orderId=placed["orderId"]).json()

    assert placed["workingTime"] == -1
    assert placed["fills"] == []
    assert (placed["status"], placed["stopPrice"][:4]) == ("NEW", at(venue, "0.99")[:4])
    assert queried["isWorking"] is False
    assert queried["stopPrice"] == f"{Decimal(at(venue, '0.99')):.8f}"


def test_a_stop_answers_ack_by_default(venue):
    said = venue.order(**stop(venue)).json()

    assert set(said) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}


def test_a_triggered_stop_works_and_tells_when_it_began(venue):
    placed = venue.order(
        **stop(venue, stopPrice=at(venue, "0.9995"), price=at(venue, "0.9"))
    ).json()
    for _ in range(200):
        venue.sim("step", seconds=60)
        order = venue.signed("GET", "order", symbol=SOL, orderId=placed["orderId"]).json()
        if order["status"] == "FILLED":
            break

    assert order["status"] == "FILLED"
    assert order["workingTime"] > order["time"]
    assert order["isWorking"] is True


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"stopPrice": None}, (400, -1102, "Mandatory parameter 'stopPrice' was not sent, "
                                           "was empty/null, or malformed.")),
        ({"timeInForce": None}, (400, -1102, "Mandatory parameter 'timeInForce' was not sent, "
                                             "was empty/null, or malformed.")),
        ({"stopPrice": "20.001"}, (400, -1013, "Filter failure: PRICE_FILTER")),
        ({"type": "STOP_LOSS"}, (400, -1106, "Parameter 'price' sent when not required.")),
        ({"type": "LIMIT"}, (400, -1106, "Parameter 'stopPrice' sent when not required.")),
        ({"icebergQty": "0.5"}, (400, -2010, "Iceberg orders are not supported for this symbol.")),
        ({"trailingDelta": "100"},
         (400, -2010, "Trailing stop orders are not supported for this symbol.")),
        ({"type": "TAKE_PROFIT_LIMIT"}, (400, -2010, "Order would trigger immediately.")),
        ({"quoteOrderQty": "50"},
         (400, -1106, "Parameter 'quoteOrderQty' sent when not required.")),
    ],
)  # fmt: skip
def test_a_stop_that_cannot_be_is_refused(venue, changes, expected):
    assert refusal(venue.order(**stop(venue, **changes))) == expected


def test_exchange_info_lists_every_type_and_what_may_be_done(venue):
    (symbol,) = venue.get("exchangeInfo", symbol=SOL).json()["symbols"]

    assert set(symbol["orderTypes"]) == {
        "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    }  # fmt: skip
    assert symbol["ocoAllowed"] is symbol["otoAllowed"] is symbol["cancelReplaceAllowed"] is True
    names = {item["filterType"] for item in symbol["filters"]}
    assert {"MAX_NUM_ALGO_ORDERS", "MAX_NUM_ORDER_LISTS"} <= names


# Replacing


def replace_with(venue, old, **changes):
    wish = venue.limit_buy(0.97, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=old)
    return venue.signed("POST", "order/cancelReplace", **{**wish, **changes})


def test_a_replacement_cancels_and_places(venue):
    old = venue.order(**venue.limit_buy(0.98)).json()["orderId"]

    done = replace_with(venue, old, cancelNewClientOrderId="the-cancel")

    said = done.json()
    assert done.status_code == 200
    assert (said["cancelResult"], said["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert said["cancelResponse"]["status"] == "CANCELED"
    assert said["cancelResponse"]["clientOrderId"] == "the-cancel"
    assert said["newOrderResponse"]["orderId"] > old
    assert done.headers["X-MBX-ORDER-COUNT-10S"]


def test_nothing_is_placed_when_the_cancel_fails_and_that_stops_it(venue):
    done = replace_with(venue, 999)

    assert refusal(done) == (400, -2022, "Order cancel-replace failed.")
    data = done.json()["data"]
    assert (data["cancelResult"], data["newOrderResult"]) == ("FAILURE", "NOT_ATTEMPTED")
    assert data["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    assert data["newOrderResponse"] is None
    assert venue.signed("GET", "openOrders", symbol=SOL).json() == []


def test_one_is_placed_all_the_same_when_failure_is_allowed(venue):
    done = replace_with(venue, 999, cancelReplaceMode="ALLOW_FAILURE")

    assert refusal(done) == (409, -2021, "Order cancel-replace partially failed.")
    assert done.json()["data"]["newOrderResponse"]["status"] == "NEW"
    assert len(venue.signed("GET", "openOrders", symbol=SOL).json()) == 1


def test_a_cancel_stands_when_the_new_order_cannot_be_paid(venue):
    old = venue.order(**venue.limit_buy(0.98)).json()["orderId"]

    done = replace_with(venue, old, quantity="10000")

    assert refusal(done)[:2] == (409, -2021)
    data = done.json()["data"]
    assert (data["cancelResult"], data["newOrderResult"]) == ("SUCCESS", "FAILURE")
    assert data["newOrderResponse"]["code"] == -2010


def test_filters_are_checked_before_anything_is_cancelled(venue):
    old = venue.order(**venue.limit_buy(0.98)).json()["orderId"]

    done = replace_with(venue, old, quantity="0.00001")

    assert refusal(done) == (400, -1013, "Filter failure: LOT_SIZE")
    assert len(venue.signed("GET", "openOrders", symbol=SOL).json()) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cancelReplaceMode": "PERHAPS"}, -1130),
        ({"cancelReplaceMode": ""}, -1102),
        ({"cancelOrderId": ""}, -1102),
        ({"cancelRestrictions": "ONLY_OLD"}, -1145),
        ({"orderRateLimitExceededMode": "X"}, -1130),
        ({"stranger": "1"}, -1104),
    ],
)
def test_a_replacement_that_cannot_be_read_is_refused(venue, changes, code):
    assert refusal(replace_with(venue, 1, **changes))[1] == code


# Order lists


def test_an_oco_is_placed_found_and_cancelled(venue):
    made = venue.signed("POST", "orderList/oco", **oco(venue, listClientOrderId="pair")).json()
    found = venue.signed("GET", "orderList", origClientOrderId="pair").json()
    account = {b["asset"]: b for b in venue.signed("GET", "account").json()["balances"]}
    ended = venue.signed("DELETE", "orderList", symbol=SOL, orderListId=made["orderListId"]).json()

    assert (made["contingencyType"], made["listStatusType"]) == ("OCO", "EXEC_STARTED")
    assert (made["listOrderStatus"], made["listClientOrderId"]) == ("EXECUTING", "pair")
    assert [r["type"] for r in made["orderReports"]] == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]
    assert {r["orderListId"] for r in made["orderReports"]} == {made["orderListId"]}
    assert found["orders"] == made["orders"]
    assert account["SOL"]["locked"] == "2.00000000"
    assert (ended["listStatusType"], ended["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert {r["status"] for r in ended["orderReports"]} == {"CANCELED"}
    assert refusal(venue.signed("DELETE", "orderList", symbol=SOL, listClientOrderId="pair")) == (
        400, -2011, "Unknown order sent.",
    )  # fmt: skip


def test_a_leg_that_is_cancelled_takes_the_other_along(venue):
    made = venue.signed("POST", "orderList/oco", **oco(venue)).json()

    venue.signed("DELETE", "order", symbol=SOL, orderId=made["orders"][0]["orderId"])

    assert venue.signed("GET", "openOrders", symbol=SOL).json() == []
    assert venue.signed("GET", "openOrderList").json() == []


def test_cancelling_everything_tells_lists_as_lists(venue):
    venue.order(**venue.limit_buy(0.98))
    made = venue.signed("POST", "orderList/oco", **oco(venue)).json()

    told = venue.signed("DELETE", "openOrders", symbol=SOL).json()

    assert [row.get("contingencyType") for row in told] == [None, "OCO"]
    assert told[1]["orderListId"] == made["orderListId"]


def test_a_working_order_that_fills_starts_its_pending_pair(venue):
    made = venue.signed(
        "POST", "orderList/otoco", symbol=SOL, workingType="LIMIT", workingSide="BUY",
        workingTimeInForce="GTC", workingPrice=at(venue, "1.002"), workingQuantity="1",
        pendingSide="SELL", pendingQuantity="0.9", pendingAboveType="LIMIT_MAKER",
        pendingAbovePrice=at(venue, "1.05"), pendingBelowType="STOP_LOSS",
        pendingBelowStopPrice=at(venue, "0.95"),
    ).json()  # fmt: skip

    assert made["contingencyType"] == "OTO"
    assert [r["status"] for r in made["orderReports"]] == ["FILLED", "PENDING_NEW", "PENDING_NEW"]
    working = venue.signed("GET", "openOrders", symbol=SOL).json()
    assert {row["status"] for row in working} == {"NEW"}
    assert len(working) == 2


def test_a_pending_order_waits_and_goes_with_its_working_order(venue):
    made = venue.signed(
        "POST", "orderList/oto", symbol=SOL, workingType="LIMIT_MAKER", workingSide="BUY",
        workingPrice=at(venue, "0.97"), workingQuantity="1", pendingType="MARKET",
        pendingSide="SELL", pendingQuantity="1",
    ).json()  # fmt: skip
    pending = made["orders"][1]["orderId"]
    waiting = venue.signed("GET", "order", symbol=SOL, orderId=pending).json()

    venue.signed("DELETE", "order", symbol=SOL, orderId=made["orders"][0]["orderId"])

    assert (waiting["status"], waiting["workingTime"]) == ("PENDING_NEW", -1)
    ended = venue.signed("GET", "order", symbol=SOL, orderId=pending).json()
    assert ended["status"] == "CANCELED"


def test_the_deprecated_form_of_an_oco_still_works(venue):
    made = venue.signed(
        "POST", "order/oco", symbol=SOL, side="SELL", quantity="1", price=at(venue, "1.05"),
        stopPrice=at(venue, "0.95"), stopLimitPrice=at(venue, "0.94"), stopLimitTimeInForce="GTC",
        limitClientOrderId="up", stopClientOrderId="down",
    ).json()  # fmt: skip

    assert [o["clientOrderId"] for o in made["orders"]] == ["up", "down"]
    assert [r["type"] for r in made["orderReports"]] == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aboveType": "LIMIT"}, -1102),
        ({"aboveType": "LIMIT", "aboveTimeInForce": "GTC"}, -1158),
        ({"belowType": "LIMIT_MAKER", "belowStopPrice": None, "belowTimeInForce": None}, -1168),
        ({"side": "BUY"}, -1165),
        ({"aboveType": "STOP_LOSS", "aboveStopPrice": "50", "abovePrice": None}, -1197),
        ({"belowType": "TAKE_PROFIT_LIMIT"}, -1199),
        ({"belowStopPrice": "900"}, -2010),
        ({"quantity": "10000"}, -2010),
        ({"quantity": None}, -1102),
        ({"aboveStopPrice": "30"}, -1106),
        ({"belowTrailingDelta": "100"}, -2010),
        ({"stranger": "1"}, -1104),
    ],
)
def test_an_oco_that_cannot_be_is_refused(venue, changes, code):
    before = venue.signed("GET", "allOrders", symbol=SOL).json()

    assert refusal(venue.signed("POST", "orderList/oco", **oco(venue, **changes)))[1] == code
    assert venue.signed("GET", "allOrders", symbol=SOL).json() == before


def test_a_working_order_is_a_limit_order(venue):
    done = venue.signed(
        "POST", "orderList/oto", symbol=SOL, workingType="MARKET", workingSide="BUY",
        workingQuantity="1", pendingType="MARKET", pendingSide="SELL", pendingQuantity="1",
    )  # fmt: skip

    assert refusal(done) == (400, -1116, "Invalid orderType.")


def test_lists_are_listed_from_an_id_or_a_time(venue):
    first, second = (
        venue.signed("POST", "orderList/oco", **oco(venue, quantity="0.5")).json() for _ in "ab"
    )

    ids = [row["orderListId"] for row in venue.signed("GET", "allOrderList").json()]
    later = venue.signed("GET", "allOrderList", fromId=second["orderListId"]).json()
    assert ids == [first["orderListId"], second["orderListId"]]
    assert [row["orderListId"] for row in later] == ids[1:]
    assert len(venue.signed("GET", "openOrderList").json()) == 2
    both = venue.signed("GET", "allOrderList", fromId=1, startTime=1)
    assert refusal(both)[1] == -1128
    assert refusal(venue.signed("GET", "orderList", orderListId=77))[1] == -2018


# Commissions


def test_commission_rates_of_account_and_order(venue):
    page = venue.signed("GET", "account/commission", symbol=SOL).json()
    tested = venue.signed(
        "POST", "order/test", **venue.limit_buy(0.98), computeCommissionRates="true"
    ).json()

    rates = {"maker": "0.00100000", "taker": "0.00100000"}
    assert page["standardCommission"] == rates | {"buyer": "0.00000000", "seller": "0.00000000"}
    assert page["discount"]["discountAsset"] == "BNB"
    assert page["discount"]["discount"] == "0.75000000"
    assert tested["standardCommissionForOrder"] == rates
    assert venue.signed("POST", "order/test", **venue.limit_buy(0.98)).json() == {}
