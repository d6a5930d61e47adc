"""FIFO lots: what a position was bought for, and what each part of it earned.

Amounts are whole 1e-8 units. A part of a lot takes a rounded share of its cost and fee and leaves
the rest, so that nothing is ever lost: cash paid and received always equals the sum over round
trips and open lots, to the unit.
"""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled, inlined
from trading_assets.records.arrays import Record
from trading_assets.records.queues import Queues


@compiled
def share(total: int, part: int, whole: int) -> int:
    """Give `total * part / whole` as whole units; all of it when the part is the whole."""
    if part == whole:
        return total
    return int(np.rint(total * (part / whole)))


@compiled
def settle_fills(
    account: Record, book: Record, queues: Queues, b: int, events: Record, trips: np.ndarray,
    used: int,
) -> int:  # fmt: skip
    """Bring the lots of book `b` up to the fills that were booked since they were last settled.

    Round trips go into `trips` from row `used` on; the row behind the last is given. Each fill
    closes the oldest lots first, and what is left of it opens one.
    """
    held = book.base  # before the first of the fills
    for k in range(events.n_fills):
        held -= events.fills[k].side * _received(events.fills[k])
    for k in range(events.n_fills):
        fill = events.fills[k]
        side = int(fill.side)
        opened = _received(fill)
        cost, fee = fill.notional, fill.fee
        if fill.fee_in_base != 0:
            cost = share(fill.notional, opened, fill.units)
            fee = fill.notional - cost
        closed = min(opened, -side * held)
        whole = abs(held) // book.grid.lot_units
        held += side * opened
        if closed > 0:
            closed_cost = share(cost, closed, opened)
            closed_fee = share(fee, closed, opened)
            used = _close_lots(
                account, book, queues, b, fill, closed, closed_cost, closed_fee, trips, used
            )
            opened -= closed
            cost -= closed_cost
            fee -= closed_fee
        if opened > 0:
            _open_lot(book, queues, b, fill, side * opened, cost, fee, whole)
    return used


@inlined
def _received(fill: Record) -> int:
    """Give the units of base that a fill has moved."""
    return int(fill.units - fill.fee if fill.fee_in_base != 0 else fill.units)


@compiled
def _open_lot(
    book: Record, queues: Queues, b: int, fill: Record, units: int, cost: int, fee: int, whole: int
) -> None:
    """Add a lot at the end of the queue; `units` is signed, `whole` the lots held before the fill.

    Dust that an earlier exit had to leave behind joins the lot with its own cost, so that it does
    not show as a round trip of its own.
    """
    ring = queues.lots[b]
    if book.n_lots > 0 and whole == 0:
        dust = ring[queues.heads[b]]
        units += dust.units
        cost += dust.cost
        fee += dust.fee
        _drop_oldest(book, queues, b)
    lot = ring[(queues.heads[b] + book.n_lots) % len(ring)]
    lot.units = units
    lot.cost = cost
    lot.fee = fee
    lot.price = fill.price
    lot.ts = fill.ts
    lot.order_id = fill.order_id
    book.n_lots += 1


@compiled
def _close_lots(
    account: Record, book: Record, queues: Queues, b: int, fill: Record, units: int, proceeds: int,
    fee: int, trips: np.ndarray, used: int,
) -> int:  # fmt: skip
    """Take `units` from the oldest lots and log one round trip for each lot touched.

    `units` is positive, `proceeds` are the quote units exchanged for them before the `fee`, which
    is in quote units, too.
    """
    ring = queues.lots[b]
    while units > 0 and book.n_lots > 0:
        lot = ring[queues.heads[b]]
        held = abs(lot.units)
        taken = min(units, held)
        side = 1 if lot.units > 0 else -1
        cost = share(lot.cost, taken, held)
        entry_fee = share(lot.fee, taken, held)
        received = share(proceeds, taken, units)
        exit_fee = share(fee, taken, units)

        trip = trips[used]
        used += 1
        trip.id = account.next_trip_id
        account.next_trip_id += 1
        trip.owner = book.owner
        trip.side = side
        trip.leg = fill.leg
        trip.units = taken
        trip.entry_ts = lot.ts
        trip.exit_ts = fill.ts
        trip.entry_price = lot.price
        trip.exit_price = fill.price
        trip.cost = cost
        trip.proceeds = received
        trip.fees = entry_fee + exit_fee
        trip.pnl = side * (received - cost) - trip.fees
        trip.entry_order_id = lot.order_id
        trip.exit_order_id = fill.order_id

        if book.strategy.counts_trips != 0:
            _count_trip(book, trip.pnl, cost)
        account.realised += trip.pnl
        units -= taken
        proceeds -= received
        fee -= exit_fee
        lot.units -= side * taken
        lot.cost -= cost
        lot.fee -= entry_fee
        if lot.units == 0:
            _drop_oldest(book, queues, b)
    return used


@compiled
def _count_trip(book: Record, pnl: int, cost: int) -> None:
    """Note what a round trip has earned of what it cost."""
    earned = pnl / cost if cost > 0 else 0.0
    book.trips += 1
    if earned > 0.0:
        book.won_trips += 1
        book.won += earned
    else:
        book.lost -= earned


@inlined
def _drop_oldest(book: Record, queues: Queues, b: int) -> None:
    book.n_lots -= 1
    queues.heads[b] = (queues.heads[b] + 1) % queues.lots.shape[1]
