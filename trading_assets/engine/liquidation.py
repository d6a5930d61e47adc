"""The margin call: positions that the equity no longer covers go to market.

At every close, once the account is marked and before anything is decided: when equity is below the
maintenance margin, every order of every book is withdrawn and every position goes to market, long
or short, whatever its exits say. It fills by the rules of any market order, at the next open of its
symbol at the earliest, and so perhaps far away. While the account is below, every decision is
refused; it may trade on with what is left.
"""

from __future__ import annotations

from trading_assets.engine.orders import cancel_all, place, sweep
from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import AT_VENUE, GTC, MARKET, REDUCE_ONLY, Cause, Leg, Verdict
from trading_assets.risk.limits import refuse
from trading_assets.risk.margin import maintenance_margin

LIQUIDATION = int(Leg.LIQUIDATION)
LIQUIDATED = int(Cause.LIQUIDATED)
MARGIN_CALL = int(Verdict.MARGIN_CALL)


@compiled
def is_called(account: Record, books: Records) -> bool:
    """Tell whether the account is below its maintenance margin at this close, and note it."""
    needed = maintenance_margin(account, books)
    account.margin_needed = needed if account.equity < needed else 0.0
    return bool(account.margin_needed > 0.0)


@compiled
def liquidate(account: Record, book: Record, events: Record, ts: int, live: int) -> None:
    """Withdraw what works in a book, and send its position to market, once."""
    for k in range(book.n_orders):
        if book.orders[k].leg == LIQUIDATION:
            return
    cancel_all(account, book, events, LIQUIDATED, ts)
    sweep(book)
    if book.position != 0:
        side = -1 if book.position > 0 else 1
        flags = REDUCE_ONLY | (AT_VENUE if live else 0)
        place(account, book, ts, side, MARKET, GTC, LIQUIDATION, abs(book.position), flags)


@compiled
def refuse_called(account: Record, book: Record) -> int:
    """Refuse and count the decision of a book of an account that is being liquidated."""
    book.verdicts[MARGIN_CALL] += 1
    return refuse(account, MARGIN_CALL, float(account.margin_needed), float(account.equity))
