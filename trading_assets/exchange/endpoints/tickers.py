"""The ticker endpoints: 24 hours, the trading day, rolling windows, last price, best quotes."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from trading_assets.domain.ids import Micros
from trading_assets.exchange import errors, wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.intervals import INTERVALS, zone_minutes
from trading_assets.exchange.market.klines import MINUTE
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.streams.ticker_figures import best_quotes, statistics

_DAY: Micros = 86_400_000_000
_UNITS = {"m": (MINUTE, 59), "h": (60 * MINUTE, 23), "d": (_DAY, 7)}
_WINDOW_SIZE = re.compile(r"([1-9]\d?)([mhd])")
_MOST_SYMBOLS = 100
STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")
"""What a symbol's status may be."""


async def day_ticker(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET ticker/24hr for all symbols, `symbol` or `symbols`."""
    listings, one = of_status(exchange, parameters)
    full = _is_full(parameters)
    parameters.refuse_unread()
    now = exchange.clock.now()
    start = now // 1_000 * 1_000 - _DAY
    answers = []
    for listing in listings:
        window = exchange.windows.between(listing, start, now)
        answer = statistics(listing, window, start, now, full=full)
        if full:
            answer |= _surroundings(exchange, listing, start, now)
        answers.append(answer)
        await asyncio.sleep(0)
    return wire.encode(answers[0] if one else answers)


async def trading_day(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET ticker/tradingDay for `symbol` or `symbols`."""
    listings, one = _required(exchange, parameters)
    zone = zone_minutes(parameters.text("timeZone"))
    full = _is_full(parameters)
    parameters.refuse_unread()
    now = exchange.clock.now()
    start = INTERVALS["1d"].open_of(now // MINUTE, zone) * MINUTE
    answers = await _answers(exchange, listings, (start, start + _DAY - 1), now, full=full)
    return wire.encode(answers[0] if one else answers)


async def rolling(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET ticker: a window of `windowSize`, widened to begin on a minute."""
    listings, one = _required(exchange, parameters)
    size = window_size(parameters.text("windowSize") or "1d")
    full = _is_full(parameters)
    parameters.refuse_unread()
    now = exchange.clock.now()
    start = (now - size) // MINUTE * MINUTE
    answers = await _answers(exchange, listings, (start, now), now, full=full)
    return wire.encode(answers[0] if one else answers)


async def _answers(
    exchange: Exchange,
    listings: list[Listing],
    shown: tuple[Micros, Micros],
    now: Micros,
    *,
    full: bool,
) -> list[dict[str, Any]]:
    """Give the figures of each symbol; other requests run between the symbols."""
    answers = []
    for listing in listings:
        window = exchange.windows.between(listing, shown[0], now)
        answers.append(statistics(listing, window, *shown, full=full))
        await asyncio.sleep(0)
    return answers


async def ticker_price(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET ticker/price for all symbols, `symbol` or `symbols`."""
    listings, one = of_status(exchange, parameters)
    parameters.refuse_unread()
    now = exchange.clock.now()
    answers = [
        {
            "symbol": listing.instrument.symbol,
            "price": wire.price(listing, exchange.venue.last_ticks(listing, now)),
        }
        for listing in listings
    ]
    return wire.encode(answers[0] if one else answers)


async def book_ticker(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET ticker/bookTicker for all symbols, `symbol` or `symbols`."""
    listings, one = of_status(exchange, parameters)
    parameters.refuse_unread()
    answers = [
        {"symbol": listing.instrument.symbol, **_quotes(exchange, listing)} for listing in listings
    ]
    return wire.encode(answers[0] if one else answers)


# --- figures


def window_size(text: str) -> Micros:
    """Read a `windowSize`: 1m to 59m, 1h to 23h, 1d to 7d.

    Raises:
        Refused: -1130.
    """
    found = _WINDOW_SIZE.fullmatch(text)
    if found is None or int(found[1]) > _UNITS[found[2]][1]:
        raise Refused(-1130, "Data sent for parameter 'windowSize' is not valid.")
    return int(found[1]) * _UNITS[found[2]][0]


def _quotes(exchange: Exchange, listing: Listing) -> dict[str, str]:
    return best_quotes(exchange.venue, listing, exchange.settled_now())


def _surroundings(
    exchange: Exchange, listing: Listing, start: Micros, now: Micros
) -> dict[str, str]:
    """Give what the 24 h ticker says beyond its window."""
    before = exchange.windows.price_at(listing, start - 1)
    return {
        "prevClosePrice": wire.price(listing, before),
        "lastQty": wire.quantity(listing, exchange.windows.last_lots(listing, now)),
        **_quotes(exchange, listing),
    }


# --- parameters


def day_ticker_weight(parameters: Parameters) -> int:
    """Give the weight of a 24 h ticker: by the number of symbols asked for."""
    if "symbol" in parameters:
        return 2
    count = _count(parameters)
    return 80 if count is None or count > 100 else 40 if count > 20 else 2


def window_weight(parameters: Parameters) -> int:
    """Give the weight of a trading day or rolling ticker: 4 a symbol, 200 at most."""
    return min(4 * (_count(parameters) or 1), 200)


def ticker_weight(parameters: Parameters) -> int:
    """Give the weight of a price ticker: one symbol or several."""
    return 2 if "symbol" in parameters else 4


def _count(parameters: Parameters) -> int | None:
    """Give how many symbols `symbols` names, or None without it."""
    several = parameters.text("symbols")
    return None if several is None else several.count(",") + 1


def _is_full(parameters: Parameters) -> bool:
    kind = parameters.text("type") or "FULL"
    if kind not in {"FULL", "MINI"}:
        raise Refused(-1130, "Data sent for parameter 'type' is not valid.")
    return kind == "FULL"


def _required(exchange: Exchange, parameters: Parameters) -> tuple[list[Listing], bool]:
    """Give the listings asked for by `symbol` or `symbols`, one of which must be sent."""
    listings, one = of_status(exchange, parameters)
    if not one and parameters.text("symbols") is None:
        raise errors.missing_either("symbol", "symbols")
    if len(listings) > _MOST_SYMBOLS:
        raise Refused(
            -1101,
            f"Too many parameters; expected '{_MOST_SYMBOLS}' and received '{len(listings)}'.",
        )
    return listings, one


def of_status(exchange: Exchange, parameters: Parameters) -> tuple[list[Listing], bool]:
    """Give the listings asked for that have the optional `symbolStatus`, and whether it was one.

    Raises:
        Refused: -1220 when the one symbol has another status.
    """
    listings, one = chosen(exchange, parameters)
    status = parameters.text("symbolStatus")
    if status is None:
        return listings, one
    if status not in STATUSES:
        raise Refused(-1130, "Data sent for parameter 'symbolStatus' is not valid.")
    now = exchange.clock.now()
    alike = [each for each in listings if exchange.venue.status(each, now) == status]
    if one and not alike:
        raise Refused(-1220, "The symbol's status does not match the requested symbolStatus.")
    return alike, one


def chosen(exchange: Exchange, parameters: Parameters) -> tuple[list[Listing], bool]:
    """Give the listings asked for, and whether it was exactly one by `symbol`."""
    symbol, several = parameters.symbol(), parameters.text("symbols")
    if symbol is not None and several is not None:
        raise Refused(-1128, "Combination of optional parameters invalid.")
    if symbol is not None:
        return [exchange.listing(symbol)], True
    if several is None:
        return list(exchange.venue.listings.values()), False
    try:
        names = json.loads(several)
    except ValueError:
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise Refused(
            -1100,
            "Illegal characters found in parameter 'symbols'; legal range is "
            '\'^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\\]$\'.',
        )
    if len(set(names)) != len(names):
        raise Refused(-1151, "Symbol is present multiple times in the list.")
    return [exchange.listing(name) for name in names], False
