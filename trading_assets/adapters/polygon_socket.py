"""One WebSocket of Polygon (now named Massive): connect, authenticate, subscribe, receive."""

from __future__ import annotations

import json
import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from trading_assets.adapters.http_reads import LOOPBACK
from trading_assets.adapters.vendor_reads import ApiKey, without_key
from trading_assets.domain.errors import VenueError, VenueUnavailable

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

Message = dict[str, Any]

_LARGEST = 2**24  # bytes of a frame
_REFUSED = ("auth_failed", "error")
_LOGGER = logging.getLogger(__name__)
# The library logs every frame at DEBUG, and the first one that we send holds the key.
_LOGGER.setLevel(logging.WARNING)


class PolygonSocket:
    """A connection that is opened, lost, and opened again.

    Args:
        url: of the stream of one market.
        key: is sent once per connection, and never shown.
        timeout_s: of connecting, and of each answer until the subscription stands.
    """

    def __init__(self, url: str, key: ApiKey, *, timeout_s: float) -> None:
        self._url = url
        self._key = key
        self._timeout_s = timeout_s
        self._connection: ClientConnection | None = None
        self._opened = ExitStack()
        self._early: list[Message] = []  # bars between two confirmations

    @property
    def is_open(self) -> bool:
        """Whether there is a connection with a subscription, as far as is known."""
        return self._connection is not None

    def open(self, tickers: tuple[str, ...]) -> None:
        """Connect and subscribe to the minute bars of some tickers.

        Raises:
            VenueUnavailable: if there is no connection, or no whole answer; try again later.
            VenueError: if the vendor refuses the key, or what it is asked for.
        """
        self._connection = self._connected()
        self._early = []
        try:
            self._await("connected")
            secret = self._key.value.get_secret_value()
            self._send({"action": "auth", "params": secret})
            self._await("auth_success")
            wanted = [f"AM.{ticker}" for ticker in tickers]
            self._send({"action": "subscribe", "params": ",".join(wanted)})
            self._await("success", {f"subscribed to: {channel}" for channel in wanted})
        except VenueError:
            self.close()
            raise

    def receive(self, wait_s: float) -> list[Message]:
        """Give the bars that have come; wait for the first ones, at most `wait_s`.

        Raises:
            VenueUnavailable: if the connection is lost, or what came cannot be read.
            VenueError: if the vendor ends the subscription for good.
        """
        bars, self._early = self._early, []
        try:
            while True:
                messages = self._receive(0 if bars else wait_s)
                if messages is None:
                    return bars
                bars += [message for message in messages if message.get("ev") == "AM"]
                for message in messages:
                    self._refuse_end(message)
        except VenueError:
            self.close()
            raise

    def close(self) -> None:
        """Give the connection back."""
        self._connection = None
        self._opened.close()

    def _connected(self) -> ClientConnection:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        host = urlsplit(self._url).hostname
        try:
            connection = self._opened.enter_context(
                connect(
                    self._url,
                    proxy=None if host in LOOPBACK else True,
                    open_timeout=self._timeout_s,
                    close_timeout=1,
                    max_size=_LARGEST,
                    max_queue=None,  # a slow reader is cut off by the vendor; better wait here
                    logger=_LOGGER,
                )
            )
        except (OSError, WebSocketException, TimeoutError, ValueError) as error:
            kind = type(error).__name__
        else:
            found = connection.protocol.uri
            if (found.host, found.secure) != (host, self._url.startswith("wss:")):
                self._opened.close()
                raise VenueError(
                    "The stream of Polygon is led to another host",
                    expected=str(host),
                    found=found.host,
                    fix="Nothing was sent there. Check `stream_url` of the source.",
                )
            return connection
        raise VenueUnavailable(
            "The stream of Polygon cannot be reached",
            found=kind,
            fix="Check the network and `stream_url` of the source.",
        )

    def _await(self, status: str, texts: set[str] | None = None) -> None:
        """Read until a status has come, with each of these texts; bars on the way are kept."""
        missing = texts
        while missing is None or missing:
            messages = self._receive(self._timeout_s)
            if messages is None:
                raise VenueUnavailable("Polygon does not answer on its stream", expected=status)
            self._early += [message for message in messages if message.get("ev") == "AM"]
            for message in messages:
                self._refuse(message)
            said = {str(m.get("message", "")) for m in messages if m.get("status") == status}
            if said:
                missing = (missing or set()) - said

    def _refuse(self, message: Message) -> None:
        """Raise for a status that says no; `auth_timeout` and the like may pass."""
        status, said = message.get("status"), str(message.get("message", ""))
        if message.get("ev") != "status" or status is None:
            return
        if status in _REFUSED:
            raise VenueError(
                "Polygon refuses the stream",
                found=without_key(f"{status}: {said}", self._key),
                fix=f"Check {self._key.variable}, and that the plan includes this stream.",
            )
        if status in ("auth_timeout", "max_connections"):
            raise VenueUnavailable(
                "Polygon does not let this connection in",
                found=without_key(f"{status}: {said}", self._key),
                fix="Try again later; the plan may allow one connection only.",
            )

    def _refuse_end(self, message: Message) -> None:
        """Raise when another connection has taken the place of this one, or it is refused."""
        if message.get("ev") == "status" and message.get("status") == "max_connections":
            raise VenueError(
                "Another connection with the same key has taken the stream",
                expected="one connection per market, as the plan allows",
                found=without_key(str(message.get("message", "")), self._key),
                fix="Stop the other program; two that connect again and again throw each other "
                "out.",
            )
        self._refuse(message)

    def _send(self, message: Message) -> None:
        from websockets.exceptions import WebSocketException

        try:
            self._require().send(json.dumps(message))
        except (OSError, WebSocketException):
            lost = True
        else:
            lost = False
        if lost:
            raise self._lost("while it was opened")

    def _receive(self, wait_s: float) -> list[Message] | None:
        """Give the messages of the next frame, None when none comes in time."""
        from websockets.exceptions import WebSocketException

        try:
            frame = self._require().recv(timeout=wait_s)
        except TimeoutError:
            return None
        except (OSError, WebSocketException) as error:
            raise self._lost(type(error).__name__) from None
        try:
            messages = json.loads(frame)
        except ValueError:
            messages = None
        if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
            raise VenueUnavailable(
                "The stream of Polygon cannot be read",
                expected="a JSON list of messages",
                found=without_key(repr(frame)[:80], self._key),
            )
        return messages

    def _require(self) -> ClientConnection:
        if self._connection is None:
            raise self._lost("not open")
        return self._connection

    @staticmethod
    def _lost(found: str) -> VenueUnavailable:
        return VenueUnavailable(
            "The stream of Polygon is lost", found=found, fix="It is opened again."
        )
