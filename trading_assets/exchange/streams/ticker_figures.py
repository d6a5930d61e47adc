"""The figures of tickers, on every wire: change, average, volume of a window; best bid and ask."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trading_assets.domain.ids import Micros
from trading_assets.exchange import wire
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.windows import Window
from trading_assets.exchange.venue.public_book import public_sides
from trading_assets.exchange.venue.venue import Venue


def statistics(
    listing: Listing, window: Window, start: Micros, end: Micros, *, full: bool
) -> dict[str, Any]:
    """Give the figures of one window as every ticker shows them, FULL or MINI."""
    opened, last = window.ticks("open"), window.last_ticks
    answer: dict[str, Any] = {"symbol": listing.instrument.symbol}
    if full:
        change = last - opened if window.count else 0
        answer["priceChange"] = wire.price(listing, change)
        answer["priceChangePercent"] = percent(change, opened)
        answer["weightedAvgPrice"] = wire.amount(average(listing, window))
    return answer | {
        "openPrice": wire.price(listing, opened),
        "highPrice": wire.price(listing, window.ticks("high")),
        "lowPrice": wire.price(listing, window.ticks("low")),
        "lastPrice": wire.price(listing, last),
        "volume": wire.quantity(listing, window.lots),
        "quoteVolume": wire.amount(window.value * listing.value_units),
        "openTime": wire.ms(start),
        "closeTime": wire.ms(end),
        "firstId": window.first_id,
        "lastId": window.last_id,
        "count": window.count,
    }


def percent(change: int, opened: int) -> str:
    """Write a change as per cent of the opening price, to three places."""
    return f"{Decimal(100 * change) / max(opened, 1):.3f}"


def average(listing: Listing, window: Window) -> int:
    """Give the average price by volume in 1e-8 of the quote asset, rounded half up."""
    lots = max(window.lots, 1)
    return (2 * window.value * listing.tick_units + lots) // (2 * lots)


def best_quotes(venue: Venue, listing: Listing, ts: Micros) -> dict[str, str]:
    """Give price and quantity of the best bid and ask; zeros where the side is empty."""
    answer = {}
    for name, levels in zip(("bid", "ask"), public_sides(venue, listing, ts), strict=True):
        ticks, lots = levels[0] if levels else (0, 0)
        answer[f"{name}Price"] = wire.price(listing, ticks)
        answer[f"{name}Qty"] = wire.quantity(listing, lots)
    return answer
