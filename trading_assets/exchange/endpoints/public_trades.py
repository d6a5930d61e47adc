"""The endpoints of public trades: the latest, older ones by number, and aggregate trades."""

from __future__ import annotations

import numpy as np

from trading_assets.domain.instrument import UNITS_PER_ASSET
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.tape import Aggregates, Trades
from trading_assets.exchange.protocol.parameters import Parameters

_DEFAULT, _MOST = 500, 1_000
_BOOLEAN = np.array(["false", "true"])
_TRADE = (
    '{"id":%d,"price":"%d.%08d","qty":"%d.%08d","quoteQty":"%d.%08d","time":%d,'
    '"isBuyerMaker":%s,"isBestMatch":true}'
)
_AGGREGATE = '{"a":%d,"p":"%d.%08d","q":"%d.%08d","f":%d,"l":%d,"T":%d,"m":%s,"M":true}'


async def trades(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET trades: the latest."""
    listing = exchange.listing(parameters.need_symbol())
    limit = parameters.limit(_DEFAULT, _MOST)
    parameters.refuse_unread()
    return _latest(exchange, listing, None, limit)


async def historical_trades(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET historicalTrades: from number `fromId` on, or the latest."""
    listing = exchange.listing(parameters.need_symbol())
    first = parameters.integer("fromId")
    limit = parameters.limit(_DEFAULT, _MOST)
    parameters.refuse_unread()
    return _latest(exchange, listing, first, limit)


def _latest(exchange: Exchange, listing: Listing, first: int | None, limit: int) -> bytes:
    now = exchange.clock.now()
    if first is None:
        first = exchange.tape.next_ids(listing, now)[0] - limit
        limit += min(first - 1, 0)
    return write_trades(listing, exchange.tape.by_id(listing, first, limit, now))


async def aggregate_trades(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET aggTrades: by number, by time, or the latest.

    Times bound the instants of the trades in milliseconds, both inclusive; with a start the oldest
    `limit` from there, with an end alone the latest up to it.
    """
    listing = exchange.listing(parameters.need_symbol())
    first = parameters.integer("fromId")
    start_ms, end_ms = parameters.integer("startTime"), parameters.integer("endTime")
    limit = parameters.limit(_DEFAULT, _MOST)
    parameters.refuse_unread()
    if first is not None and (start_ms is not None or end_ms is not None):
        raise Refused(-1128, "Combination of optional parameters invalid.")
    now = exchange.clock.now()
    last = now if end_ms is None else min(now, end_ms * 1_000 + 999)
    if first is None and start_ms is not None:
        first = exchange.tape.first_at(listing, min(start_ms * 1_000, now + 1))[1]
    if first is None:
        first = exchange.tape.first_at(listing, last + 1)[1] - limit
        limit += min(first - 1, 0)
    return write_aggregates(listing, exchange.tape.aggregates_by_id(listing, first, limit, last))


def write_trades(listing: Listing, found: Trades) -> bytes:
    """Write trades as the rows of the wire."""
    columns = (
        found.id,
        *np.divmod(found.ticks * listing.tick_units, UNITS_PER_ASSET),
        *np.divmod(found.lots * listing.instrument.lot_units, UNITS_PER_ASSET),
        *np.divmod(found.ticks * found.lots * listing.value_units, UNITS_PER_ASSET),
        found.ts // 1_000,
        _BOOLEAN[found.buyer_is_maker.astype(np.int64)],
    )
    return _write(_TRADE, columns)


def write_aggregates(listing: Listing, found: Aggregates) -> bytes:
    """Write aggregate trades as the rows of the wire."""
    columns = (
        found.id,
        *np.divmod(found.ticks * listing.tick_units, UNITS_PER_ASSET),
        *np.divmod(found.lots * listing.instrument.lot_units, UNITS_PER_ASSET),
        found.first,
        found.last,
        found.ts // 1_000,
        _BOOLEAN[found.buyer_is_maker.astype(np.int64)],
    )
    return _write(_AGGREGATE, columns)


def _write(row: str, columns: tuple[np.ndarray, ...]) -> bytes:
    rows = [row % cells for cells in zip(*(column.tolist() for column in columns), strict=True)]
    return ("[" + ",".join(rows) + "]").encode()
