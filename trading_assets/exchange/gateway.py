"""The one ASGI application of an exchange: REST, market streams and the WebSocket API on a port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from trading_assets.exchange import wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.endpoints.rest import RestApi
from trading_assets.exchange.endpoints.ws_api import ApiSession
from trading_assets.exchange.errors import Refused, unsupported
from trading_assets.exchange.protocol.connections import Connection, Line, Message
from trading_assets.exchange.protocol.origins import refuse_foreign
from trading_assets.exchange.streams.event_units import asks_for_micros
from trading_assets.exchange.streams.market_session import MarketSession, names_from_path

_LOG = logging.getLogger(__name__)
_INTERNAL_ERROR = 1011


class Gateway:
    """Sends each connection to what serves it.

    Attributes:
        protocol_of: finds what serves the WebSocket of a client address; set by the server.
    """

    def __init__(self, exchange: Exchange, rest: RestApi) -> None:
        self._exchange = exchange
        self._rest = rest
        self.protocol_of: Callable[[Any], Any] = lambda client: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        if scope["type"] != "websocket":
            self._exchange.catch_up()
            await self._rest(scope, receive, send)
            return
        await receive()  # the connect event
        try:
            refuse_foreign(HTTPConnection(scope))
            self._exchange.sockets.admit(scope["client"][0], wall_now())
            line = _line_of(scope["path"])
            in_micros = asks_for_micros(scope["query_string"].decode("latin-1"))
        except Refused as refusal:
            await _refuse(send, refusal)
            return
        await send({"type": "websocket.accept"})
        wire_ = _Wire(self.protocol_of(scope["client"]), send)
        now = self._exchange.catch_up()
        connection = self._exchange.sockets.open(line, now, wire_, in_micros=in_micros)
        writer = asyncio.create_task(connection.write())
        try:
            await self._converse(scope, receive, connection)
        except Exception:
            # One client's connection must not take the exchange down; the fault is ours.
            _LOG.exception("WebSocket %s failed", scope["path"])
            connection.close(_INTERNAL_ERROR, "Internal error")
            await writer
        finally:
            self._exchange.sockets.forget(connection)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _converse(self, scope: Scope, receive: Receive, connection: Connection) -> None:
        session = self._session(scope, connection)
        try:
            while True:
                self._exchange.driver.poke()
                message = await receive()
                if message["type"] != "websocket.receive":
                    return
                self._exchange.catch_up()
                await session.handle(_text_of(message))
        finally:
            session.end()

    def _session(self, scope: Scope, connection: Connection) -> ApiSession | MarketSession:
        query = scope["query_string"].decode("ascii", "replace")
        if connection.line is Line.API:
            shown = "returnRateLimits=false" not in query.split("&")
            return ApiSession(self._exchange, connection, shows_limits=shown)
        names, combined = names_from_path(scope["path"], query)
        return MarketSession(self._exchange.hub, connection, names, combined=combined)


class _Wire:
    """The ASGI end of one WebSocket, and the protocol below it: None if the client has gone."""

    def __init__(self, protocol: Any, send: Send) -> None:
        self._protocol = protocol
        self._send = send

    @property
    def send(self) -> Send:
        return self._send

    @property
    def is_closing(self) -> bool:
        return self._protocol is None or bool(self._protocol.transport.is_closing())

    def abort(self) -> None:
        if self._protocol is not None:
            self._protocol.transport.abort()

    def stall(self) -> None:
        if not self.is_closing:
            self._protocol.stop_keepalive()
            self._protocol.transport.pause_reading()


def _line_of(path: str) -> Line:
    if path in {"/ws", "/stream"} or path.startswith(("/ws/", "/stream/")):
        return Line.MARKET
    if path == "/ws-api/v3":
        return Line.API
    raise unsupported()


def _text_of(message: Message) -> str:
    text: str | None = message.get("text")
    return text if text is not None else message["bytes"].decode("utf-8", "replace")


async def _refuse(send: Send, refusal: Refused) -> None:
    """Answer a handshake with an HTTP error."""
    headers = [(b"content-type", b"application/json;charset=UTF-8")]
    if refusal.retry_after_s is not None:
        headers.append((b"retry-after", str(refusal.retry_after_s).encode()))
    body = wire.encode(refusal.body())
    start = {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": body})
