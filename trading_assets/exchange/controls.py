"""`/_sim/*`: what a test does to the exchange from outside; served only when asked for."""

from __future__ import annotations

import json
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange import wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.errors import Refused, unsupported

PREFIX = "/_sim/"


def control(exchange: Exchange, method: str, path: str, body: bytes) -> bytes:
    """Answer one control request.

    - `POST step {"seconds": n}`: move a stepped clock; gives `{"serverTime": ms}`.
    - `POST faults {...}`: arm a fault (`faults.Fault`, or its short form); `GET` lists what is
      armed, `DELETE` clears it.
    - `GET ledger`: all tables of the ledger, settled up to now.

    Raises:
        Refused: 400 for a wish that cannot be read, 404 for an unknown control.
    """
    try:
        match method, path.removeprefix(PREFIX):
            case "POST", "step":
                return _step(exchange, _wish(body))
            case "POST", "faults":
                exchange.faults.arm_from(_wish(body))
            case "DELETE", "faults":
                exchange.faults.clear()
            case "GET", "faults":
                pass
            case "GET", "ledger":
                exchange.settled_now()
                return wire.encode(exchange.ledger.dump())
            case _:
                raise unsupported()
    except ConfigurationError as error:
        raise Refused(-1130, str(error)) from error
    return wire.encode({"armed": exchange.faults.listed()})


def _wish(body: bytes) -> dict[str, Any]:
    try:
        wish = json.loads(body or b"{}")
    except ValueError:
        wish = None
    if not isinstance(wish, dict):
        raise ConfigurationError("Unreadable control", expected="a JSON object", found=str(body))
    return wish


def _step(exchange: Exchange, wish: dict[str, Any]) -> bytes:
    seconds: Any = wish.get("seconds", -1)
    if type(seconds) not in {int, float} or wish.keys() != {"seconds"} or not 0 <= seconds < 1e9:
        raise ConfigurationError("Not a step", expected='{"seconds": 60}', found=str(wish))
    return wire.encode({"serverTime": wire.ms(exchange.step(seconds))})
