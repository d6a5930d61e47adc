"""What is asked of the world: the only things a live session ever causes."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.domain.ids import Symbol
from trading_assets.domain.order import OrderTicket


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """Send this order once, after its intent is durable."""

    ticket: OrderTicket
    engine_order_id: int


@dataclass(frozen=True, slots=True)
class QueryOrder:
    """Ask the venue what became of an order."""

    symbol: Symbol
    client_order_id: str


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Withdraw a working order."""

    symbol: Symbol
    client_order_id: str


@dataclass(frozen=True, slots=True)
class SaveSnapshot:
    """Write the engine's bytes beside the journal."""


@dataclass(frozen=True, slots=True)
class ReconcileState:
    """Compare the book with its account now."""


Command = SubmitOrder | QueryOrder | CancelOrder | SaveSnapshot | ReconcileState
