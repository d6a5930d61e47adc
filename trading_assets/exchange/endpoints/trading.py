"""The signed endpoints: placing, cancelling and listing orders, trades and balances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from trading_assets.domain.ids import Micros
from trading_assets.exchange import errors, wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.endpoints.order_reading import Fields, read_order, read_response
from trading_assets.exchange.endpoints.wallet import rates_for_order
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.venue.limits import ORDERS_1D, ORDERS_10S
from trading_assets.exchange.venue.orders import Order, OrderRequest

_DAY_MS = 86_400_000
_LIST_DEFAULT, _LIST_MAX = 500, 1_000

T = TypeVar("T")


# --- placing


def read_single(
    exchange: Exchange, parameters: Parameters, now: Micros
) -> tuple[OrderRequest, str]:
    """Check the parameters and filters of one order; give the request and the response type.

    Raises:
        Refused: with the venue's code for the first fault found.
    """
    listing = exchange.listing(parameters.need_symbol())
    request = read_order(exchange.venue, listing, Fields(parameters), "newClientOrderId", now)
    return request, read_response(parameters, request.kind)


async def place_order(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer POST order."""
    now = exchange.settled_now()
    request, response = read_single(exchange, parameters, now)
    parameters.refuse_unread()
    order = exchange.venue.place(account, request, now)
    return wire.encode(wire.placed(order, response))


async def test_order(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer POST order/test: all checks but no order; with its commission when asked for."""
    now = exchange.settled_now()
    shows_rates = parameters.flag("computeCommissionRates")
    request, _ = read_single(exchange, parameters, now)
    parameters.refuse_unread()
    exchange.venue.admit(account, [request], now)
    return wire.encode(rates_for_order(exchange.venue.fees_of(account))) if shows_rates else b"{}"


def test_weight(parameters: Parameters) -> int:
    """Give the weight of order/test, dearer with commission rates."""
    return 20 if parameters.flag("computeCommissionRates") else 1


# --- one order


def named_order(exchange: Exchange, account: str, parameters: Parameters) -> Order | None:
    """Find the order that a request names by `orderId`, `origClientOrderId`, or both.

    Raises:
        Refused: -1102 or -1121.
    """
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
    order = named_order(exchange, account, parameters)
    parameters.refuse_unread()
    if order is None or not exchange.venue.is_visible(order, now):
        raise errors.no_such_order()
    return wire.encode(wire.queried(order))


async def cancel_order(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer DELETE order; an order of a list takes the whole list with it."""
    now = exchange.settled_now()
    order = named_order(exchange, account, parameters)
    cancel_id = parameters.client_id("newClientOrderId")
    restriction = read_restriction(parameters)
    parameters.refuse_unread()
    return wire.encode(cancel_one(exchange, order, now, cancel_id, restriction))


def read_restriction(parameters: Parameters) -> str | None:
    """Give `cancelRestrictions`.

    Raises:
        Refused: -1145.
    """
    restriction = parameters.text("cancelRestrictions")
    if restriction not in {None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"}:
        raise Refused(-1145, "Invalid cancelRestrictions")
    return restriction


def cancel_one(
    exchange: Exchange,
    order: Order | None,
    now: Micros,
    cancel_id: str | None,
    restriction: str | None,
) -> dict[str, Any]:
    """Cancel an order and give the answer.

    Raises:
        Refused: -2011.
    """
    if order is None:
        raise errors.unknown_order()
    if order.status.is_open and restriction not in {None, f"ONLY_{order.status.value}"}:
        raise Refused(-2011, "Order was not canceled due to cancel restrictions.")
    cancel_id = cancel_id or _own_cancel_id(order)
    exchange.venue.cancel(order, now, cancel_id)
    return wire.cancelled(order, cancel_id)


def _own_cancel_id(order: Order) -> str:
    return f"cancel-{order.order_id}"


async def cancel_all(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer DELETE openOrders: cancel everything on one symbol, lists as lists."""
    now = exchange.settled_now()
    symbol = exchange.listing(parameters.need_symbol()).instrument.symbol
    parameters.refuse_unread()
    venue = exchange.venue
    orders = venue.open_orders(account, symbol)
    if not orders:
        raise errors.unknown_order()
    answers = []
    for order in orders:
        if not order.status.is_open:
            continue  # it went with its list
        cancel_id = _own_cancel_id(order)
        found = venue.lists.of(order)
        venue.cancel(order, now, cancel_id)
        told = (
            wire.cancelled(order, cancel_id)
            if found is None
            else wire.list_cancelled(found, cancel_id)
        )
        answers.append(told)
    return wire.encode(answers)


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


def window(
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
    orders = window(
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
    chosen = window(
        trades,
        parameters,
        first_id=parameters.integer("fromId"),
        key=lambda trade: trade.trade_id,
        ts=lambda trade: trade.ts,
    )
    orders = exchange.venue.orders
    return wire.encode(
        [wire.my_trade(orders[trade.symbol, trade.order_id], trade) for trade in chosen]
    )


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
        exchange.venue.fees_of(account),
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
