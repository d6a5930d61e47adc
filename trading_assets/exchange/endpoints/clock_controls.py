"""`/_sim/clock`: what a test does to market time from outside."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange import wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.errors import unsupported


async def clock_control(exchange: Exchange, method: str, wish: dict[str, Any]) -> dict[str, Any]:
    """Answer GET or POST clock.

    Raises:
        Refused: for another method.
        ConfigurationError: see `change_clock`.
    """
    if method == "POST":
        return await change_clock(exchange, wish)
    if method == "GET":
        return describe_clock(exchange)
    raise unsupported()


async def change_clock(exchange: Exchange, wish: dict[str, Any]) -> dict[str, Any]:
    """Obey one change of the clock; give its state after it.

    - `{"paused": true}` or false: stop it, let it go on;
    - `{"warp": 60}`: market seconds per second from now on;
    - `{"jump_to": ms}`: move it forwards; what becomes due on the way is sent before the answer.

    Raises:
        ConfigurationError: for anything else, for a clock that follows the wall, or a way back.
    """
    match list(wish.items()):
        case [("paused", bool(paused))]:
            exchange.clock.set_paused(paused)
        case [("warp", int(warp) | float(warp))] if not isinstance(wish["warp"], bool):
            exchange.clock.set_warp(float(warp))
        case [("jump_to", int(ms))] if not isinstance(wish["jump_to"], bool):
            await exchange.jump_to(ms * 1_000)
        case _:
            raise ConfigurationError(
                "Not a change of the clock",
                expected='{"paused": true}, {"warp": 60} or {"jump_to": ms}',
                found=str(wish)[:200],
            )
    return describe_clock(exchange)


def describe_clock(exchange: Exchange) -> dict[str, Any]:
    """Give market time and how it moves."""
    clock = exchange.clock
    return {
        "serverTime": wire.ms(clock.now()),
        "follows_wall": clock.is_wall,
        "stepped": clock.is_stepped,
        "paused": clock.is_paused,
        "warp": clock.warp,
    }
