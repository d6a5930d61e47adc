"""Decisions of the bracket family: stop entries whose exits wait as an OCO pair."""

from __future__ import annotations

import numpy as np

from trading_assets.domain.order import TrailBy
from trading_assets.engine.orders import (
    cancel,
    cancel_all,
    place,
    price_of_ticks,
    reserve,
    set_limit,
    set_stop,
    ticks_of_price,
)
from trading_assets.portfolio.compiled import compiled, inlined
from trading_assets.records.arrays import Record
from trading_assets.records.codes import (
    AT_VENUE,
    BY_EXTREME,
    CANCEL_WANTED,
    DEAD,
    DORMANT,
    ENTRY,
    GTC,
    LIMIT,
    MARKET,
    NEVER,
    NO_PRICE,
    REDUCE_ONLY,
    STOP,
    TRAILING_STOP,
    Cause,
    Leg,
    Verdict,
)
from trading_assets.records.strategy_terms import SIZING_FIXED
from trading_assets.risk.limits import ACCEPTED, guard_close, refuse
from trading_assets.risk.measured_sizing import first_unknown, wanted_lots
from trading_assets.risk.pre_trade import admit_entry, admit_exit, payable_lots
from trading_assets.risk.sizing import entry_cost_units

# Places in signals.BRACKET_COLUMNS; of a pair, the long side comes first.
ENTRY_AT, STOP_AT, TARGET_AT, VALID_TO = 0, 2, 4, 6

NO_SIGNAL = int(Verdict.NO_SIGNAL)
IN_POSITION = int(Verdict.IN_POSITION)
ENTRY_WORKING = int(Verdict.ENTRY_WORKING)
ORDER_WORKING = int(Verdict.ORDER_WORKING)
BAD_BRACKET = int(Verdict.BAD_BRACKET)
EXPIRED_SIGNAL = int(Verdict.EXPIRED_SIGNAL)
PAST_STOP = int(Cause.PAST_STOP)
CAUSE_VALID_TO = int(Cause.VALID_TO)
EXIT_SENT = int(Cause.EXIT_SENT)
ENTRY_LONG = int(Leg.ENTRY_LONG)
ENTRY_SHORT = int(Leg.ENTRY_SHORT)
EXPIRY = int(Leg.EXPIRY)
EXTREME = int(TrailBy.EXTREME)
MANUAL = int(Leg.MANUAL)


@inlined
def decide_bracket(
    account: Record, book: Record, events: Record, ts: int, row: np.ndarray, live: int
) -> int:
    """Decide one symbol at one close from the bracket columns in `row`; give the verdict."""
    entries = 0
    if book.n_orders > 0:
        entries = _withdraw_entries(account, book, events, ts)
    if book.position != 0:
        if book.strategy.exit_at_valid_to != 0 and ts >= book.valid_to:
            return _exit_expired(account, book, events, ts, live)
        return IN_POSITION
    if entries > 0:
        return ENTRY_WORKING
    if np.isnan(row[ENTRY_AT]) and np.isnan(row[ENTRY_AT + 1]):
        return NO_SIGNAL
    return _place_entries(account, book, ts, row, live)


@inlined
def _withdraw_entries(account: Record, book: Record, events: Record, ts: int) -> int:
    """Withdraw entries that are past their time or their stop; count those still working."""
    working = 0
    expired = ts >= book.valid_to
    by_stop = book.strategy.withdraw_past_stop != 0
    for k in range(book.n_orders):
        order = book.orders[k]
        if order.flags & ENTRY == 0 or order.flags & DEAD:
            continue
        if order.leg == MANUAL:
            working += 1  # a caller's: only the caller withdraws it
            continue
        if order.flags & CANCEL_WANTED == 0:
            if expired:
                cancel(account, book, events, k, CAUSE_VALID_TO, ts)
            elif by_stop and order.side * (book.price - order.guard) < 0.0:
                cancel(account, book, events, k, PAST_STOP, ts)
        if order.flags & DEAD == 0:
            working += 1
    return working


@compiled
def _exit_expired(account: Record, book: Record, events: Record, ts: int, live: int) -> int:
    """Send an open position to market in place of its exits, once."""
    for k in range(book.n_orders):
        if book.orders[k].leg == EXPIRY:
            return IN_POSITION
    lots = abs(book.position)
    verdict = admit_exit(account, book, lots, book.price)
    if verdict == ACCEPTED:
        cancel_all(account, book, events, EXIT_SENT, ts)
        side = -1 if book.position > 0 else 1
        flags = REDUCE_ONLY | (AT_VENUE if live else 0)
        place(account, book, ts, side, MARKET, GTC, EXPIRY, lots, flags)
    return verdict


