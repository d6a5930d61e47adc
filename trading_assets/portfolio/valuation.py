"""Marking to the latest close: equity, peak, drawdown, the lowest of the day."""

from __future__ import annotations

from trading_assets.domain.bar import DAY
from trading_assets.portfolio.compiled import compiled, inlined
from trading_assets.records.arrays import Record, Records

UNITS = 100_000_000.0


@compiled
def begin_day(account: Record, books: Records, ts: int) -> None:
    """Start a UTC day: its loss is measured from the last equity before it."""
    if account.day_gross > 0.0:
        _note_day(account)
    account.day_end = (ts // DAY + 1) * DAY
    account.day_equity = account.equity
    account.day_low = account.equity
    for symbol in range(len(books)):
        books[symbol].entries_today = 0


@compiled
def _note_day(account: Record) -> None:
    """Take a day with positions into the variance of equity per unit of what was held."""
    change = (account.equity - account.day_equity) / account.day_gross
    account.risky_days += 1
    weight = max(1.0 / account.risky_days, account.terms.var_newest)
    account.unit_variance += weight * (change * change - account.unit_variance)
    account.day_gross = 0.0


@inlined
def account_value(account: Record, books: Records) -> float:
    """Give cash plus inventory at the latest closes, in quote."""
    total = float(account.cash)
    for symbol in range(len(books)):
        book = books[symbol]
        if book.base != 0:
            total += book.base * book.price * book.grid.point_value
    return total / UNITS


@inlined
def drawdown_from(peak: float, equity: float) -> float:
    """Give the fraction of a peak that equity lies below it."""
    return 1.0 - equity / peak if peak > 0.0 else 0.0


@inlined
def mark(account: Record, books: Records) -> None:
    """Value the account; note its peak, its deepest drawdown and its lowest equity of the day."""
    equity = account_value(account, books)
    account.equity = equity
    account.peak = max(account.peak, equity)
    account.drawdown = drawdown_from(account.peak, equity)
    account.max_drawdown = max(account.max_drawdown, account.drawdown)
    account.day_low = min(account.day_low, equity)
