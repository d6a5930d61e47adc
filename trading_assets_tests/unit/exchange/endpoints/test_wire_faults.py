"""Faults over raw HTTP: what a client sees, and what the ledger says about it afterwards."""

import json
import threading
from decimal import Decimal

import httpx
import pytest

from trading_assets.exchange.clock import wall_now

ORDERS = {"method": "POST", "path": "/api/v3/order"}


def arm(wire, kind, **wish):
    answer = wire.sim("fault", kind=kind, **wish)
    assert answer.status_code == 200, answer.text
    return answer.json()["armed"][0]


def struck(wire):
    return [(row["kind"], row["path"]) for row in wire.ledger()["faults"]]


@pytest.mark.parametrize(
    ("style", "reads"),
    [("truncated", "{"), ("html", "<html>"), ("empty", ""), ("binary", "\x00")],
)
def test_a_garbled_answer_is_a_200_that_is_no_json(wire, style, reads):
    wish = wire.limit_buy(0.9)
    arm(wire, "garbage_body", style=style, match=ORDERS)
    answer = wire.order(**wish)
    assert answer.status_code == 200
    assert answer.content.decode("latin-1").startswith(reads)
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
        answer.json()
    assert len(wire.ledger()["orders"]) == 1
    assert struck(wire) == [("garbage_body", "/api/v3/order")]


def test_a_torn_answer_breaks_off_in_its_body(wire):
    wish = wire.limit_buy(0.9, newClientOrderId="torn")
    arm(wire, "reset_mid_body", match=ORDERS)
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        wire.order(**wish)
    found = wire.signed("GET", "order", symbol="SOLUSDT", origClientOrderId="torn")
    assert found.json()["status"] == "NEW"


def test_a_status_may_carry_the_venues_own_code(wire):
    arm(wire, "status", status=500, code=-1007, text="Timeout waiting for response.")
    assert wire.refusal(wire.get("time")) == (500, -1007, "Timeout waiting for response.")
    arm(wire, "status", status=418, retry_after_s=120)
    answer = wire.get("time")
    assert wire.refusal(answer)[:2] == (418, -1003)
    assert answer.headers["Retry-After"] == "120"
    arm(wire, "status", status=504)
    assert "504 Gateway Time-out" in wire.get("time").text


def test_frozen_requests_hang_until_the_freeze_is_cleared_and_are_executed_then(wire):
    wish = wire.limit_buy(0.9, newClientOrderId="late")
    number = arm(wire, "freeze", match=ORDERS)
    with httpx.Client(base_url=wire.http.base_url) as control:
        answers = []
        slow = threading.Thread(target=lambda: answers.append(wire.order(**wish)))
        slow.start()
        while not control.get("/_sim/fault").json()["fired"]:
            pass
        assert control.get("/_sim/ledger").json()["orders"] == []
        control.delete(f"/_sim/fault/{number}").raise_for_status()
        slow.join()
    assert answers[0].json()["clientOrderId"] == "late"


def test_a_client_that_gives_up_a_frozen_request_leaves_no_order(wire):
    wish = wire.limit_buy(0.9)
    arm(wire, "freeze", match=ORDERS)
    wire.http.timeout = 0.2
    with pytest.raises(httpx.ReadTimeout):
        wire.order(**wish)
    wire.http.timeout = 10
    assert wire.http.delete("/_sim/fault").status_code == 200
    assert wire.ledger()["orders"] == []


def test_a_skewed_clock_judges_and_shows_the_wrong_time(wire, noon):
    arm(wire, "skew_server_time", ms=90_000, until="2024-03-01T12:01:00Z")
    assert wire.get("time").json()["serverTime"] == noon // 1_000 + 90_000
    assert wire.refusal(wire.signed("GET", "account"))[1] == -1021
    wire.sim("step", seconds=61)
    assert wire.get("time").json()["serverTime"] == noon // 1_000 + 61_000
    assert wire.signed("GET", "account").status_code == 200


def test_an_order_fills_in_part_and_the_rest_works_on(wire):
    wish = wire.limit_buy(1.01, quantity="2")
    arm(wire, "partial_fill", quantity="0.5")
    order = wire.order(**wish).json()
    assert (order["status"], order["executedQty"]) == ("PARTIALLY_FILLED", "0.50000000")
    resting = wire.limit_buy(0.9)
    arm(wire, "partial_fill", quantity="0.25", match={"symbol": "SOLUSDT"})
    order = wire.order(**resting).json()
    assert (order["status"], order["executedQty"]) == ("PARTIALLY_FILLED", "0.25000000")
    assert Decimal(order["cummulativeQuoteQty"]) == Decimal(order["price"]) / 4
    market = {"symbol": "SOLUSDT", "side": "BUY", "type": "MARKET", "quantity": "2"}
    arm(wire, "partial_fill", quantity="0.5")
    order = wire.order(**market).json()
    assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.50000000")


