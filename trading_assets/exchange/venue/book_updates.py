"""The numbers of book changes, by which snapshots and depth streams are joined."""

from __future__ import annotations

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import cell_of
from trading_assets.exchange.venue.venue import Venue


def book_update_id(venue: Venue, listing: Listing, now: Micros) -> int:
    """Give the number of the last change of a symbol's book.

    It is the number of the cell whose book shows (a new book every 5 s) plus all that clients ever
    did to the book: orders entered, orders closed, trades. So it never falls, grows by one with
    each change, and goes on after a restart with the same ledger.
    """
    symbol = listing.instrument.symbol
    counter = venue.counters[symbol]
    entered, traded = counter.next_order_id - 1, counter.next_trade_id - 1
    closed = entered - len(venue.open[symbol])
    cell = venue.outages.quoted_cell(listing, cell_of(now))
    return cell + entered + closed + traded
