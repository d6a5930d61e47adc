"""One WebSocket from its acceptance to its end: a bounded queue of frames and who writes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from enum import Enum
from typing import Any, Protocol

from trading_assets.domain.ids import Micros

QUEUE_BYTES_MAX = 8 * 1024 * 1024
"""What may wait for a slow reader before its connection is dropped."""

_FULL = QUEUE_BYTES_MAX // 2

Message = MutableMapping[str, Any]


class Line(Enum):
    """What a connection is for."""

    MARKET = "market"
    API = "api"


class Wire(Protocol):
    """The transport below a connection."""

    @property
    def send(self) -> Callable[[Message], Awaitable[None]]:
        """Sends an ASGI message; waits while the client does not read."""
        ...

    @property
    def is_closing(self) -> bool:
        """Whether nothing that is sent arrives any more."""
        ...

    def abort(self) -> None:
        """Cut the connection without another byte."""
        ...

    def stall(self) -> None:
        """Neither read nor ping any more, but keep it open."""
        ...


class Connection:
    """One client's WebSocket.

    Frames are queued without waiting, so a slow reader never delays another; a reader that is
    further behind than `QUEUE_BYTES_MAX` is dropped without a closing frame, which it could not
    be sent either.

    Attributes:
        line: what it is for.
        opened: market time of acceptance.
        is_frozen: whether data is withheld (pings still go out).
        in_micros: whether it wants instants in microseconds.
        is_over: whether nothing can be sent any more.
        farewell: gives the frame that announces a stop of the server, for a market time.
    """

    def __init__(self, line: Line, opened: Micros, wire: Wire, *, in_micros: bool = False) -> None:
        self.line = line
        self.in_micros = in_micros
        self.opened = opened
        self.is_frozen = False
        self.is_over = False
        self.farewell: Callable[[Micros], str] = lambda now: ""
        self._wire = wire
        self._queue: deque[str] = deque()
        self._bytes = 0
        self._closing: tuple[int, str] | None = None
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ended = asyncio.Event()

    def push(self, text: str) -> None:
        """Queue a frame of data; drops the connection when too much is waiting."""
        if self.is_over or self._closing or self.is_frozen:
            return
        self._queue.append(text)
        self._bytes += len(text)
        if self._bytes > QUEUE_BYTES_MAX:
            self.abort()
            return
        if self._bytes > _FULL:
            self._room.clear()
        self._work.set()

    def close(self, code: int, reason: str = "") -> None:
        """End it in good order, after what is queued."""
        if self._closing is None:
            self._closing = (code, reason)
            self._work.set()

    def abort(self) -> None:
        """Cut it at once, without another byte."""
        self.is_over = True
        self._queue.clear()
        self._bytes = 0
        self._room.set()
        self._work.set()
        self._wire.abort()

    def stall(self) -> None:
        """Make it half open: it stays, but nothing is read, written or pinged any more."""
        self.is_frozen = True
        self._queue.clear()
        self._bytes = 0
        self._room.set()
        self._wire.stall()

    async def room(self) -> None:
        """Wait until the reader has caught up with half of its queue, or is gone."""
        await self._room.wait()

    async def ended(self) -> None:
        """Wait until the last frame has been sent, or the client is gone."""
        await self._ended.wait()

    async def write(self) -> None:
        """Send what is queued, until the connection ends; its only writer."""
        try:
            while not self.is_over:
                await self._work.wait()
                self._work.clear()
                await self._write_queued()
                if self._closing is not None and not self.is_over:
                    code, reason = self._closing
                    await self._wire.send(
                        {"type": "websocket.close", "code": code, "reason": reason}
                    )
                    return
        except OSError:
            return  # the client is gone; its reader learns it too
        finally:
            self.is_over = True
            self._queue.clear()
            self._room.set()
            self._ended.set()

    async def _write_queued(self) -> None:
        while self._queue and not self._wire.is_closing:
            text = self._queue.popleft()
            self._bytes -= len(text)
            await self._wire.send({"type": "websocket.send", "text": text})
            if self._bytes <= _FULL:
                self._room.set()
