"""Passing over bars on which nothing can be matched or decided, so that only marks are left.

It changes the speed of a run and nothing else: a bar that is coasted over leaves the same bytes as
one that goes through matching and deciding.
"""

from __future__ import annotations

import numpy as np

from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.signals import Bars
from trading_assets.portfolio.compiled import inlined, spliced
from trading_assets.portfolio.valuation import UNITS, account_value, drawdown_from, mark
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import Verdict

TARGET = int(SignalFamily.TARGET)
ON_BAR = int(SignalFamily.ON_BAR)
NO_SIGNAL = int(Verdict.NO_SIGNAL)
STRIDE = 16
"""Bars that are looked at together: without a way out inside, they are compared as vectors."""


@spliced
def only_signals_matter(account: Record, books: Records) -> bool:
    """Tell whether only a signal can cause anything: no order works, no bracket is open.

    Nothing else looks at every bar but strategies that are asked, and what makes terms restless:
    averages over bars, and margin that may be called.
    """
    quiet = bool(account.terms.restless == 0)
    for b in range(len(books)):
        book = books[b]
        family = book.strategy.family
        watches = family == ON_BAR or (book.position != 0 and family != TARGET)
        quiet = quiet and book.n_orders == 0 and not watches
    return quiet


@inlined
def coast(
    account: Record, books: Records, bars: Bars, signals: np.ndarray, curve: np.ndarray,
    first: int, start: int, stop: int,
) -> int:  # fmt: skip
    """Pass the bars before the next signal or the next day; give the first that was not passed.

    `curve[first + t]` takes the equity at the close of bar `t`.
    """
    last_column = 0  # of those that can open something
    for b in range(len(books)):
        last_column = max(last_column, 0 if books[b].strategy.family == TARGET else 1)
    end = _silence_ends(bars.ts, signals, last_column, account.day_end, start, stop)
    if end == start:
        return start
    inventory, whole = False, True
    for b in range(len(books)):
        book = books[b]
        inventory = inventory or book.base != 0
        silent = _count(bars.close, np.uint64(book.symbol), np.uint64(start), np.uint64(end))
        whole = whole and silent == end - start
        book.verdicts[NO_SIGNAL] += silent
    if inventory and whole:
        _mark_all(account, books, bars.close, curve, first, start, end)
    elif inventory:
        _mark_each(account, books, bars.close, curve, first, start, end)
    else:
        _mark_once(account, books, bars.close, curve, first, start, end)
    account.ts = bars.ts[end - 1]
    return end


@inlined
def _silence_ends(
    ts: np.ndarray, signals: np.ndarray, last_column: int, day_end: int, start: int, stop: int
) -> int:
    """Give the first bar that has a signal or begins a day."""
    begin = start
    while begin + STRIDE <= stop and ts[begin + STRIDE - 1] < day_end:
        spoken = 0
        for column in range(last_column + 1):
            for b in range(signals.shape[1]):
                of_one = signals[np.uint64(column)]
                spoken += _count(of_one, np.uint64(b), np.uint64(begin), np.uint64(begin + STRIDE))
        if spoken > 0:
            break
        begin += STRIDE
    for t in range(begin, stop):
        if ts[t] >= day_end:
            return t
        for column in range(last_column + 1):
            for b in range(signals.shape[1]):
                if not np.isnan(signals[column, b, t]):
                    return t
    return stop


@inlined
def _count(values: np.ndarray, row: np.uint64, start: np.uint64, end: np.uint64) -> int:
    """Count the numbers in part of a row; as unsigned, no index counts from the end."""
    numbers = 0
    for t in range(start, end):
        numbers += 0 if np.isnan(values[row, t]) else 1
    return numbers


@inlined
def _mark_all(
    account: Record, books: Records, close: np.ndarray, curve: np.ndarray, first: int, start: int,
    end: int,
) -> None:  # fmt: skip
    """Do what `mark` does at every close, when each book has a close at each bar.

    The same sums in the same order, one book after the other. Below one peak the deepest drawdown
    is that of the lowest equity, since rounding keeps order: one division does for all of them.
    """
    begin, n = np.uint64(first + start), np.uint64(end - start)
    bar = np.uint64(start)
    cash = float(account.cash)
    for t in range(n):
        curve[begin + t] = cash
    for b in range(len(books)):
        book = books[b]
        symbol = np.uint64(book.symbol)
        book.price = close[symbol, bar + n - np.uint64(1)]
        base, point_value = float(book.base), book.grid.point_value
        if book.base != 0:
            for t in range(n):
                curve[begin + t] += base * close[symbol, bar + t] * point_value
    for t in range(n):
        curve[begin + t] /= UNITS
    equity, peak, deepest, low = account.equity, account.peak, account.max_drawdown, account.day_low
    lowest = np.inf  # since the peak
    for t in range(n):
        equity = curve[begin + t]
        if equity > peak:
            if lowest < peak:
                deepest = max(deepest, drawdown_from(peak, lowest))
            low = min(low, lowest)
            peak = equity
            lowest = np.inf
        lowest = min(lowest, equity)
    if lowest < peak:
        deepest = max(deepest, drawdown_from(peak, lowest))
    account.equity, account.peak, account.drawdown = equity, peak, drawdown_from(peak, equity)
    account.max_drawdown, account.day_low = deepest, min(low, lowest)


@inlined
def _mark_each(
    account: Record, books: Records, close: np.ndarray, curve: np.ndarray, first: int, start: int,
    end: int,
) -> None:  # fmt: skip
    """Do what `mark` does at every close, with its results in registers."""
    equity, peak, drawdown = account.equity, account.peak, account.drawdown
    deepest, low = account.max_drawdown, account.day_low
    for t in range(start, end):
        for b in range(len(books)):
            price = close[books[b].symbol, t]
            if not np.isnan(price):
                books[b].price = price
        equity = account_value(account, books)
        peak = max(peak, equity)
        drawdown = drawdown_from(peak, equity)
        deepest = max(deepest, drawdown)
        low = min(low, equity)
        curve[first + t] = equity
    account.equity, account.peak, account.drawdown = equity, peak, drawdown
    account.max_drawdown, account.day_low = deepest, low


@inlined
def _mark_once(
    account: Record, books: Records, close: np.ndarray, curve: np.ndarray, first: int, start: int,
    end: int,
) -> None:  # fmt: skip
    """Do the same while nothing is held: the equity does not move."""
    for b in range(len(books)):
        symbol = books[b].symbol
        t = end - 1
        while t > start and np.isnan(close[symbol, t]):
            t -= 1
        if not np.isnan(close[symbol, t]):
            books[b].price = close[symbol, t]
    mark(account, books)
    equity = account.equity
    for t in range(np.uint64(first + start), np.uint64(first + end)):
        curve[t] = equity
