"""What one bar does to the working orders of its symbol, in three phases.

| phase | what |
|---|---|
| open | market orders, and stops and limits that the open has already passed, fill at the open |
| stops | a stop touched inside the bar fills at its price |
| limits | a limit touched inside the bar fills at its price |

Within a phase the order of submission decides. So a stop wins over a target when both are inside
one bar, unless the bar opens through the target. An order woken inside a bar never sees that bar's
open; by default it does not see the bar at all.
"""

from __future__ import annotations

import numpy as np

from trading_assets.engine.costs import fee_units, taker_price
from trading_assets.engine.orders import (
    cancel_siblings,
    leave,
    release,
    settle_children,
    sweep,
)
from trading_assets.portfolio.compiled import compiled, inlined, spliced
from trading_assets.portfolio.fills import apply_fill, notional_units
from trading_assets.portfolio.valuation import account_value
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import (
    AT_VENUE,
    DEAD,
    DORMANT,
    ENTRY,
    IOC,
    LIMIT,
    MARKET,
    REDUCE_ONLY,
    RESTING,
    SIZE_AT_FILL,
    STOP,
    STOP_LIMIT,
    TRIGGERED,
    TRIGGERED_INSIDE,
    WOKEN,
    Cause,
    OrderState,
    Verdict,
)
from trading_assets.risk.sizing import sized_lots

AT_OPEN, STOPS, LIMITS = range(3)
FILLED = int(OrderState.FILLED)
CANCELED = int(OrderState.CANCELED)
REJECTED = int(OrderState.REJECTED)
EXPIRED = int(OrderState.EXPIRED)
CAUSE_FILLED = int(Cause.FILLED)
NOTHING_TO_REDUCE = int(Cause.NOTHING_TO_REDUCE)
CASH_CAUSE = int(Cause.CASH_AT_FILL)
IOC_CAUSE = int(Cause.IOC)
CASH_AT_FILL = int(Verdict.CASH_AT_FILL)


@spliced
def match_symbol(
    account: Record, books: Records, book: Record, events: Record, ts: int, open_: float,
    high: float, low: float,
) -> None:  # fmt: skip
    """Run the working orders of a symbol through one bar."""
    terms = account.terms
    for phase in range(3):
        blind = DEAD | DORMANT | AT_VENUE
        if phase == AT_OPEN or terms.exits_in_entry_bar == 0:
            blind |= WOKEN
        for k in range(book.n_orders):
            order = book.orders[k]
            if order.flags & blind:
                continue
            if phase == AT_OPEN:
                price = price_at_open(terms, order, open_)
            elif phase == STOPS:
                price = price_of_touched_stop(order, high, low)
            else:
                price = price_of_touched_limit(terms, order, high, low)
            if not np.isnan(price):
                fill_simulated(account, books, book, events, k, price, ts)
    _end_of_bar(account, book, events, ts)
    if book.n_dead > 0:
        sweep(book)


@inlined
def price_at_open(terms: Record, order: Record, open_: float) -> float:
    """Give the open if it fills the order, else NaN."""
    if order.type == MARKET:
        return open_
    side = order.side
    if order.type != LIMIT and order.flags & TRIGGERED == 0:
        if side * open_ < side * order.stop:
            return np.nan
        if order.type == STOP:
            return open_
        order.flags |= TRIGGERED
    better = side * (order.limit - open_)
    if better > 0.0 or (better == 0.0 and terms.limit_needs_through == 0):
        return open_
    return np.nan


@inlined
def price_of_touched_stop(order: Record, high: float, low: float) -> float:
    """Give the price of a stop that the bar reached after its open, else NaN.

    A stop-limit whose limit is not better than its stop fills there; otherwise it only becomes a
    limit, which this bar can no longer fill: where the price went afterwards is not known.
    """
    if order.flags & TRIGGERED or order.type not in (STOP, STOP_LIMIT):
        return np.nan
    reached = high >= order.stop if order.side > 0 else low <= order.stop
    if not reached:
        return np.nan
    if order.type == STOP_LIMIT:
        order.flags |= TRIGGERED | TRIGGERED_INSIDE
        if order.side * order.stop > order.side * order.limit:
            return np.nan
    return float(order.stop)


