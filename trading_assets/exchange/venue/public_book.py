"""The book as everyone sees it: the market's own liquidity, and the resting orders of clients.

A client's order that the market's book of a new cell has run over is not shown until the path fills
it, so that the book never looks crossed.
"""

from __future__ import annotations

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.venue.orders import Order
from trading_assets.exchange.venue.venue import Venue

Levels = list[tuple[int, int]]


def public_sides(venue: Venue, listing: Listing, ts: Micros) -> tuple[Levels, Levels]:
    """Give (ticks, lots) of all bids and asks, best first; the caller has settled up to `ts`."""
    book = venue.book(listing, ts)
    bids, asks = (
        [(level.ticks, level.lots) for level in book.against(side, None)]
        for side in (OrderSide.SELL, OrderSide.BUY)
    )
    orders = [order for order in venue.open[listing.instrument.symbol].values() if order.is_resting]
    if not orders:
        return bids, asks
    best_bid, best_ask = (side[0][0] if side else None for side in (bids, asks))
    return (
        _with_orders(bids, orders, OrderSide.BUY, best_ask),
        _with_orders(asks, orders, OrderSide.SELL, best_bid),
    )


def _with_orders(
    levels: Levels, orders: list[Order], side: OrderSide, opposite: int | None
) -> Levels:
    """Add the orders of one side that do not cross the best price of the other."""
    lots = dict(levels)
    for order in orders:
        if order.side is side and (opposite is None or (opposite - order.ticks) * side > 0):
            lots[order.ticks] = lots.get(order.ticks, 0) + order.open_lots
    return sorted(lots.items(), key=lambda level: -level[0] * side)
