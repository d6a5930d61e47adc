"""What a venue wants orders of one symbol to be like at present, and how a decision fits in."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from decimal import Decimal

from trading_assets.domain.ids import Symbol
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType

_ZERO = Decimal(0)
_TRADING = "TRADING"
_AT_MARKET = (OrderType.MARKET, OrderType.STOP)


@dataclass(frozen=True, slots=True)
class TradingRules:
    """Rules of one symbol as the venue tells them; a zero bounds nothing.

    Attributes:
        status: the venue's word; orders are taken while it is TRADING.
        tick: price step, quote per base; prices lie in [least_price, most_price].
        lot: quantity step, base; quantities lie in [least, most], at market in
            [market_least, market_most] as well. Steps count from zero, not from the least.
        least_notional, most_notional: order value, quote; of orders with a price.
        market_lot: quantity step at market, besides `lot`.
    """

    symbol: Symbol
    status: str = _TRADING
    tick: Decimal = _ZERO
    least_price: Decimal = _ZERO
    most_price: Decimal = _ZERO
    lot: Decimal = _ZERO
    least: Decimal = _ZERO
    most: Decimal = _ZERO
    market_least: Decimal = _ZERO
    market_most: Decimal = _ZERO
    least_notional: Decimal = _ZERO
    most_notional: Decimal = _ZERO
    market_lot: Decimal = _ZERO

    @property
    def is_trading(self) -> bool:
        """Whether the venue takes orders of the symbol."""
        return self.status == _TRADING

    def fitted(self, ticket: OrderTicket) -> OrderTicket | str:
        """Give an order as the venue takes it, or the rule that it cannot be made to keep.

        Quantities only become smaller and limit prices only less aggressive: what leaves is never
        more than what was decided.
        """
        limit = self._price(ticket.limit_price, ticket.side)
        stop = self._price(ticket.stop_price, ticket.side)
        quantity = self._quantity(ticket)
        if quantity is None:
            return "below_least_quantity_of_venue"
        prices = (ticket.limit_price, ticket.stop_price, limit, stop)
        if not all(self._allows(price) for price in prices if price is not None):
            return "price_outside_bounds_of_venue"
        if limit is not None and limit * quantity < self.least_notional:
            return "below_least_notional_of_venue"
        if limit is not None and self.most_notional and limit * quantity > self.most_notional:
            return "above_most_notional_of_venue"
        return replace(ticket, quantity=quantity, limit_price=limit, stop_price=stop)

    def _quantity(self, ticket: OrderTicket) -> Decimal | None:
        at_market = ticket.type in _AT_MARKET
        most = [self.most, self.market_most if at_market else _ZERO]
        least = max(self.least, self.market_least if at_market else _ZERO)
        wanted = min([ticket.quantity, *(bound for bound in most if bound)])
        if wanted < least:
            return None
        step = _common(self.lot, self.market_lot) if at_market else self.lot
        fitting = _floor(wanted, step)
        return fitting if fitting > 0 and fitting >= least else None

    def _price(self, price: Decimal | None, side: OrderSide) -> Decimal | None:
        if price is None or not self.tick:
            return price
        lower = _floor(price, self.tick)
        return lower if lower == price or side is OrderSide.BUY else lower + self.tick

    def _allows(self, price: Decimal) -> bool:
        return price >= self.least_price and not (self.most_price and price > self.most_price)


def difference(decided: OrderTicket, fitted: OrderTicket) -> str:
    """Say what was made to fit, "" when nothing was."""
    if fitted is decided:
        return ""
    parts = (
        f"{name} {before} -> {after}"
        for name in ("quantity", "limit_price", "stop_price")
        if (before := getattr(decided, name)) != (after := getattr(fitted, name))
    )
    return ", ".join(parts)


def rules_to_json(rules: TradingRules) -> dict[str, str]:
    """Give rules as texts."""
    return {field.name: str(getattr(rules, field.name)) for field in fields(rules)}


def rules_from_json(values: dict[str, str]) -> TradingRules:
    """Read what `rules_to_json` gave."""
    words = {"symbol": Symbol(values["symbol"]), "status": values["status"]}
    numbers = {name: Decimal(text) for name, text in values.items() if name not in words}
    return TradingRules(**words, **numbers)  # type: ignore[arg-type]


def _floor(value: Decimal, step: Decimal) -> Decimal:
    """Give the greatest multiple of a step that is not above a value."""
    return value if not step else value // step * step


def _common(first: Decimal, second: Decimal) -> Decimal:
    """Give the least step that two grids share; one of zero is none."""
    if not first or not second:
        return first or second
    (over, under), (top, bottom) = first.as_integer_ratio(), second.as_integer_ratio()
    return Decimal(math.lcm(over * bottom, top * under)) / (under * bottom)
