"""Passing over bars on which nothing can be matched or decided, so that only marks are left.

It changes the speed of a run and nothing else: a bar that is coasted over leaves the same bytes as
one that goes through matching and deciding.
"""

from __future__ import annotations

import numpy as np

from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.signals import Bars
from trading_assets.portfolio.compiled import inlined, spliced
from trading_assets.portfolio.valuation import account_value, drawdown_from, mark
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import Verdict

TARGET = int(SignalFamily.TARGET)
ON_BAR = int(SignalFamily.ON_BAR)
NO_SIGNAL = int(Verdict.NO_SIGNAL)


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
    inventory = False
    for b in range(len(books)):
        book = books[b]
        inventory = inventory or book.base != 0
        silent = 0
        for t in range(start, end):
            silent += 0 if np.isnan(bars.close[book.symbol, t]) else 1
        book.verdicts[NO_SIGNAL] += silent
    if inventory:
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
    for t in range(start, stop):
        if ts[t] >= day_end:
            return t
        for column in range(last_column + 1):
            for b in range(signals.shape[1]):
                if not np.isnan(signals[column, b, t]):
                    return t
    return stop


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
    for t in range(start, end):
        curve[first + t] = account.equity
