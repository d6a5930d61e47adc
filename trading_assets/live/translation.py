"""Between the words of the engine (places, lots, ticks, matrices) and those of the venue."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import InvariantError
from trading_assets.domain.events import BarReady, SignalRow
from trading_assets.domain.ids import Symbol, client_order_id
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderTicket

if TYPE_CHECKING:
    from trading_assets.engine.machine import EngineOrder


_NO_BAR = (math.nan,) * 5


def matrices_from_bar(
    event: BarReady,
    places: Mapping[Symbol, int],
    signal_places: Mapping[tuple[str, Symbol], int],
    columns: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lay out bars and signals as the engine takes them; NaN is "none".

    The signals of a late bar are left out: it moves the book and decides nothing.

    Returns:
        float64 (symbols, 5): open, high, low, close, volume; and float64 (rows, columns), one row
        per strategy and symbol; a strategy with fewer columns leaves the last ones empty.

    Raises:
        InvariantError: if a symbol, or a strategy's, is not one of the book's.
    """
    bars = [_NO_BAR] * len(places)
    none = (math.nan,) * columns
    signals = [none] * len(signal_places)
    for bar in event.bars:
        bars[place(bar.symbol, places)] = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    if not event.late:
        for row in event.rows:
            values = row.values
            signals[_signal_place(row, signal_places)] = values + none[len(values) :]
    return np.array(bars), np.array(signals)


def ticket_from_order(
    order: EngineOrder, instrument: Instrument, account: str, tag: str, revision: int = 0
) -> OrderTicket:
    """Give an order of the engine as a venue takes it, with the one id it can ever have."""
    limit, stop = order.limit_ticks, order.stop_ticks
    return OrderTicket(
        client_order_id=client_order_id(
            account, tag, instrument.symbol, order.bar_ts, int(order.leg), revision
        ),
        tag=tag,
        symbol=instrument.symbol,
        side=order.side,
        type=order.type,
        tif=order.tif,
        quantity=instrument.quantity_from_lots(order.lots),
        bar_ts=order.bar_ts,
        limit_price=None if limit is None else instrument.price_from_ticks(limit),
        stop_price=None if stop is None else instrument.price_from_ticks(stop),
        reduce_only=order.reduce_only,
    )


def place(symbol: Symbol, places: Mapping[Symbol, int]) -> int:
    """Give the engine's place of a symbol.

    Raises:
        InvariantError: if the book does not trade it.
    """
    if symbol not in places:
        raise InvariantError(
            "Something happened to a symbol that the book does not trade",
            expected=f"one of {', '.join(places)}",
            found=symbol,
        )
    return places[symbol]


def _signal_place(row: SignalRow, places: Mapping[tuple[str, Symbol], int]) -> int:
    if (row.tag, row.symbol) not in places:
        raise InvariantError(
            "Signals came of a strategy and symbol that the book does not trade",
            expected=", ".join(f"{tag} {symbol}".strip() for tag, symbol in places),
            found=f"{row.tag} {row.symbol}".strip(),
        )
    return places[row.tag, row.symbol]