def test_a_placed_order_stays_unseen_for_a_while_but_can_be_cancelled(wire):
    wish = wire.limit_buy(0.9, newClientOrderId="unseen")
    arm(wire, "visible_after", ms=8_000)
    assert wire.order(**wish).status_code == 200
    named = {"symbol": "SOLUSDT", "origClientOrderId": "unseen"}
    assert wire.refusal(wire.signed("GET", "order", **named))[1] == -2013
    for path in ("openOrders", "allOrders"):
        assert wire.signed("GET", path, symbol="SOLUSDT").json() == []
    wire.sim("step", seconds=8)
    assert wire.signed("GET", "order", **named).json()["status"] == "NEW"
    arm(wire, "visible_after", ms=8_000)
    wire.order(**{**wish, "newClientOrderId": "other"})
    named["origClientOrderId"] = "other"
    assert wire.signed("DELETE", "order", **named).json()["status"] == "CANCELED"


def test_a_halted_symbol_takes_no_orders_and_fills_none_until_it_resumes(wire):
    order = wire.order(**wire.limit_buy(0.9999)).json()
    number = arm(wire, "halt_symbol", symbol="SOLUSDT")
    info = wire.get("exchangeInfo", symbol="SOLUSDT").json()
    assert info["symbols"][0]["status"] == "HALT"
    text = (400, -2010, "Market is closed.")
    assert wire.refusal(wire.order(**wire.limit_buy(0.9))) == text
    wire.sim("step", seconds=86_400)
    named = {"symbol": "SOLUSDT", "orderId": order["orderId"]}
    assert wire.signed("GET", "order", **named).json()["executedQty"] == "0.00000000"
    assert wire.order(**{**wire.limit_buy(0.9), **btc(wire)}).status_code == 200
    wire.http.delete(f"/_sim/fault/{number}").raise_for_status()
    assert wire.get("exchangeInfo", symbol="SOLUSDT").json()["symbols"][0]["status"] == "TRADING"
    assert wire.order(**wire.limit_buy(0.9)).status_code == 200
    wire.sim("step", seconds=86_400)
    filled = wire.signed("GET", "myTrades", **named).json()
    resumed = (wire.get("time").json()["serverTime"]) - 86_400_000
    assert all(trade["time"] >= resumed for trade in filled)


def btc(wire):
    price = f"{wire.price('BTCUSDT') * 0.9:.2f}"
    return {"symbol": "BTCUSDT", "price": price, "quantity": "0.001"}


def test_filters_change_and_come_back(wire):
    change = {"tick_size": "0.05", "step_size": "0.01", "min_notional": "25"}
    number = arm(wire, "filter_change", symbol="SOLUSDT", **change)
    (symbol,) = wire.get("exchangeInfo", symbol="SOLUSDT").json()["symbols"]
    filters = {f["filterType"]: f for f in symbol["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.05000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.01000000"
    assert filters["NOTIONAL"]["minNotional"] == "25.00000000"
    price = f"{wire.price() * 0.9 // 0.05 * 0.05:.2f}"
    wish = {**wire.limit_buy(0.9), "price": price}
    for change, name in (
        ({"price": f"{float(price) + 0.01:.2f}"}, "PRICE_FILTER"),
        ({"quantity": "1.001"}, "LOT_SIZE"),
        ({"quantity": "0.1"}, "NOTIONAL"),
    ):
        refused = wire.refusal(wire.order(**{**wish, **change}))
        assert refused == (400, -1013, f"Filter failure: {name}")
    assert wire.order(**wish).status_code == 200
    wire.http.delete(f"/_sim/fault/{number}").raise_for_status()
    assert wire.order(**{**wish, "quantity": "1.001"}).status_code == 200


def total(wire, asset):
    rows = wire.ledger()["balances"]
    return sum(r["free_units"] + r["locked_units"] for r in rows if r["asset"] == asset)


def test_a_balance_is_set_at_its_time_and_the_sums_stay(wire):
    before = total(wire, "USDT")
    arm(
        wire,
        "balance_set",
        account="demo",
        asset="USDT",
        free="12.5",
        at="2024-03-01T12:00:30Z",
    )
    free = {b["asset"]: b["free"] for b in wire.signed("GET", "account").json()["balances"]}
    assert free["USDT"] == "100000.00000000"
    wire.sim("step", seconds=60)
    free = {b["asset"]: b["free"] for b in wire.signed("GET", "account").json()["balances"]}
    assert free["USDT"] == "12.50000000"
    assert total(wire, "USDT") == before
    (row,) = wire.ledger()["faults"]
    assert row["ts"] == 1_709_294_430_000_000
    assert row["outcome"] == "changed by -99987.50000000"


def test_a_trade_by_hand_is_an_order_that_the_client_did_not_send(wire):
    wish = {"account": "demo", "symbol": "SOLUSDT", "side": "BUY", "quantity": "3"}
    arm(wire, "external_trade", **wish)
    (order,) = wire.signed("GET", "allOrders", symbol="SOLUSDT").json()
    assert (order["status"], order["executedQty"]) == ("FILLED", "3.00000000")
    assert order["clientOrderId"].startswith("web_")
    arm(wire, "external_trade", **{**wish, "side": "SELL", "quantity": "900"})
    outcomes = [row["outcome"] for row in wire.ledger()["faults"]]
    assert outcomes[0] == "order 1 FILLED"
    assert outcomes[1].startswith("refused: -2010")


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"kind": "halt_symbol", "symbol": "NOPE"}, "symbol: one of BTCUSDT"),
        ({"kind": "drop_reply", "match": {"account": "nobody"}}, "account: one of demo"),
        (
            {"kind": "balance_set", "account": "x", "asset": "USDT", "free": "1"},
            "account: one of demo",
        ),
        (
            {"kind": "filter_change", "symbol": "SOLUSDT", "tick_size": "0.015"},
            "tick_size: a multiple of 0.01",
        ),
    ],
)
def test_a_fault_about_what_is_not_there_arms_nothing(wire, wish, expected):
    answer = wire.http.post("/_sim/fault", json=[{"kind": "drop_reply"}, wish])
    assert wire.refusal(answer)[:2] == (400, -1130)
    assert expected in answer.json()["msg"]
    assert wire.http.get("/_sim/fault").json()["armed"] == []


