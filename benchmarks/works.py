"""The benchmark works through the product's public way: a spec, a strategy, frames, `Backtest`.

W1 and W2 are defined with their bars and expected numbers in the benchmark of peers (its
README.md). They know bars by their index; the product's bars are five minutes long, so bar `i`
opens at `i * 5` minutes here, which changes nothing but the names of the instants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets import Backtest
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.strategies.protocol import BASE_BAR
from trading_assets.strategies.spec import parse_spec

SYMBOL = symbol_from_text("BTCUSDT")
TICK = 0.01
WARM_UP_BARS = 1000
LAST_SETUP = 1438  # index in the day of the bar at whose close everything ends
DAY_BARS = 1440
BAR_MICROS = 5 * MINUTE

_SPEC = """
name: {work}
strategy: works:{strategy}
symbols: [BTCUSDT]
cash: 100000
sizing: {sizing}
costs: {{fees_bps: 10.0, slippage_bps: 1.0}}
"""
_SIZING = {
    ("w1", "pct"): "{mode: pct_of_equity, pos_pct: 10}",
    ("w1", "qty"): '{mode: fixed, qty: "0.1"}',
    ("w2", "qty"): '{mode: fixed, qty: "0.01"}',
}


@dataclass(frozen=True, slots=True)
class EmaCross:
    """W1: long from the bar where EMA 20 rises above EMA 60 to the bar where it falls below."""

    fast: int = 20
    slow: int = 60

    name: ClassVar[str] = "ema_cross"
    family: ClassVar[SignalFamily] = SignalFamily.TARGET
    horizon: ClassVar[str | None] = None
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET})
    warm_up: ClassVar[timedelta] = WARM_UP_BARS * BASE_BAR

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and `target`."""
        target = _compiled(_cross)(frame["close"].to_numpy(), self.fast, self.slow)
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


@dataclass(frozen=True, slots=True)
class InsideBars:
    """W2: a bar inside the one before it is bought a tick above, with a stop a tick below."""

    name: ClassVar[str] = "inside_bars"
    family: ClassVar[SignalFamily] = SignalFamily.BRACKET
    horizon: ClassVar[str | None] = None
    order_types: ClassVar[frozenset[OrderType]] = frozenset(
        {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP}
    )
    warm_up: ClassVar[timedelta] = WARM_UP_BARS * BASE_BAR

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and the columns of the long side."""
        columns = _compiled(_inside)(
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
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a pass over bars, as the peers' engines compile theirs."""
    from numba import njit

    compiled: Callable[..., Any] = njit(cache=True)(function)
    return compiled


def frame_of(bars: Mapping[str, NDArray[Any]]) -> pl.DataFrame:
    """Make a table from arrays `open, high, low, close, volume`."""
    n = len(bars["close"])
    ts = np.arange(n, dtype=np.int64) * BAR_MICROS + 1_672_531_200_000_000
    return pl.DataFrame(
        {
            "ts": pl.Series(ts).cast(pl.Datetime("us", "UTC")),
            "symbol": pl.repeat(SYMBOL, n, eager=True),
            **{name: bars[name] for name in ("open", "high", "low", "close", "volume")},
        }
    )


def backtest(work: str, mode: str, frame: pl.DataFrame, lot: str = "0.00000001") -> Backtest:
    """Prepare W1 (`pct` or `qty`) or W2."""
    text = _SPEC.format(
        work=work,
        strategy="EmaCross" if work == "w1" else "InsideBars",
        sizing=_SIZING[(work, "qty" if work == "w2" else mode)],
    )
    btc = Instrument(SYMBOL, "BTC", "USDT", Decimal("0.01"), Decimal(lot))
    return Backtest(parse_spec(text, where=work), {SYMBOL: frame}, [btc])
