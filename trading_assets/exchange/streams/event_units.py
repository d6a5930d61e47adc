"""Events in microseconds, for connections whose address says `timeUnit=MICROSECOND`.

Instants are whole milliseconds, so they end in zeros, but for the close of a bar, which is the last
instant before the next one. The same letter means different things in different events.
"""

from __future__ import annotations

import json
from typing import Any

from trading_assets.exchange import wire
from trading_assets.exchange.protocol.time_units import wants_micros

_ALWAYS = ("E",)
_INSTANTS = {
    "trade": ("T",),
    "aggTrade": ("T",),
    "avgPrice": ("T",),
    "24hrTicker": ("O", "C"),
    "1hTicker": ("O", "C"),
    "4hTicker": ("O", "C"),
    "1dTicker": ("O", "C"),
    "executionReport": ("T", "O", "W", "D"),
    "outboundAccountPosition": ("u",),
    "balanceUpdate": ("T",),
    "listStatus": ("T",),
}


def asks_for_micros(query: str) -> bool:
    """Say whether the query of an address asks for microseconds.

    Raises:
        Refused: -1194 for another unit.
    """
    pairs = (pair.partition("=") for pair in query.split("&"))
    units = [value for name, _, value in pairs if name == "timeUnit"]
    return wants_micros(units[-1] if units else None)


def event_in_micros(text: str) -> str:
    """Give an event, or a list of them, with all its instants in microseconds."""
    event = json.loads(text)
    converted = [_converted(one) for one in event] if isinstance(event, list) else _converted(event)
    return wire.encode(converted).decode()


def _converted(event: dict[str, Any]) -> dict[str, Any]:
    for name in (*_ALWAYS, *_INSTANTS.get(event.get("e", ""), ())):
        if event.get(name, 0) > 0:
            event[name] *= 1_000
    if event.get("e") == "kline":
        bar = event["k"]
        bar["t"], bar["T"] = bar["t"] * 1_000, bar["T"] * 1_000 + 999
    return event
