"""One client's conversation on a market stream connection: what it subscribes to, and how.

Paths: `/ws/<stream>/<stream>` sends raw payloads, `/stream?streams=<stream>/<stream>` wraps each as
`{"stream":..,"data":..}`. Any tail of the path is taken for names of streams; one that names no
stream is accepted and stays silent, as `/ws/0` of some clients.
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any
from urllib.parse import unquote

from trading_assets.domain.ids import Micros
from trading_assets.exchange import wire
from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.protocol.connections import Connection
from trading_assets.exchange.streams.hub import Listener, StreamHub
from trading_assets.exchange.streams.user_events import dated

STREAMS_MAX = 1_024
MESSAGES_PER_SECOND = 5
POLICY = 1008

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_STREAM = re.compile(r"[A-Za-z0-9!@_+:.\-]{1,100}")
_INT64 = range(-(2**63), 2**63)


class _Malformed(Exception):
    """A control frame that is answered with an error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def names_from_path(path: str, query: str) -> tuple[list[str], bool]:
    """Give the streams that a connection's address asks for, and whether it wants them wrapped."""
    if path.startswith("/stream"):
        pairs = (pair.partition("=") for pair in query.split("&"))
        named = "/".join(unquote(value) for name, _, value in pairs if name == "streams")
        return [name for name in named.split("/") if name], True
    return [name for name in path.removeprefix("/ws").split("/") if name], False


class MarketSession:
    """Subscriptions and control frames of one connection."""

    def __init__(
        self, hub: StreamHub, connection: Connection, names: list[str], *, combined: bool
    ) -> None:
        self._hub = hub
        self._connection = connection
        self._listener = Listener(connection, combined=combined)
        self._times: deque[Micros] = deque()
        connection.farewell = self.farewell
        for name in names[:STREAMS_MAX]:
            hub.subscribe(self._listener, name)

    def end(self) -> None:
        """Give all subscriptions up."""
        self._hub.forget(self._listener)

    def farewell(self, now: Micros) -> str:
        """Give the frame that announces a stop of the server."""
        event = dated("serverShutdown", self._connection, now)
        if self._listener.combined:
            return f'{{"stream":"!serverShutdown","data":{event}}}'
        return event

    async def handle(self, text: str) -> None:
        """Answer one frame of the client; too many in a second end the connection."""
        if self._is_too_fast(wall_now()):
            self._connection.close(POLICY, "Too many requests")
            return
        number: Any = None
        try:
            frame = _parsed(text)
            number = _id_of(frame)
            result = self._obey(frame)
            answer: dict[str, Any] = {"result": result, "id": number}
        except _Malformed as error:
            # Clients differ in where they look: at the top, as documented, or under `error`.
            fault = {"code": error.code, "msg": error.text}
            answer = {"error": fault, **fault, "id": number}
        self._connection.push(wire.encode(answer).decode())

    def _is_too_fast(self, wall: Micros) -> bool:
        self._times.append(wall)
        while self._times[0] <= wall - 1_000_000:
            self._times.popleft()
        return len(self._times) > MESSAGES_PER_SECOND

    def _obey(self, frame: dict[str, Any]) -> Any:
        if "method" not in frame:
            raise _Malformed(2, "Invalid request: missing field `method` at line 1 column 2")
        method = frame["method"]
        match method:
            case "SUBSCRIBE":
                self._subscribe(_streams(frame))
            case "UNSUBSCRIBE":
                for name in _streams(frame):
                    self._hub.unsubscribe(self._listener, name)
            case "LIST_SUBSCRIPTIONS":
                if frame.get("params"):
                    raise _Malformed(2, "Invalid request: too many parameters")
                return list(self._listener.names)
            case "SET_PROPERTY":
                self._set_property(_property(frame, 2))
            case "GET_PROPERTY":
                _property(frame, 1)
                return self._listener.combined
            case _:
                known = ", ".join(f"`{name}`" for name in _METHODS)
                text = f"Invalid request: unknown variant {method}, expected one of {known}"
                raise _Malformed(2, f"{text} at line 1 column 2")
        return None

    def _subscribe(self, names: list[str]) -> None:
        if self._hub.faults.takes_subscription():
            raise _Malformed(1, "Internal error: subscription rejected")
        if len(self._listener.names.keys() | set(names)) > STREAMS_MAX:
            raise _Malformed(2, f"Invalid request: more than {STREAMS_MAX} streams")
        for name in names:
            self._hub.subscribe(self._listener, name)

    def _set_property(self, parameters: list[Any]) -> None:
        if not isinstance(parameters[1], bool):
            raise _Malformed(1, "Invalid value type: expected Boolean")
        self._listener.combined = parameters[1]


def _parsed(text: str) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise _Malformed(3, f"Invalid JSON: expected value at {where}") from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, or 1,000 brackets
        raise _Malformed(3, "Invalid JSON: expected value at line 1 column 1") from error
    if not isinstance(frame, dict):
        raise _Malformed(2, "Invalid request: expected an object")
    return frame


def _id_of(frame: dict[str, Any]) -> Any:
    number = frame.get("id", frame)
    is_whole = type(number) is int and number in _INT64
    is_word = isinstance(number, str) and _ID.fullmatch(number)
    if not (number is None or is_whole or is_word):
        raise _Malformed(2, "Invalid request: request ID must be an unsigned integer")
    return number


def _streams(frame: dict[str, Any]) -> list[str]:
    names = frame.get("params")
    if not isinstance(names, list) or not names:
        raise _Malformed(2, "Invalid request: expected a list of streams in `params`")
    if not all(isinstance(name, str) and _STREAM.fullmatch(name) for name in names):
        raise _Malformed(2, "Invalid request: invalid stream")
    return names


def _property(frame: dict[str, Any], count: int) -> list[Any]:
    parameters = frame.get("params")
    if not isinstance(parameters, list) or not parameters or not isinstance(parameters[0], str):
        raise _Malformed(2, "Invalid request: property name must be a string")
    if parameters[0] != "combined":
        raise _Malformed(0, "Unknown property")
    if len(parameters) > count:
        raise _Malformed(2, "Invalid request: too many parameters")
    if len(parameters) < count:
        raise _Malformed(1, "Invalid value type: expected Boolean")
    return parameters
