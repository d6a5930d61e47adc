"""One execution, booked: balances, lots, position and the fill's own row."""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled
from trading_assets.portfolio.lots import close_lots, open_lot, share
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

    `touched` is the price before costs worsened it, NaN when that is not known. `fee` is in units
    of base when `fee_in_base`, else of quote. `ts` is the open time of the bar, or the venue's.
    """
    side = order.side
    units = lots * book.grid.lot_units
    notional = notional_units(book.grid, units, price)
    received, cost, quote_fee = units, notional, fee
    account.cash -= side * notional
    if fee_in_base != 0:
        received = units - fee
        cost = share(notional, received, units)
        quote_fee = notional - cost
        book.base_fees += fee
    else:
        account.cash -= fee
    account.fees += quote_fee

    opened = received
    closed = min(received, -side * book.base)
    if closed > 0:
        closed_cost = share(cost, closed, received)
        closed_fee = share(quote_fee, closed, received)
        close_lots(account, book, events, order, closed, closed_cost, closed_fee, price, ts)
        opened -= closed
        cost -= closed_cost
        quote_fee -= closed_fee
    if opened > 0:
        open_lot(book, order, side * opened, cost, quote_fee, price, ts)
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
