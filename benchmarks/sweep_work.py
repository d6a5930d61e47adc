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

from trading_assets import Backtest, Sweep, TargetStrategy
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
class EmaPair(TargetStrategy):
    """W1's cross with its averages taken from the memo: F x S pairs compute F + S of them."""

    fast: int = 20
    slow: int = 60

    name: ClassVar[str] = "ema_pair"
    warm_up: ClassVar[timedelta] = WARM_UP_BARS * BAR

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and `target`."""
        fast = values(frame, average, "close", span=self.fast)
        slow = values(frame, average, "close", span=self.slow)
        return pl.DataFrame({"ts": frame["ts"], "target": compiled(_crossings)(fast, slow)})


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


def _crossings(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give 1 where the first rises above the second, 0 where it falls below, else NaN."""
    target = np.empty(above.size)
    target[0] = np.nan
    for t in range(1, above.size):  # without branches, so that several bars are done at once
        rises = (above[t] > below[t]) & ~(above[t - 1] > below[t - 1])
        falls = (above[t] < below[t]) & ~(above[t - 1] < below[t - 1])
        target[t] = 1.0 if rises else (0.0 if falls else np.nan)
    return target


def sweep(frame: pl.DataFrame, space: Mapping[str, Any] | None = None) -> Sweep:
    """Prepare W3; `.run()` runs the 200 trials."""
    return Sweep(SPEC, {SYMBOL: frame}, space or SPACE, **GRID)


def single(frame: pl.DataFrame, fast: int, slow: int) -> Backtest:
    """Prepare the single run of one pair."""
    spec = {**SPEC, "params": {"fast": fast, "slow": slow}}
    return Backtest(spec, {SYMBOL: frame}, **GRID)
