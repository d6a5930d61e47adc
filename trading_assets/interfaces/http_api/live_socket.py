"""What happens, as it happens: rows of journals, alerts, forecasts and states, to whoever listens.

One task reads for all listeners; each has a queue of its own, and one that is not emptied in time
is closed, so that a slow reader holds up nobody.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from trading_assets.interfaces.http_api.access import Identity
from trading_assets.interfaces.http_api.answers import Refusal, plain

if TYPE_CHECKING:
    from trading_assets.interfaces.http_api.served import Served

router = APIRouter()
_LOG = logging.getLogger(__name__)
LOOK_S, BEAT_S, HELLO_S, SEND_S = 0.25, 5.0, 5.0, 5.0
MOST_WAITING = 5_000  # a look gives 2,000 rows at most, and two may come before one is sent
MOST_LISTENERS = 64
_MOST_HELLO = 4096
NO_TOKEN, TOO_SLOW, TOO_MANY = 4401, 4408, 4429


class Listener:
    """One socket: what waits for it, and which books it wants to hear of."""

    def __init__(self, books: frozenset[str] | None) -> None:
        """Begin; `books` None is all of them."""
        self.books = books
        self.waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_WAITING)
        self.is_slow = False

    def tell(self, message: dict[str, Any]) -> None:
        """Queue a message, or give up on who does not read."""
        book = message.get("book")
        if book is not None and self.books is not None and book not in self.books:
            return
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.is_slow = True


class Town:
    """All listeners of a server, and the task that tells them."""

    def __init__(self, served: Served) -> None:
        """Begin without listeners; nothing is read while there are none."""
        self._served = served
        self.listeners: set[Listener] = set()

    async def tell_forever(self) -> None:
        """Look for news while somebody listens; what cannot be read is told, and looked at again.

        One thread does all reading: a connection to a journal belongs to the thread that opened it.
        """
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "desk-news") as reader:
            while True:
                if self.listeners:
                    try:
                        await self._tell(partial(loop.run_in_executor, reader))
                    except Exception as error:
                        _LOG.exception("The news of the desk cannot be read")
                        self._say({"type": "error", "error": f"{type(error).__name__}: {error}"})
                        await asyncio.sleep(BEAT_S)
                await asyncio.sleep(LOOK_S)

    async def _tell(self, read: Callable[..., Awaitable[Any]]) -> None:
        """Tell what is new, as long as somebody listens."""
        from trading_assets.workflows.desk_news import DeskNews

        news: DeskNews = await read(DeskNews, self._served.desk, self._served.statuses)
        try:
            while self.listeners:
                for message in await read(news.look):
                    self._say(message)
                await asyncio.sleep(LOOK_S)
        finally:
            await read(news.close)

    def _say(self, message: dict[str, Any]) -> None:
        said = plain(message)
        for listener in tuple(self.listeners):
            listener.tell(said)


@asynccontextmanager
async def told(app_state: Any, served: Served) -> AsyncIterator[None]:
    """Keep the town's task alive while a server runs."""
    town = Town(served)
    app_state.town = town
    task = asyncio.create_task(town.tell_forever())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@router.websocket("/api/live")
async def live(socket: WebSocket) -> None:
    """Say who you are in the first message, then listen."""
    served: Served = socket.app.state.served
    town: Town = socket.app.state.town
    await socket.accept()
    if len(town.listeners) >= MOST_LISTENERS:
        await socket.close(TOO_MANY)
        return
    try:
        said = await asyncio.wait_for(_said(socket), HELLO_S)
        identity = served.access.identity(str(said.get("token", "")))
    except (TimeoutError, Refusal, ValueError):
        await socket.close(NO_TOKEN)
        return
    except WebSocketDisconnect:
        return
    books = said.get("books")
    wanted = frozenset(map(str, books)) if isinstance(books, list) else None
    listener = Listener(wanted)
    town.listeners.add(listener)
    try:
        await _serve(socket, served, listener, identity)
    finally:
        town.listeners.discard(listener)


async def _serve(socket: WebSocket, served: Served, listener: Listener, identity: Identity) -> None:
    """Send what waits and hear new tokens, until one of them ends."""
    session = _Session(socket, served, identity)
    hearing = asyncio.create_task(session.hear())
    sending = asyncio.create_task(session.send(listener))
    done, pending = await asyncio.wait({hearing, sending}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    code = next((task.result() for task in done if not task.exception()), None)
    errors = [task.exception() for task in done if task.exception()]
    if code is not None and socket.application_state is WebSocketState.CONNECTED:
        await socket.close(code)
    for error in errors:
        if not isinstance(error, WebSocketDisconnect | RuntimeError):
            raise error  # type: ignore[misc]


class _Session:
    """Both directions of a socket, and whose it is by its newest token."""

    def __init__(self, socket: WebSocket, served: Served, identity: Identity) -> None:
        self._socket = socket
        self._served = served
        self._identity = identity

    async def hear(self) -> int:
        """Take new tokens; anything else ends the session."""
        while True:
            try:
                said = await _said(self._socket)
                renewed = self._served.access.identity(str(said.get("token", "")))
            except (Refusal, ValueError):
                return NO_TOKEN
            if renewed.session != self._identity.session:
                return NO_TOKEN
            self._identity = renewed

    async def send(self, listener: Listener) -> int:
        """Send until the token has expired or the reader is too slow."""
        while True:
            if self._served.access.is_over(self._identity):
                return NO_TOKEN
            if listener.is_slow:
                return TOO_SLOW
            try:
                message = await asyncio.wait_for(listener.waiting.get(), BEAT_S)
            except TimeoutError:
                message = {"type": "heartbeat", "t": self._served.desk.clock.now() / 1_000_000}
            try:
                await asyncio.wait_for(self._socket.send_text(json.dumps(message)), SEND_S)
            except TimeoutError:
                return TOO_SLOW


async def _said(socket: WebSocket) -> dict[str, Any]:
    """Read a message.

    Raises:
        ValueError: if it is no JSON object of a few words.
    """
    try:
        text = await socket.receive_text()
    except KeyError:
        raise ValueError("bytes") from None
    if len(text) > _MOST_HELLO:
        raise ValueError("too long")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - of the message, not of the program
    return found
