"""The control endpoint on loopback: a socket around `routes`, with nothing else behind it."""

from __future__ import annotations

import json
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from trading_assets.interfaces.http_api.routes import MOST_BYTES, Answer, Request, Routes

_PATIENCE_S = 5.0


class _Handler(BaseHTTPRequestHandler):
    """Reads one request at a time, bounded in time and size, and logs none."""

    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE_S
    server: ControlServer
    server_version = "trading-assets"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Write nothing: what matters stands in the journal, with its source."""

    def _answer(self) -> None:
        body = self._body()
        if isinstance(body, Answer):
            self.close_connection = True
            self._send(body)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        try:
            answer = self.server.routes.answer(request)
        except Exception:
            self.close_connection = True
            self._send(Answer(500, {"error": "a fault of this program; see what it printed"}))
            raise
        self._send(answer)

    def _body(self) -> bytes | Answer:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isascii() or not length.isdigit():
            return Answer(411, {"error": "a Content-Length, and no Transfer-Encoding"})
        if len(length) > 9 or int(length) > MOST_BYTES:
            return Answer(413, {"error": f"{MOST_BYTES} bytes at most"})
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        body = json.dumps(answer.values).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if answer.retry_after_s:
            self.send_header("Retry-After", str(answer.retry_after_s))
        if answer.status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


class ControlServer(ThreadingHTTPServer):
    """Listens on loopback; made by `control_server`."""

    daemon_threads = True
    request_queue_size = 128  # a halt waits behind no handful of idle connections
    routes: Routes

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong here; that a client has gone away is nothing of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _ControlServerV6(ControlServer):
    address_family = socket.AF_INET6


def control_server(host: str, port: int) -> ControlServer:
    """Bind a socket; `routes` must be set before it serves.

    Args:
        host: a loopback address.
        port: 0 takes a free one.

    Raises:
        OSError: if the port is taken.
    """
    kind = _ControlServerV6 if ":" in host else ControlServer
    return kind((host, port), _Handler)


def own_hosts(host: str, port: int) -> frozenset[str]:
    """Give the values of `Host` that name this endpoint."""
    names = {"127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host}
    return frozenset(f"{name}:{port}" for name in names)
