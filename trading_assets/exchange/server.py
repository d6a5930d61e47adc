"""The exchange as a server on loopback: in this process for a while, or until it is stopped."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.config import AccountConfig, ExchangeConfig
from trading_assets.exchange.endpoints.rest import RestApi
from trading_assets.exchange.gateway import Gateway
from trading_assets.exchange.protocol.http import BoundedProtocol

__all__ = ["AccountConfig", "ExchangeConfig", "RunningExchange", "running_exchange", "serve"]

_LOG = logging.getLogger(__name__)
_FRAME_BYTES_MAX = 128 * 1024
"""What a client may send in one frame; 1,024 names of streams are about 40 KB."""

_PING_S, _PONG_S = 20.0, 60.0
_START_S = 10.0
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class RunningExchange:
    """An exchange that answers; addresses have no trailing slash unless they say so."""

    config: ExchangeConfig
    host: str
    port: int

    @property
    def url(self) -> str:
        """Address of the server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def api_url(self) -> str:
        """What python-binance calls `API_URL`: without the version."""
        return f"{self.url}/api"

    @property
    def stream_url(self) -> str:
        """What python-binance calls `STREAM_URL`: with a slash at its end."""
        return f"{self.url.replace('http:', 'ws:', 1)}/"

    @property
    def ws_api_url(self) -> str:
        """What python-binance calls `WS_API_URL`."""
        return f"{self.stream_url}ws-api/v3"


class _Server(uvicorn.Server):
    """A uvicorn server that drives the market, says when it is ready and can drop one client."""

    def __init__(self, config: uvicorn.Config, exchange: Exchange) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.failure: BaseException | None = None
        self._exchange = exchange
        self._driving: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening and let the market run, then say so."""
        await super().startup(sockets)
        self._driving = asyncio.create_task(self._exchange.driver.run())
        self._driving.add_done_callback(self._on_halt)
        self.ready.set()

    def _on_halt(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # A market that has stopped must not look like a quiet one.
            _LOG.critical("The market of the embedded exchange has stopped", exc_info=error)
            self.failure = error
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell every client of a stream, then stop."""
        await self._exchange.say_farewell()
        if self._driving is not None:
            self._driving.cancel()
            await asyncio.gather(self._driving, return_exceptions=True)
        await super().shutdown(sockets)

    def protocol_of(self, client: Any) -> Any:
        """Find the protocol that serves a client address, or None."""
        known = list(self.server_state.connections)
        return next((one for one in known if getattr(one, "client", None) == client), None)

    def abort(self, client: Any) -> None:
        """Close the connection of a client address without another byte."""
        protocol: Any = self.protocol_of(client)
        if protocol is not None:
            protocol.transport.abort()


@contextmanager
def running_exchange(config: ExchangeConfig) -> Iterator[RunningExchange]:
    """Run an exchange in a thread of this process; it answers when the block is entered.

    Several may run at once, each with its own accounts. Nothing is printed or logged.

    Raises:
        ConfigurationError: for a bad configuration, a ledger of another market or a port in use.
    """
    listener = _listen(config.host, config.port)
    try:
        exchange = Exchange(config)
    except BaseException:
        listener.close()
        raise
    server = _server(exchange)
    failures: list[BaseException] = []
    thread = threading.Thread(
        target=_run, args=(server, listener, failures), name="exchange", daemon=True
    )
    thread.start()
    try:
        server.ready.wait(_START_S)
        if failures or not server.ready.is_set():
            raise ConfigurationError(
                "The embedded exchange did not start", found=str(failures or "no answer in time")
            )
        host, port = listener.getsockname()[:2]
        yield RunningExchange(config, host, port)
    finally:
        server.should_exit = True
        thread.join(_STOP_S)
        exchange.close()


def _server(exchange: Exchange) -> _Server:
    rest = RestApi(exchange)
    gateway = Gateway(exchange, rest)
    server = _Server(
        uvicorn.Config(
            gateway,
            loop="asyncio",
            http=cast(
                "Any",
                partial(
                    BoundedProtocol,
                    patience_s=exchange.config.patience_s,
                    connection_limit=exchange.config.connection_limit,
                ),
            ),
            # Named, since `auto` may become another one: pings and back-pressure are its own.
            ws="websockets-sansio",
            ws_max_size=_FRAME_BYTES_MAX,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PONG_S,
            ws_per_message_deflate=False,  # loopback has no lack of bandwidth
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            # Longer than a client pauses: a connection closed as an order leaves loses its answer.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        ),
        exchange,
    )
    rest.abort = server.abort
    gateway.protocol_of = server.protocol_of
    return server


def _run(server: _Server, listener: socket.socket, failures: list[BaseException]) -> None:
    try:
        server.run(sockets=[listener])
    except BaseException as error:
        failures.append(error)
        server.ready.set()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    # Named as TCP: asyncio switches Nagle's algorithm off (40 ms a request) only for such sockets.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1_024)
    except OSError as error:
        listener.close()
        in_use = error.errno == errno.EADDRINUSE
        raise ConfigurationError(
            f"The embedded exchange cannot listen on {host}:{port}",
            expected="a free port",
            found="a port in use" if in_use else str(error),
            fix=f"Stop what listens on port {port}, or choose another port "
            "(--port, TA_EXCHANGE__PORT).",
        ) from error
    return listener


def serve(config: ExchangeConfig, announce: Callable[[RunningExchange], None]) -> None:
    """Run an exchange until SIGINT or SIGTERM; call from the main thread.

    Args:
        config: what to serve.
        announce: called once it answers.

    Raises:
        ConfigurationError: see `running_exchange`.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    handlers = {s: signal.signal(s, on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with running_exchange(config) as running:
            announce(running)
            stop.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
