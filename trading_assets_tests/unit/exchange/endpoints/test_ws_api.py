"""The WebSocket API: its envelope, sessions and user events, over real WebSockets."""

import base64
import hashlib
import hmac
import json

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.config import AccountConfig
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets_tests.stand_ins.exchange_sockets import (
    ACCOUNTS,
    PRIVATE,
    api_of,
)


@pytest.fixture
def venue(wired):
    with wired(accounts=ACCOUNTS) as wire:
        yield wire


@pytest.fixture
def api(venue):
    with api_of(venue) as api:
        yield api


# --- the envelope


def test_public_methods_answer_as_rest_does(venue, api):
    window = {"symbol": "BTCUSDT", "interval": "1m", "limit": 3}
    assert api.call("ping")["result"] == {}
    assert api.call("time")["result"] == venue.get("time").json()
    assert api.call("v3/klines", **window)["result"] == venue.get("klines", **window).json()
    book = api.call("depth", symbol="BTCUSDT", limit=5)["result"]
    assert book == venue.get("depth", symbol="BTCUSDT", limit=5).json()
    price = api.call("ticker.price", symbols=["BTCUSDT", "ETHUSDT"])["result"]
    assert [row["symbol"] for row in price] == ["BTCUSDT", "ETHUSDT"]
    assert len(api.call("exchangeInfo")["result"]["symbols"]) == 3
    for method in ("trades.recent", "trades.aggregate", "ticker.24hr", "ticker.book", "avgPrice"):
        assert api.call(method, symbol="BTCUSDT")["status"] == 200, method


@pytest.mark.parametrize("number", [1, -5, "a b", "", None])
def test_any_id_comes_back_as_it_was(api, number):
    answer = api.raw(json.dumps({"id": number, "method": "ping"}))
    assert (answer["id"], answer["status"]) == (number, 200)


def test_limits_are_shared_with_rest_and_shown_unless_told_otherwise(venue, api):
    before = api.call("ping")["rateLimits"]
    assert [limit["rateLimitType"] for limit in before] == ["REQUEST_WEIGHT"]
    used = venue.get("klines", symbol="BTCUSDT", interval="1m").headers["X-MBX-USED-WEIGHT-1M"]
    assert int(used) >= before[0]["count"] + 2
    assert "rateLimits" not in api.call("time", returnRateLimits=False)
    with api_of(venue, "?returnRateLimits=false") as quiet:
        assert "rateLimits" not in quiet.call("time")
        assert "rateLimits" in quiet.call("time", returnRateLimits=True)


def test_beyond_the_weight_limit_it_says_when_to_come_back(wired):
    with wired(weight_limit=30) as wire, api_of(wire) as api:
        answers = [api.call("exchangeInfo") for _ in range(2)]
    assert (answers[1]["status"], answers[1]["error"]["code"]) == (429, -1003)
    data = answers[1]["error"]["data"]
    assert 0 < data["retryAfter"] - data["serverTime"] <= 61_000


@pytest.mark.parametrize(
    ("text", "number", "code"),
    [
        ("{", None, -1135),
        ("[]", None, -1135),
        ("[" * 60_000, None, -1135),
        ('{"id":7}', 7, -1102),
        ('{"id":7,"method":5}', 7, -1102),
        ('{"id":{},"method":"ping"}', None, -1102),
        ('{"id":7,"method":"ping","params":[]}', 7, -1102),
        ('{"id":7,"method":"klines","params":{"symbol":null}}', 7, -1102),
        ('{"id":7,"method":"klines","params":{"symbol":{}}}', 7, -1102),
        ('{"id":7,"method":"fly"}', 7, -1020),
        ('{"id":7,"method":"ping","params":{"a":1}}', 7, -1104),
        ('{"id":7,"method":"klines","params":{"symbol":"X","interval":"1m"}}', 7, -1121),
        ('{"id":7,"method":"order.place","params":{"symbol":"BTCUSDT"}}', 7, -1102),
        ('{"id":7,"method":"account.status","params":{"apiKey":"no"}}', 7, -2015),
        ('{"id":7,"method":"userDataStream.start","params":{"apiKey":"demo-key"}}', 7, -1016),
    ],
)
def test_a_bad_frame_is_answered_and_the_connection_lives(shared, text, number, code):
    with api_of(shared) as api:
        answer = api.raw(text)
        assert (answer["id"], answer["error"]["code"]) == (number, code)
        assert answer["status"] >= 400
        assert "result" not in answer
        assert api.call("ping")["status"] == 200