def test_the_state_shows_clock_money_orders_and_faults(wire, noon):
    wire.order(**wire.limit_buy(0.9))
    arm(wire, "drop_reply", match=ORDERS)
    state = wire.http.get("/_sim/state").json()
    assert state["clock"]["marketTime"] == noon // 1_000
    assert state["clock"]["mode"] == "step"
    (account,) = state["accounts"]
    assert account["orders10s"] == 1
    usdt = next(b for b in account["balances"] if b["asset"] == "USDT")
    assert Decimal(usdt["free"]) + Decimal(usdt["locked"]) == 100_000
    btc_price = Decimal(next(s["price"] for s in state["symbols"] if s["symbol"] == "BTCUSDT"))
    assert Decimal(account["equity"]) == 100_000 + btc_price
    assert [o["account"] for o in state["openOrders"]] == ["demo"]
    assert state["faults"]["armed"][0]["kind"] == "drop_reply"
    assert state["counts"] == {"orders": 1, "openOrders": 1, "trades": 0}


def test_the_state_follows_the_clock(wired):
    with wired(stepped=False, warp=10.0) as wire:
        clock = wire.http.get("/_sim/state").json()["clock"]
        assert (clock["mode"], clock["warp"]) == ("virtual", 10)
        wire.sim("clock", paused=True)
        wire.sim("clock", warp=30)
        clock = wire.http.get("/_sim/state").json()["clock"]
        assert (clock["mode"], clock["warp"]) == ("paused", 30)


def test_the_same_faults_at_the_same_market_times_give_the_same_ledger(wired):
    faults = [
        {"kind": "external_trade", "account": "demo", "symbol": "SOLUSDT", "side": "BUY",
         "quantity": "3", "at": "2024-03-01T12:00:41.5Z"},
        {"kind": "halt_symbol", "symbol": "BTCUSDT", "from": "2024-03-01T12:01:00Z",
         "until": "2024-03-01T12:30:00Z"},
    ]  # fmt: skip

    def run(steps):
        with wired() as wire:
            wire.http.post("/_sim/fault", json=faults)
            wire.order(**wire.limit_buy(0.9999))
            for seconds in steps:
                wire.sim("step", seconds=seconds)
            return json.dumps({k: v for k, v in wire.ledger().items() if k != "symbols"})

    assert run([7_200]) == run([30, 30, 1_000, 6_140])


def test_a_timestamp_is_looked_at_on_arrival_and_again_after_a_delay(wire):
    wish = wire.limit_buy(0.9)
    arm(wire, "delay", before_ms=600, match=ORDERS)
    ahead = wire.order(**wish, timestamp=wall_now() // 1_000 + 1_400)
    arm(wire, "delay", before_ms=400, match=ORDERS)
    late = wire.order(**wish, recvWindow=300)
    assert wire.refusal(ahead)[1:] == (
        -1021,
        "Timestamp for this request was 1000ms ahead of the server's time.",
    )
    assert wire.refusal(late)[1:] == (
        -1021,
        "Timestamp for this request is outside of the recvWindow.",
    )
    assert wire.ledger()["orders"] == []
