"""`order/cancelReplace`: one order is withdrawn and another placed, in one request, not as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trading_assets.exchange import errors, wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.endpoints.trading import cancel_one, read_restriction, read_single
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.venue.orders import Order, OrderRequest

_MODES = ("STOP_ON_FAILURE", "ALLOW_FAILURE")
_WORDS = {True: "SUCCESS", False: "FAILURE"}
_LIMIT_MODES = (None, "DO_NOTHING", "CANCEL_ONLY")


async def cancel_replace(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer POST order/cancelReplace.

    The new order's parameters and filters are checked before anything is cancelled. What then fails
    is told in `data` of a -2022 (nothing done) or -2021 (one of both done).
    """
    now = exchange.settled_now()
    mode = parameters.need_text("cancelReplaceMode")
    if mode not in _MODES:
        raise Refused(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
    limit_mode = parameters.text("orderRateLimitExceededMode")
    if limit_mode not in _LIMIT_MODES:
        raise Refused(-1130, "Data sent for parameter 'orderRateLimitExceededMode' is not valid.")
    request, response = read_single(exchange, parameters, now)
    order = _old(exchange, account, request, parameters)
    cancel_id = parameters.client_id("cancelNewClientOrderId")
    restriction = read_restriction(parameters)
    parameters.refuse_unread()
    if limit_mode != "CANCEL_ONLY":
        exchange.venue.order_meter.check(account, now, 1)

    def cancel() -> dict[str, Any]:
        return cancel_one(exchange, order, now, cancel_id, restriction)

    def place() -> dict[str, Any]:
        return wire.placed(exchange.venue.place(account, request, now), response)

    cancelled, cancel_answer = _try(cancel)
    if not cancelled and mode == _MODES[0]:
        raise _failed("FAILURE", "NOT_ATTEMPTED", cancel_answer, None)
    placed, place_answer = _try(place)
    cancel_word, place_word = _WORDS[cancelled], _WORDS[placed]
    if not (cancelled and placed):
        raise _failed(cancel_word, place_word, cancel_answer, place_answer)
    return wire.encode(_data(cancel_word, place_word, cancel_answer, place_answer))


def _old(
    exchange: Exchange, account: str, request: OrderRequest, parameters: Parameters
) -> Order | None:
    """Find the order that is to be cancelled."""
    order_id = parameters.integer("cancelOrderId")
    name = parameters.text("cancelOrigClientOrderId")
    if order_id is None and name is None:
        raise errors.missing_either("cancelOrigClientOrderId", "cancelOrderId")
    symbol = request.listing.instrument.symbol
    order = exchange.venue.find(account, symbol, order_id, name)
    return None if order is not None and name not in {None, order.client_order_id} else order


def _try(work: Callable[[], dict[str, Any]]) -> tuple[bool, dict[str, Any]]:
    try:
        return True, work()
    except Refused as refusal:
        return False, refusal.body()


def _data(
    cancel: str, new: str, cancel_answer: dict[str, Any], new_answer: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "cancelResult": cancel,
        "newOrderResult": new,
        "cancelResponse": cancel_answer,
        "newOrderResponse": new_answer,
    }


def _failed(
    cancel: str, new: str, cancel_answer: dict[str, Any], new_answer: dict[str, Any] | None
) -> Refused:
    data = _data(cancel, new, cancel_answer, new_answer)
    if "SUCCESS" in {cancel, new}:
        text = "Order cancel-replace partially failed."
        return Refused(-2021, text, status=409, data=data)
    return Refused(-2022, "Order cancel-replace failed.", data=data)
