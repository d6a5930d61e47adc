"""The benchmark works through the product's public way: a spec, a strategy, frames, `Backtest`.

W1 and W2 are defined with their bars and expected numbers in the benchmark of peers (its
README.md), W4 in the README beside this file. They know bars by their index; the product's bars are
five minutes long, so bar `i` opens at `i * 5` minutes here, which changes nothing but the names of
the instants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets import AskedStrategy, Backtest, BracketStrategy, Symbol, TargetStrategy

SYMBOL = Symbol("BTCUSDT")
TICK = 0.01
GRID = {"tick": "0.01", "lot": "0.00000001"}
WARM_UP_BARS = 1000
LAST_SETUP = 1438  # index in the day of the bar at whose close everything ends
DAY_BARS = 1440
BAR = timedelta(minutes=5)
BAR_MICROS = 300_000_000
W4_SYMBOLS = tuple(Symbol(f"COIN{i:02d}USDT") for i in range(20))
W4_BARS = 100_000
W4_PCT, W4_QTY = 0.04, 0.1  # twenty positions of 4 % never run out of cash

_SIZING = {
    ("w1", "pct"): {"mode": "pct_of_equity", "pos_pct": 10},
    ("w1", "qty"): {"mode": "fixed", "qty": "0.1"},
    ("w2", "qty"): {"mode": "fixed", "qty": "0.01"},
    ("w4", "pct"): {"mode": "pct_of_equity", "pos_pct": 4},
    ("w4", "qty"): {"mode": "fixed", "qty": "0.1"},
}


@dataclass(frozen=True)
class EmaCross(TargetStrategy):
    """W1 and W4: long from the bar where one EMA rises above another to where it falls below."""

    fast: int = 20
    slow: int = 60

    name: ClassVar[str] = "ema_cross"
    warm_up: ClassVar[timedelta] = WARM_UP_BARS * BAR

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and `target`."""
        target = compiled(_cross)(frame["close"].to_numpy(), self.fast, self.slow)
        return pl.DataFrame({"ts": frame["ts"], "target": target})


def _cross(close: NDArray[np.float64], fast: int, slow: int) -> NDArray[np.float64]:
    """Give 1 where EMA `fast` rises above EMA `slow`, 0 where it falls below, else NaN."""
    target = np.full(close.size, np.nan)
    fast_weight, slow_weight = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0)
    above = below = close[0]
    before = 0.0
    for t in range(1, close.size):
        above += fast_weight * (close[t] - above)
        below += slow_weight * (close[t] - below)
        now = above - below
        if now > 0.0 and before <= 0.0:
            target[t] = 1.0
        elif now < 0.0 and before >= 0.0:
            target[t] = 0.0
        before = now
    return target


@dataclass(frozen=True)
class EmaAsked(AskedStrategy):
    """W1 decided in Python at every close; its averages are columns, as the peers' are compiled."""

    fast: int = 20
    slow: int = 60

    name: ClassVar[str] = "ema_asked"
    columns: ClassVar[tuple[str, ...]] = ("gap",)
    state: ClassVar[Any] = (("before", "f8"),)
    warm_up: ClassVar[timedelta] = (WARM_UP_BARS - 1) * BAR

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and how far the fast average lies above the slow one."""
        gap = compiled(_gap)(frame["close"].to_numpy(), self.fast, self.slow)
        return pl.DataFrame({"ts": frame["ts"], "gap": gap})

    def on_bar(self, view: Any, state: Any) -> list[Any]:
        """Go long where the gap opens upwards, leave where it opens downwards."""
        gap, before = view.column("gap"), state["before"]
        state["before"] = gap
        if gap > 0.0 and before <= 0.0 and view.lots == 0:
            return view.buy()
        return view.exit() if gap < 0.0 and before >= 0.0 and view.lots else []


def _gap(close: NDArray[np.float64], fast: int, slow: int) -> NDArray[np.float64]:
    """Give EMA `fast` less EMA `slow`."""
    gap = np.zeros(close.size)
    fast_weight, slow_weight = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0)
    above = below = close[0]
    for t in range(1, close.size):
        above += fast_weight * (close[t] - above)
        below += slow_weight * (close[t] - below)
        gap[t] = above - below
    return gap


@dataclass(frozen=True)
class InsideBars(BracketStrategy):
    """W2: a bar inside the one before it is bought a tick above, with a stop a tick below."""

    name: ClassVar[str] = "inside_bars"
    warm_up: ClassVar[timedelta] = WARM_UP_BARS * BAR

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and the columns of the long side."""
        columns = compiled(_inside)(
            frame["ts"].to_physical().to_numpy(), frame["high"].to_numpy(), frame["low"].to_numpy()
        )
        names = ("long_entry", "sl_long", "tp_long", "valid_to")
        return pl.DataFrame({"ts": frame["ts"], **dict(zip(names, columns, strict=True))})


def _inside(
    ts: NDArray[np.int64], high: NDArray[np.float64], low: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give entry, stop, target and end of the bracket of every inside bar, else NaN."""
    columns = np.full((4, ts.size), np.nan)
    for t in range(1, ts.size):
        left = LAST_SETUP - t % DAY_BARS
        if left > 0 and high[t] <= high[t - 1] and low[t] >= low[t - 1]:
            entry = np.round(high[t - 1] + TICK, 2)
            stop = np.round(low[t - 1] - TICK, 2)
            columns[0, t] = entry
            columns[1, t] = stop
            columns[2, t] = np.round(entry + 2 * (entry - stop), 2)
            columns[3, t] = ts[t] + left * BAR_MICROS
    return columns


@cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a pass over bars, as the peers' engines compile theirs."""
    from numba import njit

    found: Callable[..., Any] = njit(cache=True)(function)
    return found


def frame_of(bars: Mapping[str, NDArray[Any]], symbol: str = "") -> pl.DataFrame:
    """Make a table from arrays `open, high, low, close, volume`; named, they are of a symbol."""
    n = len(bars["close"])
    ts = np.arange(n, dtype=np.int64) * BAR_MICROS + 1_672_531_200_000_000
    return pl.DataFrame(
        {
            "ts": pl.Series(ts).cast(pl.Datetime("us", "UTC")),
            **({"symbol": pl.repeat(symbol, n, eager=True)} if symbol else {}),
            **{name: bars[name] for name in ("open", "high", "low", "close", "volume")},
        }
    )


def backtest(
    work: str,
    mode: str,
    frames: pl.DataFrame | Sequence[pl.DataFrame],
    *,
    fast: int = 20,
    slow: int = 60,
    asked: bool = False,
) -> Backtest:
    """Prepare W1 (`pct` or `qty`; perhaps as a strategy that is asked), W2 or W4."""
    mode = "qty" if work == "w2" else mode
    tables = [frames] if isinstance(frames, pl.DataFrame) else list(frames)
    symbols = W4_SYMBOLS[: len(tables)] if work == "w4" else (SYMBOL,)
    strategy = "InsideBars" if work == "w2" else "EmaAsked" if asked else "EmaCross"
    spec = {
        "name": work,
        "strategy": f"{__name__}:{strategy}",
        "params": {} if work == "w2" else {"fast": fast, "slow": slow},
        "symbols": list(symbols),
        "cash": 100_000,
        "sizing": _SIZING[work, mode],
        "costs": {"fees_bps": 10.0, "slippage_bps": 1.0},
    }
    given = dict(zip(symbols, tables, strict=True))
    return Backtest(spec, given, **GRID)
