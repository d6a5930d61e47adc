"""The API behind a real socket: bodies that do not end, bodies that do not come, idle crowds."""

from __future__ import annotations

import http.client
import json
import socket
import time
from contextlib import ExitStack

import pytest

from trading_assets import bootstrap
from trading_assets.interfaces.http_api import guards
from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets.live.safety.latch import read_latch
from trading_assets.settings import load_settings
from trading_assets_tests.stand_ins.served_desk import served_desk


class Served:
    """An address, and a token that may halt."""

    def __init__(self, port, token, folder):
        self.port, self.token, self.latch = port, token, folder / "HALT"

    def open(self):
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def head(self, *more):
        lines = (
            "POST /api/books/paper/halt HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {self.token}",
            "Content-Type: application/json",
            *more,
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.fixture
def served(tmp_path):
    desk = bootstrap.desk(load_settings({"TA_HOME": str(tmp_path)}).settings)
    with served_desk(desk) as (shared, port):
        token = shared.access.log_in("ann", Scope.TRADE).access
        yield Served(port, token, desk.settings.data_root / "live" / "paper")


def answer(raw):
    response = http.client.HTTPResponse(raw)
    response.begin()
    return response.status, json.loads(response.read())


def test_a_body_without_an_announced_end_is_cut_off_at_its_limit(served):
    with served.open() as raw:
        raw.sendall(served.head("Transfer-Encoding: chunked"))
        piece = b" " * 8192
        for _ in range(9):
            raw.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        status, said = answer(raw)
    assert (status, said["error"]) == (413, "The body is too large")
    assert not served.latch.exists()


def test_a_body_that_does_not_come_is_given_up(served, monkeypatch):
    monkeypatch.setattr(guards, "PATIENCE_S", 0.2)
    with served.open() as raw:
        raw.sendall(served.head("Content-Length: 20") + b'{"who": ')
        status, said = answer(raw)
    assert (status, said["error"]) == (408, "The body did not come")
    assert not served.latch.exists()


def test_a_halt_gets_through_a_crowd_that_says_nothing(served):
    with ExitStack() as crowd:
        for _ in range(200):
            crowd.enter_context(served.open()).sendall(b"POST /api/books/paper/halt HTTP/1.1\r\n")
        began = time.monotonic()
        with served.open() as raw:
            raw.sendall(served.head("Content-Length: 2") + b"{}")
            assert answer(raw)[0] == 202
        assert time.monotonic() - began < 2.0
    assert read_latch(served.latch) is not None
