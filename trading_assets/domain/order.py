"""Orders: their vocabulary, and the only ways their status may change."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum

from trading_assets.domain.errors import InvariantError
from trading_assets.domain.ids import Micros, Symbol


class OrderSide(IntEnum):
    """Direction; the number is the sign of the position change."""

    BUY = 1
    SELL = -1


class OrderType(IntEnum):
    """Order types of the engine; the numbers stand in state records and never change."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3
    TRAILING_STOP = 4


class TimeInForce(IntEnum):
    """How long an order works; the numbers stand in state records and never change."""

    GTC = 0
    IOC = 1  # what the first bar does not fill is dropped
    FOK = 2  # all of it at the first touch inside the first bar, or nothing
    DAY = 3  # until its session ends: the instant stands in `valid_to`
    GTD = 4  # until `valid_to`

    @property
    def has_end(self) -> bool:
        """Whether an order of this kind names the instant at which it ends."""
        return self in (TimeInForce.DAY, TimeInForce.GTD)


class TrailBy(IntEnum):
    """What a trailing stop follows; the numbers stand in state records."""

    NOTHING = 0
    CLOSE = 1  # the best close since it works: what most engines of the field do
    EXTREME = 2  # the best high (of a sell) or low (of a buy), once its bar has ended


class OrderStatus(Enum):
    """Life of an order as the book sees it."""

    INTENT = "INTENT"  # decided and durable, not sent
    SENT = "SENT"  # may be at the venue; the answer is not in
    UNKNOWN = "UNKNOWN"  # the answer was lost; being resolved by query
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    ABSENT = "ABSENT"  # proven never to have reached the venue; dropped, not repeated

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self in _FINAL


_S = OrderStatus
_ANSWERS = {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED}
_EDGES: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.INTENT: frozenset({_S.SENT, _S.ABSENT}),
    _S.SENT: frozenset(_ANSWERS | {_S.UNKNOWN, _S.ABSENT}),
    _S.UNKNOWN: frozenset(_ANSWERS | {_S.ABSENT}),
    _S.ACCEPTED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.PARTIALLY_FILLED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.ABSENT: frozenset(),
}
_FINAL = tuple(status for status, edges in _EDGES.items() if not edges)
"""A tuple: looked at by identity, without the hash of a name."""


def advance(current: OrderStatus, new: OrderStatus) -> OrderStatus:
    """Move an order to `new`.

    Raises:
        InvariantError: if the edge does not exist.
    """
    if new not in _EDGES[current]:
        raise InvariantError(
            "Order status moved along an edge that does not exist",
            expected=f"one of {sorted(s.value for s in _EDGES[current])} after {current.value}",
            found=new.value,
        )
    return new


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """One order as it goes to a venue; prices and quantity are on the instrument's grid.

    Attributes:
        bar_ts: open time of the bar whose close decided it.
        limit_price: quote per base; None for market orders.
        stop_price: trigger; None unless the type has one.
    """

    client_order_id: str
    tag: str
    symbol: Symbol
    side: OrderSide
    type: OrderType
    tif: TimeInForce
    quantity: Decimal
    bar_ts: Micros
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What a venue says of one order, now.

    Attributes:
        executed: base quantity filled so far.
        quote_executed: quote amount paid or received so far, before fees.
        updated_ts: venue time of the last change.
    """

    client_order_id: str
    venue_order_id: str
    symbol: Symbol
    side: OrderSide
    status: OrderStatus
    quantity: Decimal
    executed: Decimal
    quote_executed: Decimal
    updated_ts: Micros
    reason: str = ""
