"""W3: the pairs of averages of the peers' benchmark as one sweep: `Sweep(spec, bars, space)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from works import BAR, GRID, SYMBOL, WARM_UP_BARS, compiled

from trading_assets import Backtest, Events, EventStrategy, Sweep
from trading_assets.features.memo import values

SPACE = {"fast": range(5, 55, 5), "slow": range(60, 260, 10)}
"""The 200 pairs of W3, in its order."""

SPEC = {
    "name": "w3",
    "strategy": f"{__name__}:EmaPair",
    "symbols": [SYMBOL],
    "cash": 100_000,
    "sizing": {"mode": "fixed", "qty": "0.1"},
    "costs": {"fees_bps": 10.0, "slippage_bps": 1.0},
}


@dataclass(frozen=True)
class EmaPair(EventStrategy):
    """W1's cross with its averages taken from the memo: F x S pairs compute F + S of them."""

    fast: int = 20
    slow: int = 60

    name: ClassVar[str] = "ema_pair"
    warm_up: ClassVar[timedelta] = WARM_UP_BARS * BAR

    def events(self, frame: pl.DataFrame) -> Events:
        """Give the rows at which the averages cross, 1 upwards and 0 downwards."""
        fast = values(frame, average, "close", span=self.fast)
        slow = values(frame, average, "close", span=self.slow)
        return crossings(fast, slow)


def average(close: NDArray[np.float64], span: int) -> NDArray[np.float64]:
    """Give the EMA of the closes, seeded with the first."""
    found: NDArray[np.float64] = compiled(_average)(close, 2.0 / (span + 1.0))
    return found


def _average(close: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    found = np.empty(close.size)
    level = close[0]
    for t in range(close.size):
        if t > 0:
            level += weight * (close[t] - level)
        found[t] = level
    return found


def crossings(above: NDArray[np.float64], below: NDArray[np.float64]) -> Events:
    """Give where the first rises above the second (1), and where it falls below (0)."""
    side = compiled(_sides)(above, below)
    rows = np.flatnonzero(side[1:] != side[:-1]) + 1
    rows = rows[side[rows] != 0]
    return Events(rows, (side[rows] > 0).astype(np.float64))


def _sides(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.int8]:
    sides = np.empty(above.size, np.int8)
    for t in range(above.size):  # without branches, so that several bars are done at once
        sides[t] = (above[t] > below[t]) - (above[t] < below[t])
    return sides


def sweep(frame: pl.DataFrame, space: Mapping[str, Any] | None = None) -> Sweep:
    """Prepare W3; `.run()` runs the 200 trials."""
    return Sweep(SPEC, {SYMBOL: frame}, space or SPACE, **GRID)


def single(frame: pl.DataFrame, fast: int, slow: int) -> Backtest:
    """Prepare the single run of one pair."""
    spec = {**SPEC, "params": {"fast": fast, "slow": slow}}
    return Backtest(spec, {SYMBOL: frame}, **GRID)
