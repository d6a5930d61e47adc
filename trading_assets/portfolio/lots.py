"""FIFO lots: what a position was bought for, and what each part of it earned.

Amounts are whole 1e-8 units. A part of a lot takes a rounded share of its cost and fee and leaves
the rest, so that nothing is ever lost: cash paid and received always equals the sum over round
trips and open lots, to the unit.
"""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record


@compiled
def share(total: int, part: int, whole: int) -> int:
    """Give `total * part / whole` as whole units; all of it when the part is the whole."""
    if part == whole:
        return total
    return int(np.rint(total * (part / whole)))


@compiled
def open_lot(
    book: Record, order: Record, units: int, cost: int, fee: int, price: float, ts: int
) -> None:
    """Add a lot at the end of the queue; `units` is signed.

    Dust that an earlier exit had to leave behind joins the lot with its own cost, so that it does
    not show as a round trip of its own.
    """
    if book.n_lots > 0 and book.position == 0:
        dust = book.lots[book.head]
        units += dust.units
        cost += dust.cost
        fee += dust.fee
        _drop_oldest(book)
    lot = book.lots[(book.head + book.n_lots) % (len(book.lots) - 1)]
    lot.units = units
    lot.cost = cost
    lot.fee = fee
    lot.price = price
    lot.ts = ts
    lot.order_id = order.id
    book.n_lots += 1


@compiled
def close_lots(
    account: Record, book: Record, events: Record, order: Record, units: int, proceeds: int,
    fee: int, price: float, ts: int,
) -> None:  # fmt: skip
    """Take `units` from the oldest lots and log one round trip for each lot touched.

    `units` is positive, `proceeds` are the quote units exchanged for them before the `fee`, which
    is in quote units, too.
    """
    while units > 0 and book.n_lots > 0:
        lot = book.lots[book.head]
        held = abs(lot.units)
        taken = min(units, held)
        side = 1 if lot.units > 0 else -1
        cost = share(lot.cost, taken, held)
        entry_fee = share(lot.fee, taken, held)
        received = share(proceeds, taken, units)
        exit_fee = share(fee, taken, units)

        trip = events.trips[events.n_trips]
        events.n_trips += 1
        trip.id = account.next_trip_id
        account.next_trip_id += 1
        trip.owner = book.owner
        trip.side = side
        trip.leg = order.leg
        trip.units = taken
        trip.entry_ts = lot.ts
        trip.exit_ts = ts
        trip.entry_price = lot.price
        trip.exit_price = price
        trip.cost = cost
        trip.proceeds = received
        trip.fees = entry_fee + exit_fee
        trip.pnl = side * (received - cost) - trip.fees
        trip.entry_order_id = lot.order_id
        trip.exit_order_id = order.id

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
            _drop_oldest(book)


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


@compiled
def _drop_oldest(book: Record) -> None:
    ring = len(book.lots) - 1
    book.lots[book.head] = book.lots[ring]  # blank: bytes are identity
    book.n_lots -= 1
    book.head = (book.head + 1) % ring if book.n_lots > 0 else 0
