"""Answers in microseconds for clients that ask by `X-MBX-TIME-UNIT`.

The venue's instants are whole milliseconds on the wire; in microseconds they end in zeros, but for
the close of a bar, which is the last instant before the next one.
"""

from __future__ import annotations

import json
from typing import Any

from trading_assets.exchange import wire
from trading_assets.exchange.errors import Refused

_INSTANTS = frozenset(
    {
        "T",
        "authorizedSince",
        "closeTime",
        "connectedSince",
        "openTime",
        "serverTime",
        "time",
        "transactTime",
        "transactionTime",
        "updateTime",
        "workingTime",
        "trailingTime",
    }
)
_OPENED, _CLOSED = 0, 6


def wants_micros(unit: str | None) -> bool:
    """Say whether a header asks for microseconds.

    Raises:
        Refused: -1194 for another unit.
    """
    match (unit or "MILLISECOND").upper():
        case "MILLISECOND":
            return False
        case "MICROSECOND":
            return True
        case _:
            text = "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."
            raise Refused(-1194, text)


def in_micros(body: bytes) -> bytes:
    """Give an answer with all its instants in microseconds."""
    return wire.encode(_converted(json.loads(body)))


def _converted(value: Any) -> Any:
    match value:
        case dict():
            return {name: _field(name, field) for name, field in value.items()}
        case [[int(), *_], *_]:
            return [_bar(row) for row in value]
        case list():
            return [_converted(each) for each in value]
        case _:
            return value


def _field(name: str, value: Any) -> Any:
    if name in _INSTANTS and type(value) is int:
        return value * 1_000 if value > 0 else value
    return _converted(value)


def _bar(row: list[Any]) -> list[Any]:
    row[_OPENED] = row[_OPENED] * 1_000
    row[_CLOSED] = row[_CLOSED] * 1_000 + 999
    return row
