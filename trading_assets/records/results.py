"""What a run leaves behind: append-only logs of fills, round trips, orders, refusals, equity."""

from __future__ import annotations

from functools import cache
from operator import is_
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_assets.records.arrays import Records, buffer

# Rows have no padding: all their bytes are content, since results are hashed.


FILL = np.dtype(
    [
        ("id", "i8"),
        ("order_id", "i8"),
        ("bar_ts", "i8"),  # bar whose close decided the order
        ("ts", "i8"),  # open time of the bar that filled it, or the venue's time of execution
        ("lots", "i8"),
        ("units", "i8"),  # 1e-8 of base, positive
        ("price", "f8"),
        ("touched", "f8"),  # before costs worsened it; NaN for a venue's fill: not known
        ("notional", "i8"),  # 1e-8 of quote, positive
        ("fee", "i8"),  # 1e-8 of base or quote
        ("position", "i8"),  # lots held afterwards
        ("cash", "i8"),  # quote units held afterwards
        ("symbol", "i2"),  # index of the instrument
        ("tag", "i2"),  # index of the strategy
        ("side", "i1"),
        ("leg", "i1"),
        ("fee_in_base", "i1"),
        ("maker", "i1"),
    ],
    align=True,
)

ROUND_TRIP = np.dtype(
    [
        ("id", "i8"),
        ("units", "i8"),  # 1e-8 of base, positive
        ("entry_ts", "i8"),
        ("exit_ts", "i8"),
        ("entry_price", "f8"),
        ("exit_price", "f8"),
        ("cost", "i8"),  # quote units exchanged at the entry, before fees
        ("proceeds", "i8"),  # quote units exchanged at the exit, before fees
        ("fees", "i8"),  # quote units, of both sides
        ("pnl", "i8"),  # quote units, after fees
        ("entry_order_id", "i8"),
        ("exit_order_id", "i8"),
        ("symbol", "i2"),
        ("tag", "i2"),
        ("side", "i2"),  # of the position
        ("leg", "i2"),  # of the order that closed it
    ],
    align=True,
)

CLOSED_ORDER = np.dtype(
    [
        ("id", "i8"),
        ("bar_ts", "i8"),
        ("closed_ts", "i8"),  # open time of the bar, or the venue's time; 0 while working
        ("lots", "i8"),
        ("filled", "i8"),
        ("limit_ticks", "i8"),  # NO_PRICE for none
        ("stop_ticks", "i8"),
        ("parent", "i8"),
        ("oco", "i8"),
        ("valid_to", "i8"),  # open time of the last bar it works in, NEVER for none
        ("edges", "i4"),  # that it took, one bit each: `records.order_edges`
        ("symbol", "i2"),
        ("tag", "i2"),
        ("state", "i2"),  # OrderState
        ("side", "i1"),
        ("type", "i1"),
        ("tif", "i1"),
        ("leg", "i1"),
        ("reduce_only", "i1"),
        ("cause", "i1"),  # Cause
    ],
    align=True,
)

REFUSED = np.dtype(
    [
        ("ts", "i8"),
        ("limit", "f8"),  # what was allowed
        ("was", "f8"),  # what it would have been
        ("symbol", "i2"),
        ("tag", "i2"),
        ("verdict", "i4"),
    ],
    align=True,
)

FINANCING = np.dtype(
    [
        ("ts", "i8"),  # open time of the first bar after the nights, or the caller's instant
        ("amount", "i8"),  # quote units paid, negative when received
        ("position", "i8"),  # lots held over the nights
        ("price", "f8"),  # the close that valued them
        ("nights", "i4"),
        ("symbol", "i2"),
        ("tag", "i2"),
        ("kind", "i8"),  # Financing
    ],
    align=True,
)


FACTOR = np.dtype(
    [
        ("ts", "i8"),  # open time of the bar at whose close it changed
        ("factor", "f8"),  # what entries are multiplied by from here on
        ("symbol", "i2"),
        ("tag", "i2"),
        ("reasons", "i4"),  # FactorReason
    ],
    align=True,
)


@cache
def as_written(dtype: np.dtype[np.void]) -> np.dtype[np.void]:
    """Give the record of a row as the compiled step writes it: `owner` for symbol and tag.

    One store for both: another narrow one per row slows a run with many trades by 5 percent.
    """
    fields: list[Any] = [
        ("owner" if name == "symbol" else name, "i4" if name == "symbol" else dtype[name])
        for name in dtype.names or ()
        if name != "tag"
    ]
    return np.dtype(fields, align=True)


def owner_of(symbol: int, tag: int) -> int:
    """Give the number that stands for an instrument and a strategy in a row that is written."""
    return tag << 16 | symbol


N_FILLS, N_TRIPS, N_ORDERS, N_REFUSED, N_EQUITY, N_FINANCING, N_FACTORS = range(7)
"""Places in `Logs.used`."""


class Logs(NamedTuple):
    """Buffers that compiled functions append to, as written; rows beyond `used` hold anything.

    Attributes:
        equity: quote, one per bar.
        used: int64 (7,), filled rows of each buffer.
    """

    fills: Records
    round_trips: Records
    orders: Records
    refused: Records
    equity: NDArray[np.float64]
    financing: Records
    factors: Records
    used: NDArray[np.int64]


def new_logs(rows: int, bars: int) -> Logs:
    """Make empty logs with room for `rows` events and `bars` bars."""
    return Logs(
        buffer(rows, as_written(FILL)),
        buffer(rows, as_written(ROUND_TRIP)),
        buffer(rows, as_written(CLOSED_ORDER)),
        buffer(rows, as_written(REFUSED)),
        buffer(bars),
        buffer(rows, as_written(FINANCING)),
        buffer(rows, as_written(FACTOR)),
        np.zeros(7, np.int64),
    )


def roomier(logs: Logs, events: int, bars: int) -> Logs:
    """Give logs with the same rows and room for at least `events` and `bars` more in each.

    They are the same logs when they have that room.
    """

    def longer(rows: np.ndarray, used: int, more: int) -> np.ndarray:
        if used + more <= len(rows):
            return rows
        new = buffer(max(2 * len(rows), used + more), rows.dtype)
        new[:used] = rows[:used]
        return new

    used = logs.used.tolist()
    roomy = Logs(
        longer(logs.fills, used[N_FILLS], events),
        longer(logs.round_trips, used[N_TRIPS], events),
        longer(logs.orders, used[N_ORDERS], events),
        longer(logs.refused, used[N_REFUSED], events),
        longer(logs.equity, used[N_EQUITY], bars),
        longer(logs.financing, used[N_FINANCING], events),
        longer(logs.factors, used[N_FACTORS], events),
        logs.used,
    )
    return logs if all(map(is_, roomy, logs)) else roomy
