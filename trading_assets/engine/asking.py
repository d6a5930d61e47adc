"""The compiled loop of strategies that are asked: the step of every bar, then the questions.

The question is a plain function pointer, so nothing is boxed or unboxed on a bar without a wish.
When there is one the loop ends early; the caller brings it through the door and resumes behind it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import types
from numba.experimental import function_type

from trading_assets.engine.kernel import advance
from trading_assets.engine.signals import Bars
from trading_assets.portfolio.compiled import compiled, entry
from trading_assets.records.arrays import Records
from trading_assets.records.results import Logs

__all__ = ["FUNCTION_POINTERS", "SIGNATURE", "advance_asking"]

FUNCTION_POINTERS = function_type
"""Where numba learns at import to take function pointers as arguments."""

SIGNATURE = types.int64(types.int64, types.int64, types.int64, types.int64)
"""Of the question: place of the symbol, column of the run, open time, bars seen; 1 for a wish."""


@entry
def advance_asking(
    ask: Callable[[int, int, int, int], int], accounts: Records, books: Records, events: Records,
    logs: Logs, bars: Bars, signals: np.ndarray, seen: np.ndarray, times: np.ndarray,
    window: np.ndarray, start: int, stop: int, live: int,
) -> int:  # fmt: skip
    """Step and ask from question `start` to `stop`; give the one that has a wish, else `stop`.

    Question `t * S + s` is symbol `s` at the close of bar `t`; bar `t` is stepped through before
    the first of its questions. When that one is given without a wish, the logs had no room and the
    bar was not begun.
    """
    symbols = len(books)
    lookback = times.shape[1] // 2
    for question in range(start, stop):
        t = question // symbols
        symbol = question % symbols
        if symbol == 0:
            if advance(accounts, books, events, logs, bars, signals, t, t + 1, live) == t:
                return question
            _remember(seen, times, window, bars, t)
        if seen[symbol] < lookback or np.isnan(bars.close[symbol, t]):
            continue
        if ask(symbol, t, bars.ts[t], seen[symbol]) != 0:
            return question
    return stop


@compiled
def _remember(seen: np.ndarray, times: np.ndarray, window: np.ndarray, bars: Bars, t: int) -> None:
    """Put bar `t` of every symbol that has one behind those that are remembered.

    `seen` is int64 (S,), `times` int64 (S, 2 lookback), `window` float64 (S, 5, 2 lookback).
    """
    lookback = times.shape[1] // 2
    for symbol in range(len(seen)):
        if np.isnan(bars.close[symbol, t]):
            continue
        first = seen[symbol] % lookback
        for k in (first, first + lookback):
            times[symbol, k] = bars.ts[t]
            window[symbol, 0, k] = bars.open[symbol, t]
            window[symbol, 1, k] = bars.high[symbol, t]
            window[symbol, 2, k] = bars.low[symbol, t]
            window[symbol, 3, k] = bars.close[symbol, t]
            window[symbol, 4, k] = bars.volume[symbol, t]
        seen[symbol] += 1
