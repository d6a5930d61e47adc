"""Hard limits on entries: each says the most that is allowed, and what it would have been.

Limits that look at a symbol look at all of the account's books of it: what the others hold and have
entered today stands in `account` while a book is being decided (`engine.sharing`).
"""

from __future__ import annotations

import numpy as np

from trading_assets.domain.bar import MINUTE
from trading_assets.portfolio.compiled import compiled
from trading_assets.portfolio.valuation import drawdown_from
from trading_assets.records.arrays import Record
from trading_assets.records.codes import Verdict
from trading_assets.records.terms import LOOK_EXPOSURE
from trading_assets.risk.exposure import gross_with, net_with, side_value, value_at_risk

ACCEPTED = int(Verdict.ACCEPTED)
DRAWDOWN_HALT = int(Verdict.DRAWDOWN_HALT)
DAILY_LOSS_HALT = int(Verdict.DAILY_LOSS_HALT)
MAX_ORDERS_PER_DAY = int(Verdict.MAX_ORDERS_PER_DAY)
MAX_ORDER_NOTIONAL = int(Verdict.MAX_ORDER_NOTIONAL)
MAX_POSITION = int(Verdict.MAX_POSITION)
MAX_GROSS = int(Verdict.MAX_GROSS)
MAX_NET = int(Verdict.MAX_NET)
MAX_LEVERAGE = int(Verdict.MAX_LEVERAGE)
MAX_SYMBOL_NOTIONAL = int(Verdict.MAX_SYMBOL_NOTIONAL)
MAX_ORDERS_PER_MINUTE = int(Verdict.MAX_ORDERS_PER_MINUTE)
MAX_VAR = int(Verdict.MAX_VAR)
MOC_GUARD = int(Verdict.MOC_GUARD)
MARGIN_CALL = int(Verdict.MARGIN_CALL)


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
    if account.margin_needed > 0.0:
        return refuse(account, MARGIN_CALL, account.margin_needed, account.equity)
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
    most = terms.max_orders_per_minute
    if most > 0 and account.minute == account.ts // MINUTE and account.entries_minute >= most:
        return refuse(
            account, MAX_ORDERS_PER_MINUTE, float(most), float(account.entries_minute) + 1.0
        )
    return ACCEPTED


@compiled
def note_entry(account: Record) -> None:
    """Count an entry that passed the door in its minute."""
    minute = account.ts // MINUTE
    if minute != account.minute:
        account.minute = minute
        account.entries_minute = 0
    account.entries_minute += 1


@compiled
def guard_close(account: Record, ts: int, valid_to: int) -> int:
    """Refuse an entry that could hardly be held before its last close; both limits in minutes."""
    least = account.terms.moc_guard
    if least > 0 and valid_to - ts < least:
        return refuse(account, MOC_GUARD, least / MINUTE, (valid_to - ts) / MINUTE)
    return ACCEPTED


@compiled
def first_breach(account: Record, book: Record, side: int, lots: int, price: float) -> int:
    """Give the first size limit that an entry would break."""
    terms = account.terms
    lot_value = book.grid.lot * price * book.grid.point_value
    most = terms.max_order_notional
    if most > 0.0 and lots * lot_value > most:
        return refuse(account, MAX_ORDER_NOTIONAL, most, lots * lot_value)
    beside = side * account.held_beside * book.grid.lot * book.price * book.grid.point_value
    held = abs(beside + side_value(book, side) + lots * lot_value)
    most = terms.limit_position_fraction * account.equity
    if terms.limit_position_fraction > 0.0 and held > most:
        return refuse(account, MAX_POSITION, most, held)
    most = terms.max_symbol_notional
    if most > 0.0 and held > most:
        return refuse(account, MAX_SYMBOL_NOTIONAL, most, held)
    if terms.looks & LOOK_EXPOSURE:
        return _first_overload(account, book, side, lots * lot_value)
    return ACCEPTED


@compiled
def _first_overload(account: Record, book: Record, side: int, value: float) -> int:
    """Give the first limit on the exposure of the whole account that an entry would break."""
    terms = account.terms
    gross = gross_with(account, book, side, value)
    most = terms.max_gross * account.equity
    if terms.max_gross > 0.0 and gross > most:
        return refuse(account, MAX_GROSS, most, gross)
    most = terms.max_net * account.equity
    net = net_with(account, book, side, value)
    if terms.max_net > 0.0 and net > most:
        return refuse(account, MAX_NET, most, net)
    most = terms.max_leverage
    if most > 0.0 and gross > most * account.equity:
        times = gross / account.equity if account.equity > 0.0 else np.inf
        return refuse(account, MAX_LEVERAGE, most, times)
    most = terms.max_var * account.equity
    risk = value_at_risk(account, gross)
    if terms.max_var > 0.0 and risk > most:
        return refuse(account, MAX_VAR, most, risk)
    return ACCEPTED
