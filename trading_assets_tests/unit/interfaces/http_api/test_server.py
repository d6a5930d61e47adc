"""The API behind a real socket: bodies that do not end or come, idle crowds, slow readers."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest
from websockets.sync.client import connect

from trading_assets import bootstrap
from trading_assets.domain.events import EquityMarked
from trading_assets.interfaces.http_api import guards, live_socket
from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets.live.safety.latch import read_latch
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets_tests.stand_ins.clock import JumpingClock
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
    with served_desk(desk, sent_bytes=4096) as (shared, port):
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


def mark(number):
    return EquityMarked(number * 60_000_000, Decimal(1000 + number), 0.0)


def test_a_reader_who_does_not_read_is_let_go_and_holds_up_nobody(served, monkeypatch):
    monkeypatch.setattr(live_socket, "SEND_S", 0.3)
    address = f"ws://127.0.0.1:{served.port}/api/live"
    heads = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
    ask = ("GET /api/live HTTP/1.1", f"Host: 127.0.0.1:{served.port}", *heads, key)
    hello = json.dumps({"token": served.token}).encode()
    # A text frame of a client: its length in two bytes, and a mask of zeros.
    frame = b"\x81\xfe" + len(hello).to_bytes(2, "big") + bytes(4) + hello
    clock = JumpingClock(5)
    with (
        Journal(served.latch.parent, book="paper", epoch="wall", clock=clock) as journal,
        socket.socket() as slow,
        connect(address) as quick,
    ):
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", served.port))
        slow.sendall("\r\n".join((*ask, "", "")).encode())
        assert slow.recv(12) == b"HTTP/1.1 101"
        slow.sendall(frame)
        quick.send(hello.decode())
        quick.recv(10)  # both have been heard, and the news has begun
        for first in range(0, 6000, 1000):
            journal.append([mark(number) for number in range(first, first + 1000)])
        heard = 0
        while heard < 6000:
            heard += json.loads(quick.recv(10))["type"] == "equity"
        slow.settimeout(10)
        seen, farewell = b"", b"\x88\x02" + live_socket.TOO_SLOW.to_bytes(2, "big")
        while not seen.endswith(farewell):
            piece = slow.recv(65_536)
            assert piece, "the end came without a word"
            seen += piece
        assert seen.count(b"equity") < 6000


def test_a_process_that_serves_answers_and_lets_executors_go_first(tmp_path):
    command = "import sys; from trading_assets.interfaces.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "control", "serve", "--port", "0", "--no-link"],
        env={**os.environ, "TA_HOME": str(tmp_path), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        port = int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 10) as raw:
            raw.sendall(f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            assert answer(raw) == (200, {"ok": True})
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(19, os.nice(0) + 10)
        share = Path(f"/proc/{process.pid}/autogroup")
        assert not share.exists() or share.read_text().split()[-1] == "10"
    finally:
        process.terminate()
        assert process.communicate(timeout=20)[0].endswith("stopped\n")
