"""From a wish to whole lots: fixed, percent of equity, risk per stop distance; what cash allows."""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled
from trading_assets.portfolio.valuation import UNITS
from trading_assets.records.arrays import Record
from trading_assets.records.strategy_terms import SIZING_FIXED, SIZING_PCT


@compiled
def whole_lots(quantity: float, lot: float) -> int:
    """Give the whole lots in a computed quantity, without an epsilon.

    The quotient may fall just short of a whole number that the product reaches, hence the second
    look: `n = floor(x / lot)`, then `n + 1` if `(n + 1) * lot <= x`.
    """
    lots = np.floor(quantity / lot)
    if (lots + 1.0) * lot <= quantity:
        lots += 1.0
    return int(lots)


@compiled
def sized_lots(
    strategy: Record, grid: Record, equity: float, weight: float, unit_cost: float,
    stop_distance: float,
) -> int:  # fmt: skip
    """Size an order of `weight` (a signed fraction; only its magnitude counts here).

    `equity` is the account's, in quote; its allocation to the strategy comes in here, for a fixed
    size as for any other. `unit_cost` is what one unit of base costs, `stop_distance` (quote per
    base, positive) matters to sizing `risk` only.
    """
    magnitude = abs(weight)
    if strategy.sizing == SIZING_FIXED:
        return int(np.floor(magnitude * strategy.allocation * strategy.fixed_lots))
    allocated = strategy.allocation * equity
    unit_value = unit_cost * grid.point_value
    if strategy.sizing == SIZING_PCT:
        quantity = magnitude * strategy.position_fraction * allocated / unit_value
    else:
        at_risk = magnitude * strategy.risk_fraction * allocated
        cap = strategy.max_position_fraction * allocated / unit_value
        quantity = min(at_risk / (stop_distance * grid.point_value), cap)
    return whole_lots(max(quantity, 0.0), grid.lot)


@compiled
def entry_cost(terms: Record, grid: Record, lots: int, price: float) -> float:
    """Estimate what buying `lots` takes from cash, in quote, with slippage and fees.

    Fees that do not grow with its size count in full: what they may save is not worth a refusal at
    the fill.
    """
    return float(lots * grid.lot * _unit_cost(terms, grid, price)) + flat_fee(terms)


@compiled
def flat_fee(terms: Record) -> float:
    """Give the fees of an order that fills at once, whatever its size, in quote."""
    return float(terms.minimum_fee + terms.per_fill / UNITS)


@compiled
def entry_cost_units(terms: Record, grid: Record, lots: int, price: float) -> int:
    """Give the same in quote units."""
    return int(np.rint(entry_cost(terms, grid, lots, price) * UNITS))


@compiled
def spendable(account: Record, strategy: Record) -> float:
    """Give the cash free for an entry, in quote: less working entries, less the buffer."""
    free = (account.cash - account.reserved) / UNITS
    return float(max(free - strategy.cash_buffer * account.equity, 0.0))


@compiled
def affordable_lots(account: Record, book: Record, price: float) -> int:
    """Give the lots that the spendable cash of a spot account buys at `price`."""
    terms = account.terms
    grid = book.grid
    free = spendable(account, book.strategy)
    payable = max(free - flat_fee(terms), 0.0)
    lots = whole_lots(payable / _unit_cost(terms, grid, price), grid.lot)
    if lots > 0 and entry_cost(terms, grid, lots, price) > free:
        lots -= 1  # the product rounds up where the quotient rounded down
    return lots


@compiled
def _unit_cost(terms: Record, grid: Record, price: float) -> float:
    filled = price * (1.0 + terms.expected_slippage) * grid.point_value
    return float(filled * (1.0 + terms.taker) + terms.per_share)
