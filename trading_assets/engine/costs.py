"""What a fill costs: what worsens its price, and the fees beside it.

| part of `Costs` | worsens a taker's price by the fraction |
|---|---|
| `slippage_bps` | itself |
| `half_spread_bps` | itself |
| `impact_bps` | itself times the fill's share of the volume of its bar, at most all of it |
| `sqrt_impact` | itself times sigma times the square root of quantity / volume |

Sigma is the volatility of the close from bar to bar and the volume that of a mean bar, both over
the bars before the fill only, with weights that halve about every `SPAN / 3` bars: the square-root
law of market impact (Almgren et al. 2005, Direct estimation of equity market impact; Toth et al.
2011, Anomalous price impact). In the first two bars of a symbol there is no sigma, and so no impact
of this kind. Together the parts take at most half of a price: beyond, they say nothing.

Resting limit orders give liquidity: they fill at their price.
"""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled
from trading_assets.portfolio.valuation import UNITS
from trading_assets.records.arrays import Record
from trading_assets.records.codes import LIMIT, STOP_LIMIT

SPAN = 100
"""Bars that the averages behind the square-root impact look back over."""

_MOST = 0.5


@compiled
def taker_price(terms: Record, book: Record, order: Record, price: float, lots: int) -> float:
    """Worsen a taker's price, but never beyond the order's own limit."""
    worse = terms.slippage + terms.half_spread
    if terms.needs_volume != 0:
        worse += impact(terms, book, lots)
    slipped = float(price * (1.0 + order.side * worse))
    if order.type in (LIMIT, STOP_LIMIT):
        if order.side > 0:
            return min(slipped, float(order.limit))
        return max(slipped, float(order.limit))
    return slipped


@compiled
def impact(terms: Record, book: Record, lots: int) -> float:
    """Give the fraction by which a fill of `lots` moves its own price."""
    quantity = lots * book.grid.lot
    share = min(quantity / book.volume, 1.0) if book.volume > 0.0 else 1.0
    worse = terms.impact * share
    if terms.sqrt_impact > 0.0:
        usual = book.past_volume
        bars = quantity / usual if usual > 0.0 else 1.0
        worse += terms.sqrt_impact * np.sqrt(book.past_variance) * np.sqrt(bars)
    return float(min(worse, _MOST))


@compiled
def note_bar(book: Record, close: float, volume: float) -> None:
    """Take a finished bar into what later fills know of volatility and volume.

    Plain means at first, then exponential ones. `book.price` is still the close before.
    """
    book.past_bars += 1
    seen = book.past_bars
    book.past_volume += max(1.0 / seen, 2.0 / (SPAN + 1.0)) * (volume - book.past_volume)
    if seen > 1:
        change = close / book.price - 1.0
        weight = max(1.0 / (seen - 1.0), 2.0 / (SPAN + 1.0))
        book.past_variance += weight * (change * change - book.past_variance)


@compiled
def fee_units(terms: Record, grid: Record, side: int, units: int, price: float, maker: int) -> int:
    """Give the fee of a fill: units of base for buys that pay in base, else of quote."""
    rate = terms.maker if maker != 0 else terms.taker
    if side > 0 and terms.fee_in_base != 0:
        return int(np.rint(units * rate))
    fee = units * price * grid.point_value * rate + units * terms.per_share + terms.per_fill
    return int(np.rint(fee))


@compiled
def charged_units(terms: Record, order: Record, fee: int) -> int:
    """Give what a fill is charged when its order has a least fee; `fee` is its own, in quote units.

    The first fill pays the least fee; later ones pay only once their sum is above it.
    """
    least = int(np.rint(terms.minimum_fee * UNITS))
    before = max(order.fee_units, least) if order.filled > 0 else 0
    return int(max(order.fee_units + fee, least) - before)
