"""Symbol filters: what an order must keep to, in exact arithmetic, and how exchangeInfo says it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trading_assets.exchange import errors
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.venue.orders import Kind

MAX_OPEN_ORDERS = 200
MAX_ALGO_ORDERS = 5
MAX_LISTS = 20
_MAX_PRICE = Decimal(1_000_000)
_MAX_NOTIONAL = Decimal(9_000_000)
_PRICE_BAND = (Decimal("0.2"), Decimal(5))
_AVERAGE_MINUTES = 5
# What the venue lists everywhere; both kinds of order are refused here (icebergAllowed and
# allowTrailingStop are false).
_ICEBERG_PARTS = 100
_TRAILING_DELTA = {
    "minTrailingAboveDelta": 10,
    "maxTrailingAboveDelta": 2_000,
    "minTrailingBelowDelta": 10,
    "maxTrailingBelowDelta": 2_000,
}


def text8(value: Decimal | int) -> str:
    """Write a number with 8 decimals, as the venue does."""
    return f"{value:.8f}"


def check_price(listing: Listing, price: Decimal) -> int:
    """Give a limit price in ticks.

    Raises:
        Refused: PRICE_FILTER.
    """
    tick = listing.instrument.tick
    if not listing.tick_size <= price <= _MAX_PRICE or price % listing.tick_size:
        raise errors.filter_failure("PRICE_FILTER")
    return int(price / tick)


def check_price_band(price: Decimal, average: Decimal) -> None:
    """Hold a limit price within the band around the average price.

    Raises:
        Refused: PERCENT_PRICE_BY_SIDE.
    """
    low, high = _PRICE_BAND
    if not average * low <= price <= average * high:
        raise errors.filter_failure("PERCENT_PRICE_BY_SIDE")


def check_quantity(listing: Listing, quantity: Decimal, *, market: bool) -> int:
    """Give a quantity in lots.

    Raises:
        Refused: LOT_SIZE or MARKET_LOT_SIZE.
    """
    lots = quantity / listing.instrument.lot
    if not listing.lot_multiple <= lots <= listing.max_lots or quantity % listing.step_size:
        raise errors.filter_failure("LOT_SIZE")
    if market and lots > listing.max_market_lots:
        raise errors.filter_failure("MARKET_LOT_SIZE")
    return int(lots)


def check_notional(listing: Listing, notional: Decimal, *, market: bool) -> None:
    """Hold an order's value within its bounds; the maximum does not bind MARKET orders.

    Raises:
        Refused: NOTIONAL.
    """
    too_big = not market and notional > _MAX_NOTIONAL
    if notional < listing.instrument.min_notional or too_big:
        raise errors.filter_failure("NOTIONAL")


def check_open_orders(present: list[Kind], wanted: list[Kind]) -> None:
    """Bound the open orders of one account on one symbol; stops count in both bounds.

    Raises:
        Refused: MAX_NUM_ORDERS or MAX_NUM_ALGO_ORDERS.
    """
    if len(present) + len(wanted) > MAX_OPEN_ORDERS:
        raise errors.filter_failure("MAX_NUM_ORDERS")
    stops = sum(kind.is_stop for kind in wanted)
    if stops and sum(kind.is_stop for kind in present) + stops > MAX_ALGO_ORDERS:
        raise errors.filter_failure("MAX_NUM_ALGO_ORDERS")


def describe(listing: Listing) -> list[dict[str, Any]]:
    """Give the `filters` of one symbol in exchangeInfo."""
    instrument = listing.instrument
    low, high = _PRICE_BAND
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": text8(listing.tick_size),
            "maxPrice": text8(_MAX_PRICE),
            "tickSize": text8(listing.tick_size),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": text8(listing.step_size),
            "maxQty": text8(instrument.lot * listing.max_lots),
            "stepSize": text8(listing.step_size),
        },
        {"filterType": "ICEBERG_PARTS", "limit": _ICEBERG_PARTS},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": text8(0),
            "maxQty": text8(instrument.lot * listing.max_market_lots),
            "stepSize": text8(0),
        },
        {"filterType": "TRAILING_DELTA", **_TRAILING_DELTA},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": str(high),
            "bidMultiplierDown": str(low),
            "askMultiplierUp": str(high),
            "askMultiplierDown": str(low),
            "avgPriceMins": _AVERAGE_MINUTES,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text8(instrument.min_notional),
            "applyMinToMarket": True,
            "maxNotional": text8(_MAX_NOTIONAL),
            "applyMaxToMarket": False,
            "avgPriceMins": _AVERAGE_MINUTES,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_OPEN_ORDERS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": MAX_ALGO_ORDERS},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": MAX_LISTS},
    ]
