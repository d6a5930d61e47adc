"""Clients' orders meet the public trades: lazily, yet as if someone had always watched.

- A resting order fills as maker in the first cells after its own in which the path trades at its
  price or beyond. What it can get is bounded by what the public traded there: all that came from
  the other side when the price went beyond the order's, half of it when it only touched. Orders of
  one cell share that volume by price, then by age.
- A stop order whose price a cell trades at or through starts at that cell's first instant, as a
  taker against the cell's book and the clients' orders; several in order of id, after the fills.

Cells settle in order of time, across symbols, and each exactly once, so the result depends on when
orders were placed and cancelled, not on when anyone asks.
"""

from __future__ import annotations

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import CELL, CELLS_PER_DAY, cell_of
from trading_assets.exchange.venue.matching import resting
from trading_assets.exchange.venue.venue import Venue

_NEVER = 1 << 62


def settle(venue: Venue, now: Micros) -> None:
    """Fill and start what the path has reached until `now`, the present cell included."""
    target = cell_of(now)
    due = {}
    for symbol, counter in venue.counters.items():
        if counter.settled_cell < target:
            cell = _next_cell(venue, symbol, target)
            if cell is not None:
                due[symbol] = cell
    while due:
        symbol = min(due, key=lambda name: (due[name], name))
        cell = due.pop(symbol)
        _settle_cell(venue, venue.listings[symbol], cell)
        venue.counters[symbol].settled_cell = cell
        following = _next_cell(venue, symbol, target)
        if following is not None:
            due[symbol] = following
    for counter in venue.counters.values():
        counter.settled_cell = max(counter.settled_cell, target)


def next_fill(venue: Venue, until: Micros) -> Micros | None:
    """Give the next unsettled instant until `until` that reaches an open order, or None."""
    target = cell_of(until)
    cells = [_next_cell(venue, symbol, target) for symbol in venue.counters if venue.open[symbol]]
    return min((cell * CELL for cell in cells if cell is not None), default=None)


def _next_cell(venue: Venue, symbol: str, target: int) -> int | None:
    """Give the first unsettled cell until `target` that reaches an open order, or None."""
    if symbol in venue.halted:
        return None
    low, high = _bounds(venue, symbol)
    cell = venue.counters[symbol].settled_cell + 1
    listing = venue.listings[symbol]
    while cell <= target and (low >= 0 or high < _NEVER):
        day, index = divmod(cell, CELLS_PER_DAY)
        end = min(target + 1 - day * CELLS_PER_DAY, CELLS_PER_DAY)
        ticks = venue.model.day(listing, day).ticks[index:end]
        reached = (ticks <= low) | (ticks >= high)
        reached &= venue.trading_cells(listing, day)[index:end]
        first = int(reached.argmax())
        if reached[first]:
            return cell + first
        cell = (day + 1) * CELLS_PER_DAY
    return None


def _bounds(venue: Venue, symbol: str) -> tuple[int, int]:
    """Give the prices, in ticks, at or below and at or above which something happens."""
    low, high = -1, _NEVER
    for order in venue.open[symbol].values():
        if order.is_resting:
            ticks, upwards = order.ticks, order.side is OrderSide.SELL
        elif order.is_waiting:
            ticks, upwards = order.stop_ticks, order.triggers_upwards
        else:
            continue
        low, high = (low, min(high, ticks)) if upwards else (max(low, ticks), high)
    return low, high


def _settle_cell(venue: Venue, listing: Listing, cell: int) -> None:
    """Let one cell fill what rests in the book, then start the stops that it reached."""
    day, index = divmod(cell, CELLS_PER_DAY)
    path = venue.model.day(listing, day)
    price, bought = int(path.ticks[index]), int(path.taker_lots[index])
    volumes = {OrderSide.BUY: int(path.lots[index]) - bought, OrderSide.SELL: bought}
    ts = cell * CELL
    for side, volume in volumes.items():
        _share(venue, listing, side, price, volume, ts)
    symbol = listing.instrument.symbol
    reached = [o for o in venue.open[symbol].values() if o.is_waiting and o.is_reached(price)]
    for order in sorted(reached, key=lambda order: order.order_id):
        if order.is_waiting:  # an earlier one may have ended it
            venue.trigger(order, ts)
            venue.finish(ts)


def _share(
    venue: Venue, listing: Listing, side: OrderSide, price: int, volume: int, ts: Micros
) -> None:
    """Share one side's public volume of a cell among the orders that its price reached."""
    used = 0
    for order in resting(venue, listing.instrument.symbol, side):
        if (order.ticks - price) * side < 0:
            return
        offered = (volume if order.ticks != price else volume // 2) - used
        lots = min(order.open_lots, offered)
        if lots > 0 and order.status.is_open:
            used += lots
            venue.execute(order, order.ticks, lots, ts)
            venue.finish(ts)
