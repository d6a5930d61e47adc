"""`/_sim/*`: what a test does to the exchange from outside; served only when asked for."""

from __future__ import annotations

import json
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange import wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.endpoints.clock_controls import clock_control
from trading_assets.exchange.endpoints.state import state_of
from trading_assets.exchange.errors import Refused, unsupported
from trading_assets.exchange.faults.kinds import fault_from, vocabulary

PREFIX = "/_sim/"


async def control(exchange: Exchange, method: str, path: str, body: bytes) -> bytes:
    """Answer one control request.

    - `POST step {"seconds": n}`: move a stepped or paused clock; gives `{"serverTime": ms}` when
      all that became due on the way has been sent to the clients of streams.
    - `POST clock {...}`, `GET clock`: see `clock_controls`.
    - `POST fault {"kind": ...}`: arm a fault, or a list of them; gives their ids. `GET fault` lists
      what is armed, spent and has struck; `DELETE fault` clears all, `DELETE fault/ID` one.
    - `GET vocabulary`: every kind of fault and its settings.
    - `GET state`: clock, accounts, open orders, counts, weights and faults.
    - `GET ledger`: all tables of the ledger, settled up to now.

    Raises:
        Refused: 400 for a wish that cannot be read, 404 for an unknown control.
    """
    try:
        match method, path.removeprefix(PREFIX).split("/"):
            case "POST", ["step"]:
                answer: Any = await _step(exchange, _wish(body))
            case _, ["clock"]:
                answer = await clock_control(exchange, method, _wish(body))
            case "POST", ["fault"]:
                answer = _arm(exchange, _json(body))
            case "GET", ["fault"]:
                exchange.settled_now()
                answer = exchange.faults.listed()
            case "DELETE", ["fault", *number]:
                answer = _clear(exchange, number)
            case "GET", ["vocabulary"]:
                answer = vocabulary()
            case "GET", ["state"]:
                answer = state_of(exchange)
            case "GET", ["ledger"]:
                exchange.settled_now()
                answer = exchange.ledger.dump()
            case _:
                raise unsupported()
    except ConfigurationError as error:
        raise Refused(-1130, str(error)) from error
    return wire.encode(answer)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise _unreadable(body) from None


def _wish(body: bytes) -> dict[str, Any]:
    wish = _json(body)
    if not isinstance(wish, dict):
        raise _unreadable(body)
    return wish


def _unreadable(body: bytes) -> ConfigurationError:
    return ConfigurationError("Unreadable control", expected="a JSON object", found=str(body[:200]))


async def _step(exchange: Exchange, wish: dict[str, Any]) -> dict[str, int]:
    seconds: Any = wish.get("seconds", -1)
    if type(seconds) not in {int, float} or wish.keys() != {"seconds"} or not 0 <= seconds < 1e9:
        raise ConfigurationError("Not a step", expected='{"seconds": 60}', found=str(wish))
    return {"serverTime": wire.ms(await exchange.step(seconds))}


def _arm(exchange: Exchange, wish: Any) -> dict[str, list[int]]:
    """Arm one fault or a list, all or none."""
    faults = [fault_from(each) for each in (wish if isinstance(wish, list) else [wish])]
    for fault in faults:
        exchange.check_fault(fault)
    armed = [exchange.arm(fault) for fault in faults]
    exchange.settled_now()
    return {"armed": armed}


def _clear(exchange: Exchange, number: list[str]) -> dict[str, Any]:
    if len(number) > 1 or (number and not number[0].isdecimal()):
        raise unsupported()
    exchange.disarm(int(number[0]) if number else None)
    return exchange.faults.listed()
