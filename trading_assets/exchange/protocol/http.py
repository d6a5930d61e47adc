"""HTTP with bounds: how many connect, how long a request's head may take, how large it may be."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_BYTES_MAX = 64 * 1024
URL_BYTES_MAX = 32 * 1024
BODY_BYTES_MAX = 1024 * 1024
_FAREWELL_S = 1.0
_REASONS = {
    408: "Request Timeout",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    A client that sends no whole head in time, or too large a one, is told so and left; beyond the
    limit of connections the newest is. Bodies are bounded where they are read.
    """

    def __init__(self, *args: Any, patience_s: float, connection_limit: int, **named: Any) -> None:
        super().__init__(*args, **named)
        self._patience_s = patience_s
        self._connection_limit = connection_limit
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._problem = 0
        self._is_leaving = False
        self._is_upgraded = False

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._connection_limit:
            self._leave(503)
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, while the head is not too large and comes in time."""
        if self._is_leaving:
            return
        super().data_received(data)
        if self._is_upgraded or self.transport.is_closing() or self._is_answering:
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES_MAX + URL_BYTES_MAX:
            self._leave(431)
        elif self._timer is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Refuse a URL that goes on and on."""
        super().on_url(url)
        if len(self.url) > URL_BYTES_MAX:
            self._problem = 414
            raise ValueError(_REASONS[414])

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse headers that go on and on."""
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX:
            self._problem = 431
            raise ValueError(_REASONS[431])

    def on_headers_complete(self) -> None:
        """Serve the request; its body has a time of its own."""
        self._stop_waiting()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over: from here on it is no HTTP, and has no head to wait for."""
        self._is_upgraded = True
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Tell what was wrong and leave."""
        if self._problem:
            self._leave(self._problem)
        else:
            super().send_400_response(msg)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self._patience_s, self._leave, 408)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _leave(self, status: int) -> None:
        """Say why, let the client read it, and close: a reset would take the words with it."""
        self._stop_waiting()
        if self._is_leaving or self.transport.is_closing():
            return
        self._is_leaving = True
        reason = _REASONS[status]
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        self.transport.write(f"{head}Content-Length: {len(reason)}\r\n\r\n{reason}".encode())
        self.transport.write_eof()
        self._timer = self.loop.call_later(_FAREWELL_S, self.transport.abort)
