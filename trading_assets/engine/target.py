"""Decisions of the target family: bring the position to a signed size, or leave it alone."""

from __future__ import annotations

import numpy as np

from trading_assets.engine.orders import cancel, place, reserve
from trading_assets.portfolio.compiled import compiled, inlined
from trading_assets.records.arrays import Record
from trading_assets.records.codes import (
    AT_VENUE,
    DEAD,
    ENTRY,
    GTC,
    MARKET,
    REDUCE_ONLY,
    SIZE_AT_FILL,
    Cause,
    Leg,
    Verdict,
)
from trading_assets.records.strategy_terms import SIZING_FIXED
from trading_assets.risk.limits import ACCEPTED, refuse
from trading_assets.risk.measured_sizing import first_unknown, wanted_lots
from trading_assets.risk.pre_trade import admit_entry, admit_exit, payable_lots
from trading_assets.risk.sizing import entry_cost_units

OPEN = int(Leg.OPEN)
REDUCE = int(Leg.REDUCE)
CLOSE = int(Leg.CLOSE)
NO_SIGNAL = int(Verdict.NO_SIGNAL)
NO_CHANGE = int(Verdict.NO_CHANGE)
REPLACED = int(Cause.REPLACED)
ORDER_WORKING = int(Verdict.ORDER_WORKING)


@inlined
def decide_target(
    account: Record, book: Record, events: Record, ts: int, target: float, stop_distance: float,
    live: int,
) -> int:  # fmt: skip
    """Decide one symbol at one close; give the verdict.

    A reversal sends two orders: one closes what is held, one opens the other side. Orders that
    participation has left unfilled work on while the target stays, and go when it changes.
    """
    if np.isnan(target):
        return NO_SIGNAL
    if book.n_orders > book.n_dead:
        if account.terms.participation > 0.0 and live == 0:
            if _serve(book, target):
                return NO_CHANGE
            _replace(account, book, events, ts)
        if book.n_orders > book.n_dead:
            return refuse(account, ORDER_WORKING, 0.0, 1.0)
    if book.position * target > 0.0:
        return _resize(account, book, ts, target, stop_distance, live)
    verdict = NO_CHANGE
    if book.position != 0:
        verdict = _shrink(account, book, ts, CLOSE, abs(book.position), target, live)
    if target != 0.0:
        opened = _open(account, book, ts, target, stop_distance, live)
        if book.position == 0:
            verdict = opened
    return verdict


@compiled
def _serve(book: Record, target: float) -> bool:
    """Tell whether a working order already serves this target."""
    for k in range(book.n_orders):
        if book.orders[k].flags & DEAD == 0 and book.orders[k].weight == target:
            return True
    return False


@compiled
def _replace(account: Record, book: Record, events: Record, ts: int) -> None:
    """Withdraw the orders of an older target."""
    for k in range(book.n_orders):
        order = book.orders[k]
        if order.flags & DEAD == 0 and order.leg <= CLOSE and not np.isnan(order.weight):
            cancel(account, book, events, k, REPLACED, ts)


@compiled
def _open(
    account: Record, book: Record, ts: int, target: float, stop_distance: float, live: int
) -> int:
    """Open a position from flat, or from what the closing order of a reversal leaves."""
    terms = account.terms
    strategy = book.strategy
    verdict = first_unknown(account, book, stop_distance)
    if verdict != ACCEPTED:
        return verdict
    lots = wanted_lots(account, book, target * book.factor, book.price, stop_distance)
    side = 1 if target > 0.0 else -1
    if strategy.sizing != SIZING_FIXED:
        lots = payable_lots(account, book, side, lots, book.price)
    verdict = _grow(account, book, ts, side, lots, target, live)
    if verdict == ACCEPTED and terms.size_at_fill != 0:
        order = book.orders[book.n_orders - 1]
        order.flags |= SIZE_AT_FILL
        order.stop_distance = stop_distance
    return verdict


@compiled
def _resize(
    account: Record, book: Record, ts: int, target: float, stop_distance: float, live: int
) -> int:
    """Move a position towards its target on the same side, when it is far enough from it."""
    strategy = book.strategy
    grid = book.grid
    verdict = first_unknown(account, book, stop_distance)
    if verdict != ACCEPTED:
        return verdict
    held = abs(book.position)
    more = wanted_lots(account, book, target, book.price, stop_distance) - held
    if more > 0 and book.factor != 1.0:
        fewer = wanted_lots(account, book, target * book.factor, book.price, stop_distance)
        more = max(fewer - held, 0)
    value = abs(more) * grid.lot * book.price * grid.point_value
    band = strategy.rebalance * strategy.allocation * account.equity
    if value <= band or value < grid.min_notional:
        return NO_CHANGE
    if more < 0:
        return _shrink(account, book, ts, REDUCE, -more, target, live)
    side = 1 if book.position > 0 else -1
    more = payable_lots(account, book, side, more, book.price)
    return _grow(account, book, ts, side, more, target, live)


@compiled
def _grow(
    account: Record, book: Record, ts: int, side: int, lots: int, target: float, live: int
) -> int:
    verdict = admit_entry(account, book, side, lots, book.price)
    if verdict == ACCEPTED:
        flags = ENTRY | (AT_VENUE if live else 0)
        k = place(account, book, ts, side, MARKET, GTC, OPEN, lots, flags)
        book.orders[k].weight = target
        if side > 0:
            cost = entry_cost_units(account.terms, book.grid, lots, book.price)
            reserve(account, book.orders[k], cost)
    return verdict


@compiled
def _shrink(
    account: Record, book: Record, ts: int, leg: int, lots: int, target: float, live: int
) -> int:
    verdict = admit_exit(account, book, lots, book.price)
    if verdict == ACCEPTED:
        side = -1 if book.position > 0 else 1
        flags = REDUCE_ONLY | (AT_VENUE if live else 0)
        k = place(account, book, ts, side, MARKET, GTC, leg, lots, flags)
        book.orders[k].weight = target
    return verdict
