"""The signed endpoints: placing, cancelling and listing orders, trades and balances."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange import errors, filters, wire
from trading_assets.exchange.accounts import UNITS
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.limits import ORDERS_1D, ORDERS_10S
from trading_assets.exchange.listing import Listing
from trading_assets.exchange.orders import Kind, Order, OrderRequest, Tif
from trading_assets.exchange.parameters import Parameters

_DAY_MS = 86_400_000
_LIST_DEFAULT, _LIST_MAX = 500, 1_000
_STOP_PARAMETERS = ("stopPrice", "trailingDelta", "icebergQty")

T = TypeVar("T")


class _Stop(Enum):
    """Order types of Binance that this venue does not enable, and the word it refuses them by."""

    STOP_LOSS = "Stop loss"
    STOP_LOSS_LIMIT = "Stop loss limit"
    TAKE_PROFIT = "Take profit"
    TAKE_PROFIT_LIMIT = "Take profit limit"


class _Response(Enum):
    ACK = 0
    RESULT = 1
    FULL = 2


# --- placing


def read_order(exchange: Exchange, parameters: Parameters, now: Micros) -> tuple[OrderRequest, str]:
    """Check a placement's parameters and filters; give the request and the response type.

    Raises:
        Refused: with the venue's code for the first fault found.
    """
    listing = exchange.listing(parameters.need_symbol())
    side = parameters.choice("side", OrderSide, Refused(-1117, "Invalid side."))
    if side is None:
        raise errors.missing("side")
    kind = _kind(parameters)
    client_order_id = parameters.client_id("newClientOrderId")
    response = parameters.choice("newOrderRespType", _Response, Refused(-1130, _INVALID_RESPONSE))
    default = _Response.ACK if kind is Kind.LIMIT_MAKER else _Response.FULL
    parameters.allow("strategyId", "strategyType", "selfTradePreventionMode")
    for name in _STOP_PARAMETERS:
        if parameters.text(name) is not None:
            raise errors.not_required(name)
    read = _read_market if kind is Kind.MARKET else _read_limit
    lots, ticks, quote_units, tif = read(exchange, listing, kind, parameters, now)
    parameters.refuse_unread()
    request = OrderRequest(listing, side, kind, tif, lots, ticks, quote_units, client_order_id)
    return request, (response or default).name


_INVALID_RESPONSE = "Data sent for parameter 'newOrderRespType' is not valid."


def _kind(parameters: Parameters) -> Kind:
    value = parameters.need_text("type")
    if value in _Stop.__members__:
        raise errors.rejected(f"{_Stop[value].value} orders are not supported for this symbol.")
    kind = parameters.choice("type", Kind, Refused(-1116, "Invalid orderType."))
    assert kind is not None  # noqa: S101 - need_text has refused its absence
    return kind


def _read_limit(
    exchange: Exchange, listing: Listing, kind: Kind, parameters: Parameters, now: Micros
) -> tuple[int, int, int, Tif]:
    tif = parameters.choice("timeInForce", Tif, Refused(-1115, "Invalid timeInForce."))
    if kind is Kind.LIMIT_MAKER:
        if tif is not None:
            raise errors.not_required("timeInForce")
        tif = Tif.GTC
    if tif is None:
        raise errors.missing("timeInForce")
    if "quoteOrderQty" in parameters:
        raise errors.not_required("quoteOrderQty")
    quantity = parameters.need_decimal("quantity")
    price = parameters.need_decimal("price")
    ticks = filters.check_price(listing, price)
    filters.check_price_band(price, exchange.venue.average_price(listing, now))
    lots = filters.check_quantity(listing, quantity, market=False)
    filters.check_notional(listing, price * quantity, market=False)
    return lots, ticks, 0, tif


def _read_market(
    exchange: Exchange, listing: Listing, kind: Kind, parameters: Parameters, now: Micros
) -> tuple[int, int, int, Tif]:
    for name in ("price", "timeInForce"):
        if name in parameters:
            raise errors.not_required(name)
    quantity = parameters.decimal("quantity")
    money = parameters.decimal("quoteOrderQty")
    if quantity is not None and money is not None:
        raise Refused(-1128, "Combination of optional parameters invalid.")
    if quantity is None and money is None:
        raise errors.missing_either("quantity", "quoteOrderQty")
    if quantity is None:
        assert money is not None  # noqa: S101 - one of the two is there
        filters.check_notional(listing, money, market=True)
        return 0, 0, int(money * UNITS), Tif.GTC
    lots = filters.check_quantity(listing, quantity, market=True)
    average = exchange.venue.average_price(listing, now)
    filters.check_notional(listing, average * quantity, market=True)
    return lots, 0, 0, Tif.GTC


async def place_order(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer POST order."""
    now = exchange.settled_now()
    request, response = read_order(exchange, parameters, now)
    order = exchange.venue.place(account, request, now)
    return wire.encode(wire.placed(order, response))


