"""Trailing stops: a trigger that follows the market in the order's favour and never comes back.

It moves when a bar has ended, by the bar's close or its best extreme (`TrailBy`), so the high of a
bar never fills a stop inside that same bar. In the bar that woke an exit only the close counts: its
high may have been before the entry.
"""

from __future__ import annotations

import numpy as np

from trading_assets.domain.order import TrailBy
from trading_assets.engine.orders import set_stop, ticks_of_price
from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record
from trading_assets.records.codes import BY_EXTREME, NO_PRICE, WOKEN

EXTREME = int(TrailBy.EXTREME)


@compiled
def trail(order: Record, grid: Record, high: float, low: float, close: float) -> None:
    """Move the trigger after a bar, when the market went the order's way."""
    best = close
    if order.flags & (BY_EXTREME | WOKEN) == BY_EXTREME:
        best = low if order.side > 0 else high
    ticks = trailed_ticks(grid, order.side, order.trail_ticks, order.trail_fraction, best)
    if order.stop_ticks == NO_PRICE or order.side * (ticks - order.stop_ticks) < 0:
        set_stop(order, grid, ticks)


@compiled
def trailed_ticks(
    grid: Record, side: int, trail_ticks: int, trail_fraction: float, best: float
) -> int:
    """Give the trigger that belongs to a price, on the nearest tick, at least one tick."""
    if trail_ticks > 0:
        ticks = ticks_of_price(grid, best) + side * trail_ticks
    else:
        ticks = ticks_of_price(grid, best * (1.0 + side * trail_fraction))
    return int(max(ticks, 1))


@compiled
def trail_of(grid: Record, trail: float, ratio: float) -> tuple[int, float]:
    """Give the distance of a wish in ticks, or as a fraction; NaN is "none", both are 0 then."""
    ticks = 0 if np.isnan(trail) else max(ticks_of_price(grid, trail), 1)
    return ticks, 0.0 if np.isnan(ratio) else ratio


@compiled
def set_trail(order: Record, trail_ticks: int, fraction: float, trail_by: int) -> None:
    """Give a trailing stop its distance, and what it follows."""
    order.trail_ticks = trail_ticks
    order.trail_fraction = fraction
    if trail_by == EXTREME:
        order.flags |= BY_EXTREME
