"""One execution, booked: balances, position and the fill's own row."""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled
from trading_assets.portfolio.lots import share
from trading_assets.records.arrays import Record


@compiled
def notional_units(grid: Record, units: int, price: float) -> int:
    """Value `units` of base at `price`, in quote units; base and quote share the scale 1e-8."""
    return int(np.rint(units * price * grid.point_value))


@compiled
def apply_fill(
    account: Record, book: Record, events: Record, order: Record, lots: int, price: float,
    touched: float, fee: int, fee_in_base: int, maker: int, ts: int,
) -> None:  # fmt: skip
    """Book `lots` of `order` at `price`; the same function for simulated and venue fills.

    Lots and round trips follow from the fill's row, by `lots.settle_fills`.

    `touched` is the price before costs worsened it, NaN when that is not known. `fee` is in units
    of base when `fee_in_base`, else of quote. `ts` is the open time of the bar, or the venue's.
    """
    side = order.side
    units = lots * book.grid.lot_units
    notional = notional_units(book.grid, units, price)
    received, quote_fee = units, fee
    account.cash -= side * notional
    if fee_in_base != 0:
        received = units - fee
        quote_fee = notional - share(notional, received, units)
        book.base_fees += fee
    else:
        account.cash -= fee
    account.fees += quote_fee

    book.base += side * received
    held = abs(book.base) // book.grid.lot_units
    book.position = held if book.base > 0 else -held

    fill = events.fills[events.n_fills]
    events.n_fills += 1
    fill.id = account.next_fill_id
    account.next_fill_id += 1
    fill.order_id = order.id
    fill.owner = book.owner
    fill.side = side
    fill.leg = order.leg
    fill.bar_ts = order.bar_ts
    fill.ts = ts
    fill.lots = lots
    fill.units = units
    fill.price = price
    fill.touched = touched
    fill.notional = notional
    fill.fee = fee
    fill.fee_in_base = fee_in_base
    fill.maker = maker
    fill.position = book.position
    fill.cash = account.cash
