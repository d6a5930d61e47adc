"""The positions of a run, replayed from its fills alone: first in, first out, daily marks."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import Instrument, decimal_from_units
from trading_assets.engine.signals import BarMatrix
from trading_assets.evaluation.metrics import day_ends
from trading_assets.records.arrays import Records

TS = pl.Datetime("us", "UTC")
EXACT = pl.Decimal(38, 8)

POSITIONS = pl.Schema(
    {
        "ts_utc": TS,
        "symbol": pl.String(),
        "qty": EXACT,
        "avg_price": pl.Float64(),
        "unrealized_pnl": pl.Float64(),
        "strategy": pl.String(),
    }
)


def position_table(
    fills: Records, bars: BarMatrix, instruments: Sequence[Instrument], tags: Sequence[str]
) -> pl.DataFrame:
    """Replay the fills first in, first out, and mark what is open at the end of each UTC day.

    It shares no code with the engine's ledger, so that it can disagree with it.

    Args:
        fills: `records.results.FILL`, in order.
        bars: what the run saw; days end with their last bar, marks are the latest closes.
        instruments: in the order of the symbol indices.
        tags: names of the strategies, in the order of their indices.

    Returns:
        POSITIONS: every open position of every strategy at each day's end; at the end of the run
        also flat ones, of every symbol that the strategy has traded (alone: of every symbol).
    """
    closes = latest_closes(bars.close)
    lots: dict[tuple[int, int], deque[list[Any]]] = defaultdict(deque)
    places = sorted({(int(f["tag"]), int(f["symbol"])) for f in fills})
    if len(tags) == 1:
        places = [(0, number) for number in range(len(instruments))]
    rows: list[dict[str, Any]] = []
    pending = deque(fills)
    for at in day_ends(bars.ts).tolist():
        while pending and int(pending[0]["ts"]) <= int(bars.ts[at]):
            place = int(pending[0]["tag"]), int(pending[0]["symbol"])
            _book(lots[place], pending.popleft())
        last = at == len(bars.ts) - 1
        for tag, number in places:
            held = lots[tag, number]
            if last or sum(lot[0] for lot in held):
                close = float(closes[number, at])
                row = _marked(int(bars.ts[at]), instruments[number], held, close)
                rows.append(row | {"strategy": tags[tag]})
    return frame_of(rows, POSITIONS)


def _book(lots: deque[list[Any]], fill: Any) -> None:
    left = int(fill["units"]) * int(fill["side"])
    if fill["fee_in_base"]:
        left -= int(fill["fee"])
    while lots and left and (lots[0][0] > 0) != (left > 0):
        taken = min(abs(left), abs(lots[0][0])) * (1 if lots[0][0] > 0 else -1)
        lots[0][0] -= taken
        left += taken
        if not lots[0][0]:
            lots.popleft()
    if left:
        lots.append([left, float(fill["price"])])


def _marked(
    ts: Micros, instrument: Instrument, lots: deque[list[Any]], close: float
) -> dict[str, Any]:
    units = sum(lot[0] for lot in lots)
    cost = sum(lot[0] * lot[1] for lot in lots)
    point = float(instrument.point_value)
    return {
        "ts_utc": ts,
        "symbol": instrument.symbol,
        "qty": decimal_from_units(units),
        "avg_price": cost / units if units else None,
        "unrealized_pnl": (units * close - cost) / 1e8 * point if units else 0.0,
    }


def latest_closes(close: NDArray[np.float64]) -> NDArray[np.float64]:
    """Carry each symbol's latest close over the bars it does not have."""
    places = np.where(np.isnan(close), 0, np.arange(close.shape[1]))
    return np.take_along_axis(close, np.maximum.accumulate(places, axis=1), axis=1)


def frame_of(rows: Sequence[Mapping[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    """Build a table from rows; instants are given in microseconds."""
    columns: dict[str, pl.Series] = {}
    for name, dtype in schema.items():
        values = [row[name] for row in rows]
        if dtype == TS:
            columns[name] = pl.Series(name, values, dtype=pl.Int64).cast(TS)
        else:
            columns[name] = pl.Series(name, values, dtype=dtype)
    return pl.DataFrame(columns)
