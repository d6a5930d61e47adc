"""Orders as the venue words them: what is sent, and what an answer says."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.errors import OrderRejected
from trading_assets.domain.order import (
    OrderReport,
    OrderStatus,
    OrderTicket,
    OrderType,
    TimeInForce,
)

_MS = 1000  # microseconds
_TYPES = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
}
_TIMES = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
_TIMES_AT_MARKET = (TimeInForce.GTC, TimeInForce.IOC)
"""What there is when no time in force goes out: the venue drops what a market order leaves."""
STATUSES = {
    "NEW": OrderStatus.ACCEPTED,
    "PENDING_NEW": OrderStatus.ACCEPTED,
    "PENDING_CANCEL": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}


def require_sendable(ticket: OrderTicket, doing: str) -> None:
    """Refuse, before anything is sent, what the venue has no equal of.

    Raises:
        OrderRejected: for another type or time in force; the order surely does not exist.
    """
    has_limit = ticket.limit_price is not None
    times = _TIMES if has_limit else _TIMES_AT_MARKET
    if ticket.type not in _TYPES or ticket.tif not in times:
        raise OrderRejected(
            f"{doing}: spot orders of this kind cannot be sent",
            expected=f"{', '.join(kind.name for kind in _TYPES)}; "
            f"{', '.join(tif.name for tif in times)} {'with' if has_limit else 'without'} a limit",
            found=f"{ticket.type.name} {ticket.tif.name}",
            fix="Trade a release whose order types the venue has.",
        )


def parameters(ticket: OrderTicket) -> dict[str, str]:
    """Give what is sent for an order, all as plain text."""
    values = {
        "symbol": str(ticket.symbol),
        "side": ticket.side.name,
        "type": _TYPES[ticket.type],
        "quantity": f"{ticket.quantity:f}",
        "newClientOrderId": ticket.client_order_id,
        "newOrderRespType": "FULL",
    }
    if ticket.limit_price is not None:
        values["price"] = f"{ticket.limit_price:f}"
        values["timeInForce"] = ticket.tif.name
    if ticket.stop_price is not None:
        values["stopPrice"] = f"{ticket.stop_price:f}"
    return values


def fill_of_answer(item: Mapping[str, Any], report: OrderReport, answer: Mapping[str, Any]) -> Fill:
    """Read an execution that the answer to its order names."""
    return Fill(
        symbol=report.symbol,
        trade_id=str(item["tradeId"]),
        client_order_id=report.client_order_id,
        venue_order_id=report.venue_order_id,
        side=report.side,
        price=Decimal(item["price"]),
        quantity=Decimal(item["qty"]),
        fee=Decimal(item["commission"]),
        fee_asset=str(item["commissionAsset"]),
        ts=int(answer["transactTime"]) * _MS,
    )


def balances_of_answer(answer: Mapping[str, Any]) -> list[Balance]:
    """Read what an account holds of each asset."""
    return [
        Balance(str(row["asset"]), Decimal(row["free"]), Decimal(row["locked"]))
        for row in answer["balances"]
    ]
