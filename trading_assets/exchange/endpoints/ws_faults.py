"""Faults of requests of the WebSocket API: the same vocabulary as on HTTP, on frames."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from trading_assets.exchange.application import Exchange
from trading_assets.exchange.endpoints.wire_faults import freeze, refusal_of, settings_of
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.faults.kinds import Call, Kind
from trading_assets.exchange.protocol.connections import Connection

_GARBAGE = {"html": "<html></html>", "binary": "\x00\x01\x02", "empty": ""}


async def push_with_faults(
    exchange: Exchange,
    call: Call,
    connection: Connection,
    answer: Callable[[], Awaitable[str]],
    refusal: Callable[[Refused], str],
) -> None:
    """Answer a request through whatever is armed for it; a lost frame takes its connection along.

    Args:
        exchange: whose faults.
        call: method `WS`, and the API's method as path.
        connection: where the answer goes.
        answer: executes the request and gives the frame.
        refusal: writes a refusal as a frame.
    """
    if exchange.faults.is_quiet:
        connection.push(await answer())
        return
    struck = exchange.faults.strike(call, exchange.settled_now())
    exchange.driver.poke()  # an action may have been drawn
    if (frozen := struck.get(Kind.FREEZE)) is not None:
        await freeze(exchange, frozen)
    delay = settings_of(struck, Kind.DELAY)
    await asyncio.sleep(delay.get("before_ms", 0) / 1_000)
    if Kind.DROP_REQUEST in struck:
        connection.abort()
        return
    status = settings_of(struck, Kind.STATUS)
    if status and status["when"] == "before":
        connection.push(refusal(refusal_of(status, exchange)))
        return
    text = await answer()
    await asyncio.sleep(delay.get("after_ms", 0) / 1_000)
    if struck.keys() & {Kind.DROP_REPLY, Kind.RESET_MID_BODY}:
        connection.abort()
        return
    if status:
        text = refusal(refusal_of(status, exchange))
    if garbage := settings_of(struck, Kind.GARBAGE_BODY):
        text = _GARBAGE.get(garbage["style"], text[: len(text) // 2])
    connection.push(text)
