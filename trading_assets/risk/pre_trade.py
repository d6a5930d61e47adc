"""The one door from intent to order. An intent passes, or the first rule that says no is named.

Order of the rules: may the account do this; is it a size at all; halts; size limits; the venue's
own filters; is it affordable. Exits pass everything but size and the venue's filters, so that no
limit can ever lock a position in.
"""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record
from trading_assets.records.codes import Verdict
from trading_assets.risk.limits import ACCEPTED, first_breach, first_halt, note_entry, refuse
from trading_assets.risk.margin import judge_margin, marginable_lots
from trading_assets.risk.sizing import affordable_lots, entry_cost, spendable

BELOW_LOT = int(Verdict.BELOW_LOT)
BELOW_MIN_QTY = int(Verdict.BELOW_MIN_QTY)
SHORT_NOT_ALLOWED = int(Verdict.SHORT_NOT_ALLOWED)
MIN_NOTIONAL = int(Verdict.MIN_NOTIONAL)
CASH = int(Verdict.CASH)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An intent that did not become an order.

    Attributes:
        ts: open time of the bar whose close decided it.
        symbol: index of the instrument.
        tag: index of the strategy.
        rule: name of the verdict, lower case.
        limit: what was allowed, in the unit of the rule.
        was: what it would have been.
    """

    ts: int
    symbol: int
    rule: str
    limit: float
    was: float
    tag: int = 0


@compiled
def payable_lots(account: Record, book: Record, side: int, lots: int, price: float) -> int:
    """Cut a computed size to what the account can pay, or has margin for."""
    if account.terms.spot != 0 and side > 0:
        return min(lots, affordable_lots(account, book, price))
    if account.terms.leverage > 0.0:
        return min(lots, marginable_lots(account, book, side, price))
    return lots


@compiled
def admit_exit(account: Record, book: Record, lots: int, price: float) -> int:
    """Judge an order that only makes a position smaller."""
    grid = book.grid
    if lots <= 0:
        return refuse(account, BELOW_LOT, 1.0, 0.0)
    notional = lots * grid.lot * price * grid.point_value
    if notional < grid.min_notional:
        return refuse(account, MIN_NOTIONAL, grid.min_notional, notional)
    return ACCEPTED


@compiled
def admit_entry(account: Record, book: Record, side: int, lots: int, price: float) -> int:
    """Judge an order that opens or enlarges a position, expected to fill near `price`."""
    grid = book.grid
    spot = account.terms.spot != 0
    if spot and side < 0:
        return refuse(account, SHORT_NOT_ALLOWED, 0.0, -1.0)
    least = book.strategy.min_lots
    if 0 < lots < least:
        return refuse(account, BELOW_MIN_QTY, least * grid.lot, lots * grid.lot)
    verdict = admit_exit(account, book, lots, price)
    if verdict == ACCEPTED:
        verdict = first_halt(account, book)
    if verdict == ACCEPTED:
        verdict = first_breach(account, book, side, lots, price)
    if verdict == ACCEPTED and spot:
        cost = entry_cost(account.terms, grid, lots, price)
        free = spendable(account, book.strategy)
        if cost > free:
            return refuse(account, CASH, free, cost)
    if verdict == ACCEPTED and account.terms.leverage > 0.0:
        verdict = judge_margin(account, book, side, lots, price)
    if verdict == ACCEPTED and account.terms.max_orders_per_minute > 0:
        note_entry(account)
    return verdict
