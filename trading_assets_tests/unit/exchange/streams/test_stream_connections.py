"""Connections of market streams: who may have one, how many, how fast, and how they end."""

import json
from socket import create_connection

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from trading_assets.exchange import server
from trading_assets_tests.stand_ins.exchange_sockets import (
    arrived,
    asked,
    read_to_the_end,
    socket,
)


def test_the_1025th_stream_is_refused(shared):
    names = [f"s{number}@trade" for number in range(1_024)]
    with socket(shared, "/ws") as ws:
        assert asked(ws, method="SUBSCRIBE", params=names, id=1)["result"] is None
        assert asked(ws, method="SUBSCRIBE", params=["one@more"], id=2)["code"] == 2
        assert asked(ws, method="SUBSCRIBE", params=names[:1], id=3)["result"] is None


def test_the_sixth_message_of_a_second_ends_the_connection(shared):
    with socket(shared, "/ws") as ws:
        for number in range(6):
            ws.send(f'{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}')
        with pytest.raises(ConnectionClosed) as closed:
            read_to_the_end(ws)
        assert closed.value.rcvd.code == 1008


def test_a_huge_frame_ends_its_connection_only(shared):
    with socket(shared, "/ws") as other:
        with socket(shared, "/ws") as ws:
            ws.send("x" * 200_000)
            with pytest.raises(ConnectionClosed) as closed:
                ws.recv(timeout=5)
            assert closed.value.rcvd.code == 1009
        assert asked(other, method="LIST_SUBSCRIPTIONS", id=2) == {"result": [], "id": 2}


def test_a_websocket_outlives_the_time_that_a_request_may_take(wired):
    with (
        wired(stepped=False, warp=600.0, patience_s=0.2) as wire,
        socket(wire, "/ws/btcusdt@kline_1m") as ws,
    ):
        closed = [json.loads(ws.recv(timeout=5))["k"]["t"] for _ in range(10)]  # a second
    assert closed[-1] - closed[0] >= 8 * 60_000


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://127.0.0.1.example.com"])
def test_a_page_from_elsewhere_is_refused(shared, origin):
    with pytest.raises(InvalidStatus) as refused, socket(shared, "/ws", origin=origin):
        pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["code"] == -1002


def test_a_page_of_this_machine_is_served(shared):
    with socket(shared, "/ws", origin="http://localhost:3000") as ws:
        assert asked(ws, method="LIST_SUBSCRIPTIONS", id=2)["result"] == []


def test_a_foreign_host_is_refused(shared):
    port = shared.http.base_url.port
    with (
        create_connection(("127.0.0.1", port)) as tcp,
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://evil.example:{port}/ws", sock=tcp),
    ):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("path", ["/ws?timeUnit=NANOSECOND", "/ws-api/v3?timeUnit=second"])
def test_another_unit_of_time_is_refused(shared, path):
    with pytest.raises(InvalidStatus) as refused, socket(shared, path):
        pass
    assert refused.value.response.status_code == 400
    assert json.loads(refused.value.response.body)["code"] == -1194


def test_clients_are_pinged_and_those_that_do_not_answer_are_closed(wired, monkeypatch):
    assert (server._PING_S, server._PONG_S) == (20.0, 60.0)
    monkeypatch.setattr(server, "_PING_S", 0.1)
    monkeypatch.setattr(server, "_PONG_S", 0.3)
    with wired() as wire, socket(wire, "/ws/btcusdt@kline_1m") as ws:
        port = wire.http.base_url.port
        with create_connection(("127.0.0.1", port), timeout=5) as mute:
            mute.sendall(
                b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            said = b""
            while chunk := mute.recv(4_096):
                said += chunk
        frames = said.partition(b"\r\n\r\n")[2]
        assert frames[:2] == b"\x89\x04"  # a ping with four bytes to copy
        assert frames[6:7] == b"\x88"
        assert frames[8:10] == (1011).to_bytes(2, "big")
        wire.sim("step", seconds=2)
        assert arrived(ws)[0]["e"] == "kline"  # it has answered several pings by now


def test_an_unknown_path_is_not_found(shared):
    with pytest.raises(InvalidStatus) as refused, socket(shared, "/wsx"):
        pass
    assert refused.value.response.status_code == 404


def test_too_many_connects_are_refused_for_five_minutes(wired):
    with wired(connect_limit=3) as wire:
        for _ in range(3):
            with socket(wire, "/ws"):
                pass
        with pytest.raises(InvalidStatus) as refused, socket(wire, "/ws"):
            pass
    response = refused.value.response
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 301


def test_a_connection_ends_after_a_day_of_market_time(wire):
    with socket(wire, "/ws/btcusdt@kline_1d") as ws:
        wire.sim("step", seconds=86_399)
        arrived(ws)
        wire.sim("step", seconds=2)
        with pytest.raises(ConnectionClosed) as closed:
            read_to_the_end(ws)
        assert closed.value.rcvd.code == 1001


def test_a_stop_is_announced_in_the_form_of_the_connection(wired):
    with wired() as wire:
        raw = socket(wire, "/ws")
        combined = socket(wire, "/stream")
        one, two = raw.__enter__(), combined.__enter__()
    event = {"e": "serverShutdown", "E": 1_709_294_400_000}
    assert json.loads(one.recv(timeout=5)) == event
    assert json.loads(two.recv(timeout=5)) == {"stream": "!serverShutdown", "data": event}
    for ws, opened in ((one, raw), (two, combined)):
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(timeout=5)
        assert closed.value.rcvd.code == 1001
        opened.__exit__(None, None, None)
