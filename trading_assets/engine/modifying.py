"""Changes of exits that work, as a strategy that was asked wishes for them."""

from __future__ import annotations

import numpy as np

from trading_assets.engine.kernel import log_refusal
from trading_assets.engine.orders import price_of_ticks, set_limit, set_stop, ticks_of_price
from trading_assets.engine.trailing import trail_of, trailed_ticks
from trading_assets.portfolio.compiled import compiled, entry
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import (
    AT_VENUE,
    DEAD,
    DORMANT,
    LIMIT,
    NO_PRICE,
    REDUCE_ONLY,
    RESTING,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    TRIGGERED,
    Verdict,
)
from trading_assets.records.queues import Queues
from trading_assets.records.results import Logs
from trading_assets.risk.limits import ACCEPTED, refuse

LOOSER_STOP = int(Verdict.LOOSER_STOP)
NOT_CHANGEABLE = int(Verdict.NOT_CHANGEABLE)
NO_SUCH_EXIT = -1
"""No exit with this id works in the book, or its type has no such price."""


@entry
def take_change(
    accounts: Records, books: Records, _: Queues, __: Records, logs: Logs, b: int, order_id: int,
    limit: float, stop: float, trail: float, trail_ratio: float,
) -> int:  # fmt: skip
    """Change an exit of a book; give the verdict, or `NO_SUCH_EXIT`. NaN leaves as it is."""
    account = accounts[0]
    book = books[b]
    k = _row_of_exit(book, order_id)
    if k < 0 or not _fits(book.orders[k], limit, stop, trail, trail_ratio):
        return NO_SUCH_EXIT
    order = book.orders[k]
    if order.flags & (AT_VENUE | TRIGGERED):
        verdict = refuse(account, NOT_CHANGEABLE, 0.0, 1.0)
    else:
        verdict = _change(account, book, order, limit, stop, trail, trail_ratio)
    if verdict != ACCEPTED:
        log_refusal(account, book, verdict, logs)
    return int(verdict)


@compiled
def _row_of_exit(book: Record, order_id: int) -> int:
    for k in range(book.n_orders):
        order = book.orders[k]
        if order.id == order_id and order.flags & (DEAD | DORMANT | REDUCE_ONLY) == REDUCE_ONLY:
            return k
    return -1


@compiled
def _fits(order: Record, limit: float, stop: float, trail: float, trail_ratio: float) -> bool:
    """Tell whether an order of this type has the prices that are to be changed."""
    if not np.isnan(limit) and order.type not in (LIMIT, STOP_LIMIT):
        return False
    if not np.isnan(stop) and order.type not in (STOP, STOP_LIMIT, TRAILING_STOP):
        return False
    return order.type == TRAILING_STOP or bool(np.isnan(trail) and np.isnan(trail_ratio))


@compiled
def _change(
    account: Record, book: Record, order: Record, limit: float, stop: float, trail: float,
    trail_ratio: float,
) -> int:  # fmt: skip
    """Set what is said; a trailing stop is never moved away from the price."""
    grid = book.grid
    ticks = NO_PRICE if np.isnan(stop) else max(ticks_of_price(grid, stop), 1)
    if order.type == TRAILING_STOP:
        if ticks != NO_PRICE and _is_looser(order, ticks):
            return refuse(account, LOOSER_STOP, order.stop, price_of_ticks(grid, ticks))
        trail_ticks, fraction = trail_of(grid, trail, trail_ratio)
        if trail_ticks > 0 or fraction > 0.0:
            order.trail_ticks = trail_ticks
            order.trail_fraction = fraction
            followed = trailed_ticks(grid, order.side, trail_ticks, fraction, book.price)
            if ticks == NO_PRICE or order.side * (followed - ticks) < 0:
                ticks = followed
            if _is_looser(order, ticks):
                ticks = order.stop_ticks
    if ticks != NO_PRICE:
        set_stop(order, grid, ticks)
    if not np.isnan(limit):
        set_limit(order, grid, max(ticks_of_price(grid, limit), 1))
        order.flags &= ~RESTING  # another price is a new place in the book
    return ACCEPTED


@compiled
def _is_looser(order: Record, ticks: int) -> bool:
    """Tell whether a trigger is further from the price than the present one."""
    return bool(order.side * (ticks - order.stop_ticks) > 0)
