"""Commissions: taken from what is received, or from BNB at a discount."""

from __future__ import annotations

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.market_model import cell_of
from trading_assets.exchange.venue.accounts import UNITS
from trading_assets.exchange.venue.fees import BNB, BNB_DISCOUNT, BNB_SYMBOL
from trading_assets.exchange.venue.venue_state import VenueState


def commission(
    venue: VenueState,
    account: str,
    asset: str,
    received: int,
    value: int,
    ts: Micros,
    *,
    is_maker: bool,
) -> tuple[str, int]:
    """Give the asset and the amount of a trade's commission.

    In BNB, the commission on the trade's value in quote, less the discount, is converted at the
    last price of BNBUSDT and rounded down to the unit, once. It needs the whole of it free;
    otherwise all of the commission comes, undiscounted, from what was received.

    Args:
        venue: prices and balances.
        account: who pays.
        asset: what the trade brought it.
        received: how much, in 1e-8.
        value: price times quantity, in 1e-8 of the quote.
        ts: market time of the trade.
        is_maker: whose rate applies.
    """
    fees = venue.fees_of(account)
    listing = venue.listings.get(BNB_SYMBOL) if fees.in_bnb else None
    if listing is not None:
        rate = fees.maker if is_maker else fees.taker
        cell = venue.outages.quoted_cell(listing, cell_of(ts))
        price_units = venue.model.ticks_at(listing, cell) * listing.tick_units
        fee = value * rate * (UNITS - BNB_DISCOUNT) // (UNITS * price_units)
        if venue.accounts.holding(account, BNB).free >= fee:
            return BNB, fee
    return asset, fees.of(received, is_maker=is_maker)
