"""Marking to the latest close: equity, peak, drawdown, and the halts that follow from them."""

from __future__ import annotations

from trading_assets.domain.bar import DAY
from trading_assets.portfolio.compiled import compiled, inlined
from trading_assets.records.arrays import Record, Records

_UNITS = 100_000_000.0


@compiled
def begin_day(account: Record, books: Records, ts: int) -> None:
    """Start a UTC day: its loss is measured from the last equity before it."""
    account.day_end = (ts // DAY + 1) * DAY
    account.day_equity = account.equity
    account.day_halted = 0
    for symbol in range(len(books)):
        books[symbol].entries_today = 0


@inlined
def account_value(account: Record, books: Records) -> float:
    """Give cash plus inventory at the latest closes, in quote."""
    total = float(account.cash)
    for symbol in range(len(books)):
        book = books[symbol]
        if book.base != 0:
            total += book.base * book.price * book.grid.point_value
    return total / _UNITS


@inlined
def mark(account: Record, books: Records) -> None:
    """Value the account and latch the halts that its drawdown and daily loss cause."""
    equity = account_value(account, books)
    if equity == account.equity:
        return
    account.equity = equity
    account.peak = max(account.peak, equity)
    account.drawdown = 1.0 - equity / account.peak if account.peak > 0.0 else 0.0
    account.max_drawdown = max(account.max_drawdown, account.drawdown)
    terms = account.terms
    if terms.max_drawdown > 0.0 and account.drawdown >= terms.max_drawdown:
        account.halted = 1
    if terms.daily_loss > 0.0 and equity <= account.day_equity * (1.0 - terms.daily_loss):
        account.day_halted = 1
