"""The loop of a sweep: the compiled step, over those bars alone at which something can happen.

A sweep runs one series of bars many times. What only depends on the bars is laid out once
(`Skips`), and signals are kept as the places where they change (`ChangedSignals`). Between two
changes, while no order works and no bracket is open, the marks of all bars are found from the
highest and lowest close. It changes the speed of a run and nothing else: logs and state are those
of `kernel.advance`, to the bit. Only the curve of equity is not written; the equity at the end of
each day is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trading_assets.domain.bar import DAY
from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.coasting import only_signals_matter
from trading_assets.engine.fetching import fetch
from trading_assets.engine.kernel import logs_have_room, lots_have_room, pass_bar
from trading_assets.engine.signals import BarMatrix, Bars, Floats, Ints, read_only
from trading_assets.portfolio.compiled import compiled, entry, inlined
from trading_assets.portfolio.valuation import account_value, drawdown_from, mark
from trading_assets.records.arrays import Record, Records, buffer
from trading_assets.records.codes import Verdict
from trading_assets.records.queues import Queues
from trading_assets.records.results import Logs
from trading_assets.records.strategy_terms import SIZING_FIXED
from trading_assets.risk.sizing import sized_lots

TARGET = int(SignalFamily.TARGET)
NO_SIGNAL = int(Verdict.NO_SIGNAL)
NO_CHANGE = int(Verdict.NO_CHANGE)
BLOCK = 8
"""Bars whose extremes are kept together: the closes of a cache line."""

AHEAD = 4
"""Changes of signals by which memory is asked for before it is read."""


class Skips(NamedTuple):
    """Bars as a sweep reads them: here and there, so that a bar is one cache line.

    Attributes:
        bars: the columns of the bars, side by side in memory.
        close: float64 (S, T), the closes alone.
        days: int64 (D + 1,), first row of each UTC day that has bars; the last is T.
        seen: int64 (S, T + 1), bars of a symbol before each row; (S, 1) when none is missing.
        high, low: float64 (S, T / BLOCK), extremes of the closes of whole blocks.
    """

    bars: Bars
    close: Floats
    days: Ints
    seen: Ints
    high: Floats
    low: Floats


class ChangedSignals(NamedTuple):
    """Signals as the places where they change.

    Attributes:
        rows: int64 (E + 1,), ascending from 0, where a row that stands twice has the later values;
            the last is the number of bars.
        values: float64 (F, S, E), in force from `rows[e]` to before `rows[e + 1]`.
    """

    rows: Ints
    values: Floats


def skips_of(bars: BarMatrix) -> Skips:
    """Lay out what a sweep needs of its bars, once."""
    symbols, length = bars.symbols, len(bars)
    packed: Floats = buffer((symbols, length, 8))
    packed[:, :, 0].view(np.int64)[:] = bars.ts
    for place, name in enumerate(("open", "high", "low", "close", "volume"), 1):
        packed[:, :, place] = getattr(bars, name)
    columns = (read_only(packed[:, :, place]) for place in range(1, 6))
    day = bars.ts // DAY
    firsts = np.flatnonzero(np.diff(day, prepend=day[:1] - 1))
    present = ~np.isnan(bars.close)
    seen = np.zeros((symbols, 1 if present.all() else length + 1), np.int64)
    if not present.all():
        np.cumsum(present, axis=1, out=seen[:, 1:])
    whole = length // BLOCK
    blocks = bars.close[:, : whole * BLOCK].reshape(symbols, whole, BLOCK)
    return Skips(
        Bars(read_only(packed[0, :, 0].view(np.int64)), *columns),
        read_only(bars.close),
        read_only(np.append(firsts, length)),
        read_only(seen),
        read_only(np.fmax.reduce(blocks, axis=2)),
        read_only(np.fmin.reduce(blocks, axis=2)),
    )


@entry
def advance_skipping(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs,
    skips: Skips, signals: ChangedSignals, start: int, stop: int, daily: np.ndarray,
    used: np.ndarray,
) -> int:  # fmt: skip
    """Do bars `start` to `stop`; give the bar that could not be begun, else `stop`.

    `daily` takes the equity at the end of each UTC day that another one follows, from `used[0]` on.
    """
    account = accounts[0]
    event = events[0]
    room = False
    changes = len(signals.rows) - 1
    k = int(np.searchsorted(signals.rows, start, side="right")) - 1
    day = int(np.searchsorted(skips.days, start))  # the next to begin
    t = start
    while t < stop:
        while signals.rows[k + 1] <= t:
            k += 1
            _fetch(skips, signals.rows[min(k + AHEAD, changes - 1)], stop)
        begins = t == skips.days[day]
        quiet = not begins and only_signals_matter(account, books)
        if quiet and _is_idle(account, books, signals.values, k):
            end = min(stop, skips.days[day], signals.rows[k + 1])
            _skip(account, books, skips, signals.values, k, t, end, end == stop)
            if end == stop or end == skips.days[day]:
                account.ts = skips.bars.ts[end - 1]
            t = end
            continue
        if not room:
            room = lots_have_room(books, queues) and logs_have_room(books, event, logs)
            if not room:
                break
        if begins:
            if t > 0:
                daily[used[0]] = account.equity
                used[0] += 1
            day += 1
            _fetch(skips, skips.days[day], stop)
        room = not pass_bar(
            account, books, queues, event, logs, skips.bars, signals.values, t, k, 0
        )
        t += 1
    account.bar += t - start
    return int(t)


@inlined
def _fetch(skips: Skips, t: int, stop: int) -> None:
    """Ask for what is read around a bar: it and the next one, closes, and extremes of closes."""
    if t + BLOCK >= stop:
        return
    block = min(t // BLOCK, skips.high.shape[1] - 1)
    for symbol in range(skips.close.shape[0]):
        fetch(skips.bars.open, symbol, t)
        fetch(skips.bars.open, symbol, t + 1)
        fetch(skips.close, symbol, t)
        fetch(skips.close, symbol, t + BLOCK)
        if block >= 0:
            fetch(skips.high, symbol, block)
            fetch(skips.low, symbol, block)


@inlined
def _is_idle(account: Record, books: Records, values: np.ndarray, k: int) -> bool:
    """Tell whether the signals in force ask for nothing, however often they are repeated."""
    for b in range(len(books)):
        target = books[b].strategy.family == TARGET
        if np.isnan(values[0, b, k]):
            if not target and not np.isnan(values[1, b, k]):
                return False
        elif not target or not _is_served(account, books[b], values[0, b, k]):
            return False
    return True


@compiled
def _is_served(account: Record, book: Record, target: float) -> bool:
    """Tell whether a position is what its target asks for, wherever the price goes."""
    if account.terms.looks != 0:
        return False  # a decision leaves what it saw of other books
    if book.position == 0:
        return bool(target == 0.0)
    strategy = book.strategy
    if strategy.sizing != SIZING_FIXED or strategy.rebalance != 0.0:
        return False
    if book.position * target <= 0.0:
        return False
    wanted = sized_lots(strategy, book.grid, account.equity, target, book.price, np.nan)
    return bool(wanted == abs(book.position))


@inlined
def _skip(
    account: Record, books: Records, skips: Skips, values: np.ndarray, k: int, start: int, end: int,
    is_last: bool,
) -> None:  # fmt: skip
    """Pass bars on which all books are only marked."""
    held = -1
    several = False
    gaps = skips.seen.shape[1] > 1
    for b in range(len(books)):
        book = books[b]
        bars = end - start
        if gaps:
            bars = skips.seen[book.symbol, end] - skips.seen[book.symbol, start]
        silent = np.isnan(values[0, b, k])
        book.verdicts[NO_SIGNAL if silent else NO_CHANGE] += bars
        if book.base != 0:
            several = several or held >= 0
            held = b
    if several:
        _mark_each(account, books, skips.close, start, end)
        return
    symbol = 0 if held < 0 else books[held].symbol
    if held >= 0 and (not gaps or skips.seen[symbol, end] > skips.seen[symbol, start]):
        _mark_range(account, books, books[held], skips.close[symbol], skips, symbol, start, end)
    elif not gaps and not is_last:
        return  # without inventory no price matters before the next bar
    for b in range(len(books)):
        symbol = books[b].symbol
        t = end - 1
        while t > start and np.isnan(skips.close[symbol, t]):
            t -= 1
        if not np.isnan(skips.close[symbol, t]):
            books[b].price = skips.close[symbol, t]
    mark(account, books)


@inlined
def _mark_range(
    account: Record, books: Records, book: Record, close: np.ndarray, skips: Skips, symbol: int,
    start: int, end: int,
) -> None:  # fmt: skip
    """Find what marking at every close would leave, from the extremes of the closes.

    Equity is monotone in the one price that moves it, also as rounded, so its extremes lie at
    those of the price. Only where a new peak and a deeper drawdown may both lie inside, the order
    of the closes matters, and they are looked at one by one.
    """
    high, low = -np.inf, np.inf  # as compared, no price (NaN) is neither above nor below
    first, last = (start + BLOCK - 1) // BLOCK, end // BLOCK
    for t in range(start, min(end, first * BLOCK)):
        price = close[np.uint64(t)]
        high, low = (price if price > high else high), (price if price < low else low)
    for block in range(first, last):
        top = skips.high[np.uint64(symbol), np.uint64(block)]
        bottom = skips.low[np.uint64(symbol), np.uint64(block)]
        high, low = (top if top > high else high), (bottom if bottom < low else low)
    for t in range(max(start, first * BLOCK, last * BLOCK), end):
        price = close[np.uint64(t)]
        high, low = (price if price > high else high), (price if price < low else low)
    book.price = high
    one = account_value(account, books)
    book.price = low
    other = account_value(account, books)
    top, bottom = max(one, other), min(one, other)
    if top <= account.peak:
        deepest = drawdown_from(account.peak, bottom)
        account.max_drawdown = max(account.max_drawdown, deepest)
    elif drawdown_from(top, bottom) > account.max_drawdown:
        peak, deepest = account.peak, account.max_drawdown
        for t in range(start, end):
            if not np.isnan(close[t]):
                book.price = close[t]
                equity = account_value(account, books)
                peak = max(peak, equity)
                deepest = max(deepest, drawdown_from(peak, equity))
        account.max_drawdown = deepest
    account.peak = max(account.peak, top)
    account.day_low = min(account.day_low, bottom)


@inlined
def _mark_each(account: Record, books: Records, close: np.ndarray, start: int, end: int) -> None:
    """Mark at every close."""
    for t in range(start, end):
        for b in range(len(books)):
            price = close[books[b].symbol, t]
            if not np.isnan(price):
                books[b].price = price
        mark(account, books)