def test_a_binary_frame_is_read_too(api):
    assert api.raw(b'{"id":1,"method":"ping"}')["status"] == 200


# --- signatures and sessions


def test_a_wrong_signature_or_time_is_refused(api):
    values = {"apiKey": "demo-key", "timestamp": wall_now() // 1_000, "signature": "0" * 64}
    assert api.call("account.status", **values)["error"]["code"] == -1022
    assert api.signed("account.status", recvWindow=70_000)["error"]["code"] == -1131
    old = hmac.new(b"demo-secret", b"apiKey=demo-key&timestamp=1", hashlib.sha256).hexdigest()
    late = api.call("account.status", apiKey="demo-key", timestamp=1, signature=old)
    assert late["error"]["code"] == -1021


def test_a_number_is_signed_as_it_was_written(api):
    stamp = wall_now() // 1_000
    payload = f"apiKey=demo-key&recvWindow=5000.50&timestamp={stamp}"
    signature = hmac.new(b"demo-secret", payload.encode(), hashlib.sha256).hexdigest()
    text = (
        f'{{"id":1,"method":"account.status","params":{{"apiKey":"demo-key","timestamp":{stamp},'
        f'"recvWindow":5000.50,"signature":"{signature}"}}}}'
    )
    assert api.raw(text)["status"] == 200


def test_only_ed25519_keys_open_a_session(api):
    assert api.signed("session.logon")["error"]["code"] == -4056
    status = api.signed_by_ed25519("session.logon")["result"]
    assert (status["apiKey"], status["userDataStream"]) == ("ed-key", False)
    assert status["authorizedSince"] >= status["connectedSince"]
    account = api.call("account.status", timestamp=wall_now() // 1_000)
    assert account["result"]["balances"][0]["asset"] == "BTC"
    assert api.call("account.status", timestamp=1)["error"]["code"] == -1021
    assert api.call("session.logout")["result"]["apiKey"] is None
    refused = api.call("account.status", timestamp=wall_now() // 1_000)
    assert refused["error"]["code"] == -1102


def test_a_changed_ed25519_signature_is_refused(api):
    params = {"apiKey": "ed-key", "timestamp": wall_now() // 1_000}
    signature = base64.b64encode(PRIVATE.sign(b"something else")).decode()
    for bad in (signature, "no base64", "AAAA"):
        answer = api.call("session.logon", **params, signature=bad)
        assert answer["error"]["code"] == -1022


def test_a_bad_public_key_is_refused_at_the_start():
    config = ExchangeConfig(accounts=(AccountConfig(public_key="-----BEGIN"),))
    with pytest.raises(ConfigurationError, match="public_key"), running_exchange(config):
        pass


# --- orders


def test_an_order_lives_on_both_wires(venue, api):
    wish = venue.limit_buy(newClientOrderId="mine")
    placed = api.signed("order.place", **wish)
    assert placed["result"]["status"] == "NEW"
    assert [limit["rateLimitType"] for limit in placed["rateLimits"]] == [
        "ORDERS",
        "ORDERS",
        "REQUEST_WEIGHT",
    ]
    assert placed["rateLimits"][0]["count"] == 1
    assert venue.signed("GET", "openOrders").json()[0]["clientOrderId"] == "mine"
    name = {"symbol": "SOLUSDT", "origClientOrderId": "mine"}
    assert api.signed("order.status", **name)["result"]["status"] == "NEW"
    assert len(api.signed("openOrders.status", symbol="SOLUSDT")["result"]) == 1
    assert api.signed("order.cancel", **name)["result"]["status"] == "CANCELED"
    assert api.signed("order.cancel", **name)["error"]["code"] == -2011
    assert api.signed("order.test", **wish)["result"] == {}
    assert api.signed("allOrders", symbol="SOLUSDT")["result"][0]["status"] == "CANCELED"
    for method in ("myTrades", "myPreventedMatches", "myAllocations"):
        assert api.signed(method, symbol="SOLUSDT")["result"] == []
    assert len(api.signed("account.rateLimits.orders")["result"]) == 2
    rows = venue.ledger()["requests"]
    assert [(row["method"], row["path"], row["status"]) for row in rows] == [
        ("WS", "order.place", 200),
        ("WS", "order.cancel", 200),
        ("WS", "order.cancel", 400),
    ]


def around(venue, factor, symbol="BTCUSDT"):
    return f"{venue.price(symbol) * factor:.2f}"


def test_lists_live_on_both_wires_and_their_status_is_told_last(venue, api):
    api.signed("userDataStream.subscribe.signature")
    placed = api.signed(
        "orderList.place.oco",
        symbol="BTCUSDT",
        side="SELL",
        quantity="0.01",
        aboveType="LIMIT_MAKER",
        abovePrice=around(venue, 1.1),
        belowType="STOP_LOSS",
        belowStopPrice=around(venue, 0.9),
        listClientOrderId="both",
    )["result"]
    assert (placed["contingencyType"], len(placed["orderReports"])) == ("OCO", 2)
    name = {"orderListId": placed["orderListId"]}
    on_rest = venue.signed("GET", "orderList", **name).json()
    assert api.signed("orderList.status", **name)["result"] == on_rest
    assert api.signed("openOrderLists.status")["result"] == [on_rest]
    cancelled = api.signed("orderList.cancel", symbol="BTCUSDT", **name)["result"]
    assert cancelled["listOrderStatus"] == "ALL_DONE"
    assert api.signed("orderList.cancel", symbol="BTCUSDT", **name)["error"]["code"] == -2011
    events = api.taken()
    told = [
        (e["e"], e.get("x") or e.get("L")) for e in events if e["e"] != "outboundAccountPosition"
    ]
    assert sorted(told[:3]) == [
        ("executionReport", "NEW"),
        ("executionReport", "NEW"),
        ("listStatus", "EXECUTING"),
    ]
    assert told[-1] == ("listStatus", "ALL_DONE")
    assert {e["g"] for e in events if "g" in e} == {placed["orderListId"]}


def test_a_replacement_that_fails_says_what_became_of_each_half(venue, api):
    wish = {"symbol": "SOLUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wish |= {"quantity": "1", "price": around(venue, 0.9, "SOLUSDT")}
    answer = api.signed(
        "order.cancelReplace",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrigClientOrderId="never-placed",
        **wish,
    )
    assert (answer["status"], answer["error"]["code"]) == (400, -2022)
    assert answer["error"]["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    api.signed("order.place", newClientOrderId="old", **wish)
    done = api.signed(
        "order.cancelReplace",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrigClientOrderId="old",
        newClientOrderId="new",
        **wish,
    )
    assert done["result"]["newOrderResponse"]["clientOrderId"] == "new"
    open_orders = api.signed("openOrders.status", symbol="SOLUSDT")["result"]
    assert [order["clientOrderId"] for order in open_orders] == ["new"]


def test_commissions_are_those_of_rest(venue, api):
    on_rest = venue.signed("GET", "account/commission", symbol="SOLUSDT").json()
    assert api.signed("account.commission", symbol="SOLUSDT")["result"] == on_rest


def test_whether_limits_are_shown_is_signed_like_all_else(wire):
    with api_of(wire) as api:
        params = {"apiKey": "demo-key", "returnRateLimits": False, "timestamp": wall_now() // 1_000}
        payload = "&".join(f"{k}={json.dumps(v).strip(chr(34))}" for k, v in sorted(params.items()))
        signature = hmac.new(b"demo-secret", payload.encode(), hashlib.sha256).hexdigest()
        answer = api.call("account.status", **params, signature=signature)
    assert answer["status"] == 200
    assert "rateLimits" not in answer
