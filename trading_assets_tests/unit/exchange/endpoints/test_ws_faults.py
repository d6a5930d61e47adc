"""Faults of streams and of the WebSocket API, armed over HTTP like all others."""

import json
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

BARS = "btcusdt@kline_1m"


@contextmanager
def socket(wire, path):
    url = str(wire.http.base_url).replace("http:", "ws:").rstrip("/") + path
    with connect(url) as ws:
        yield ws


@pytest.fixture
def bars(wire):
    with socket(wire, f"/ws/{BARS}") as ws:
        yield ws


@pytest.fixture
def api(wire):
    with socket(wire, "/ws-api/v3") as ws:
        yield ws


def arm(wire, kind, **wish):
    answer = wire.sim("fault", kind=kind, **wish)
    assert answer.status_code == 200, answer.text
    return answer.json()["armed"][0]


def times(ws):
    """Give the event times of all bars pushed so far."""
    ws.send('{"method":"LIST_SUBSCRIPTIONS","id":"end"}')
    found = []
    while (frame := json.loads(ws.recv(timeout=5))).get("id") != "end":
        found.append(frame["E"])
    return found


def read_to_the_end(ws):
    while True:
        ws.recv(timeout=5)


def asked(ws, method="ping"):
    ws.send(json.dumps({"id": 1, "method": method}))
    return json.loads(ws.recv(timeout=5))


def outcomes(wire):
    return [(row["kind"], row["outcome"]) for row in wire.ledger()["faults"]]


def test_a_gap_a_double_and_a_swap_show_in_the_stream(wire, bars):
    wire.sim("step", seconds=2)
    (first,) = times(bars)
    arm(wire, "ws_gap", stream=BARS, messages=2)
    wire.sim("step", seconds=6)
    assert times(bars) == [first + 6_000]
    arm(wire, "ws_dup", stream=BARS)
    wire.sim("step", seconds=4)
    assert times(bars) == [first + 8_000, first + 8_000, first + 10_000]
    arm(wire, "ws_reorder", stream=BARS)
    wire.sim("step", seconds=4)
    assert times(bars) == [first + 14_000, first + 12_000]
    assert outcomes(wire) == [(k, "1 connections") for k in ("ws_gap", "ws_dup", "ws_reorder")]


def test_a_frozen_line_is_silent_until_its_time_and_answers_pings(wire, bars):
    arm(wire, "ws_freeze", line="market", until="2024-03-01T12:00:10Z")
    wire.sim("step", seconds=9)
    assert bars.ping().wait(5)
    wire.sim("step", seconds=2)
    wire.sim("step", seconds=2)
    noon_ms = 1_709_294_400_000
    assert [when - noon_ms for when in times(bars)][-1:] == [12_000]
    assert all(when - noon_ms >= 10_000 for when in times(bars))


def test_a_drop_at_a_market_time_ends_the_line_it_names(wire, bars, api):
    arm(wire, "ws_drop", line="market", code=1_001, at="2024-03-01T12:00:05Z")
    wire.sim("step", seconds=4)
    assert len(times(bars)) == 2
    wire.sim("step", seconds=2)
    with pytest.raises(ConnectionClosed) as caught:
        read_to_the_end(bars)
    assert caught.value.rcvd.code == 1_001
    assert asked(api)["status"] == 200
    arm(wire, "ws_drop")
    with pytest.raises(ConnectionClosed):
        asked(api)


def test_a_drop_is_at_its_instant_also_within_a_long_step(wire, bars):
    arm(wire, "ws_drop", code=1_001, at="2024-03-01T12:00:05Z")
    wire.sim("step", seconds=30)
    seen = []
    with pytest.raises(ConnectionClosed):
        read_into(seen, bars)
    assert [frame["E"] - 1_709_294_400_000 for frame in seen] == [2_000, 4_000]


def test_a_drop_comes_in_time_while_nobody_asks(wired):
    with wired(stepped=False, warp=50.0) as wire, socket(wire, "/ws/0") as ws:
        now = wire.get("time").json()["serverTime"]
        arm(wire, "ws_drop", code=1_001, at=now + 10_000)
        with pytest.raises(ConnectionClosed):
            ws.recv(timeout=5)
        assert wire.ledger()["faults"][0]["ts"] == (now + 10_000) * 1_000


def read_into(seen, ws):
    while True:
        seen.append(json.loads(ws.recv(timeout=5)))


def test_a_refused_subscription_is_told(wire, bars):
    arm(wire, "ws_reject_subscribe")
    wish = {"method": "SUBSCRIBE", "params": ["ethusdt@kline_1m"], "id": 1}
    bars.send(json.dumps(wish))
    assert "error" in json.loads(bars.recv(timeout=5))
    bars.send(json.dumps(wish))
    assert json.loads(bars.recv(timeout=5)) == {"result": None, "id": 1}


def test_requests_of_the_api_meet_the_faults_of_requests(wire, api):
    match = {"method": "WS", "path": "time"}
    arm(wire, "status", status=503, code=-1007, text="Timeout.", match=match)
    refused = asked(api, "time")
    assert (refused["status"], refused["error"]) == (503, {"code": -1007, "msg": "Timeout."})
    arm(wire, "status", status=429, retry_after_s=9, match=match)
    assert asked(api, "time")["error"]["code"] == -1003
    arm(wire, "garbage_body", match=match)
    api.send('{"id":1,"method":"time"}')
    with pytest.raises(json.JSONDecodeError):
        json.loads(api.recv(timeout=5))
    arm(wire, "delay", before_ms=30, after_ms=30, match=match)
    assert asked(api, "time")["status"] == 200
    assert len(outcomes(wire)) == 4


@pytest.mark.parametrize("kind", ["drop_request", "drop_reply", "reset_mid_body"])
def test_a_lost_frame_takes_its_connection_along(wire, api, kind):
    arm(wire, kind)
    with pytest.raises(ConnectionClosed):
        asked(api, "time")


def test_a_frozen_request_is_answered_once_it_thaws(wire, api):
    number = arm(wire, "freeze", match={"path": "time"})
    api.send('{"id":1,"method":"time"}')
    while not wire.http.get("/_sim/fault").json()["fired"]:
        pass
    with pytest.raises(TimeoutError):
        api.recv(timeout=0.1)
    wire.http.delete(f"/_sim/fault/{number}")
    assert json.loads(api.recv(timeout=5))["status"] == 200
