"""HTTP answers that end: `requests` bounds each silence, and a server can drip for hours.

Whoever waits for an answer byte by byte gives no sign of life, hears no stop and handles no bar.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

_SILENCES = 3.0
"""So many times the longest silence may an answer take, from the end of the question on."""


class BoundedAdapter(requests.adapters.HTTPAdapter):
    """Connections on which an answer that takes too long is cut off, like one that never comes."""

    def init_poolmanager(self, *values: Any, **more: Any) -> None:
        """Make the pools whose connections are bounded."""
        super().init_poolmanager(*values, **more)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *values: Any, **more: Any) -> Any:
        """Make those of a proxy."""
        manager = super().proxy_manager_for(*values, **more)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Reader(io.RawIOBase):
    """Bytes of one answer, until its time is over."""

    def __init__(self, connection: socket.socket) -> None:
        self._silence_s = connection.gettimeout()
        self._end_s = time.monotonic() + _SILENCES * (self._silence_s or 0.0)
        self._connection = connection
        self._bytes = connection.makefile("rb", buffering=0)  # keeps the connection open

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._silence_s is not None:
            left_s = self._end_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("the answer takes too long")
            self._connection.settimeout(min(self._silence_s, left_s))
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _Source:
    """A connection as an answer sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._connection))


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *values: Any, **more: Any) -> None:
        super().__init__(_Source(sock), *values, **more)  # type: ignore[arg-type]


class _Plain(HTTPConnection):
    response_class = _Answer


class _Secure(HTTPSConnection):
    response_class = _Answer


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


_POOLS = {"http": _PlainPool, "https": _SecurePool}
