"""What a fault does to one accepted order, as the venue asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.domain.ids import Micros
from trading_assets.exchange.venue.orders import OrderRequest


@dataclass(frozen=True, slots=True)
class Mishap:
    """What a fault does to one accepted order.

    Attributes:
        lots: what it fills at once, 0 for as much as it can.
        hidden: for how long queries do not find it, in microseconds.
    """

    lots: int = 0
    hidden: Micros = 0


def no_mishap(account: str, request: OrderRequest, now: Micros) -> Mishap:
    """Leave an order alone."""
    return Mishap()
