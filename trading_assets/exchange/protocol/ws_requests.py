"""Requests of the WebSocket API, read from their frames."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from trading_assets.exchange import errors
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.parameters import Parameters

_PARAMETERS_MAX = 64


class _Number(str):
    """A number with a fraction, as the client wrote it: that is what it has signed."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class WsRequest:
    """One request.

    Attributes:
        number: the client's own, given back as it came.
        method: without the version.
        values: each parameter as text; `signature` among them.
        shows_limits: whether the answer is to carry `rateLimits`, None if not said.
    """

    number: Any
    method: str
    values: dict[str, str]
    shows_limits: bool | None

    def parameters(self) -> Parameters:
        """Give the parameters as the endpoints of REST read them."""
        parameters = Parameters(_pairs(self.values).encode())
        parameters.allow("apiKey", "returnRateLimits")
        return parameters

    def payloads(self) -> tuple[bytes, ...]:
        """Give what the client may have signed: the parameters by name, plain or encoded."""
        signed = {k: v for k, v in sorted(self.values.items()) if k != "signature"}
        plain = "&".join(f"{name}={value}" for name, value in signed.items())
        return (plain.encode(), _pairs(signed).encode())


def _pairs(values: dict[str, str]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(v, safe='')}" for name, v in values.items())


class UnreadableRequest(Exception):
    """A frame that is no request; carries what can be answered."""

    def __init__(self, number: Any, refusal: Refused) -> None:
        super().__init__(str(refusal))
        self.number = number
        self.refusal = refusal


def request_from_frame(text: str) -> WsRequest:
    """Read one frame.

    Raises:
        UnreadableRequest: -1135 for what is no JSON object, -1102 for a missing or malformed field.
    """
    try:
        frame = json.loads(text, parse_float=_Number)
    except (ValueError, RecursionError):
        frame = None
    if not isinstance(frame, dict):
        raise UnreadableRequest(None, Refused(-1135, "Invalid JSON Request"))
    number = frame.get("id")
    if not (number is None or type(number) in {int, str}):
        raise UnreadableRequest(None, errors.missing("id"))
    method, params = frame.get("method"), frame.get("params")
    if not isinstance(method, str) or not method:
        raise UnreadableRequest(number, errors.missing("method"))
    if not (params is None or isinstance(params, dict)):
        raise UnreadableRequest(number, errors.missing("params"))
    try:
        values, shows_limits = _values(params or {})
    except Refused as refusal:
        raise UnreadableRequest(number, refusal) from refusal
    return WsRequest(number, method.removeprefix("v3/"), values, shows_limits)


def _values(params: dict[str, Any]) -> tuple[dict[str, str], bool | None]:
    if len(params) > _PARAMETERS_MAX:
        raise Refused(-1101, "Too many parameters sent for this endpoint.")
    shows_limits = params.get("returnRateLimits")  # stays, for it is signed like all others
    if not (shows_limits is None or isinstance(shows_limits, bool)):
        raise errors.missing("returnRateLimits")
    return {name: _text(name, value) for name, value in params.items()}, shows_limits


def _sound(name: str, value: str) -> str:
    """Refuse half of a surrogate pair, which JSON can escape but nothing can send or store."""
    try:
        (name + value).encode()
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "replace").decode()
        raise errors.illegal_characters(shown, "valid Unicode") from None
    return value


def _text(name: str, value: Any) -> str:
    match value:
        case str():
            return _sound(name, value)
        case bool():
            return _sound(name, "true" if value else "false")
        case int():
            return _sound(name, str(value))
        case list():
            return _sound(name, json.dumps(value, separators=(",", ":")))
        case _:
            raise errors.missing(name)
