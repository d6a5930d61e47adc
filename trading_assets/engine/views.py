"""What callers see of the machine's records: orders and positions as values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument, decimal_from_units
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce
from trading_assets.domain.setup import BookPlace
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import NEVER, NO_PRICE, REDUCE_ONLY, Leg, OrderState
from trading_assets.records.results import CLOSED_ORDER
from trading_assets.records.state import ORDER

OrderRow = tuple[Any, ...]
"""A row of an order table as a tuple: to read a record field by field takes ten times as long."""

Working = tuple[int, int, OrderRow]
"""A working order: place of its book, place in the book's table, and the row."""

_PLACES = {name: place for place, name in enumerate(ORDER.names or ())}
ID, FLAGS = _PLACES["id"], _PLACES["flags"]
LOTS, FILLED = _PLACES["lots"], _PLACES["filled"]
_SIDE, _TYPE, _TIF, _LEG = (_PLACES[name] for name in ("side", "type", "tif", "leg"))
_LIMIT, _STOP = _PLACES["limit_ticks"], _PLACES["stop_ticks"]
_BAR_TS, _VALID_TO = _PLACES["bar_ts"], _PLACES["valid_to"]
_SIDES = {int(side): side for side in OrderSide}
_TYPES = {int(kind): kind for kind in OrderType}
_TIFS = {int(tif): tif for tif in TimeInForce}
_LEGS = {int(leg): leg for leg in Leg}


class EngineOrder(NamedTuple):
    """An order as the engine holds it: whole lots, whole ticks.

    Attributes:
        symbol_index: place of its instrument in the setup.
        tag: place of its strategy in the setup.
        lots: ordered, not what is left.
        limit_ticks, stop_ticks: None where the type has no such price.
        bar_ts: open time of the bar whose close decided it.
        valid_to: open time of the last bar it works in; None for no end.
    """

    order_id: int
    symbol_index: int
    side: OrderSide
    type: OrderType
    tif: TimeInForce
    lots: int
    limit_ticks: int | None
    stop_ticks: int | None
    reduce_only: bool
    leg: Leg
    bar_ts: Micros
    valid_to: Micros | None = None
    tag: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of one symbol in one book.

    Attributes:
        lots: whole lots, negative when short.
        quantity: the same in base.
        dust: what is held beyond whole lots, in base.
        average_price: quote per base over the open FIFO lots, fees apart; NaN when flat.
        unrealised_pnl: quote, at the latest close, after entry fees.
        price: the latest close.
        tag: place of its strategy in the setup.
    """

    symbol: Symbol
    lots: int
    quantity: Decimal
    dust: Decimal
    average_price: float
    unrealised_pnl: float
    price: float
    tag: int = 0


def engine_order(row: OrderRow, place: BookPlace) -> EngineOrder:
    """Give a row of the order table of a book, whose place in the setup this is, as a value."""
    limit, stop, valid_to = row[_LIMIT], row[_STOP], row[_VALID_TO]
    return EngineOrder(
        order_id=row[ID],
        symbol_index=place.symbol,
        tag=place.tag,
        side=_SIDES[row[_SIDE]],
        type=_TYPES[row[_TYPE]],
        tif=_TIFS[row[_TIF]],
        lots=row[LOTS],
        limit_ticks=None if limit == NO_PRICE else limit,
        stop_ticks=None if stop == NO_PRICE else stop,
        reduce_only=bool(row[FLAGS] & REDUCE_ONLY),
        leg=_LEGS[row[_LEG]],
        bar_ts=row[_BAR_TS],
        valid_to=None if valid_to == NEVER else valid_to,
    )


def order_row(book: Record, order: Record) -> Record:
    """Give a working order the shape of those that ended."""
    row = np.zeros(1, CLOSED_ORDER)[0]
    for name in CLOSED_ORDER.names or ():
        if name in (order.dtype.names or ()):
            row[name] = order[name]
    row["symbol"], row["tag"] = book["symbol"], book["tag"]
    row["reduce_only"] = int(bool(order["flags"] & REDUCE_ONLY))
    row["state"] = int(OrderState.WORKING)
    return row


def position(instrument: Instrument, book: Record, lots: Records) -> Position:
    """Read what a book holds, in these open lots."""
    base = int(book["base"])
    side = 1 if base >= 0 else -1
    cost = sum(lots["cost"].tolist())  # of few lots, which numpy takes long to begin with
    fees = sum(lots["fee"].tolist())
    value = base * float(book["price"]) * float(instrument.point_value)
    unrealised = (value - side * cost - fees) / 1e8 if base else 0.0
    held = int(book["position"]) * instrument.lot_units
    return Position(
        symbol=instrument.symbol,
        lots=int(book["position"]),
        quantity=decimal_from_units(held),
        dust=decimal_from_units(base - held),
        average_price=cost / abs(base) / float(instrument.point_value) if base else float("nan"),
        unrealised_pnl=unrealised,
        price=float(book["price"]),
        tag=int(book["tag"]),
    )
