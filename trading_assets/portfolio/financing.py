"""What positions of a margin account cost for being held over night, booked in cash.

The night is that of UTC: the first bar of a day books every night since the bar before it, on the
position that was held and its last close, before anything else of that bar. A venue that books at
another hour, or rates that change, go through `Machine.charge_financing` with amounts of one's own.
"""

from __future__ import annotations

import numpy as np

from trading_assets.domain.bar import DAY
from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import Financing
from trading_assets.records.results import N_FINANCING, Logs

SWAP = int(Financing.SWAP)
BORROW = int(Financing.BORROW)


@compiled
def finance_nights(account: Record, books: Records, logs: Logs, ts: int) -> bool:
    """Book the nights before the bar at `ts`; tell whether anything was logged."""
    terms = account.terms
    nights = (ts - account.day_end) // DAY + 1
    booked = False
    for symbol in range(len(books)):
        book = books[symbol]
        if book.base == 0:
            continue
        value = abs(book.base) * book.price * book.grid.point_value * nights
        swap = terms.swap_long if book.base > 0 else terms.swap_short
        booked |= book_financing(account, book, logs, SWAP, int(np.rint(value * swap)), nights, ts)
        if book.base < 0:
            borrow = int(np.rint(value * terms.borrow))
            booked |= book_financing(account, book, logs, BORROW, borrow, nights, ts)
    return booked


@compiled
def book_financing(
    account: Record, book: Record, logs: Logs, kind: int, amount: int, nights: int, ts: int
) -> bool:
    """Take quote units from cash and log them; nothing happens for an amount of zero."""
    if amount == 0:
        return False
    account.cash -= amount
    account.financing += amount
    row = logs.financing[logs.used[N_FINANCING]]
    logs.used[N_FINANCING] += 1
    row.ts = ts
    row.amount = amount
    row.position = book.position
    row.price = book.price
    row.nights = nights
    row.owner = book.owner
    row.kind = kind
    return True
