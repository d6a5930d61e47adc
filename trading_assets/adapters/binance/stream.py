"""python-binance's sockets, kept alive: a thread that opens, watches, closes and opens them again.

The library gives a market stream up after half a minute, loses all that is queued when 100 messages
are, and never subscribes a user stream again. So none of its own recovery is used: the first sign
of trouble ends a session, and the next one begins from nothing. What was missed in between is for
the owner to read by REST; it is told of every session.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from trading_assets.adapters.binance.endpoints import Endpoints

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
OpenSession = Callable[[], AbstractAsyncContextManager[Receive]]

_QUEUE_SIZE = 1_000_000
_ANSWER_S = 5.0  # of connecting, of an answer on the WebSocket API
_CLOSE_S = 1.0
_PING_S = 15.0
_LAST_WORDS = ("serverShutdown", "eventStreamTerminated")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A session stands; whatever happened before it was not seen."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A session has ended.

    Attributes:
        reason: in a few words, without addresses or secrets.
    """

    reason: str


Notice = Opened | Lost | Message


@dataclass(frozen=True, slots=True)
class StreamTerms:
    """How a stream is watched; seconds of this machine's own time.

    Attributes:
        silence_s: a session without a message for so long is dead; None for streams that are
            silent by nature.
        life_s: a session is renewed after so long, before the venue ends it (24 hours).
        first_pause_s: before a second attempt; pauses double.
        longest_pause_s: attempts never end.
    """

    silence_s: float | None = 10.0
    life_s: float = 23 * 3600.0
    first_pause_s: float = 0.25
    longest_pause_s: float = 30.0


