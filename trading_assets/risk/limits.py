"""Hard limits on entries: each says the most that is allowed, and what it would have been.

Limits that look at a symbol look at all of the account's books of it: what the others hold and have
entered today stands in `account` while a book is being decided (`engine.sharing`).
"""

from __future__ import annotations

from trading_assets.portfolio.compiled import compiled
from trading_assets.portfolio.valuation import drawdown_from
from trading_assets.records.arrays import Record
from trading_assets.records.codes import Verdict

ACCEPTED = int(Verdict.ACCEPTED)
DRAWDOWN_HALT = int(Verdict.DRAWDOWN_HALT)
DAILY_LOSS_HALT = int(Verdict.DAILY_LOSS_HALT)
MAX_ORDERS_PER_DAY = int(Verdict.MAX_ORDERS_PER_DAY)
MAX_ORDER_NOTIONAL = int(Verdict.MAX_ORDER_NOTIONAL)
MAX_POSITION = int(Verdict.MAX_POSITION)


@compiled
def refuse(account: Record, verdict: int, limit: float, was: float) -> int:
    """Say no, and note why."""
    account.limit = limit
    account.was = was
    return verdict


@compiled
def first_halt(account: Record, book: Record) -> int:
    """Give the first rule that stops all entries now.

    A drawdown stops them for the rest of the run, a daily loss for the rest of the UTC day; both
    look at the worst mark, so that a recovery does not lift them.
    """
    terms = account.terms
    if terms.max_drawdown > 0.0 and account.max_drawdown >= terms.max_drawdown:
        return refuse(account, DRAWDOWN_HALT, terms.max_drawdown, account.max_drawdown)
    if terms.daily_loss > 0.0:
        loss = drawdown_from(account.day_equity, account.day_low)
        if loss >= terms.daily_loss:
            return refuse(account, DAILY_LOSS_HALT, terms.daily_loss, loss)
    most = terms.max_orders_per_day
    entries = book.entries_today + account.entries_beside
    if most > 0 and entries >= most:
        return refuse(account, MAX_ORDERS_PER_DAY, float(most), entries + 1.0)
    return ACCEPTED


@compiled
def first_breach(account: Record, book: Record, side: int, lots: int, price: float) -> int:
    """Give the first size limit that an entry would break."""
    terms = account.terms
    lot_value = book.grid.lot * price * book.grid.point_value
    most = terms.max_order_notional
    if most > 0.0 and lots * lot_value > most:
        return refuse(account, MAX_ORDER_NOTIONAL, most, lots * lot_value)
    held = abs(account.held_beside + book.position + side * lots) * lot_value
    most = terms.limit_position_fraction * account.equity
    if terms.limit_position_fraction > 0.0 and held > most:
        return refuse(account, MAX_POSITION, most, held)
    return ACCEPTED
