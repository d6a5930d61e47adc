"""What an order meets when it starts to work: price, then time, across clients and the market.

The market's own quotes of a cell count as placed at the cell's first instant, since that is when
they come: at one price, a client's order that was there before goes first, one that came later
waits behind them. Clients' orders of one account meet each other like any others (self-trade
prevention NONE). Nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import merge

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange.market.market_model import CELL
from trading_assets.exchange.venue.orders import Order
from trading_assets.exchange.venue.venue_state import VenueState


@dataclass(frozen=True, slots=True)
class Fill:
    """One price at which an order may take.

    Attributes:
        maker: the client's order on the other side, or None for the market's own liquidity.
    """

    ticks: int
    lots: int
    maker: Order | None


@dataclass(frozen=True, slots=True)
class Match:
    """All that an order takes.

    Attributes:
        is_exhausted: whether nothing was left on the other side for more.
    """

    fills: tuple[Fill, ...]
    is_exhausted: bool

    @property
    def lots(self) -> int:
        """The quantity of all fills."""
        return sum(fill.lots for fill in self.fills)

    def at_most(self, lots: int) -> Match:
        """Give the first of the fills up to a quantity."""
        kept = []
        for fill in self.fills:
            if lots > 0:
                kept.append(replace(fill, lots=min(fill.lots, lots)))
                lots -= fill.lots
        return replace(self, fills=tuple(kept))

    def cost(self, order: Order) -> int:
        """Give what the fills cost, in 1e-8 of what `order` gives."""
        if order.side is OrderSide.SELL:
            return self.lots * order.listing.instrument.lot_units
        return sum(fill.ticks * fill.lots for fill in self.fills) * order.listing.value_units


NOTHING = Match((), is_exhausted=False)


def resting(venue: VenueState, symbol: str, side: OrderSide) -> list[Order]:
    """List the clients' orders in the book of one side: best price first, then oldest."""
    orders = [o for o in venue.open[symbol].values() if o.side is side and o.is_resting]
    return sorted(orders, key=lambda o: (-o.ticks * side, o.working_ts, o.order_id))


def _offers(venue: VenueState, order: Order, ts: Micros) -> Iterator[Fill]:
    """Yield what stands against `order`, in the order in which it is taken."""
    side, limit = order.side, order.limit_ticks
    opening = ts // CELL * CELL
    ours = (
        ((o.ticks * side, int(o.working_ts >= opening) * 2), number, Fill(o.ticks, o.open_lots, o))
        for number, o in enumerate(resting(venue, order.symbol, OrderSide(-side)))
        if limit is None or (o.ticks - limit) * side <= 0
    )
    levels = venue.book(order.listing, ts).against(side, limit)
    theirs = (
        ((level.ticks * side, 1), number, Fill(level.ticks, level.lots, None))
        for number, level in enumerate(levels)
    )
    for _, _, fill in merge(ours, theirs, key=lambda offer: offer[:2]):
        yield fill


def match(venue: VenueState, order: Order, ts: Micros, budget: int | None = None) -> Match:
    """Give what `order` would take at `ts`.

    Args:
        venue: the book and the clients' orders.
        order: not yet working, with all its lots open; or with `quote_units` instead of lots.
        ts: market time.
        budget: at most what it may cost, in 1e-8 of the asset that it gives; None for no bound.
    """
    fills: list[Fill] = []
    wanted = order.open_lots
    money = order.quote_units or budget
    for offer in _offers(venue, order, ts):
        lots = offer.lots if order.quote_units else min(wanted, offer.lots)
        if money is not None:
            lots = min(lots, money // _unit_cost(order, offer.ticks))
        if lots == 0:
            return Match(tuple(fills), is_exhausted=False)
        fills.append(Fill(offer.ticks, lots, offer.maker))
        wanted -= lots
        if money is not None:
            money -= lots * _unit_cost(order, offer.ticks)
    return Match(tuple(fills), is_exhausted=True)


def _unit_cost(order: Order, ticks: int) -> int:
    """Give what one lot costs the order at a price; a quote quantity is always in quote."""
    if order.side is OrderSide.SELL and not order.quote_units:
        return order.listing.instrument.lot_units
    return ticks * order.listing.value_units
