"""Holes in the data: where a symbol's bars end for longer than a backtest may bridge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.engine.signals import BarMatrix


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch in which a symbol has no bar.

    Attributes:
        symbol_index: place of the instrument in the setup.
        row: index of the last bar before the hole.
        start: open time of the first missing bar.
        end: open time of the first bar after the hole.
    """

    symbol_index: int
    row: int
    start: Micros
    end: Micros


def bar_size(bars: BarMatrix) -> Micros:
    """Give the length of a bar: the smallest step of the time axis; 0 with fewer than two bars."""
    return int(np.diff(bars.ts).min()) if len(bars) > 1 else 0


def holes(bars: BarMatrix, max_hole: Micros) -> tuple[Hole, ...]:
    """List the holes that miss more than `max_hole` of time, by row and symbol.

    Each symbol is looked at alone: a bar that only others have does not fill its hole. Time before
    its first and after its last bar is no hole.

    Raises:
        DataError: if `max_hole` is negative.
    """
    if max_hole < 0:
        raise DataError("Negative max_hole", expected="microseconds, >= 0", found=str(max_hole))
    size = bar_size(bars)
    found: list[Hole] = []
    for symbol in range(bars.symbols):
        missing = np.isnan(bars.close[symbol])
        ts = bars.ts[~missing] if missing.any() else bars.ts
        for at in np.flatnonzero(np.diff(ts) > size + max_hole):
            row = int(np.searchsorted(bars.ts, ts[at]))
            found.append(Hole(symbol, row, int(ts[at]) + size, int(ts[at + 1])))
    return tuple(sorted(found, key=lambda hole: (hole.row, hole.symbol_index)))
