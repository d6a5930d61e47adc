"""What depends on the strategy, as the compiled step reads it: one record in each of its books."""

from __future__ import annotations

from collections.abc import Mapping, Set
from decimal import ROUND_CEILING, Decimal

import numpy as np

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import TrailBy
from trading_assets.domain.setup import (
    AccountProfile,
    AnySetup,
    RiskFactor,
    SignalFamily,
    SizingMode,
    StrategySetup,
)
from trading_assets.records.arrays import Records

SIZING_FIXED, SIZING_PCT, SIZING_RISK = range(3)
SIZING_ATR, SIZING_VOL_TARGET, SIZING_KELLY, SIZING_PARITY = range(3, 7)
_SIZING = {
    SizingMode.FIXED: SIZING_FIXED,
    SizingMode.PCT_OF_EQUITY: SIZING_PCT,
    SizingMode.RISK: SIZING_RISK,
    SizingMode.ATR: SIZING_ATR,
    SizingMode.VOL_TARGET: SIZING_VOL_TARGET,
    SizingMode.KELLY: SIZING_KELLY,
    SizingMode.RISK_PARITY: SIZING_PARITY,
}
_MOST_PLACES = 32_767
"""Logs hold places of instruments and strategies in 16 bits."""

STRATEGY = np.dtype(
    [
        ("family", "i8"),
        ("allocation", "f8"),  # fraction of the account's equity that it sizes on
        ("sizing", "i8"),
        ("position_fraction", "f8"),  # of the equity that it sizes on
        ("risk_fraction", "f8"),
        ("max_position_fraction", "f8"),
        ("cash_buffer", "f8"),  # of the account's equity
        ("rebalance", "f8"),
        ("fixed_lots", "i8"),  # sizing `fixed`, of the book's instrument
        ("min_lots", "i8"),
        ("withdraw_past_stop", "i8"),
        ("exit_at_valid_to", "i8"),
        ("trail_exits", "i8"),  # TrailBy of the stops of brackets
        ("measures", "i8"),  # range and volatility of every bar
        ("atr_bars", "f8"),
        ("stop_mult", "f8"),
        ("half_life", "f8"),  # bars
        ("newest", "f8"),  # weight of the newest return: 1 - 2^(-1 / half_life)
        ("target_volatility", "f8"),  # of one bar, as a fraction of equity
        ("win_rate", "f8"),
        ("payoff", "f8"),
        ("kelly", "f8"),  # part of the Kelly fraction
        ("kelly_min_trips", "i8"),
        ("counts_trips", "i8"),
        ("has_factor", "i8"),
        ("min_confidence", "f8"),
        ("confidence_factor", "f8"),
        ("factor_drawdown", "f8"),
        ("drawdown_factor", "f8"),
        ("volatility_multiple", "f8"),
        ("volatility_factor", "f8"),
    ],
    align=True,
)
"""What depends on the strategy; every book carries that of its own."""


def strategy_rows(setup: AnySetup) -> Records:
    """Give one record per book, in the order of `domain.setup.book_places`.

    Raises:
        ConfigurationError: if a number cannot be held.
    """
    rows = [
        _row(strategy, instrument)
        for strategy in setup.strategies
        for instrument in strategy.instruments
    ]
    return np.concatenate(rows)


def require_possible_strategies(setup: AnySetup) -> None:
    """Refuse strategies that do not fit each other or their account.

    Raises:
        ConfigurationError: if there is none, a tag or a symbol stands twice, an instrument differs,
            a trailing stop has no bracket, or a spot account would be allocated twice.
    """
    if not setup.instruments or not all(s.instruments for s in setup.strategies):
        raise ConfigurationError("A run needs an instrument", expected="at least 1", found="none")
    tags = [strategy.tag for strategy in setup.strategies]
    if len(set(tags)) != len(tags):
        raise ConfigurationError("A strategy appears twice", found=", ".join(tags))
    if max(len(tags), len(setup.instruments)) > _MOST_PLACES:
        raise ConfigurationError(
            "Too much for one account",
            expected=f"at most {_MOST_PLACES} strategies and instruments",
            found=f"{len(tags)} strategies, {len(setup.instruments)} instruments",
        )
    known = {instrument.symbol: instrument for instrument in setup.instruments}
    for strategy in setup.strategies:
        _require_possible(strategy, known)
    _require_allocation(setup)


def _require_possible(strategy: StrategySetup, known: Mapping[Symbol, Instrument]) -> None:
    symbols = [str(i.symbol) for i in strategy.instruments]
    if len(set(symbols)) != len(symbols):
        raise ConfigurationError("A symbol appears twice", found=", ".join(symbols))
    for instrument in strategy.instruments:
        if instrument != known[instrument.symbol]:
            raise ConfigurationError(
                f"Strategy {strategy.tag} knows another {instrument.symbol} than the account",
                expected=repr(known[instrument.symbol]),
                found=repr(instrument),
            )
    trails = strategy.rules.trailing_stop
    if trails is not TrailBy.NOTHING and strategy.family is SignalFamily.TARGET:
        raise ConfigurationError(
            "A trailing stop needs a strategy with brackets or on_bar",
            expected="trailing_stop nothing",
            found=f"trailing_stop {trails.name.lower()} and targets",
        )


