"""What a fill costs: slippage in its price, fees beside it."""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record
from trading_assets.records.codes import LIMIT, STOP_LIMIT


@compiled
def taker_price(terms: Record, order: Record, price: float) -> float:
    """Worsen a taker's price by the slippage, but never beyond the order's own limit."""
    slipped = float(price * (1.0 + order.side * terms.slippage))
    if order.type in (LIMIT, STOP_LIMIT):
        if order.side > 0:
            return min(slipped, float(order.limit))
        return max(slipped, float(order.limit))
    return slipped


@compiled
def fee_units(terms: Record, grid: Record, side: int, units: int, price: float, maker: int) -> int:
    """Give the fee of a fill: units of base for buys that pay in base, else of quote."""
    rate = terms.maker if maker != 0 else terms.taker
    if side > 0 and terms.fee_in_base != 0:
        return int(np.rint(units * rate))
    fee = units * price * grid.point_value * rate + units * terms.per_share
    return int(np.rint(fee))
