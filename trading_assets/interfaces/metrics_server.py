"""`GET /metrics` on loopback: a socket around `metrics_exporter`, with nothing else behind it."""

from __future__ import annotations

import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from trading_assets.interfaces.metrics_exporter import CONTENT_TYPE, metrics_text
from trading_assets.workflows.live_metrics import DeskMetrics

PATH = "/metrics"
_PATIENCE_S = 5.0


class _Handler(BaseHTTPRequestHandler):
    """Answers one question; a web page that reaches us by another name is none of ours."""

    timeout = _PATIENCE_S
    server: MetricsServer
    server_version = "trading-assets"
    sys_version = ""

    def do_GET(self) -> None:
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            self._send(421, b"this is not the host that was asked\n", "text/plain")
        elif self.path != PATH:
            self._send(404, f"there is {PATH}\n".encode(), "text/plain")
        else:
            self._send(200, metrics_text(self.server.metrics), CONTENT_TYPE)

    def log_message(self, *_: object) -> None:
        """Write nothing: Prometheus asks every few seconds."""

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


class MetricsServer(ThreadingHTTPServer):
    """Listens on loopback; made by `metrics_server`."""

    daemon_threads = True
    metrics: DeskMetrics
    hosts: frozenset[str]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong here; that a client has gone away is nothing of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _MetricsServerV6(MetricsServer):
    address_family = socket.AF_INET6


def metrics_server(metrics: DeskMetrics, host: str, port: int) -> MetricsServer:
    """Bind a socket.

    Args:
        metrics: of the desk that is served.
        host: a loopback address.
        port: 0 takes a free one.

    Raises:
        OSError: if the port is taken.
    """
    server = (_MetricsServerV6 if ":" in host else MetricsServer)((host, port), _Handler)
    bound = int(server.server_address[1])
    names = {"127.0.0.1", "localhost", "[::1]"}
    server.metrics, server.hosts = metrics, frozenset(f"{name}:{bound}" for name in names)
    return server