class StreamSupervisor:
    """Keeps one session open for as long as it lives, in a thread of its own.

    Args:
        name: for the log and the thread.
        session: opens one connection, with what it subscribes to.
        deliver: told of sessions and messages, in order, from the supervisor's thread; must return
            at once.
        terms: how it is watched.
    """

    def __init__(
        self,
        name: str,
        session: OpenSession,
        deliver: Callable[[Notice], None],
        terms: StreamTerms = StreamTerms(),
    ) -> None:
        self._name = name
        self._session = session
        self._deliver = deliver
        self._terms = terms
        self._stop = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._messages = 0
        self._thread = threading.Thread(target=self._run, name=f"stream {name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the session and the thread, within a few seconds at most."""
        self._stop.set()
        with self._lock:
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(_ANSWER_S)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._messages = 0
            reason = self._one_session()
            if self._stop.is_set():
                return
            _LOG.warning("Stream %s: %s; it is opened again", self._name, reason)
            self._deliver(Lost(reason))
            failures = 0 if self._messages else failures + 1
            pause_s = self._terms.first_pause_s * 2.0 ** min(failures, 16)
            self._stop.wait(min(pause_s, self._terms.longest_pause_s))

    def _one_session(self) -> str:
        """Run one session to its end, in a loop of its own, and say why it ended.

        The loop takes all tasks with it that the library leaves behind.
        """
        try:
            with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
                runner.run(self._watched())
        except asyncio.CancelledError:
            return "closed"
        except TimeoutError:
            return "nothing came for too long"
        # Whatever it was: a stream that is dead must be opened again, and its owner must know.
        except Exception as error:
            return _named(error)
        return "renewed in time"

    async def _watched(self) -> None:
        with self._lock:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stop.is_set():
            return
        try:
            await self._listen()
        finally:
            with self._lock:
                self._loop = self._task = None

    async def _listen(self) -> None:
        end = time.monotonic() + self._terms.life_s
        async with self._session() as receive:
            self._deliver(Opened())
            while (left_s := end - time.monotonic()) > 0:
                silence_s = self._terms.silence_s
                wait_s = left_s if silence_s is None else min(left_s, silence_s)
                try:
                    message = await asyncio.wait_for(receive(), wait_s)
                except TimeoutError:
                    if wait_s == left_s:
                        return
                    raise
                kind = _kind(message)
                if kind == "error":
                    raise StreamBroken(str(message.get("type", "error")))
                self._messages += 1
                self._deliver(message)
                if kind in _LAST_WORDS:
                    raise StreamBroken(kind)


class StreamBroken(Exception):
    """A session cannot go on; only for the supervisor."""


@asynccontextmanager
async def market_session(endpoints: Endpoints, streams: tuple[str, ...]) -> AsyncIterator[Receive]:
    """Open one connection for several market streams (`btcusdt@kline_1m`)."""
    async with _library(endpoints, "", "") as (_, manager):
        socket = manager.multiplex_socket(list(streams))
        try:
            await asyncio.wait_for(socket.connect(), _ANSWER_S)
            yield socket.recv
        finally:
            await _close(socket.ws)


@asynccontextmanager
async def user_session(
    endpoints: Endpoints, key: str, secret: str, offset_ms: Callable[[], int]
) -> AsyncIterator[Receive]:
    """Open the WebSocket API and subscribe to the account's events.

    Args:
        endpoints: of the venue.
        key: of the account.
        secret: of an HMAC key.
        offset_ms: how far the venue's authentication clock is ahead of this machine's.
    """
    async with _library(endpoints, key, secret) as (client, manager):
        client.timestamp_offset = offset_ms()
        socket = manager.user_socket()
        try:
            # The library's own answer to a lost connection is one without a subscription.
            await asyncio.wait_for(socket.connect(), _ANSWER_S)
            connection = client.ws_api.ws

            async def receive() -> Message:
                while True:
                    with suppress(TimeoutError):
                        event: Message = await asyncio.wait_for(socket.recv(), _PING_S)
                        return event
                    await _require_alive(client, connection)

            yield receive
        finally:
            await _close(client.ws_api.ws)


async def _require_alive(client: Any, connection: Any) -> None:
    """Ask the venue for a sign of life on the connection that has the subscription.

    Raises:
        StreamBroken: if that connection is no more, or silent.
    """
    if client.ws_api.ws is connection:
        request = client._ws_api_request("ping", signed=False, params={})  # noqa: SLF001 - no public one
        with suppress(TimeoutError):
            await asyncio.wait_for(request, _ANSWER_S)
            if client.ws_api.ws is connection:
                return
    raise StreamBroken("the subscribed connection is gone")


@asynccontextmanager
async def _library(endpoints: Endpoints, key: str, secret: str) -> AsyncIterator[tuple[Any, Any]]:
    """Build the library's client and socket manager for other addresses."""
    from binance.async_client import AsyncClient
    from binance.ws.streams import BinanceSocketManager

    urls = {"API_URL": endpoints.api, "WS_API_URL": endpoints.ws_api}
    make_client: Any = type("Client", (AsyncClient,), urls)
    make_manager: Any = type("Manager", (BinanceSocketManager,), {"STREAM_URL": endpoints.stream})
    # It logs frames at DEBUG, and a subscription holds key and signature; its errors are ours.
    for name in ("binance", "websockets.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    client = make_client(key, secret)
    manager = make_manager(client, max_queue_size=_QUEUE_SIZE)
    if endpoints.is_local:
        manager.ws_kwargs = {"proxy": None}
        client.ws_api._ws_kwargs = {"proxy": None}  # noqa: SLF001 - no public one
    try:
        yield client, manager
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(client.session.close(), _CLOSE_S)


async def _close(connection: Any) -> None:
    """Close a WebSocket, and do not wait for an answer that may not come."""
    if connection is None:
        return
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(connection.close(), _CLOSE_S)
    finally:
        connection.transport.abort()  # also when this is cancelled: nothing else would close it


def _kind(message: Message) -> str:
    """Name an event, whether it is wrapped or not."""
    data = message.get("data", message)
    return str(data.get("e", "")) if isinstance(data, dict) else ""


def _named(error: Exception) -> str:
    """Say what an error is without its text, which may hold an address with a signature."""
    if isinstance(error, StreamBroken):
        return str(error)
    code = getattr(error, "code", None)
    return type(error).__name__ + (f", code {code}" if isinstance(code, int) else "")
