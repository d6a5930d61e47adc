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
from trading_assets.records.queues import Queues
from trading_assets.records.results import Logs

__all__ = ["FUNCTION_POINTERS", "SIGNATURE", "advance_asking"]

FUNCTION_POINTERS = function_type
"""Where numba learns at import to take function pointers as arguments."""

SIGNATURE = types.int64(types.int64, types.int64, types.int64, types.int64)
"""Of the question: number of the asked book, column of the run, open time, bars seen; 1 for a wish.
"""


@entry
def advance_asking(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs,
    ask: Callable[[int, int, int, int], int], bars: Bars, signals: np.ndarray,
    places: np.ndarray, least: np.ndarray, seen: np.ndarray, times: np.ndarray,
    window: np.ndarray, start: int, stop: int, live: int,
) -> int:  # fmt: skip
    """Step and ask from question `start` to `stop`; give the one that has a wish, else `stop`.

    Question `t * A + a` is the `a`-th book that is asked, number `places[a]` of all, at the close
    of bar `t`, once `least[a]` bars were seen. Bar `t` is stepped through before the first of its
    questions. When that one is given without a wish, the logs had no room and the bar was not
    begun. `places` and `least` are int64 (A,).
    """
    asked = len(places)
    for question in range(start, stop):
        t = question // asked
        a = question % asked
        if a == 0:
            if advance(accounts, books, queues, events, logs, bars, signals, t, t + 1, live) == t:
                return question
            _remember(books, places, seen, times, window, bars, t)
        if seen[a] < least[a] or np.isnan(bars.close[books[places[a]].symbol, t]):
            continue
        if ask(a, t, bars.ts[t], seen[a]) != 0:
            return question
    return stop


@compiled
def _remember(
    books: Records, places: np.ndarray, seen: np.ndarray, times: np.ndarray, window: np.ndarray,
    bars: Bars, t: int,
) -> None:  # fmt: skip
    """Put bar `t` of every asked book whose symbol has one behind those that are remembered.

    `seen` is int64 (A,), `times` int64 (A, 2 lookback), `window` float64 (A, 5, 2 lookback).
    """
    lookback = times.shape[1] // 2
    for a in range(len(places)):
        symbol = books[places[a]].symbol
        if np.isnan(bars.close[symbol, t]):
            continue
        first = seen[a] % lookback
        for k in (first, first + lookback):
            times[a, k] = bars.ts[t]
            window[a, 0, k] = bars.open[symbol, t]
            window[a, 1, k] = bars.high[symbol, t]
            window[a, 2, k] = bars.low[symbol, t]
            window[a, 3, k] = bars.close[symbol, t]
            window[a, 4, k] = bars.volume[symbol, t]
        seen[a] += 1
