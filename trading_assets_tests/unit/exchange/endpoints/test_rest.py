"""The REST wire: routes, authentication, weights and headers, over raw HTTP."""

import hashlib
import hmac

import pytest

from trading_assets.exchange.clock import wall_now

KEY = {"X-MBX-APIKEY": "demo-key"}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v3/nothing", (404, -1020)),
        ("GET", "/sapi/v1/capital/withdraw/history", (404, -1020)),
        ("GET", "/favicon.ico", (404, -1020)),
        ("PUT", "/api/v3/order", (404, -1020)),
        ("PUT", "/api/v3/order/amend/keepPriority", (404, -1020)),
        ("POST", "/api/v3/userDataStream", (410, -1016)),
        ("PUT", "/api/v3/userDataStream", (410, -1016)),
    ],
)
def test_what_is_not_served_says_so(shared, method, path, expected):
    assert shared.refusal(shared.http.request(method, path))[:2] == expected


def test_another_host_name_is_refused(shared):
    answer = shared.http.get("/api/v3/time", headers={"Host": "evil.example"})
    assert shared.refusal(answer)[:2] == (403, -1002)


def test_keys_signatures_and_times_are_checked(shared):
    assert shared.signed("GET", "account").status_code == 200
    for headers, code in ((None, -2014), ({"X-MBX-APIKEY": "nobody"}, -2015)):
        assert shared.refusal(shared.signed("GET", "account", headers=headers))[:2] == (401, code)
    assert shared.refusal(shared.signed("GET", "account", secret="guess")) == (
        400,
        -1022,
        "Signature for this request is not valid.",
    )
    late = wall_now() // 1_000 - 6_000
    assert shared.refusal(shared.signed("GET", "account", timestamp=late))[1] == -1021
    assert shared.signed("GET", "account", timestamp=late, recvWindow=10_000).status_code == 200
    assert shared.refusal(shared.signed("GET", "account", recvWindow=60_001))[1] == -1131
    unsigned = shared.http.get("/api/v3/account", headers=KEY, params={"timestamp": 1})
    assert shared.refusal(unsigned)[1] == -1102


def test_a_timestamp_of_the_market_clock_is_as_good(shared, noon):
    assert shared.signed("GET", "account", timestamp=noon // 1_000).status_code == 200


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


def test_weights_follow_the_documented_table(wire):
    def weight(call):
        while True:  # the count starts anew with each wall-clock minute
            before = int(wire.get("ping").headers["X-MBX-USED-WEIGHT-1M"])
            after = int(call().headers["X-MBX-USED-WEIGHT-1M"])
            if after >= before:
                return after - before

    sol = {"symbol": "SOLUSDT"}
    assert weight(lambda: wire.get("exchangeInfo")) == 20
    assert weight(lambda: wire.get("klines", **sol, interval="1m")) == 2
    assert weight(lambda: wire.get("depth", **sol, limit=500)) == 25
    assert weight(lambda: wire.get("ticker/price", **sol)) == 2
    assert weight(lambda: wire.get("ticker/bookTicker")) == 4
    assert weight(lambda: wire.signed("GET", "account")) == 20
    assert weight(lambda: wire.signed("GET", "openOrders")) == 80
    assert weight(lambda: wire.signed("GET", "myTrades", **sol)) == 20
    good, bad = wire.limit_buy(), wire.limit_buy(price="0.001")
    assert weight(lambda: wire.order(**good)) == 0
    assert weight(lambda: wire.order(**bad)) == 1


def test_too_much_weight_is_refused_with_a_wait(wired):
    with wired(weight_limit=25) as wire:
        answers = [wire.get("exchangeInfo") for _ in range(4)]
    refused = [a for a in answers if a.status_code == 429]
    assert refused
    assert wire.refusal(refused[-1])[1] == -1003
    assert 1 <= int(refused[-1].headers["Retry-After"]) <= 61


def test_order_counts_are_shown_and_given_back(wire):
    wire.order(**wire.limit_buy(0.9))
    wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="0.1")
    rows = wire.signed("GET", "rateLimit/order").json()
    assert [(row["interval"], row["count"]) for row in rows] == [("SECOND", 1), ("DAY", 1)]


def test_the_wallet_and_margin_that_clients_ask_for_first_are_empty(wire):
    for path in ("margin/allPairs", "margin/isolated/allPairs"):
        assert wire.http.get(f"/sapi/v1/{path}").json() == []
    assert wire.http.get("/sapi/v1/system/status").json() == {"status": 0, "msg": "normal"}
    unsigned = wire.http.get("/sapi/v1/capital/config/getall")
    assert wire.refusal(unsigned)[:2] == (401, -2014)


def test_what_the_venue_has_none_of_is_empty_rather_than_an_error(wire):
    for path in ("myPreventedMatches", "myAllocations"):
        assert wire.signed("GET", path, symbol="SOLUSDT").json() == []
        assert wire.refusal(wire.signed("GET", path))[1] == -1102
        assert wire.refusal(wire.signed("GET", path, symbol="NOPE"))[1] == -1121


def test_the_commission_of_a_symbol_is_the_accounts(wire):
    told = wire.signed("GET", "account/commission", symbol="SOLUSDT").json()
    rates = wire.signed("GET", "account").json()["commissionRates"]
    assert told["standardCommission"] == rates
    assert wire.refusal(wire.signed("GET", "account/commission", symbol="NO"))[1] == -1121


def test_fees_are_told_by_the_wallet_as_by_the_account(wire):
    query = f"timestamp={wall_now() // 1_000}"
    signature = hmac.new(b"demo-secret", query.encode(), hashlib.sha256).hexdigest()
    path = f"/sapi/v1/asset/tradeFee?{query}&signature={signature}"
    rates = wire.signed("GET", "account").json()["commissionRates"]
    told = wire.http.get(path, headers=KEY).json()
    assert [row["symbol"] for row in told] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert {row["takerCommission"] for row in told} == {rates["taker"]}
