"""The REST wire: codes, texts, statuses, weights, faults, against raw HTTP."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

import httpx
import pytest

from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.server import ExchangeConfig, running_exchange

NOON = 1_709_294_400_000_000
SECRET = "demo-secret"
KEY = {"X-MBX-APIKEY": "demo-key"}
LIMIT = {"symbol": "SOLUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}


class Wire:
    """Raw requests, signed by hand."""

    def __init__(self, running):
        self.http = httpx.Client(base_url=running.url, timeout=10)

    def get(self, path, **parameters):
        return self.http.get(f"/api/v3/{path}", params=parameters)

    def signed(self, method, path, *, secret=SECRET, headers=KEY, **parameters):
        parameters.setdefault("timestamp", wall_now() // 1_000)
        payload = urlencode(parameters)
        signature = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        query = f"{payload}&signature={signature}"
        return self.http.request(method, f"/api/v3/{path}?{query}", headers=headers)

    def order(self, **parameters):
        return self.signed("POST", "order", **parameters)

    def sim(self, name, **wish):
        return self.http.post(f"/_sim/{name}", json=wish)

    def price(self, symbol="SOLUSDT"):
        return float(self.get("ticker/price", symbol=symbol).json()["price"])

    def ledger(self):
        return self.http.get("/_sim/ledger").json()


@pytest.fixture
def wire():
    config = ExchangeConfig(start=NOON, stepped=True, sim_controls=True)
    with running_exchange(config) as running:
        wire = Wire(running)
        with wire.http:
            yield wire


@pytest.fixture(scope="module")
def shared():
    """One exchange for requests that change nothing."""
    config = ExchangeConfig(start=NOON, stepped=True, sim_controls=True)
    with running_exchange(config) as running:
        wire = Wire(running)
        with wire.http:
            yield wire


def refusal(response):
    body = response.json()
    assert set(body) == {"code", "msg"}
    return response.status_code, body["code"], body["msg"]


# --- market data


def test_time_is_the_market_clock(shared):
    assert shared.get("ping").json() == {}
    assert shared.get("time").json() == {"serverTime": NOON // 1_000}


def test_exchange_info_lists_all_or_some(shared):
    info = shared.get("exchangeInfo").json()
    assert [s["symbol"] for s in info["symbols"]] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert {s["status"] for s in info["symbols"]} == {"TRADING"}
    assert len(shared.get("exchangeInfo", symbol="ETHUSDT").json()["symbols"]) == 1
    some = shared.get("exchangeInfo", symbols='["SOLUSDT","BTCUSDT"]').json()["symbols"]
    assert [s["symbol"] for s in some] == ["SOLUSDT", "BTCUSDT"]
    assert shared.get("exchangeInfo", symbols="SOLUSDT").status_code == 400
    assert refusal(shared.get("exchangeInfo", symbols='["SOLUSDT","SOLUSDT"]'))[1] == -1151
    assert refusal(shared.get("exchangeInfo", symbols='["X"]', symbol="Y"))[1] == -1128


def test_prices_book_and_bars_agree(shared):
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        last = shared.price(symbol)
        best = shared.get("ticker/bookTicker", symbol=symbol).json()
        book = shared.get("depth", symbol=symbol, limit=5).json()
        bar = shared.get("klines", symbol=symbol, interval="1m", limit=1).json()[0]
        average = float(shared.get("avgPrice", symbol=symbol).json()["price"])
        assert float(best["bidPrice"]) <= last <= float(best["askPrice"])
        assert book["bids"][0] == [best["bidPrice"], best["bidQty"]]
        assert book["asks"][0] == [best["askPrice"], best["askQty"]]
        assert len(book["asks"]) == 5
        assert float(bar[4]) == last
        assert abs(average / last - 1) < 0.01
    assert len(shared.get("ticker/price").json()) == 3
    assert len(shared.get("ticker/bookTicker", symbols='["BTCUSDT","SOLUSDT"]').json()) == 2


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        ("klines", {"symbol": "NOPEUSDT", "interval": "1m"}, (-1121, "Invalid symbol.")),
        ("klines", {"symbol": "SOLUSDT", "interval": "1M"}, (-1120, "Invalid interval.")),
        ("klines", {"symbol": "SOLUSDT", "interval": "7m"}, (-1120, "Invalid interval.")),
        (
            "klines",
            {"symbol": "SOLUSDT"},
            (-1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed."),
        ),
        (
            "klines",
            {"interval": "1m"},
            (-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        ),
        (
            "klines",
            {"symbol": "SOLUSDT", "interval": "1m", "timeZone": "2"},
            (-1130, "Data sent for parameter 'timeZone' is not valid."),
        ),
        (
            "ping",
            {"x": "1"},
            (-1104, "Not all sent parameters were read; read '0' parameter(s) but was sent '1'."),
        ),
    ],
)
def test_bad_public_requests_get_the_venues_words(shared, path, parameters, expected):
    assert refusal(shared.get(path, **parameters)) == (400, *expected)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v3/nothing", (404, -1020)),
        ("GET", "/sapi/v1/capital/config/getall", (404, -1020)),
        ("GET", "/", (404, -1020)),
        ("PUT", "/api/v3/order", (404, -1020)),
        ("POST", "/api/v3/order/oco", (404, -1020)),
        ("POST", "/api/v3/userDataStream", (410, -1016)),
        ("PUT", "/api/v3/userDataStream", (410, -1016)),
    ],
)
def test_what_is_not_served_says_so(shared, method, path, expected):
    assert refusal(shared.http.request(method, path))[:2] == expected


def test_another_host_name_is_refused(shared):
    answer = shared.http.get("/api/v3/time", headers={"Host": "evil.example"})
    assert refusal(answer)[:2] == (403, -1002)


# --- who may ask


def test_keys_signatures_and_times_are_checked(shared):
    assert shared.signed("GET", "account").status_code == 200
    for headers, code in ((None, -2014), ({"X-MBX-APIKEY": "nobody"}, -2015)):
        assert refusal(shared.signed("GET", "account", headers=headers))[:2] == (401, code)
    assert refusal(shared.signed("GET", "account", secret="guess")) == (
        400,
        -1022,
        "Signature for this request is not valid.",
    )
    late = wall_now() // 1_000 - 6_000
    assert refusal(shared.signed("GET", "account", timestamp=late))[1] == -1021
    assert shared.signed("GET", "account", timestamp=late, recvWindow=10_000).status_code == 200
    assert refusal(shared.signed("GET", "account", recvWindow=60_001))[1] == -1131
    unsigned = shared.http.get("/api/v3/account", headers=KEY, params={"timestamp": 1})
    assert refusal(unsigned)[1] == -1102


def test_a_timestamp_of_the_market_clock_is_as_good(shared):
    assert shared.signed("GET", "account", timestamp=NOON // 1_000).status_code == 200


def test_form_bodies_and_mixed_requests_are_signed_as_received(wire):
    stamp = wall_now() // 1_000
    query, body = "symbol=SOLUSDT&side=BUY", f"type=MARKET&quantity=1&timestamp={stamp}"
    signature = hmac.new(b"demo-secret", (query + body).encode(), hashlib.sha256).hexdigest()
    answer = wire.http.post(
        f"/api/v3/order?{query}",
        content=f"{body}&signature={signature}",
        headers={**KEY, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.json()["status"] == "FILLED"


# --- orders


def with_price(wire, factor, **more):
    return {**LIMIT, "quantity": "1", "price": f"{wire.price() * factor:.2f}", **more}


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
            (-2010, "Stop loss limit orders are not supported for this symbol."),
        ),
    ],
)
def test_bad_orders_get_the_venues_words(shared, change, expected):
    answer = shared.order(**with_price(shared, 0.9, **change))
    status, code, text = refusal(answer)
    assert (status, code) == (400, expected[0])
    assert text.startswith(expected[1])


@pytest.mark.parametrize("name", ["side", "type", "timeInForce", "quantity", "price", "symbol"])
def test_each_missing_part_of_an_order_is_named(shared, name):
    wish = with_price(shared, 0.9)
    del wish[name]
    text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    assert refusal(shared.order(**wish)) == (400, -1102, text)


def test_market_orders_take_quantity_or_money(shared):
    market = {"symbol": "SOLUSDT", "side": "BUY", "type": "MARKET"}
    assert refusal(shared.order(**market))[1] == -1102
    assert refusal(shared.order(**market, quantity="1", quoteOrderQty="100"))[1] == -1128
    assert refusal(shared.order(**market, quantity="1", price="100"))[1] == -1106
    assert refusal(shared.order(**market, quantity="1", timeInForce="GTC"))[1] == -1106
    assert refusal(shared.order(**market, quoteOrderQty="4.99"))[1:] == (
        -1013,
        "Filter failure: NOTIONAL",
    )


def test_an_order_lives_from_placement_to_cancel(wire):
    placed = wire.order(**with_price(wire, 0.9, newClientOrderId="mine"))
    assert placed.json()["status"] == "NEW"
    assert placed.json()["fills"] == []
    assert placed.headers["X-MBX-USED-WEIGHT-1M"].isdigit()
    assert placed.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    assert placed.headers["X-MBX-ORDER-COUNT-1D"] == "1"
    duplicate = wire.order(**with_price(wire, 0.8, newClientOrderId="mine"))
    assert refusal(duplicate) == (400, -2010, "Duplicate order sent.")
    (listed,) = wire.signed("GET", "openOrders", symbol="SOLUSDT").json()
    queried = wire.signed("GET", "order", symbol="SOLUSDT", origClientOrderId="mine").json()
    assert queried == listed
    assert queried["orderId"] == placed.json()["orderId"]
    assert float(balances(wire)["USDT"]["locked"]) == pytest.approx(float(queried["price"]))
    cancelled = wire.signed("DELETE", "order", symbol="SOLUSDT", origClientOrderId="mine").json()
    assert (cancelled["status"], cancelled["origClientOrderId"]) == ("CANCELED", "mine")
    assert cancelled["clientOrderId"] != "mine"
    again = wire.signed("DELETE", "order", symbol="SOLUSDT", origClientOrderId="mine")
    assert refusal(again) == (400, -2011, "Unknown order sent.")
    assert balances(wire) == {
        "BTC": {"free": "1.00000000", "locked": "0.00000000"},
        "USDT": {"free": "100000.00000000", "locked": "0.00000000"},
    }


def balances(wire):
    rows = wire.signed("GET", "account", omitZeroBalances="true").json()["balances"]
    return {row.pop("asset"): row for row in rows}


def test_what_does_not_exist_has_its_own_codes(shared):
    query = shared.signed("GET", "order", symbol="SOLUSDT", orderId=99)
    assert refusal(query) == (400, -2013, "Order does not exist.")
    cancel = shared.signed("DELETE", "order", symbol="SOLUSDT", orderId=99)
    assert refusal(cancel) == (400, -2011, "Unknown order sent.")
    assert refusal(shared.signed("DELETE", "openOrders", symbol="SOLUSDT"))[1] == -2011
    neither = shared.signed("GET", "order", symbol="SOLUSDT")
    text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    assert refusal(neither) == (400, -1102, text)


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
    answer = wire.signed("POST", "order/test", **with_price(wire, 0.9))
    assert answer.json() == {}
    assert refusal(wire.signed("POST", "order/test", **with_price(wire, 0.01)))[1] == -1013
    assert wire.signed("GET", "allOrders", symbol="SOLUSDT").json() == []


def test_all_orders_of_a_symbol_can_be_cancelled_at_once(wire):
    for factor in (0.9, 0.8):
        wire.order(**with_price(wire, factor))
    answer = wire.signed("DELETE", "openOrders", symbol="SOLUSDT").json()
    assert [row["status"] for row in answer] == ["CANCELED"] * 2
    assert wire.signed("GET", "openOrders").json() == []


def test_cancels_can_be_restricted(wire):
    order = wire.order(**with_price(wire, 0.9)).json()
    named = {"symbol": "SOLUSDT", "orderId": order["orderId"]}
    only = wire.signed("DELETE", "order", **named, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    text = "Order was not canceled due to cancel restrictions."
    assert refusal(only) == (400, -2011, text)
    assert refusal(wire.signed("DELETE", "order", **named, cancelRestrictions="X"))[1] == -1145
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
    assert refusal(long)[1:] == (-1127, "More than 24 hours between startTime and endTime.")


# --- limits


def test_weights_follow_the_documented_table(wire):
    def weight(call):
        before = int(wire.get("ping").headers["X-MBX-USED-WEIGHT-1M"])
        return int(call().headers["X-MBX-USED-WEIGHT-1M"]) - before

    sol = {"symbol": "SOLUSDT"}
    assert weight(lambda: wire.get("exchangeInfo")) == 20
    assert weight(lambda: wire.get("klines", **sol, interval="1m")) == 2
    assert weight(lambda: wire.get("depth", **sol, limit=500)) == 25
    assert weight(lambda: wire.get("ticker/price", **sol)) == 2
    assert weight(lambda: wire.get("ticker/bookTicker")) == 4
    assert weight(lambda: wire.signed("GET", "account")) == 20
    assert weight(lambda: wire.signed("GET", "openOrders")) == 80
    assert weight(lambda: wire.signed("GET", "myTrades", **sol)) == 20
    assert weight(lambda: wire.order(**with_price_fixed)) == 0
    assert weight(lambda: wire.order(**{**with_price_fixed, "price": "0.001"})) == 1


with_price_fixed = {**LIMIT, "quantity": "1", "price": "90.00"}


def test_too_much_weight_is_refused_with_a_wait():
    config = ExchangeConfig(start=NOON, stepped=True, weight_limit=25)
    with running_exchange(config) as running:
        wire = Wire(running)
        with wire.http:
            answers = [wire.get("exchangeInfo") for _ in range(4)]
    refused = [a for a in answers if a.status_code == 429]
    assert refused
    assert refusal(refused[-1])[1] == -1003
    assert 1 <= int(refused[-1].headers["Retry-After"]) <= 61


def test_order_counts_are_shown_and_given_back(wire):
    wire.order(**with_price(wire, 0.9))
    wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="0.1")
    rows = wire.signed("GET", "rateLimit/order").json()
    assert [(row["interval"], row["count"]) for row in rows] == [("SECOND", 1), ("DAY", 1)]


# --- controls


def test_controls_are_off_by_default():
    with running_exchange(ExchangeConfig()) as running:
        wire = Wire(running)
        with wire.http:
            for path in ("step", "faults"):
                assert refusal(wire.http.post(f"/_sim/{path}", json={}))[:2] == (404, -1020)
            assert wire.http.get("/_sim/ledger").status_code == 404


def test_steps_move_the_market(wire):
    before = wire.get("time").json()["serverTime"]
    assert wire.sim("step", seconds=90).json() == {"serverTime": before + 90_000}
    assert wire.get("time").json()["serverTime"] == before + 90_000


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b"{}", b'{"seconds":-1}', b'{"seconds":"1"}', b'{"seconds":true}']
)
def test_a_step_that_makes_no_sense_is_refused(wire, body):
    answer = wire.http.post("/_sim/step", content=body)
    assert refusal(answer)[:2] == (400, -1130)
    assert wire.get("time").json()["serverTime"] == NOON // 1_000


def test_unknown_controls_are_refused(wire):
    assert refusal(wire.http.get("/_sim/step"))[:2] == (404, -1020)
    assert refusal(wire.sim("faults", what="ever"))[:2] == (400, -1130)


def test_a_lost_answer_leaves_an_executed_order(wire):
    wire.sim("faults", drop_after=1)
    with pytest.raises(httpx.RemoteProtocolError):
        wire.order(**with_price(wire, 0.9, newClientOrderId="lost"))
    found = wire.signed("GET", "order", symbol="SOLUSDT", origClientOrderId="lost").json()
    assert found["status"] == "NEW"
    assert wire.order(**with_price(wire, 0.9)).status_code == 200


def test_a_lost_request_leaves_nothing(wire):
    wire.sim("faults", drop="before")
    with pytest.raises(httpx.RemoteProtocolError):
        wire.order(**with_price(wire, 0.9, newClientOrderId="lost"))
    query = wire.signed("GET", "order", symbol="SOLUSDT", origClientOrderId="lost")
    assert refusal(query)[1] == -2013
    assert wire.ledger()["requests"] == []


@pytest.mark.parametrize(("when", "orders"), [("before", 0), ("after", 1)])
def test_a_gateway_page_says_nothing_about_the_order(wire, when, orders):
    wire.sim("faults", reply=502, reply_when=when)
    answer = wire.order(**with_price(wire, 0.9))
    assert answer.status_code == 502
    assert answer.text.startswith("<html>")
    assert len(wire.ledger()["orders"]) == orders


def test_an_invented_rate_limit_carries_its_wait(wire):
    wire.sim("faults", method="GET", path="/api/v3/time", reply=429, retry_after_s=9)
    answer = wire.get("time")
    assert refusal(answer)[:2] == (429, -1003)
    assert answer.headers["Retry-After"] == "9"
    assert wire.get("time").status_code == 200


def test_a_request_delayed_beyond_its_window_is_too_late(wire):
    wire.sim("faults", order_delay_ms_before=60)
    answer = wire.order(**with_price(wire, 0.9), recvWindow=50)
    assert refusal(answer)[1] == -1021
    assert wire.ledger()["orders"] == []


def test_a_delay_after_execution_holds_up_nobody_else(wire):
    wire.sim("faults", order_delay_ms_after=300)
    with httpx.Client(base_url=wire.http.base_url) as other:
        import threading  # noqa: PLC0415

        answers = []
        slow = threading.Thread(target=lambda: answers.append(wire.order(**with_price_fixed)))
        slow.start()
        while not (rows := other.get("/_sim/ledger").json()["orders"]):
            pass
        assert not answers
        slow.join()
    assert answers[0].json()["orderId"] == rows[0]["order_id"]


def test_the_ledger_shows_every_attempt(wire):
    wire.order(**with_price(wire, 0.9, newClientOrderId="one"))
    wire.order(**with_price(wire, 0.9, newClientOrderId="one"))
    wire.signed("DELETE", "order", symbol="SOLUSDT", origClientOrderId="one")
    rows = [
        (r["method"], r["client_order_id"], r["status"], r["code"])
        for r in wire.ledger()["requests"]
    ]
    assert rows == [
        ("POST", "one", 200, 0),
        ("POST", "one", 400, -2010),
        ("DELETE", "one", 200, 0),
    ]


def test_stepped_runs_are_identical_byte_by_byte():
    def run():
        config = ExchangeConfig(start=NOON, stepped=True, sim_controls=True)
        with running_exchange(config) as running:
            wire = Wire(running)
            with wire.http:
                answers = []
                for number in range(6):
                    symbol = ("BTCUSDT", "SOLUSDT")[number % 2]
                    money = {"type": "MARKET", "side": "BUY", "quoteOrderQty": "900"}
                    answers.append(wire.order(symbol=symbol, **money).content)
                    answers.append(wire.order(**with_price_fixed).content)
                    wire.sim("step", seconds=37)
                    answers.append(wire.signed("GET", "account").content)
                return answers, json.dumps(wire.ledger())

    assert run() == run()
