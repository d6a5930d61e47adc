"""What one bar does to the working orders of its symbol, in three phases.

| phase | what |
|---|---|
| open | market orders, and stops and limits that the open has already passed, fill at the open |
| stops | a stop touched inside the bar fills at its price |
| limits | a limit touched inside the bar fills at its price |

Within a phase the order of submission decides. So a stop wins over a target when both are inside
one bar, unless the bar opens through the target. An order woken inside a bar never sees that bar's
open; by default it does not see the bar at all.

With participation, the orders of a symbol share a part of its bar's volume in the same order; what
is left of an order works on, a stop that was touched as a market order at the next open. The exits
of an entry that fills in parts cover what it has brought; the first that is reached ends it.
"""

from __future__ import annotations

import numpy as np

from trading_assets.engine.costs import charged_units, fee_units, taker_price
from trading_assets.engine.orders import (
    AWAKE,
    PARTIAL,
    TOUCHED,
    cancel_parent,
    cancel_siblings,
    enter_state,
    expire,
    grow_exit,
    leave,
    release,
    release_part,
    settle_children,
    shrink_siblings,
    sweep,
)
from trading_assets.engine.trailing import trail
from trading_assets.portfolio.compiled import compiled, inlined, spliced
from trading_assets.portfolio.fills import apply_fill, notional_units
from trading_assets.portfolio.valuation import account_value
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import (
    AT_VENUE,
    DEAD,
    DORMANT,
    ENTRY,
    FOK,
    IOC,
    LIMIT,
    MARKET,
    REDUCE_ONLY,
    RESTING,
    SIZE_AT_FILL,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    TRIGGERED,
    TRIGGERED_INSIDE,
    WATCHED,
    WOKEN,
    Cause,
    OrderState,
    Verdict,
)
from trading_assets.risk.sizing import sized_lots, whole_lots

AT_OPEN, STOPS, LIMITS = range(3)
FILLED = int(OrderState.FILLED)
CANCELED = int(OrderState.CANCELED)
REJECTED = int(OrderState.REJECTED)
TRIGGERED_STATE = int(OrderState.TRIGGERED)
PARTIALLY_FILLED = int(OrderState.PARTIALLY_FILLED)
CAUSE_FILLED = int(Cause.FILLED)
NOTHING_TO_REDUCE = int(Cause.NOTHING_TO_REDUCE)
CASH_CAUSE = int(Cause.CASH_AT_FILL)
IOC_CAUSE = int(Cause.IOC)
FOK_CAUSE = int(Cause.FOK)
VALID_TO = int(Cause.VALID_TO)
CASH_AT_FILL = int(Verdict.CASH_AT_FILL)


@spliced
def match_symbol(
    account: Record, books: Records, book: Record, events: Record, ts: int, open_: float,
    high: float, low: float, close: float, volume: float,
) -> None:  # fmt: skip
    """Run the working orders of a symbol through one bar."""
    terms = account.terms
    if terms.needs_volume != 0:
        book.volume = volume
        book.left = max(whole_lots(volume * terms.participation, book.grid.lot) - book.taken, 0)
    for phase in range(3):
        blind = DEAD | DORMANT | AT_VENUE
        if phase == AT_OPEN or terms.exits_in_entry_bar == 0:
            blind |= WOKEN
        for k in range(book.n_orders):
            order = book.orders[k]
            if order.flags & blind:
                continue
            if phase == AT_OPEN and order.flags & WATCHED and ts > order.valid_to:
                expire(account, book, events, k, VALID_TO, ts)
                continue
            price = _touched_price(account, order, phase, open_, high, low)
            if not np.isnan(price):
                fill_simulated(account, books, book, events, k, price, ts)
    _end_of_bar(account, book, events, ts, high, low, close)
    if book.n_dead > 0:
        sweep(book)


@inlined
def _touched_price(
    account: Record, order: Record, phase: int, open_: float, high: float, low: float
) -> float:
    """Give the price at which a phase of the bar reaches an order, else NaN."""
    if phase == AT_OPEN:
        return price_at_open(account, order, open_)
    if phase == STOPS:
        return price_of_touched_stop(account, order, high, low)
    return price_of_touched_limit(account.terms, order, high, low)


