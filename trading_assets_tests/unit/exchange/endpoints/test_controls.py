"""`/_sim/*`: steps, faults and the ledger, over raw HTTP."""

import json
import threading

import httpx
import pytest

from trading_assets.exchange.config import ExchangeConfig


def test_controls_are_off_by_default(wired):
    with wired(sim_controls=False) as wire:
        for path in ("step", "fault"):
            assert wire.refusal(wire.http.post(f"/_sim/{path}", json={}))[:2] == (404, -1020)
        assert wire.http.get("/_sim/ledger").status_code == 404
    assert not ExchangeConfig().sim_controls


def test_steps_move_the_market(wire):
    before = wire.get("time").json()["serverTime"]
    assert wire.sim("step", seconds=90).json() == {"serverTime": before + 90_000}
    assert wire.get("time").json()["serverTime"] == before + 90_000


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b"{}", b'{"seconds":-1}', b'{"seconds":"1"}', b'{"seconds":true}']
)
def test_a_step_that_makes_no_sense_is_refused(wire, noon, body):
    answer = wire.http.post("/_sim/step", content=body)
    assert wire.refusal(answer)[:2] == (400, -1130)
    assert wire.get("time").json()["serverTime"] == noon // 1_000


def test_unknown_controls_are_refused(wire):
    assert wire.refusal(wire.http.get("/_sim/step"))[:2] == (404, -1020)
    assert wire.refusal(wire.sim("fault", what="ever"))[:2] == (400, -1130)


def test_a_lost_answer_leaves_an_executed_order(wire):
    wish = wire.limit_buy(0.9, newClientOrderId="lost")
    wire.sim("fault", kind="drop_reply")
    with pytest.raises(httpx.RemoteProtocolError):
        wire.order(**wish)
    found = wire.signed("GET", "order", symbol="SOLUSDT", origClientOrderId="lost").json()
    assert found["status"] == "NEW"
    assert wire.order(**wire.limit_buy(0.9)).status_code == 200


def test_a_lost_request_leaves_nothing(wire):
    wish = wire.limit_buy(0.9, newClientOrderId="lost")
    wire.sim("fault", kind="drop_request")
    with pytest.raises(httpx.RemoteProtocolError):
        wire.order(**wish)
    query = wire.signed("GET", "order", symbol="SOLUSDT", origClientOrderId="lost")
    assert wire.refusal(query)[1] == -2013
    assert wire.ledger()["requests"] == []


@pytest.mark.parametrize(("when", "orders"), [("before", 0), ("after", 1)])
def test_a_gateway_page_says_nothing_about_the_order(wire, when, orders):
    wish = wire.limit_buy(0.9)
    wire.sim("fault", kind="status", status=502, when=when)
    answer = wire.order(**wish)
    assert answer.status_code == 502
    assert answer.text.startswith("<html>")
    assert len(wire.ledger()["orders"]) == orders


def test_an_invented_rate_limit_carries_its_wait(wire):
    wire.sim("fault", kind="status", status=429, retry_after_s=9, match={"path": "/api/v3/time"})
    answer = wire.get("time")
    assert wire.refusal(answer)[:2] == (429, -1003)
    assert answer.headers["Retry-After"] == "9"
    assert wire.get("time").status_code == 200


def test_a_request_delayed_beyond_its_window_is_too_late(wire):
    wish = wire.limit_buy(0.9)
    wire.sim("fault", kind="delay", before_ms=60)
    answer = wire.order(**wish, recvWindow=50)
    assert wire.refusal(answer)[1] == -1021
    assert wire.ledger()["orders"] == []


def test_a_delay_after_execution_holds_up_nobody_else(wire):
    wire.sim("fault", kind="delay", after_ms=300, match={"method": "POST"})
    with httpx.Client(base_url=wire.http.base_url) as other:
        answers, wish = [], wire.limit_buy()
        slow = threading.Thread(target=lambda: answers.append(wire.order(**wish)))
        slow.start()
        while not (rows := other.get("/_sim/ledger").json()["orders"]):
            pass
        assert not answers
        slow.join()
    assert answers[0].json()["orderId"] == rows[0]["order_id"]


def test_the_ledger_shows_every_attempt(wire):
    wire.order(**wire.limit_buy(0.9, newClientOrderId="one"))
    wire.order(**wire.limit_buy(0.9, newClientOrderId="one"))
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


def test_stepped_runs_are_identical_byte_by_byte(wired):
    def run():
        with wired() as wire:
            answers = []
            for number in range(6):
                symbol = ("BTCUSDT", "SOLUSDT")[number % 2]
                money = {"type": "MARKET", "side": "BUY", "quoteOrderQty": "900"}
                answers.append(wire.order(symbol=symbol, **money).content)
                answers.append(wire.order(**wire.limit_buy()).content)
                wire.sim("step", seconds=37)
                answers.append(wire.signed("GET", "account").content)
            return answers, json.dumps(wire.ledger())

    assert run() == run()
