"""The public endpoints: time, what is listed, bars, prices and the book."""

from __future__ import annotations

import asyncio
import re
from typing import TypedDict

from trading_assets.exchange import wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.endpoints.tickers import STATUSES, chosen, of_status
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.intervals import INTERVALS, SECOND, zone_minutes
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.venue.book_updates import book_update_id
from trading_assets.exchange.venue.filters import text8
from trading_assets.exchange.venue.public_book import public_sides

_KLINES_DEFAULT, _KLINES_MAX = 500, 1_000
_DEPTH_DEFAULT, _DEPTH_MAX = 100, 5_000
_DAYS_PER_BREATH = 8
_PERMISSION = re.compile(r"[A-Z_0-9]+")


class _Window(TypedDict):
    start_ms: int | None
    end_ms: int | None
    limit: int


async def ping(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET ping."""
    parameters.refuse_unread()
    return b"{}"


async def time(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET time: the market clock."""
    parameters.refuse_unread()
    return wire.encode({"serverTime": wire.ms(exchange.clock.now() + exchange.clock_skew)})


async def exchange_info(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET exchangeInfo for all symbols, `symbol`, `symbols`, or those of a status."""
    listings, _ = chosen(exchange, parameters)
    status = parameters.text("symbolStatus")
    permissions = parameters.text("permissions")
    shows_sets = parameters.text("showPermissionSets") or "true"
    parameters.refuse_unread()
    named = "symbol" in parameters or "symbols" in parameters
    if named and (status is not None or permissions is not None):
        raise Refused(-1128, "Combination of optional parameters invalid.")
    if status is not None and status not in STATUSES:
        raise Refused(-1130, "Data sent for parameter 'symbolStatus' is not valid.")
    if shows_sets not in {"true", "false"}:
        raise Refused(-1130, "Data sent for parameter 'showPermissionSets' is not valid.")
    if permissions is not None and "SPOT" not in _PERMISSION.findall(permissions):
        listings = []
    answer = wire.exchange_info(
        exchange.venue, listings, exchange.clock.now(), exchange.weights.limit
    )
    if status is not None:
        answer["symbols"] = [s for s in answer["symbols"] if s["status"] == status]
    if shows_sets == "false":
        for symbol in answer["symbols"]:
            symbol["permissionSets"] = []
    return wire.encode(answer)


async def klines(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET klines; lets other requests run between the days of a long one."""
    listing = exchange.listing(parameters.need_symbol())
    name = parameters.need_text("interval")
    if name != SECOND and name not in INTERVALS:
        raise Refused(-1120, "Invalid interval.")
    zone = zone_minutes(parameters.text("timeZone"))
    start_ms = parameters.integer("startTime")
    window = _Window(
        start_ms=start_ms,
        end_ms=parameters.integer("endTime"),
        limit=parameters.limit(_KLINES_DEFAULT, _KLINES_MAX),
    )
    parameters.refuse_unread()
    now = exchange.clock.now()
    if name == SECOND:
        found = exchange.klines.second_rows(listing, now, **window)
    else:
        found = exchange.klines.pages(listing, INTERVALS[name], now, **window, zone=zone)
    pages = []
    for count, page in enumerate(found, start=1):
        pages.append(page)
        if count % _DAYS_PER_BREATH == 0:
            await asyncio.sleep(0)
    if start_ms is None:
        pages.reverse()
    return ("[" + ",".join([row for page in pages for row in page]) + "]").encode()


async def average_price(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET avgPrice: the average by volume, and when the last trade was."""
    listing = exchange.listing(parameters.need_symbol())
    parameters.refuse_unread()
    now = exchange.clock.now()
    average = exchange.venue.average_price(listing, now)
    last = exchange.windows.last_trade(listing, now).ts
    closed = int(last[-1]) if len(last) else now
    return wire.encode({"mins": 5, "price": text8(average), "closeTime": wire.ms(closed)})


async def depth(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET depth."""
    parameters.need_symbol()
    (listing,), _ = of_status(exchange, parameters)
    limit = parameters.limit(_DEPTH_DEFAULT, _DEPTH_MAX)
    parameters.refuse_unread()
    now = exchange.settled_now()
    sides = {
        name: [
            [wire.price(listing, ticks), wire.quantity(listing, lots)]
            for ticks, lots in levels[:limit]
        ]
        for name, levels in zip(
            ("bids", "asks"), public_sides(exchange.venue, listing, now), strict=True
        )
    }
    return wire.encode({"lastUpdateId": book_update_id(exchange.venue, listing, now), **sides})


def depth_weight(parameters: Parameters) -> int:
    """Give the weight of a depth request by its limit."""
    limit = parameters.limit(_DEPTH_DEFAULT, _DEPTH_MAX)
    return next(w for most, w in ((100, 5), (500, 25), (1_000, 50), (5_000, 250)) if limit <= most)
