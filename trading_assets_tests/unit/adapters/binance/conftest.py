"""A real HTTP server on loopback that answers what a test tells it to, and a clock that jumps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from trading_assets_tests.stand_ins.clock import JumpingClock


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What goes over the wire; `cut` closes the connection after that many bytes of the body."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


class ScriptedServer:
    """Answers by `answer(asked)`; remembers everything asked."""

    raw = Answer

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Answer] = lambda _: Answer()

    @staticmethod
    def json(value: Any, status: int = 200, **headers: str) -> Answer:
        return Answer(json.dumps(value).encode(), status, headers)


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            length = int(self.headers.get("Content-Length") or 0)
            query |= {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
            asked = Asked(self.command, parts.path, query)
            scripted.asked.append(asked)
            answer = scripted.answer(asked)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: answer.cut])
            self.close_connection = answer.cut is not None

        do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    scripted = ScriptedServer(f"http://127.0.0.1:{httpd.server_address[1]}")
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield scripted
    httpd.shutdown()
    thread.join()
    httpd.server_close()
