"""The signed endpoints of order lists: OCO, OTO and OTOCO, placed, cancelled and looked up."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange import errors, wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.endpoints.order_reading import (
    Fields,
    read_order,
    read_response,
    read_side,
)
from trading_assets.exchange.endpoints.trading import window
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.venue.order_lists import ListRequest
from trading_assets.exchange.venue.orders import Kind, OrderList, OrderRequest, Shape

_OWN_ID = "clientOrderId"
_ONE_SIDE = (("side", "side"), ("quantity", "quantity"))
_PENDING_PAIR = (("side", "pendingSide"), ("quantity", "pendingQuantity"))
_WORKING = frozenset({Kind.LIMIT, Kind.LIMIT_MAKER})
_BOTH_LIMITS = Refused(-1168, "At least one OCO order must be contingent.")


# --- placing


async def place_oco(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer POST orderList/oco."""
    legs = [Fields(parameters, prefix, _ONE_SIDE) for prefix in ("above", "below")]
    return await _place(exchange, account, parameters, Shape.OCO, legs)


async def place_oto(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer POST orderList/oto."""
    orders = [Fields(parameters, prefix) for prefix in ("working", "pending")]
    return await _place(exchange, account, parameters, Shape.OTO, orders)


async def place_otoco(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer POST orderList/otoco."""
    pair = [Fields(parameters, f"pending{leg}", _PENDING_PAIR) for leg in ("Above", "Below")]
    return await _place(
        exchange, account, parameters, Shape.OTOCO, [Fields(parameters, "working"), *pair]
    )


async def place_old_oco(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer POST order/oco, the deprecated form: a limit order and a stop beside it."""
    sells = read_side(Fields(parameters)) is OrderSide.SELL
    limit, stop = ("above", "below") if sells else ("below", "above")
    has_limit = "stopLimitPrice" in parameters
    names = {
        f"{limit}Price": "price",
        f"{limit}ClientOrderId": "limitClientOrderId",
        f"{limit}IcebergQty": "limitIcebergQty",
        f"{stop}StopPrice": "stopPrice",
        f"{stop}ClientOrderId": "stopClientOrderId",
        f"{stop}Price": "stopLimitPrice",
        f"{stop}TimeInForce": "stopLimitTimeInForce",
        f"{stop}IcebergQty": "stopIcebergQty",
    }
    kinds = {
        f"{limit}Type": Kind.LIMIT_MAKER.value,
        f"{stop}Type": (Kind.STOP_LOSS_LIMIT if has_limit else Kind.STOP_LOSS).value,
    }
    return await place_oco(exchange, account, parameters.renamed(names, kinds))


async def _place(
    exchange: Exchange, account: str, parameters: Parameters, shape: Shape, orders: list[Fields]
) -> bytes:
    now = exchange.settled_now()
    listing = exchange.listing(parameters.need_symbol())
    name = parameters.client_id("listClientOrderId")
    requests = tuple(read_order(exchange.venue, listing, fields, _OWN_ID, now) for fields in orders)
    response = read_response(parameters, None)
    parameters.refuse_unread()
    _check_kinds(shape, requests)
    answer = exchange.venue.lists.place(
        account,
        ListRequest(shape, requests, name),
        now,
        lambda made: wire.list_placed(made, response),
    )
    return wire.encode(answer)


def _check_kinds(shape: Shape, requests: tuple[OrderRequest, ...]) -> None:
    """Refuse order types that a list of this shape cannot have.

    Raises:
        Refused: -1158, -1165, -1166, -1168, -1196 to -1199, or -1116 for a working order.
    """
    if shape is not Shape.OCO and requests[0].kind not in _WORKING:
        raise Refused(-1116, "Invalid orderType.")
    if shape is not Shape.OTO:
        above, below = requests[-2:]
        _check_pair(above, below)


def _check_pair(above: OrderRequest, below: OrderRequest) -> None:
    for leg in (above, below):
        if leg.kind in {Kind.MARKET, Kind.LIMIT}:
            raise Refused(-1158, "Order type not supported in OCO.")
    if not above.kind.is_stop and not below.kind.is_stop:
        raise _BOTH_LIMITS
    sells = above.side is OrderSide.SELL
    wrong, right = (below, above) if sells else (above, below)
    place = "above" if sells else "below"
    side = "sell" if sells else "buy"
    if wrong.kind is Kind.LIMIT_MAKER:
        raise Refused(-1166 if sells else -1165, f"A limit order in a {side} OCO must be {place}.")
    if right.kind.is_stop_loss:
        other = "below" if sells else "above"
        raise Refused(
            -1197 if sells else -1196, f"A stop loss order in a {side} OCO must be {other}."
        )
    if wrong.kind.is_stop and not wrong.kind.is_stop_loss:
        raise Refused(
            -1199 if sells else -1198, f"A take profit order in a {side} OCO must be {place}."
        )


# --- one list


def _named(exchange: Exchange, account: str, parameters: Parameters, own: str) -> OrderList | None:
    """Find the list that a request names by `orderListId` or by its client id."""
    list_id = parameters.integer("orderListId")
    client_id = parameters.text(own)
    if list_id is None and client_id is None:
        raise errors.missing_either("orderListId", own)
    found = exchange.venue.lists.find(account, list_id, client_id)
    if found is not None and client_id not in {None, found.client_list_id}:
        return None
    return found


async def query_list(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET orderList."""
    exchange.settled_now()
    found = _named(exchange, account, parameters, "origClientOrderId")
    parameters.refuse_unread()
    if found is None:
        raise Refused(-2018, "Order list does not exist.")
    return wire.encode(wire.list_queried(found))


async def cancel_list(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer DELETE orderList: all of its orders."""
    now = exchange.settled_now()
    symbol = exchange.listing(parameters.need_symbol()).instrument.symbol
    found = _named(exchange, account, parameters, "listClientOrderId")
    cancel_id = parameters.client_id("newClientOrderId")
    parameters.refuse_unread()
    if found is None or found.symbol != symbol or found.is_done:
        raise errors.unknown_order()
    return wire.encode(cancel_whole(exchange, found, now, cancel_id))


def cancel_whole(
    exchange: Exchange, found: OrderList, now: Micros, cancel_id: str | None
) -> dict[str, Any]:
    """Cancel every open order of a list and give the answer."""
    own_id = cancel_id or f"cancel-list-{found.list_id}"
    first = next(order for order in found.orders if order.status.is_open)
    exchange.venue.cancel(first, now, own_id)
    return wire.list_cancelled(found, own_id)


# --- several


async def all_lists(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET allOrderList."""
    exchange.settled_now()
    first = parameters.integer("fromId")
    if first is not None and ("startTime" in parameters or "endTime" in parameters):
        parameters.allow("startTime", "endTime", "limit")
        raise Refused(-1128, "Combination of optional parameters invalid.")
    chosen = window(
        exchange.venue.lists.of_account(account),
        parameters,
        first_id=first,
        key=lambda found: found.list_id,
        ts=lambda found: found.placed_ts,
    )
    return wire.encode([wire.list_queried(found) for found in chosen])


async def open_lists(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET openOrderList."""
    exchange.settled_now()
    parameters.refuse_unread()
    lists = exchange.venue.lists.of_account(account)
    return wire.encode([wire.list_queried(found) for found in lists if not found.is_done])
