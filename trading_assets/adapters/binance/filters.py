"""What the venue wants orders of a symbol to be like: read once an hour, and after a refusal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from trading_assets.domain.errors import VenueUnavailable
from trading_assets.domain.ids import Symbol
from trading_assets.domain.order import OrderTicket, OrderType
from trading_assets.domain.trading_rules import TradingRules

_HOUR_S = 3600.0
_ZERO = Decimal(0)
_AT_MARKET = (OrderType.MARKET, OrderType.STOP)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Least, most and step of a number; a zero bounds nothing, as the venue has it.

    A step counts from zero: the venue's least need not be a multiple of it.
    """

    least: Decimal = _ZERO
    most: Decimal = _ZERO
    step: Decimal = _ZERO

    def hold(self, value: Decimal) -> bool:
        """Tell whether a number keeps to them."""
        in_range = value >= self.least and (not self.most or value <= self.most)
        return in_range and not (self.step and value % self.step)


@dataclass(frozen=True, slots=True)
class SymbolFilters:
    """Filters of one symbol that can be checked without asking anything.

    Attributes:
        price: PRICE_FILTER, quote per base.
        quantity: LOT_SIZE, base.
        market_quantity: MARKET_LOT_SIZE, base; besides `quantity`.
        notional: NOTIONAL or MIN_NOTIONAL, quote; of orders with a price.
    """

    price: Bounds
    quantity: Bounds
    market_quantity: Bounds
    notional: Bounds

    def refusal(self, ticket: OrderTicket) -> str:
        """Name the first filter that an order would fail, "" when there is none."""
        prices = [price for price in (ticket.limit_price, ticket.stop_price) if price is not None]
        if not all(self.price.hold(price) for price in prices):
            return "PRICE_FILTER"
        if not self.quantity.hold(ticket.quantity):
            return "LOT_SIZE"
        if ticket.type in _AT_MARKET and not self.market_quantity.hold(ticket.quantity):
            return "MARKET_LOT_SIZE"
        limit = ticket.limit_price
        if limit is not None and not self.notional.hold(limit * ticket.quantity):
            return "NOTIONAL"
        return ""


def filters_from_entry(entry: Mapping[str, Any]) -> SymbolFilters:
    """Read one entry of `symbols` in an answer of exchangeInfo.

    Raises:
        VenueUnavailable: if it cannot be read.
    """
    try:
        rows = {row["filterType"]: row for row in entry["filters"]}
        price = rows.get("PRICE_FILTER", {})
        notional = rows.get("NOTIONAL") or rows.get("MIN_NOTIONAL") or {}
        return SymbolFilters(
            price=_bounds(price, "minPrice", "maxPrice", "tickSize"),
            quantity=_bounds(rows.get("LOT_SIZE", {}), "minQty", "maxQty", "stepSize"),
            market_quantity=_bounds(
                rows.get("MARKET_LOT_SIZE", {}), "minQty", "maxQty", "stepSize"
            ),
            notional=_bounds(notional, "minNotional", "maxNotional", ""),
        )
    except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise VenueUnavailable(
            "The venue's filters cannot be read",
            found=f"{type(error).__name__} {error}",
            fix="Try again later.",
        ) from None


def _bounds(row: Mapping[str, Any], least: str, most: str, step: str) -> Bounds:
    return Bounds(*(Decimal(row.get(name, 0)) for name in (least, most, step)))


class FilterCache:
    """Filters of symbols as they were read last.

    Args:
        read: gives a symbol's entry of exchangeInfo.
        monotonic: this machine's own time, in seconds.
    """

    def __init__(
        self,
        read: Callable[[Symbol], Mapping[str, Any]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._known: dict[Symbol, tuple[SymbolFilters, float]] = {}

    def of(self, symbol: Symbol) -> SymbolFilters:
        """Give a symbol's filters, not older than an hour.

        Raises:
            UnknownSymbol, VenueUnavailable, RateLimited, VenueError: if they cannot be read.
        """
        found = self._known.get(symbol)
        if found is None or self._monotonic() - found[1] >= _HOUR_S:
            found = filters_from_entry(self._read(symbol)), self._monotonic()
            self._known[symbol] = found
        return found[0]

    def rules(self, symbol: Symbol) -> TradingRules:
        """Ask for a symbol's rules now; its filters are as new then.

        Raises:
            UnknownSymbol, VenueUnavailable, RateLimited, VenueError: if they cannot be read.
        """
        entry = self._read(symbol)
        filters = filters_from_entry(entry)
        self._known[symbol] = filters, self._monotonic()
        price, quantity, at_market = filters.price, filters.quantity, filters.market_quantity
        return TradingRules(
            symbol,
            str(entry.get("status", "TRADING")),
            price.step,
            price.least,
            price.most,
            quantity.step,
            quantity.least,
            quantity.most,
            at_market.least,
            at_market.most,
            filters.notional.least,
            filters.notional.most,
            at_market.step,
        )

    def expire(self, symbol: Symbol) -> None:
        """Read a symbol's filters again before they are used next."""
        self._known.pop(symbol, None)
