"""W3: the pairs of averages of the peers' benchmark as one sweep, through `Sweep(spec, bars, ...)`.

`python sweep_work.py` prints one JSON line: the sweep beside single runs in the same process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from works import SYMBOL, WARM_UP_BARS, _compiled, frame_of

from trading_assets import Backtest, Sweep
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.features.memo import values
from trading_assets.strategies.protocol import BASE_BAR

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


@dataclass(frozen=True, slots=True)
class EmaPair:
    """W1's cross with its averages taken from the memo: F x S pairs compute F + S of them."""

    fast: int = 20
    slow: int = 60

    name: ClassVar[str] = "ema_pair"
    family: ClassVar[SignalFamily] = SignalFamily.TARGET
    horizon: ClassVar[str | None] = None
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET})
    warm_up: ClassVar[timedelta] = WARM_UP_BARS * BASE_BAR

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and `target`."""
        fast = values(frame, average, "close", span=self.fast)
        slow = values(frame, average, "close", span=self.slow)
        return pl.DataFrame({"ts": frame["ts"], "target": _compiled(_crossings)(fast, slow)})


def average(close: NDArray[np.float64], span: int) -> NDArray[np.float64]:
    """Give the EMA of the closes, seeded with the first."""
    found: NDArray[np.float64] = _compiled(_average)(close, 2.0 / (span + 1.0))
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


def instruments() -> list[Instrument]:
    """Give the instrument of W1 to W3."""
    return [Instrument(SYMBOL, "BTC", "USDT", Decimal("0.01"), Decimal("0.00000001"))]


def sweep(frame: pl.DataFrame, space: Mapping[str, Any] | None = None) -> Sweep:
    """Prepare W3; `.run()` runs the 200 trials."""
    return Sweep(SPEC, {SYMBOL: frame}, space or SPACE, instruments())


def single(frame: pl.DataFrame, fast: int, slow: int) -> Backtest:
    """Prepare the single run of one pair."""
    spec = {**SPEC, "params": {"fast": fast, "slow": slow}}
    return Backtest(spec, {SYMBOL: frame}, instruments())


def _cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def main() -> None:
    peers = os.environ.get("PEERS_HOME") or Path(__file__).parents[2] / "shared/bench/peers"
    sys.path.append(str(peers))
    import common

    frame = frame_of(common.load_bars())
    whole = sweep(frame)
    sweep(frame.head(20_000), {"fast": [5], "slow": [60]}).run()
    single(frame.head(20_000), 5, 60).run()
    repeats, runs = [], []
    for _ in range(3):
        result, seconds = _cpu(whole.run)
        repeats.append(seconds)
        for fast, slow in [(5, 60), (50, 250), (20, 60), (25, 150)]:
            prepared = single(frame, fast, slow).prepared
            assert prepared is not None
            _, seconds = _cpu(prepared.run)
            runs.append(seconds)
    trials, bars = len(result.trials), frame.height
    print(
        json.dumps(
            {
                "work": "w3",
                "trials": trials,
                "cpu_s": min(repeats),
                "combo_bars_per_cpu_s": trials * bars / min(repeats),
                "single_run_cpu_s": sum(sorted(runs)[:4]) / 4,
                "sum_trades": int(result.table["num_trades"].sum()),
                "sum_final_equity": float(result.table["final_equity"].sum()),
            }
        )
    )


if __name__ == "__main__":
    main()