@inlined
def price_at_open(account: Record, order: Record, open_: float) -> float:
    """Give the open if it fills the order, else NaN."""
    if order.type == MARKET:
        return open_
    side = order.side
    if order.type != LIMIT:
        if order.flags & TRIGGERED == 0 and side * open_ < side * order.stop:
            return np.nan
        if order.type != STOP_LIMIT:
            return open_
        _trigger(account, order)
    better = side * (order.limit - open_)
    if better > 0.0 or (better == 0.0 and account.terms.limit_needs_through == 0):
        return open_
    return np.nan


@inlined
def price_of_touched_stop(account: Record, order: Record, high: float, low: float) -> float:
    """Give the price of a stop that the bar reached after its open, else NaN.

    A stop-limit whose limit is not better than its stop fills there; otherwise it only becomes a
    limit, which this bar can no longer fill: where the price went afterwards is not known.
    """
    if order.flags & TRIGGERED or order.type not in (STOP, STOP_LIMIT, TRAILING_STOP):
        return np.nan
    reached = high >= order.stop if order.side > 0 else low <= order.stop
    if not reached:
        return np.nan
    if order.type == STOP_LIMIT:
        _trigger(account, order)
        order.flags |= TRIGGERED_INSIDE
        if order.side * order.stop > order.side * order.limit:
            return np.nan
    return min(max(float(order.stop), low), high)  # one woken in this bar may be beyond all of it


@inlined
def price_of_touched_limit(terms: Record, order: Record, high: float, low: float) -> float:
    """Give the price of a limit that the bar reached after its open, else NaN."""
    triggered = order.flags & (TRIGGERED | TRIGGERED_INSIDE) == TRIGGERED
    if order.type != LIMIT and not (order.type == STOP_LIMIT and triggered):
        return np.nan
    beyond = order.limit - low if order.side > 0 else high - order.limit
    if beyond > 0.0 or (beyond == 0.0 and terms.limit_needs_through == 0):
        return min(max(float(order.limit), low), high)
    return np.nan


@compiled
def _trigger(account: Record, order: Record) -> None:
    """Note that the stop of an order was touched."""
    if order.flags & TRIGGERED == 0:
        order.flags |= TRIGGERED
        if order.stage == AWAKE:
            enter_state(account, order, TRIGGERED_STATE, TOUCHED)


@compiled
def fill_simulated(
    account: Record, books: Records, book: Record, events: Record, k: int, touched: float, ts: int
) -> None:
    """Fill the order in row `k` at the price it was touched, as far as bar and account can."""
    order = book.orders[k]
    terms = account.terms
    if order.flags & SIZE_AT_FILL:
        equity = account_value(account, books)
        price = taker_price(terms, book, order, touched, 0)
        unit_cost = price * (1.0 + terms.taker) + terms.per_share
        order.lots = sized_lots(
            book.strategy, book.grid, equity, order.weight, unit_cost, order.stop_distance
        )
    known = order.lots - order.filled
    if terms.participation > 0.0 and order.parent != 0:
        grow_exit(book, k)
        if terms.exits_in_entry_bar != 0:
            known = order.lots - order.filled
    lots = fillable_lots(terms, book, order)
    if lots <= 0:
        leave(account, book, events, k, CANCELED, NOTHING_TO_REDUCE, ts)
        settle_children(account, book, events, order, ts)
        return
    now = min(lots, known, book.left) if terms.participation > 0.0 else lots
    if order.tif == FOK and now < order.lots - order.filled:
        expire(account, book, events, k, FOK_CAUSE, ts)
        return
    order.lots = order.filled + lots
    if terms.participation > 0.0 and order.parent != 0:
        cancel_parent(account, book, events, k, ts)
    if now > 0:
        _fill_lots(account, book, events, k, now, touched, ts)
    elif order.type in (STOP, TRAILING_STOP):
        _trigger(account, order)


