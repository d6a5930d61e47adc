"""The working orders of a symbol: entering the table, leaving it, and the links between rows.

Rows keep the order of submission. A row that leaves is logged and marked dead at once; its place
is freed at the end of the step, so that a walk over the table never loses its footing.
"""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled, inlined
from trading_assets.portfolio.lots import share
from trading_assets.records.arrays import Record
from trading_assets.records.codes import (
    AT_VENUE,
    CANCEL_WANTED,
    DEAD,
    DORMANT,
    ENTRY,
    GTC,
    LIMIT,
    NEVER,
    NO_PRICE,
    REDUCE_ONLY,
    RESTING,
    TRAILING_STOP,
    WATCHED,
    WOKEN,
    Cause,
    OrderState,
)
from trading_assets.records.order_edges import ALL_EDGES, ENDED, STAGES, TARGETS

WORKING = int(OrderState.WORKING)
AWAKE, TOUCHED, PARTIAL, ASLEEP = range(len(STAGES))
CANCELED = int(OrderState.CANCELED)
EXPIRED = int(OrderState.EXPIRED)
PARENT_GONE = int(Cause.PARENT_GONE)
OCO = int(Cause.OCO)
EXIT_TOUCHED = int(Cause.EXIT_TOUCHED)


@compiled
def place(
    account: Record, book: Record, ts: int, side: int, kind: int, tif: int, leg: int, lots: int,
    flags: int,
) -> int:  # fmt: skip
    """Add an order without prices or links and give its row."""
    k = int(book.n_orders)
    order = book.orders[k]
    order.id = account.next_order_id
    order.bar_ts = ts
    order.side = side
    order.type = kind
    order.tif = tif
    order.leg = leg
    order.flags = flags
    if flags & DORMANT:
        order.stage = ASLEEP
    if tif != GTC or kind == TRAILING_STOP:
        order.flags |= WATCHED
    order.lots = lots
    order.valid_to = NEVER
    order.limit_ticks = NO_PRICE
    order.stop_ticks = NO_PRICE
    order.limit = np.nan
    order.stop = np.nan
    order.guard = np.nan
    order.weight = np.nan
    order.stop_distance = np.nan
    account.next_order_id += 1
    book.n_orders = k + 1
    if flags & ENTRY:
        book.entries_today += 1
    return k


@inlined
def enter_state(account: Record, order: Record, state: int, stage: int) -> None:
    """Move an order to a state, and to its stage; a move along no edge is a fault of the machine.

    Without a branch: every order passes here two or three times.
    """
    bit = 1 << (order.stage * TARGETS + state)
    account.faults |= bit & ~ALL_EDGES
    order.edges |= bit
    order.stage = stage


@compiled
def price_of_ticks(grid: Record, ticks: int) -> float:
    """Give the float64 nearest to the exact price: both factors are whole, one rounding."""
    return float(ticks * grid.tick_numerator / grid.tick_denominator)


@compiled
def ticks_of_price(grid: Record, price: float) -> int:
    """Give the tick nearest to a price."""
    return int(np.rint(price * grid.tick_denominator / grid.tick_numerator))


@compiled
def set_limit(order: Record, grid: Record, ticks: int) -> None:
    """Give the order a limit price."""
    order.limit_ticks = ticks
    order.limit = price_of_ticks(grid, ticks)


@compiled
def set_stop(order: Record, grid: Record, ticks: int) -> None:
    """Give the order a trigger price."""
    order.stop_ticks = ticks
    order.stop = price_of_ticks(grid, ticks)


@compiled
def reserve(account: Record, order: Record, units: int) -> None:
    """Set quote units aside for an entry."""
    order.reserve = units
    account.reserved += units


@compiled
def release(account: Record, order: Record) -> None:
    """Give back what was set aside."""
    account.reserved -= order.reserve
    order.reserve = 0


@compiled
def release_part(account: Record, order: Record, lots: int) -> None:
    """Give back what was set aside for `lots` of those that are left, before they are counted."""
    units = share(order.reserve, lots, order.lots - order.filled)
    account.reserved -= units
    order.reserve -= units


@compiled
def leave(
    account: Record, book: Record, events: Record, k: int, final: int, cause: int, ts: int
) -> None:
    """Log the order in row `k` and mark it dead."""
    order = book.orders[k]
    release(account, order)
    enter_state(account, order, final, ENDED)
    order.flags |= DEAD
    book.n_dead += 1
    row = events.orders[events.n_orders]
    events.n_orders += 1
    row.id = order.id
    row.owner = book.owner
    row.side = order.side
    row.type = order.type
    row.tif = order.tif
    row.leg = order.leg
    row.reduce_only = 1 if order.flags & REDUCE_ONLY else 0
    row.bar_ts = order.bar_ts
    row.closed_ts = ts
    row.lots = order.lots
    row.filled = order.filled
    row.limit_ticks = order.limit_ticks
    row.stop_ticks = order.stop_ticks
    row.parent = order.parent
    row.oco = order.oco
    row.valid_to = order.valid_to
    row.edges = order.edges
    row.state = final
    row.cause = cause


