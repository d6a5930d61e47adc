"""The endpoints of public trades: the latest, older ones by number, and aggregate trades."""

from __future__ import annotations

from trading_assets.exchange import wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.listing import Listing
from trading_assets.exchange.parameters import Parameters
from trading_assets.exchange.tape import Aggregates, Trades

_DEFAULT, _MOST = 500, 1_000
_BOOLEAN = ("false", "true")


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
    rows = [
        f'{{"id":{number},"price":"{wire.price(listing, ticks)}",'
        f'"qty":"{wire.quantity(listing, lots)}",'
        f'"quoteQty":"{wire.amount(ticks * lots * listing.value_units)}",'
        f'"time":{ts // 1_000},"isBuyerMaker":{_BOOLEAN[maker]},"isBestMatch":true}}'
        for number, ts, ticks, lots, maker in zip(
            found.id.tolist(),
            found.ts.tolist(),
            found.ticks.tolist(),
            found.lots.tolist(),
            found.buyer_is_maker.tolist(),
            strict=True,
        )
    ]
    return ("[" + ",".join(rows) + "]").encode()


def write_aggregates(listing: Listing, found: Aggregates) -> bytes:
    """Write aggregate trades as the rows of the wire."""
    rows = [
        f'{{"a":{number},"p":"{wire.price(listing, ticks)}","q":"{wire.quantity(listing, lots)}",'
        f'"f":{first},"l":{last},"T":{ts // 1_000},"m":{_BOOLEAN[maker]},"M":true}}'
        for number, first, last, ts, ticks, lots, maker in zip(
            found.id.tolist(),
            found.first.tolist(),
            found.last.tolist(),
            found.ts.tolist(),
            found.ticks.tolist(),
            found.lots.tolist(),
            found.buyer_is_maker.tolist(),
            strict=True,
        )
    ]
    return ("[" + ",".join(rows) + "]").encode()