@inlined
def _fill_lots(
    account: Record, book: Record, events: Record, k: int, lots: int, touched: float, ts: int
) -> None:
    """Fill so many lots of the order in row `k`, unless the cash of a spot account falls short."""
    order = book.orders[k]
    terms = account.terms
    grid = book.grid
    maker = 1 if order.flags & RESTING else 0
    price = touched if maker else taker_price(terms, book, order, touched, lots)
    units = lots * grid.lot_units
    own_fee = fee_units(terms, grid, order.side, units, price, maker)
    fee = charged_units(terms, order, own_fee) if terms.minimum_fee > 0.0 else own_fee
    fee_in_base = terms.fee_in_base if order.side > 0 else 0
    if terms.spot != 0:
        notional = notional_units(grid, units, price)
        if order.side < 0:
            fee = min(fee, account.cash + notional)  # a least fee cannot take what is not there
        elif notional + (0 if fee_in_base else fee) > account.cash:
            final = REJECTED if order.filled == 0 else CANCELED
            leave(account, book, events, k, final, CASH_CAUSE, ts)
            settle_children(account, book, events, order, ts)
            book.verdicts[CASH_AT_FILL] += 1
            return
    if terms.minimum_fee > 0.0:
        order.fee_units += own_fee
    if terms.participation > 0.0:
        book.left -= lots
        if order.type in (STOP, TRAILING_STOP):
            order.flags |= TRIGGERED
    execute(account, book, events, k, lots, price, touched, fee, fee_in_base, maker, ts)


@compiled
def fillable_lots(terms: Record, book: Record, order: Record) -> int:
    """Give what is left of an order, cut to the position for orders that may only reduce it."""
    left = int(order.lots - order.filled)
    if order.flags & REDUCE_ONLY or (terms.spot != 0 and order.side < 0):
        return min(left, int(-order.side * book.position))
    return left


@compiled
def execute(
    account: Record, book: Record, events: Record, k: int, lots: int, price: float,
    touched: float, fee: int, fee_in_base: int, maker: int, ts: int,
) -> None:  # fmt: skip
    """Book an execution of the order in row `k`, and all that follows from it."""
    order = book.orders[k]
    apply_fill(account, book, events, order, lots, price, touched, fee, fee_in_base, maker, ts)
    complete = order.filled + lots >= order.lots
    if complete:
        release(account, order)
    else:
        release_part(account, order, lots)
    order.filled += lots
    if complete or order.flags & ENTRY:
        cancel_siblings(account, book, events, k, ts)
    else:
        shrink_siblings(account, book, events, k, lots, ts)
    if complete:
        leave(account, book, events, k, FILLED, CAUSE_FILLED, ts)
        settle_children(account, book, events, order, ts)
    else:
        enter_state(account, order, PARTIALLY_FILLED, PARTIAL)
        if order.flags & AT_VENUE == 0:
            settle_children(account, book, events, order, ts)


@inlined
def _end_of_bar(
    account: Record, book: Record, events: Record, ts: int, high: float, low: float, close: float
) -> None:
    """Expire orders whose time is over; what is still there rests in the book from now on."""
    for k in range(book.n_orders):
        order = book.orders[k]
        if order.flags & (DEAD | DORMANT | AT_VENUE):
            continue
        if order.flags & WATCHED:
            if order.tif in (IOC, FOK) or ts >= order.valid_to:
                expire(account, book, events, k, _end_cause(order), ts)
                continue
            if order.type == TRAILING_STOP and order.flags & TRIGGERED == 0:
                trail(order, book.grid, high, low, close)
        order.flags &= ~(WOKEN | TRIGGERED_INSIDE)
        if order.type == LIMIT or (order.type == STOP_LIMIT and order.flags & TRIGGERED):
            order.flags |= RESTING
    if account.terms.needs_volume != 0:
        _forget_volume(account, book)


@compiled
def _end_cause(order: Record) -> int:
    """Say which time in force has ended an order after its bar."""
    if order.tif == IOC:
        return IOC_CAUSE
    return FOK_CAUSE if order.tif == FOK else VALID_TO


@compiled
def _forget_volume(account: Record, book: Record) -> None:
    """Let exits grow with their entries, and leave nothing of the bar's volume in the state."""
    if account.terms.participation > 0.0:
        for k in range(book.n_orders):
            order = book.orders[k]
            if order.parent != 0 and order.flags & (DEAD | DORMANT | AT_VENUE) == 0:
                grow_exit(book, k)
    book.volume = 0.0
    book.left = 0
