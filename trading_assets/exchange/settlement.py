"""Resting orders meet the public trades: lazily, yet as if someone had always watched.

A resting order fills as maker in the first cells after its own in which the path trades at its
price or beyond. What it can get is bounded by what the public traded there: all that came from the
other side when the price went beyond the order's, half of it when it only touched. Orders of one
cell share that volume by price, then by age. Cells settle in order and each exactly once, so the
result depends on when orders were placed and cancelled, not on when anyone asks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange.listing import Listing
from trading_assets.exchange.market_model import (
    CELL,
    CELLS_PER_DAY,
    CELLS_PER_MINUTE,
    DayPath,
    cell_of,
)
from trading_assets.exchange.noise import IntArray
from trading_assets.exchange.orders import Order
from trading_assets.exchange.venue import Venue

_NEVER = 1 << 62


def settle(venue: Venue, now: Micros) -> None:
    """Fill what the path has filled until `now`, the present cell included."""
    target = cell_of(now)
    for symbol, listing in venue.listings.items():
        counter = venue.counters[symbol]
        while venue.open[symbol] and symbol not in venue.halted and counter.settled_cell < target:
            day = (counter.settled_cell + 1) // CELLS_PER_DAY
            last = min(target, (day + 1) * CELLS_PER_DAY - 1)
            _settle_day(venue, listing, day, counter.settled_cell + 1, last, now)
            counter.settled_cell = last
        counter.settled_cell = max(counter.settled_cell, target)


def _settle_day(
    venue: Venue, listing: Listing, day: int, first: int, last: int, now: Micros
) -> None:
    """Settle the cells `first` to `last` of one day."""
    path = venue.model.day(listing, day)
    origin = day * CELLS_PER_DAY
    index, end = first - origin, last - origin + 1
    trading = _trading_cells(venue, listing, day)
    while index < end:
        hits = _hits(venue, listing, path.ticks[index:end], trading[index:end])
        if not len(hits):
            return
        index += int(hits[0])
        _fill_cell(venue, listing, path, index, (origin + index) * CELL, now)
        index += 1


def _trading_cells(venue: Venue, listing: Listing, day: int) -> npt.NDArray[np.bool_]:
    minutes = np.zeros(CELLS_PER_DAY // CELLS_PER_MINUTE, dtype=bool)
    minutes[venue.outages.trading_minutes(listing, day)] = True
    return np.repeat(minutes, CELLS_PER_MINUTE)


def _hits(
    venue: Venue,
    listing: Listing,
    ticks: IntArray,
    trading: npt.NDArray[np.bool_],
) -> IntArray:
    """Give the positions at which some open order is reached."""
    orders = venue.open[listing.instrument.symbol].values()
    highest_bid = max((o.ticks for o in orders if o.side is OrderSide.BUY), default=-1)
    lowest_ask = min((o.ticks for o in orders if o.side is OrderSide.SELL), default=_NEVER)
    reached = ((ticks <= highest_bid) | (ticks >= lowest_ask)) & trading
    return np.flatnonzero(reached).astype(np.int64)


def _fill_cell(
    venue: Venue, listing: Listing, path: DayPath, index: int, ts: Micros, now: Micros
) -> None:
    """Share one cell's public volume among the orders that its price reached."""
    price = int(path.ticks[index])
    bought = int(path.taker_lots[index])
    volumes = {OrderSide.BUY: int(path.lots[index]) - bought, OrderSide.SELL: bought}
    for side, volume in volumes.items():
        used = 0
        for order in _reached(venue, listing, side, price):
            offered = (volume if order.ticks != price else volume // 2) - used
            lots = min(order.open_lots, offered)
            if lots <= 0:
                continue
            used += lots
            venue.execute(order, order.ticks, lots, ts, is_maker=True)
            if len(order.trades) == 1:
                venue.order_meter.give_back(order.account, now)
            venue.report_positions(ts)


def _reached(venue: Venue, listing: Listing, side: OrderSide, price: int) -> list[Order]:
    """List the open orders of one side that a trade at `price` reaches, best first."""
    orders = [
        order
        for order in venue.open[listing.instrument.symbol].values()
        if order.side is side and (order.ticks - price) * side >= 0
    ]
    return sorted(orders, key=lambda order: (-order.ticks * side, order.order_id))