@compiled
def cancel(account: Record, book: Record, events: Record, k: int, cause: int, ts: int) -> None:
    """Withdraw the order in row `k`: at once, or by asking the venue that holds it."""
    order = book.orders[k]
    if order.flags & AT_VENUE and order.flags & DORMANT == 0:
        order.flags |= CANCEL_WANTED
        return
    leave(account, book, events, k, CANCELED, cause, ts)
    settle_children(account, book, events, order, ts)


@compiled
def expire(account: Record, book: Record, events: Record, k: int, cause: int, ts: int) -> None:
    """Let the order in row `k` end with its time; what it brought stays."""
    leave(account, book, events, k, EXPIRED, cause, ts)
    settle_children(account, book, events, book.orders[k], ts)


@compiled
def cancel_all(account: Record, book: Record, events: Record, cause: int, ts: int) -> None:
    """Withdraw every order of the symbol."""
    for k in range(book.n_orders):
        if book.orders[k].flags & DEAD == 0:
            cancel(account, book, events, k, cause, ts)


@compiled
def cancel_siblings(account: Record, book: Record, events: Record, k: int, ts: int) -> None:
    """Withdraw the other orders of the OCO group of row `k`."""
    group = book.orders[k].oco
    if group == 0:
        return
    for j in range(book.n_orders):
        order = book.orders[j]
        if j != k and order.oco == group and order.flags & DEAD == 0:
            cancel(account, book, events, j, OCO, ts)


@compiled
def shrink_siblings(
    account: Record, book: Record, events: Record, k: int, lots: int, ts: int
) -> None:
    """Take what row `k` has filled from the other orders of its OCO group.

    Not from those at a venue: there an order keeps its quantity until it is withdrawn.
    """
    group = book.orders[k].oco
    if group == 0:
        return
    for j in range(book.n_orders):
        order = book.orders[j]
        if j != k and order.oco == group and order.flags & (DEAD | AT_VENUE) == 0:
            order.lots = max(order.lots - lots, order.filled)
            if order.lots == order.filled:
                cancel(account, book, events, j, OCO, ts)


@compiled
def grow_exit(book: Record, k: int) -> None:
    """Let an exit cover what its entry has brought so far, less what exits have taken of it."""
    order = book.orders[k]
    taken = 0
    brought = -1
    for j in range(book.n_orders):
        other = book.orders[j]
        if other.id == order.parent:
            brought = other.filled
        elif other.parent == order.parent:
            taken += other.filled
    if brought >= 0:
        order.lots = max(order.lots, order.filled + brought - taken)


@compiled
def cancel_parent(account: Record, book: Record, events: Record, k: int, ts: int) -> None:
    """Withdraw what is left of the entry of an exit that was reached."""
    for j in range(book.n_orders):
        order = book.orders[j]
        if order.id == book.orders[k].parent and order.flags & DEAD == 0:
            cancel(account, book, events, j, EXIT_TOUCHED, ts)


@compiled
def settle_children(account: Record, book: Record, events: Record, parent: Record, ts: int) -> None:
    """Wake the exits of an entry for what it brought; drop them when it ended with nothing.

    Exits at a venue wake when their entry has ended, others with its first fill.
    """
    for k in range(book.n_orders):
        order = book.orders[k]
        if order.parent != parent.id or order.flags & DORMANT == 0 or order.flags & DEAD:
            continue
        if parent.filled == 0:
            leave(account, book, events, k, CANCELED, PARENT_GONE, ts)
            continue
        order.lots = min(parent.filled, abs(book.position))
        order.flags = order.flags & ~DORMANT | WOKEN
        enter_state(account, order, WORKING, AWAKE)
        if order.type == LIMIT:
            order.flags |= RESTING


@compiled
def sweep(book: Record) -> None:
    """Free the rows of dead orders; freed rows are blanked, since bytes are identity."""
    used = book.n_orders
    blank = len(book.orders) - 1
    kept = 0
    for k in range(used):
        if book.orders[k].flags & DEAD == 0:
            if kept != k:
                book.orders[kept] = book.orders[k]
            kept += 1
    for k in range(kept, used):
        book.orders[k] = book.orders[blank]
    book.n_orders = kept
    book.n_dead = 0
