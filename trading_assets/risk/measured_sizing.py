"""Sizes that come from range, volatility or odds; and the door to those that do not.

| mode | quantity of a whole position (weight 1) |
|---|---|
| `atr` | risk_pct of equity / (stop_mult * ATR * point value) |
| `vol_target` | equity * target_vol / annual volatility / value of one unit |
| `kelly` | equity * kelly_pct * (W - (1 - W) / R) / value of one unit (Kelly 1956) |
| `risk_parity` | equity * pos_pct * (1 / volatility) / (sum over the symbols) / value of one unit |

All are capped by `max_pos_pct` of equity. W is the part of round trips that won, R the mean return
of those over the mean loss of the others. Risk parity is the naive form: it knows no correlations,
so risks are equal only where these are.
"""

from __future__ import annotations

from trading_assets.portfolio.compiled import compiled, entry, inlined
from trading_assets.records.arrays import Record
from trading_assets.records.codes import Verdict
from trading_assets.records.strategy_terms import (
    SIZING_ATR,
    SIZING_KELLY,
    SIZING_PARITY,
    SIZING_RISK,
    SIZING_VOL_TARGET,
)
from trading_assets.risk.limits import ACCEPTED, refuse
from trading_assets.risk.measures import volatility
from trading_assets.risk.sizing import sized_lots, whole_lots

NO_STOP = int(Verdict.NO_STOP)
NO_VOLATILITY = int(Verdict.NO_VOLATILITY)
NO_EDGE = int(Verdict.NO_EDGE)


@entry
def quantity_at_risk(at_risk: float, distance: float, point_value: float) -> float:
    """Give the units of base that lose `at_risk` quote over `distance`."""
    return float(at_risk / (distance * point_value))


@entry
def exposure_for_volatility(target: float, volatility_of_one: float) -> float:
    """Give the exposure, as a multiple, whose volatility is `target`."""
    return float(target / volatility_of_one)


@entry
def kelly_fraction(win_rate: float, payoff: float) -> float:
    """Give the fraction of equity that grows it fastest; not above zero without an edge."""
    return float(win_rate - (1.0 - win_rate) / payoff)


def atr_based_size(
    equity: float, risk_bps: float, atr: float, point_value: float, stop_mult: float = 1.5
) -> int:
    """Give the whole units that lose `risk_bps` of equity at a stop `stop_mult` ATRs away.

    Args:
        equity: quote.
        risk_bps: basis points of equity.
        atr: average true range, in quote.
        point_value: quote per unit of base and unit of price.
        stop_mult: ATRs from entry to stop.

    Raises:
        ValueError: if a number but `equity` and `risk_bps` is not above 0.
    """
    if not min(atr, point_value, stop_mult) > 0.0:
        raise ValueError(f"atr {atr}, point_value {point_value}, stop_mult {stop_mult}: above 0")
    at_risk = max(equity * risk_bps / 10_000.0, 0.0)
    quantity: float = quantity_at_risk(at_risk, atr * stop_mult, point_value)
    return int(whole_lots.py_func(quantity, 1.0))  # type: ignore[attr-defined]


def vol_target_scale(sigma_target: float, current_sigma: float, gross_exposure: float) -> float:
    """Give what positions have to be multiplied by for their volatility to be the target.

    Args:
        sigma_target: volatility that equity shall have, as a fraction, over any one span.
        current_sigma: volatility of one unit of exposure over the same span.
        gross_exposure: exposure over equity, as a multiple.

    Raises:
        ValueError: if volatility or exposure is not above 0: then there is nothing to scale.
    """
    if not (current_sigma > 0.0 and gross_exposure > 0.0):
        raise ValueError(f"sigma {current_sigma}, exposure {gross_exposure}: above 0")
    return float(exposure_for_volatility(sigma_target, current_sigma * gross_exposure))


@compiled
def kelly_of(book: Record) -> float:
    """Give the Kelly fraction of a book: by its own round trips once they are enough."""
    strategy = book.strategy
    if strategy.counts_trips == 0 or book.trips < strategy.kelly_min_trips:
        return kelly_fraction(strategy.win_rate, strategy.payoff)
    lost_trips = book.trips - book.won_trips
    if lost_trips == 0 or not book.lost > 0.0:
        return 1.0
    if book.won_trips == 0:
        return -1.0
    payoff = (book.won / book.won_trips) / (book.lost / lost_trips)
    return kelly_fraction(book.won_trips / book.trips, payoff)


@inlined
def first_unknown(account: Record, book: Record, stop_distance: float) -> int:
    """Refuse to size by what is not known: a stop, a range, a volatility, an edge."""
    sizing = book.strategy.sizing
    if sizing < SIZING_RISK or (sizing == SIZING_RISK and stop_distance > 0.0):
        return ACCEPTED
    return _first_unknown(account, book, stop_distance)


@compiled
def _first_unknown(account: Record, book: Record, stop_distance: float) -> int:
    strategy = book.strategy
    sizing = strategy.sizing
    if sizing == SIZING_RISK and not stop_distance > 0.0:
        return refuse(account, NO_STOP, 0.0, stop_distance)
    seen = max(book.measured - 1.0, 0.0)
    if sizing == SIZING_ATR and (seen < strategy.atr_bars or not book.range > 0.0):
        return refuse(account, NO_VOLATILITY, float(strategy.atr_bars), float(seen))
    if sizing in (SIZING_VOL_TARGET, SIZING_PARITY) and not volatility(book) > 0.0:
        return refuse(account, NO_VOLATILITY, float(strategy.half_life), float(seen))
    if sizing == SIZING_KELLY:
        edge = kelly_of(book)
        if not edge > 0.0:
            return refuse(account, NO_EDGE, 0.0, edge)
    return ACCEPTED


@inlined
def wanted_lots(
    account: Record, book: Record, weight: float, price: float, stop_distance: float
) -> int:
    """Size an order of `weight` at `price`, once nothing that it needs is unknown."""
    strategy = book.strategy
    if strategy.sizing <= SIZING_RISK:
        return sized_lots(strategy, book.grid, account.equity, weight, price, stop_distance)
    return _measured_lots(account, book, weight, price)


@compiled
def _measured_lots(account: Record, book: Record, weight: float, price: float) -> int:
    strategy = book.strategy
    allocated = strategy.allocation * account.equity
    unit_value = price * book.grid.point_value
    quantity = _part_of_equity(account, book) * allocated / unit_value
    if strategy.sizing == SIZING_ATR:
        at_risk = strategy.risk_fraction * allocated
        quantity = quantity_at_risk(at_risk, strategy.stop_mult * book.range, book.grid.point_value)
    cap = strategy.max_position_fraction * allocated / unit_value
    return whole_lots(max(abs(weight) * min(quantity, cap), 0.0), book.grid.lot)


@compiled
def _part_of_equity(account: Record, book: Record) -> float:
    """Give the size of a whole position as a fraction of the strategy's equity."""
    strategy = book.strategy
    if strategy.sizing == SIZING_VOL_TARGET:
        return exposure_for_volatility(strategy.target_volatility, volatility(book))
    if strategy.sizing == SIZING_KELLY:
        return float(strategy.kelly * kelly_of(book))
    if strategy.sizing == SIZING_PARITY:
        return float(strategy.position_fraction / (volatility(book) * account.parity))
    return 0.0
