"""Polygon's WebSocket on loopback: its statuses and minutes, and its faults."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from trading_assets_tests.stand_ins.polygon import minute

MINUTE_MS = 60_000


def aggregate(ticker: str, start_ms: int, **fields: Any) -> dict[str, Any]:
    """Give the message of the minute that the REST stand-in has, too."""
    bar = minute(start_ms)
    facts = {name: bar[name] for name in ("v", "vw", "o", "c", "h", "l")}
    times = {"s": start_ms, "e": start_ms + MINUTE_MS}
    return (
        {"ev": "AM", "sym": ticker, "av": 5000, "op": 9.5, "a": 1.0, "z": 25}
        | facts
        | times
        | fields
    )


def status(name: str, text: str = "") -> dict[str, Any]:
    return {"ev": "status", "status": name, "message": text}


class PolygonStream:
    """One market's stream.

    Attributes:
        greeting: sent as a client connects.
        answers: what stands for an answer to an action; None for what the vendor would say.
        received: every message of every client.
        early: sent before the subscription is confirmed.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.url = ""
        self.greeting: list[dict[str, Any]] = [status("connected", "Connected Successfully")]
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.early: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.connections: list[ServerConnection] = []
        self._subscribed = Event()

    def send(self, *messages: dict[str, Any]) -> None:
        """Send one frame to the client that came last."""
        self.send_text(json.dumps(messages))

    def send_text(self, text: str) -> None:
        assert self._subscribed.wait(10)
        self.connections[-1].send(text)

    def drop(self) -> None:
        """Break the connection of the client that came last, without a word."""
        self._subscribed.clear()
        self.connections[-1].socket.shutdown(socket.SHUT_RDWR)

    def serve(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        connection.send(json.dumps(self.greeting))
        try:
            for text in connection:
                message = json.loads(text)
                self.received.append(message)
                self._answer(connection, message["action"], message["params"])
        except ConnectionClosed:
            return

    def _answer(self, connection: ServerConnection, action: str, params: str) -> None:
        if action in self.answers:
            connection.send(json.dumps(self.answers[action]))
        elif action == "auth":
            good = params == self.key
            said = ("auth_success", "authenticated") if good else ("auth_failed", f"bad {params}")
            connection.send(json.dumps([status(*said)]))
        else:
            for message in self.early:
                connection.send(json.dumps([message]))
            for channel in params.split(","):
                connection.send(json.dumps([status("success", f"subscribed to: {channel}")]))
            self._subscribed.set()


@contextmanager
def polygon_stream(key: str = "key-of-a-test") -> Iterator[PolygonStream]:
    """Serve one on a free port."""
    stream = PolygonStream(key)
    with serve(stream.serve, "127.0.0.1", 0) as server:
        stream.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/stocks"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield stream
        finally:
            server.shutdown()
            for connection in stream.connections:
                connection.close()
            thread.join()
