"""Margin: the equity that entries need, and that positions must not fall below.

| what | formula |
|---|---|
| initial margin | gross exposure with the entry (`risk.exposure`) / leverage + its costs |
| free | equity at the close, less the cash buffer |
| buying power | (free - initial margin of what is there) * leverage, less costs |
| maintenance margin | maintenance_pct / 100 * sum of the values of all positions at the close |
"""

from __future__ import annotations

from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import Verdict
from trading_assets.risk.exposure import gross_with, held_value, side_value
from trading_assets.risk.limits import ACCEPTED, refuse
from trading_assets.risk.sizing import entry_cost, flat_fee, whole_lots

INITIAL_MARGIN = int(Verdict.INITIAL_MARGIN)


@compiled
def free_equity(account: Record, book: Record) -> float:
    """Give the equity that may stand for margin, in quote."""
    return float(account.equity - max(book.strategy.cash_buffer * account.equity, 0.0))


@compiled
def margin_needed(account: Record, book: Record, side: int, lots: int, price: float) -> float:
    """Give the initial margin with an entry, and what the entry costs, in quote."""
    value = lots * book.grid.lot * price * book.grid.point_value
    costs = entry_cost(account.terms, book.grid, lots, price) - value
    return float(gross_with(account, book, side, value) / account.terms.leverage + costs)


@compiled
def judge_margin(account: Record, book: Record, side: int, lots: int, price: float) -> int:
    """Refuse an entry that the account has not the equity for."""
    needed = margin_needed(account, book, side, lots, price)
    free = free_equity(account, book)
    if needed > free:
        return refuse(account, INITIAL_MARGIN, free, needed)
    return ACCEPTED


@compiled
def marginable_lots(account: Record, book: Record, side: int, price: float) -> int:
    """Give the lots that buying power allows for at `price`."""
    terms = account.terms
    unit = price * book.grid.point_value
    thousand = 1_000 * book.grid.lot
    costs = (entry_cost(terms, book.grid, 1_000, price) - flat_fee(terms)) / thousand - unit
    used = (account.gross_beside + side_value(book, side)) / terms.leverage
    room = free_equity(account, book) - used - flat_fee(terms)
    lots = whole_lots(max(room, 0.0) / (unit / terms.leverage + costs), book.grid.lot)
    if lots > 0 and margin_needed(account, book, side, lots, price) > free_equity(account, book):
        lots -= 1  # the product rounds up where the quotient rounded down
    return lots


@compiled
def maintenance_margin(account: Record, books: Records) -> float:
    """Give the least equity that the positions of an account ask for, in quote."""
    held = 0.0
    for b in range(len(books)):
        held += abs(held_value(books[b]))
    return float(account.terms.maintenance * held)
