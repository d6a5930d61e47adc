"""What a client asks for when it places an order, checked as the venue does: words, then filters.

The parameters of a list's orders carry a prefix (`abovePrice`, `pendingBelowType`); everything else
about them is as for a single order.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange import errors
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.venue import filters
from trading_assets.exchange.venue.accounts import UNITS
from trading_assets.exchange.venue.orders import Kind, OrderRequest, Tif
from trading_assets.exchange.venue.venue import Venue

E = TypeVar("E", bound=Enum)

INVALID_RESPONSE = Refused(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
_ICEBERG = "Iceberg orders are not supported for this symbol."
_TRAILING = "Trailing stop orders are not supported for this symbol."


class ResponseType(Enum):
    """How much the answer to a placement says."""

    ACK = 0
    RESULT = 1
    FULL = 2


@dataclass(frozen=True, slots=True)
class Fields:
    """The parameters of one order of a request.

    Attributes:
        parameters: of the whole request.
        prefix: before each name, such as `above`; empty for a single order.
        shared: names that several orders of the request have in common, by the plain name.
    """

    parameters: Parameters
    prefix: str = ""
    shared: tuple[tuple[str, str], ...] = ()

    def name(self, plain: str) -> str:
        """Give a parameter's name on the wire."""
        common = dict(self.shared).get(plain)
        if common is not None or not self.prefix:
            return common or plain
        return self.prefix + plain[0].upper() + plain[1:]

    def sends(self, plain: str) -> bool:
        """Whether the request has the parameter."""
        return self.name(plain) in self.parameters

    def refuse(self, *plain: str) -> None:
        """Refuse with -1106 what the order type does not take."""
        for each in plain:
            if self.sends(each):
                self.parameters.text(self.name(each))
                raise errors.not_required(self.name(each))

    def choice(self, plain: str, kind: type[E], refusal: Refused) -> E | None:
        """Give the member of `kind` that a parameter names."""
        return self.parameters.choice(self.name(plain), kind, refusal)

    def need_decimal(self, plain: str) -> Decimal:
        """Give a mandatory decimal."""
        return self.parameters.need_decimal(self.name(plain))


def read_side(fields: Fields) -> OrderSide:
    """Give the mandatory side.

    Raises:
        Refused: -1102 or -1117.
    """
    side = fields.choice("side", OrderSide, Refused(-1117, "Invalid side."))
    if side is None:
        raise errors.missing(fields.name("side"))
    return side


def read_kind(fields: Fields) -> Kind:
    """Give the mandatory order type.

    Raises:
        Refused: -1102 or -1116.
    """
    fields.parameters.need_text(fields.name("type"))
    kind = fields.choice("type", Kind, Refused(-1116, "Invalid orderType."))
    assert kind is not None  # noqa: S101 - need_text has refused its absence
    return kind


def read_response(parameters: Parameters, kind: Kind | None) -> str:
    """Give the response type: by default FULL for LIMIT and MARKET, RESULT for lists, else ACK.

    Raises:
        Refused: -1130.
    """
    chosen = parameters.choice("newOrderRespType", ResponseType, INVALID_RESPONSE)
    if chosen is not None:
        return chosen.name
    if kind is None:
        return ResponseType.RESULT.name
    default = ResponseType.FULL if kind in {Kind.LIMIT, Kind.MARKET} else ResponseType.ACK
    return default.name


def read_order(
    venue: Venue, listing: Listing, fields: Fields, own_id: str, now: Micros
) -> OrderRequest:
    """Read one order of a request.

    Args:
        venue: for the average price that filters compare with.
        listing: the request's symbol.
        fields: the order's parameters.
        own_id: plain name of its client order id.
        now: market time.

    Raises:
        Refused: with the venue's code for the first fault found.
    """
    side = read_side(fields)
    kind = read_kind(fields)
    client_order_id = fields.parameters.client_id(fields.name(own_id))
    plain = ("strategyId", "strategyType")
    fields.parameters.allow(*(fields.name(name) for name in plain), "selfTradePreventionMode")
    _refuse_unsupported(fields, kind)
    tif = _read_tif(fields, kind)
    if kind is Kind.MARKET and not fields.sends("quantity"):
        money = _read_money(fields, listing)
        return OrderRequest(listing, side, kind, tif, 0, 0, money, client_order_id)
    if kind is Kind.MARKET and fields.sends("quoteOrderQty"):
        fields.parameters.allow(fields.name("quoteOrderQty"))
        raise Refused(-1128, "Combination of optional parameters invalid.")
    quantity = fields.need_decimal("quantity")
    price = fields.need_decimal("price") if kind.has_price else None
    stop = fields.need_decimal("stopPrice") if kind.is_stop else None
    ticks = 0 if price is None else filters.check_price(listing, price)
    stop_ticks = 0 if stop is None else filters.check_price(listing, stop)
    average = venue.average_price(listing, now)
    if price is not None:
        filters.check_price_band(price, average)
    at_market = price is None
    lots = filters.check_quantity(listing, quantity, market=at_market)
    filters.check_notional(listing, (average if price is None else price) * quantity,
                           market=at_market)  # fmt: skip
    return OrderRequest(listing, side, kind, tif, lots, ticks, 0, client_order_id, stop_ticks)


def _refuse_unsupported(fields: Fields, kind: Kind) -> None:
    """Refuse what the type does not take, and icebergs and trailing stops, which nobody has here.

    Raises:
        Refused: -1106, or -2010 where Binance would take it for other symbols.
    """
    if kind.has_price and fields.sends("icebergQty"):
        fields.need_decimal("icebergQty")
        raise errors.rejected(_ICEBERG)
    if kind.is_stop and fields.sends("trailingDelta"):
        fields.parameters.need_integer(fields.name("trailingDelta"))
        raise errors.rejected(_TRAILING)
    fields.refuse("icebergQty", "trailingDelta")
    if not kind.is_stop:
        fields.refuse("stopPrice")
    if not kind.has_price:
        fields.refuse("price", "timeInForce")
    if kind is not Kind.MARKET:
        fields.refuse("quoteOrderQty")


def _read_tif(fields: Fields, kind: Kind) -> Tif:
    """Give the time in force; only LIMIT and the stop-limit types name one."""
    tif = fields.choice("timeInForce", Tif, Refused(-1115, "Invalid timeInForce."))
    if kind is Kind.LIMIT_MAKER or not kind.has_price:
        if tif is not None:
            raise errors.not_required(fields.name("timeInForce"))
        return Tif.GTC
    if tif is None:
        raise errors.missing(fields.name("timeInForce"))
    return tif


def _read_money(fields: Fields, listing: Listing) -> int:
    """Give the money of a MARKET order in 1e-8 of the quote."""
    money = fields.parameters.decimal(fields.name("quoteOrderQty"))
    if money is None:
        raise errors.missing_either(fields.name("quantity"), fields.name("quoteOrderQty"))
    filters.check_notional(listing, money, market=True)
    return int(money * UNITS)