@compiled
def _place_entries(account: Record, book: Record, ts: int, row: np.ndarray, live: int) -> int:
    """Place the entries that the row names; give the first refusal when none passes."""
    if book.n_orders > book.n_dead:
        return refuse(account, ORDER_WORKING, 0.0, 1.0)
    valid_to = NEVER if np.isnan(row[VALID_TO]) else int(row[VALID_TO])
    if valid_to <= ts:
        return refuse(account, EXPIRED_SIGNAL, float(ts), float(valid_to))
    guarded = guard_close(account, ts, valid_to)
    if guarded != ACCEPTED:
        return guarded
    both = not np.isnan(row[ENTRY_AT] + row[ENTRY_AT + 1])
    group = account.next_order_id if both else 0
    first_refusal = ACCEPTED
    placed = 0
    for side in (1, -1):
        if np.isnan(row[ENTRY_AT + (side < 0)]):
            continue
        verdict = _place_entry(account, book, ts, side, row, group, live)
        if verdict == ACCEPTED:
            placed += 1
        elif first_refusal == ACCEPTED:
            first_refusal = verdict
    if placed == 0:
        return first_refusal
    book.valid_to = valid_to
    return ACCEPTED


@compiled
def _place_entry(
    account: Record, book: Record, ts: int, side: int, row: np.ndarray, group: int, live: int
) -> int:
    strategy = book.strategy
    grid = book.grid
    short = 0 if side > 0 else 1
    entry = ticks_of_price(grid, row[ENTRY_AT + short])
    stop = _ticks_or_none(grid, row[STOP_AT + short])
    target = _ticks_or_none(grid, row[TARGET_AT + short])
    if stop != NO_PRICE and side * (entry - stop) <= 0:
        return refuse(account, BAD_BRACKET, float(entry), float(stop))
    if target != NO_PRICE and side * (target - entry) <= 0:
        return refuse(account, BAD_BRACKET, float(entry), float(target))
    price = price_of_ticks(grid, entry)
    distance = 0.0 if stop == NO_PRICE else price_of_ticks(grid, side * (entry - stop))
    verdict = first_unknown(account, book, distance)
    if verdict != ACCEPTED:
        return verdict
    lots = wanted_lots(account, book, book.factor, price, distance)
    if strategy.sizing != SIZING_FIXED:
        lots = payable_lots(account, book, side, lots, price)
    verdict = admit_entry(account, book, side, lots, price)
    if verdict == ACCEPTED:
        _place_bracket(account, book, ts, side, lots, entry, stop, target, group, live)
    return verdict


@compiled
def _ticks_or_none(grid: Record, price: float) -> int:
    return NO_PRICE if np.isnan(price) else ticks_of_price(grid, price)


@compiled
def _place_bracket(
    account: Record, book: Record, ts: int, side: int, lots: int, entry: int, stop: int,
    target: int, group: int, live: int,
) -> None:  # fmt: skip
    """Place an entry and its sleeping exits; prices in ticks."""
    grid = book.grid
    venue = AT_VENUE if live else 0
    leg = ENTRY_LONG if side > 0 else ENTRY_SHORT
    k = place(account, book, ts, side, STOP, GTC, leg, lots, ENTRY | venue)
    order = book.orders[k]
    set_stop(order, grid, entry)
    order.oco = group
    if side > 0:
        reserve(account, order, entry_cost_units(account.terms, grid, lots, order.stop))
    asleep = REDUCE_ONLY | DORMANT | venue
    if stop != NO_PRICE:
        order.guard = price_of_ticks(grid, stop)
        kind = STOP if book.strategy.trail_exits == 0 else TRAILING_STOP
        exit_order = book.orders[place(account, book, ts, -side, kind, GTC, leg + 1, lots, asleep)]
        set_stop(exit_order, grid, stop)
        if book.strategy.trail_exits != 0:
            exit_order.trail_ticks = abs(entry - stop)
            if book.strategy.trail_exits == EXTREME:
                exit_order.flags |= BY_EXTREME
        exit_order.parent = order.id
        exit_order.oco = order.id
    if target != NO_PRICE:
        exit_order = book.orders[place(account, book, ts, -side, LIMIT, GTC, leg + 2, lots, asleep)]
        set_limit(exit_order, grid, target)
        exit_order.parent = order.id
        exit_order.oco = order.id
