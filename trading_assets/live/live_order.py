"""One order of the book between its decision and its end, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.order import (
    OrderSide,
    OrderStatus,
    OrderTicket,
    OrderType,
    TimeInForce,
)


@dataclass(slots=True)
class LiveOrder:
    """An order that has not ended.

    Attributes:
        engine_order_id: the same order in the engine.
        auth_ts: venue auth clock when it was sent; with `recv_window_ms` it bounds until when the
            venue may still accept it.
        executed: base quantity filled so far, as the venue reports it.
        filled: base quantity of the fills that the engine has booked.
        is_cut: it asks for less than the engine wanted, since the venue's rules have changed.
        external: base quantity of fills that it cannot have had, booked apart from the engine.
    """

    ticket: OrderTicket
    engine_order_id: int
    status: OrderStatus = OrderStatus.INTENT
    auth_ts: Micros = 0
    recv_window_ms: int = 0
    executed: Decimal = field(default_factory=Decimal)
    filled: Decimal = field(default_factory=Decimal)
    external: Decimal = field(default_factory=Decimal)
    is_cut: bool = False

    @property
    def client_order_id(self) -> str:
        """Its name at the venue."""
        return self.ticket.client_order_id

    @property
    def is_complete(self) -> bool:
        """Whether the venue has said its last word and every fill of it is booked."""
        return self.status.is_final and self.booked == self.executed

    @property
    def booked(self) -> Decimal:
        """Base quantity of all fills that the book knows."""
        return self.filled + self.external

    @property
    def is_at_rest(self) -> bool:
        """Whether the venue has it and every fill that it told of is booked."""
        is_known = self.status in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
        return is_known and self.filled == self.executed

    @property
    def is_in_doubt(self) -> bool:
        """Whether the venue may or may not have it."""
        return self.status in (OrderStatus.SENT, OrderStatus.UNKNOWN)


def order_to_json(order: LiveOrder) -> dict[str, Any]:
    """Give an order as plain values; decimals as text."""
    ticket = order.ticket
    return {
        "client_order_id": ticket.client_order_id,
        "tag": ticket.tag,
        "symbol": ticket.symbol,
        "side": ticket.side.name,
        "type": ticket.type.name,
        "tif": ticket.tif.name,
        "quantity": str(ticket.quantity),
        "bar_ts": ticket.bar_ts,
        "limit_price": None if ticket.limit_price is None else str(ticket.limit_price),
        "stop_price": None if ticket.stop_price is None else str(ticket.stop_price),
        "reduce_only": ticket.reduce_only,
        "engine_order_id": order.engine_order_id,
        "status": order.status.name,
        "auth_ts": order.auth_ts,
        "recv_window_ms": order.recv_window_ms,
        "executed": str(order.executed),
        "filled": str(order.filled),
        "external": str(order.external),
        "is_cut": order.is_cut,
    }


def order_from_json(values: dict[str, Any]) -> LiveOrder:
    """Read what `order_to_json` gave."""
    limit, stop = values["limit_price"], values["stop_price"]
    ticket = OrderTicket(
        client_order_id=values["client_order_id"],
        tag=values["tag"],
        symbol=Symbol(values["symbol"]),
        side=OrderSide[values["side"]],
        type=OrderType[values["type"]],
        tif=TimeInForce[values["tif"]],
        quantity=Decimal(values["quantity"]),
        bar_ts=values["bar_ts"],
        limit_price=None if limit is None else Decimal(limit),
        stop_price=None if stop is None else Decimal(stop),
        reduce_only=values["reduce_only"],
    )
    return LiveOrder(
        ticket,
        values["engine_order_id"],
        OrderStatus[values["status"]],
        values["auth_ts"],
        values["recv_window_ms"],
        Decimal(values["executed"]),
        Decimal(values["filled"]),
        Decimal(values.get("external", "0")),
        values.get("is_cut", False),
    )
