"""Range and volatility of a book's instrument, measured bar by bar inside the engine's record.

| measure | formula |
|---|---|
| true range | max(high, close before) - min(low, close before) |
| ATR | Wilder (1978): the mean of the first N true ranges, then ATR + (range - ATR) / N |
| variance | of returns from close to close, about zero, weights halving every half-life of bars |
| usual volatility | mean of the root of the variance, over all bars on which it was known |

While fewer bars were seen than the mean looks back over, it is the plain mean of what there is. The
close that is being decided is the last bar in it. After a hole in the data all begins anew.
"""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record, Records


@compiled
def measure(book: Record, high: float, low: float, close: float) -> None:
    """Take a finished bar in; `book.price` is still the close before."""
    book.measured += 1
    returns = book.measured - 1
    if returns == 0:
        return
    strategy = book.strategy
    before = book.price
    true_range = max(high, before) - min(low, before)
    book.range += max(1.0 / returns, 1.0 / strategy.atr_bars) * (true_range - book.range)
    change = close / before - 1.0
    book.variance += max(1.0 / returns, strategy.newest) * (change * change - book.variance)
    known = returns - strategy.half_life + 1.0
    if known >= 1.0:
        book.usual_volatility += (np.sqrt(book.variance) - book.usual_volatility) / known


@compiled
def forget(book: Record) -> None:
    """Begin anew: bars on both sides of a hole are no neighbours."""
    book.measured = 0
    book.range = 0.0
    book.variance = 0.0
    book.usual_volatility = 0.0


@compiled
def volatility(book: Record) -> float:
    """Give the volatility of one bar as a fraction; 0 while it is not known."""
    known = book.measured - 1 >= book.strategy.half_life
    return float(np.sqrt(book.variance)) if known else 0.0


@compiled
def note_parity(account: Record, books: Records, book: Record) -> None:
    """Sum 1 / volatility over the books of a strategy; those that do not know it count nothing."""
    account.parity = 0.0
    for b in range(len(books)):
        sigma = volatility(books[b]) if books[b].tag == book.tag else 0.0
        if sigma > 0.0:
            account.parity += 1.0 / sigma