async def test_order(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer POST order/test: all checks but no order."""
    parameters.allow("computeCommissionRates")
    now = exchange.settled_now()
    request, _ = read_order(exchange, parameters, now)
    exchange.venue.admit(account, [request], now)
    return b"{}"


# --- one order


def _named_order(exchange: Exchange, account: str, parameters: Parameters) -> Order | None:
    listing = exchange.listing(parameters.need_symbol())
    order_id = parameters.integer("orderId")
    client_order_id = parameters.text("origClientOrderId")
    if order_id is None and client_order_id is None:
        raise errors.missing_either("origClientOrderId", "orderId")
    order = exchange.venue.find(account, listing.instrument.symbol, order_id, client_order_id)
    if order is not None and client_order_id not in {None, order.client_order_id}:
        return None
    return order


async def query_order(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET order."""
    now = exchange.settled_now()
    order = _named_order(exchange, account, parameters)
    parameters.refuse_unread()
    if order is None or not exchange.venue.is_visible(order, now):
        raise errors.no_such_order()
    return wire.encode(wire.queried(order))


async def cancel_order(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer DELETE order."""
    now = exchange.settled_now()
    order = _named_order(exchange, account, parameters)
    cancel_id = parameters.client_id("newClientOrderId")
    restriction = parameters.text("cancelRestrictions")
    parameters.refuse_unread()
    if restriction not in {None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"}:
        raise Refused(-1145, "Invalid cancelRestrictions")
    if order is None:
        raise errors.unknown_order()
    if order.status.is_open and restriction not in {None, f"ONLY_{order.status.value}"}:
        raise Refused(-2011, "Order was not canceled due to cancel restrictions.")
    cancel_id = cancel_id or _own_cancel_id(order)
    exchange.venue.cancel(order, now, cancel_id)
    return wire.encode(wire.cancelled(order, cancel_id))


def _own_cancel_id(order: Order) -> str:
    return f"cancel-{order.order_id}"


async def cancel_all(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer DELETE openOrders: cancel everything on one symbol."""
    now = exchange.settled_now()
    symbol = exchange.listing(parameters.need_symbol()).instrument.symbol
    parameters.refuse_unread()
    orders = exchange.venue.open_orders(account, symbol)
    if not orders:
        raise errors.unknown_order()
    for order in orders:
        exchange.venue.cancel(order, now, _own_cancel_id(order))
    return wire.encode([wire.cancelled(o, _own_cancel_id(o)) for o in orders])


# --- lists


async def open_orders(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET openOrders for one symbol or all."""
    now = exchange.settled_now()
    symbol = parameters.symbol()
    parameters.refuse_unread()
    if symbol is not None:
        exchange.listing(symbol)
    venue = exchange.venue
    orders = [o for o in venue.open_orders(account, symbol) if venue.is_visible(o, now)]
    return wire.encode([wire.queried(order) for order in orders])


def _window(
    rows: list[T],
    parameters: Parameters,
    *,
    first_id: int | None,
    key: Callable[[T], int],
    ts: Callable[[T], Micros],
) -> list[T]:
    """Cut a list by id and times (ms, inclusive), oldest first from a start, else the latest."""
    start, end = parameters.integer("startTime"), parameters.integer("endTime")
    limit = parameters.limit(_LIST_DEFAULT, _LIST_MAX)
    parameters.refuse_unread()
    if start is not None and end is not None and end - start > _DAY_MS:
        raise Refused(-1127, "More than 24 hours between startTime and endTime.")
    chosen = [
        row
        for row in rows
        if (first_id is None or key(row) >= first_id)
        and (start is None or wire.ms(ts(row)) >= start)
        and (end is None or wire.ms(ts(row)) <= end)
    ]
    return chosen[:limit] if first_id is not None or start is not None else chosen[-limit:]


async def all_orders(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET allOrders."""
    now = exchange.settled_now()
    symbol = exchange.listing(parameters.need_symbol()).instrument.symbol
    venue = exchange.venue
    orders = _window(
        [order for order in venue.by_account[account, symbol] if venue.is_visible(order, now)],
        parameters,
        first_id=parameters.integer("orderId"),
        key=lambda order: order.order_id,
        ts=lambda order: order.placed_ts,
    )
    return wire.encode([wire.queried(order) for order in orders])


async def my_trades(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET myTrades."""
    exchange.settled_now()
    listing = exchange.listing(parameters.need_symbol())
    trades = exchange.venue.trades[account, listing.instrument.symbol]
    order_id = parameters.integer("orderId")
    if order_id is not None:
        trades = [trade for trade in trades if trade.order_id == order_id]
    chosen = _window(
        trades,
        parameters,
        first_id=parameters.integer("fromId"),
        key=lambda trade: trade.trade_id,
        ts=lambda trade: trade.ts,
    )
    return wire.encode([wire.my_trade(listing, trade) for trade in chosen])


async def account_page(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET account."""
    now = exchange.settled_now()
    hide = parameters.text("omitZeroBalances")
    parameters.refuse_unread()
    names = [config.name for config in exchange.config.accounts]
    answer = wire.account(
        exchange.venue.accounts,
        account,
        names.index(account) + 1,
        exchange.venue.fees,
        now,
        all_assets=hide != "true",
    )
    return wire.encode(answer)


async def order_counts(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET rateLimit/order."""
    now = exchange.settled_now()
    parameters.refuse_unread()
    ten, day = exchange.venue.order_meter.counts(account, now)
    rows = (("SECOND", 10, ORDERS_10S, ten), ("DAY", 1, ORDERS_1D, day))
    answer = [
        {
            "rateLimitType": "ORDERS",
            "interval": interval,
            "intervalNum": number,
            "limit": limit,
            "count": count,
        }
        for interval, number, limit, count in rows
    ]
    return wire.encode(answer)


def open_orders_weight(parameters: Parameters) -> int:
    """Give the weight of openOrders: one symbol or all."""
    return 6 if "symbol" in parameters else 80


def trades_weight(parameters: Parameters) -> int:
    """Give the weight of myTrades, cheaper for one order."""
    return 5 if "orderId" in parameters else 20
