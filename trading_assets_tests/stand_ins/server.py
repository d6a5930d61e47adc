"""A real HTTP server on loopback for a vendor's stand-in, with faults that a test switches on."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    path: str
    query: dict[str, str]
    authorization: str


@dataclass(frozen=True)
class Reply:
    """What goes over the wire.

    `cut` closes the connection after that many bytes; `silent` never answers.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    silent: bool = False


Fault = Callable[[Reply], Reply]


def as_json(value: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(value).encode(), status, {"Content-Type": "application/json"})


def limited(retry_after: str) -> Fault:
    return lambda _: Reply(b"Too many", 429, {"Retry-After": retry_after})


def failing(status: int) -> Fault:
    return lambda _: Reply(b"<html>broken</html>", status, {"Content-Type": "text/html"})


def half(reply: Reply) -> Reply:
    """A body that ends early, with the length of what is left: only its text tells."""
    return Reply(reply.body[: len(reply.body) // 2], headers=reply.headers)


def cut_off(reply: Reply) -> Reply:
    """A connection that is lost in the middle of the body."""
    return Reply(reply.body, headers=reply.headers, cut=len(reply.body) // 2)


def silent(reply: Reply) -> Reply:
    return Reply(reply.body, silent=True)


def page_of_html(_: Reply) -> Reply:
    return Reply(b"<html>Maintenance</html>", headers={"Content-Type": "text/html"})


class StandIn(ABC):
    """What the vendors have in common: a key, faults for the next answers, a memory."""

    def __init__(self, key: str = "key-of-a-test") -> None:
        self.key = key
        self.url = ""
        self.asked: list[Asked] = []
        self.faults: list[Fault | None] = []

    @abstractmethod
    def reply(self, asked: Asked) -> Reply:
        """Answer as the vendor would."""

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        reply = self.reply(asked)
        fault = self.faults.pop(0) if self.faults else None
        return fault(reply) if fault is not None else reply


@contextmanager
def running(stand_in: StandIn) -> Iterator[None]:
    """Serve a stand-in on a free port of this machine."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = Asked(unquote(parts.path), query, self.headers.get("Authorization") or "")
            reply = stand_in.answer(asked)
            if reply.silent:
                over.wait()
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: reply.cut])
            self.close_connection = reply.cut is not None

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        over.set()
        httpd.shutdown()
        thread.join()
        httpd.server_close()