def _require_allocation(setup: AnySetup) -> None:
    shares = [strategy.allocation_pct for strategy in setup.strategies]
    found = ", ".join(f"{s.tag} {s.allocation_pct}" for s in setup.strategies)
    if not all(share.is_finite() and share > 0 for share in shares):
        raise ConfigurationError(
            "A strategy needs a part of the equity", expected="allocation_pct above 0", found=found
        )
    if setup.account.profile is AccountProfile.SPOT_LONG_ONLY and sum(shares) > 100:
        raise ConfigurationError(
            "A spot account cannot be allocated twice",
            expected="allocation_pct of at most 100 together",
            found=f"{sum(shares)}: {found}",
            fix="Give the strategies smaller parts, or the account the profile margin.",
        )


def fraction(value: Decimal, per: int) -> float:
    """Give percent or basis points as a float."""
    return float(value / per)


def write_numbers(
    record: Records, values: Mapping[str, float], *, may_be_income: Set[str] = frozenset()
) -> None:
    """Write named numbers into a record of one row.

    Raises:
        ConfigurationError: naming the first that is not finite or, but for `may_be_income`, below
            zero.
    """
    for name, value in values.items():
        least = float("-inf") if name in may_be_income else 0.0
        if not (least <= value < float("inf") and value > float("-inf")):
            raise ConfigurationError(
                f"Run parameter {name}",
                expected="a finite number" + ("" if name in may_be_income else " >= 0"),
                found=str(value),
            )
        record[name] = value


def measures(strategy: StrategySetup) -> bool:
    """Tell whether a strategy's sizes depend on range or volatility."""
    by_measure = {SizingMode.ATR, SizingMode.VOL_TARGET, SizingMode.RISK_PARITY}
    return strategy.sizing.mode in by_measure or strategy.risk_factor is not None


def _measured(strategy: StrategySetup) -> dict[str, float]:
    sizing, factor = strategy.sizing, strategy.risk_factor
    half_life = sizing.half_life_bars if factor is None else factor.half_life_bars
    counts = sizing.mode is SizingMode.KELLY and sizing.kelly_min_trips > 0
    return {
        "measures": int(measures(strategy)),
        "atr_bars": sizing.atr_bars,
        "stop_mult": float(sizing.stop_mult),
        **_decay(half_life),
        "target_volatility": fraction(sizing.target_vol_pct, 100) / sizing.bars_per_year**0.5,
        "win_rate": fraction(sizing.win_rate_pct, 100),
        "payoff": float(sizing.payoff),
        "kelly": fraction(sizing.kelly_pct, 100),
        "kelly_min_trips": sizing.kelly_min_trips,
        "counts_trips": int(counts),
    }


def _decay(half_life: int) -> dict[str, float]:
    return {"half_life": half_life, "newest": 1.0 - 0.5 ** (1.0 / half_life)}


def factor_row(factor: RiskFactor) -> Records:
    """Give a record that knows the risk factor and nothing of a strategy, shape (1,).

    Raises:
        ConfigurationError: if a number cannot be held.
    """
    record = np.zeros(1, STRATEGY)
    write_numbers(record, {**_decay(factor.half_life_bars), **_factor(factor)})
    return record


def _factor(factor: RiskFactor | None) -> dict[str, float]:
    if factor is None:
        return {}
    return {
        "has_factor": 1,
        "min_confidence": float(factor.min_confidence),
        "confidence_factor": float(factor.confidence_factor),
        "factor_drawdown": fraction(factor.max_drawdown_pct, 100),
        "drawdown_factor": float(factor.drawdown_factor),
        "volatility_multiple": float(factor.volatility_multiple),
        "volatility_factor": float(factor.volatility_factor),
    }


def _row(strategy: StrategySetup, instrument: Instrument) -> Records:
    record = np.zeros(1, STRATEGY)
    sizing, rules = strategy.sizing, strategy.rules
    min_lots = sizing.min_qty / instrument.lot
    values = {
        "family": int(strategy.family),
        "allocation": fraction(strategy.allocation_pct, 100),
        "sizing": _SIZING[sizing.mode],
        "position_fraction": fraction(sizing.pos_pct, 100),
        "risk_fraction": fraction(sizing.risk_pct, 100),
        "max_position_fraction": fraction(sizing.max_pos_pct, 100),
        "cash_buffer": fraction(sizing.cash_buffer_pct, 100),
        "rebalance": fraction(sizing.rebalance_pct, 100),
        "fixed_lots": instrument.lots_from_quantity(sizing.qty),
        "min_lots": int(min_lots.to_integral_value(ROUND_CEILING)),
        "withdraw_past_stop": int(rules.withdraw_past_stop),
        "exit_at_valid_to": int(rules.exit_at_valid_to),
        "trail_exits": int(rules.trailing_stop),
    }
    write_numbers(record, values | _measured(strategy) | _factor(strategy.risk_factor))
    return record