@inlined
def price_of_touched_limit(terms: Record, order: Record, high: float, low: float) -> float:
    """Give the price of a limit that the bar reached after its open, else NaN."""
    if order.type != LIMIT and order.flags & (TRIGGERED | TRIGGERED_INSIDE) != TRIGGERED:
        return np.nan
    beyond = order.limit - low if order.side > 0 else high - order.limit
    if beyond > 0.0 or (beyond == 0.0 and terms.limit_needs_through == 0):
        return float(order.limit)
    return np.nan


@compiled
def fill_simulated(
    account: Record, books: Records, book: Record, events: Record, k: int, touched: float, ts: int
) -> None:
    """Fill the order in row `k` at the price it was touched, as far as the account can."""
    order = book.orders[k]
    terms = account.terms
    grid = book.grid
    maker = 1 if order.flags & RESTING else 0
    price = touched if maker else taker_price(terms, order, touched)
    if order.flags & SIZE_AT_FILL:
        equity = account_value(account, books)
        unit_cost = price * (1.0 + terms.taker) + terms.per_share
        order.lots = sized_lots(terms, grid, equity, order.weight, unit_cost, order.stop_distance)
    lots = fillable_lots(terms, book, order)
    if lots <= 0:
        leave(account, book, events, k, CANCELED, NOTHING_TO_REDUCE, ts)
        settle_children(account, book, events, order, ts)
        return
    units = lots * grid.lot_units
    fee = fee_units(terms, grid, order.side, units, price, maker)
    fee_in_base = terms.fee_in_base if order.side > 0 else 0
    if terms.spot != 0 and order.side > 0:
        cost = notional_units(grid, units, price) + (0 if fee_in_base else fee)
        if cost > account.cash:
            leave(account, book, events, k, REJECTED, CASH_CAUSE, ts)
            settle_children(account, book, events, order, ts)
            account.verdicts[CASH_AT_FILL] += 1
            return
    order.lots = order.filled + lots
    execute(account, book, events, k, lots, price, fee, fee_in_base, maker, ts)


@compiled
def fillable_lots(terms: Record, book: Record, order: Record) -> int:
    """Give what is left of an order, cut to the position for orders that may only reduce it."""
    left = int(order.lots - order.filled)
    if order.flags & REDUCE_ONLY or (terms.spot != 0 and order.side < 0):
        return min(left, int(-order.side * book.position))
    return left


@compiled
def execute(
    account: Record, book: Record, events: Record, k: int, lots: int, price: float, fee: int,
    fee_in_base: int, maker: int, ts: int,
) -> None:  # fmt: skip
    """Book an execution of the order in row `k`, and all that follows from it."""
    order = book.orders[k]
    apply_fill(account, book, events, order, lots, price, fee, fee_in_base, maker, ts)
    order.filled += lots
    release(account, order)
    complete = order.filled >= order.lots
    if complete or order.flags & ENTRY:
        cancel_siblings(account, book, events, k, ts)
    if complete:
        leave(account, book, events, k, FILLED, CAUSE_FILLED, ts)
        settle_children(account, book, events, order, ts)


@inlined
def _end_of_bar(account: Record, book: Record, events: Record, ts: int) -> None:
    """Expire IOC orders; what is still there rests in the book from now on."""
    for k in range(book.n_orders):
        order = book.orders[k]
        if order.flags & (DEAD | DORMANT | AT_VENUE):
            continue
        if order.tif == IOC:
            leave(account, book, events, k, EXPIRED, IOC_CAUSE, ts)
            settle_children(account, book, events, order, ts)
            continue
        order.flags &= ~(WOKEN | TRIGGERED_INSIDE)
        if order.type == LIMIT or order.flags & TRIGGERED:
            order.flags |= RESTING
