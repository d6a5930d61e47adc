"""The run's configuration as the compiled step reads it: parameters, and one grid per symbol."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

import numpy as np

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import content_hash
from trading_assets.domain.setup import (
    AccountProfile,
    EngineSetup,
    FeeAsset,
    FillAt,
    SizeAt,
    SizingMode,
)
from trading_assets.records.arrays import Records
from trading_assets.records.memory import decider_identity

SIZING_FIXED, SIZING_PCT, SIZING_RISK = range(3)
_SIZING = {
    SizingMode.FIXED: SIZING_FIXED,
    SizingMode.PCT_OF_EQUITY: SIZING_PCT,
    SizingMode.RISK: SIZING_RISK,
}
_MAX_EXACT = 2**53

PARAMETERS = np.dtype(
    [
        ("family", "i8"),
        ("spot", "i8"),  # 1: never negative cash or inventory
        ("fill_at_close", "i8"),
        ("size_at_fill", "i8"),
        ("exits_in_entry_bar", "i8"),
        ("limit_needs_through", "i8"),
        ("withdraw_past_stop", "i8"),
        ("exit_at_valid_to", "i8"),
        ("fee_in_base", "i8"),  # buys pay their fee in base
        ("maker", "f8"),  # fractions of notional
        ("taker", "f8"),
        ("per_share", "f8"),  # quote per unit of base
        ("slippage", "f8"),
        ("sizing", "i8"),
        ("position_fraction", "f8"),  # of equity
        ("risk_fraction", "f8"),
        ("max_position_fraction", "f8"),
        ("cash_buffer", "f8"),
        ("rebalance", "f8"),
        ("max_order_notional", "f8"),  # limits: 0 means none
        ("limit_position_fraction", "f8"),
        ("max_orders_per_day", "i8"),
        ("daily_loss", "f8"),
        ("max_drawdown", "f8"),
    ],
    align=True,
)

GRID = np.dtype(
    [
        ("tick_numerator", "f8"),  # tick = numerator / denominator, both whole numbers
        ("tick_denominator", "f8"),
        ("lot", "f8"),  # base
        ("lot_units", "i8"),
        ("fixed_lots", "i8"),  # sizing `fixed`
        ("min_lots", "i8"),
        ("min_notional", "f8"),
        ("point_value", "f8"),
    ],
    align=True,
)


class Terms(NamedTuple):
    """What a run never changes.

    Attributes:
        parameters: shape (1,).
        grids: one per symbol.
    """

    parameters: Records
    grids: Records


def terms_from_setup(setup: EngineSetup) -> Terms:
    """Convert the declared decimals, exactly where the grid asks for it.

    Raises:
        ConfigurationError: if instruments and account do not fit each other, or a number cannot be
            held.
    """
    _require_consistent(setup)
    return Terms(_parameters(setup), _grids(setup))


def setup_hash(setup: EngineSetup) -> str:
    """Give the SHA-256 of everything that the compiled step reads of a setup."""
    terms = terms_from_setup(setup)
    names = [[str(i.symbol), i.base, i.quote] for i in setup.instruments]
    cash = str(setup.account.cash)
    decider = [] if setup.decider is None else decider_identity(setup.decider)
    return content_hash(
        [names, cash, terms.parameters.tobytes().hex(), terms.grids.tobytes().hex(), *decider]
    )


def _require_consistent(setup: EngineSetup) -> None:
    if not setup.instruments:
        raise ConfigurationError("A run needs an instrument", expected="at least 1", found="none")
    symbols = [str(i.symbol) for i in setup.instruments]
    if len(set(symbols)) != len(symbols):
        raise ConfigurationError("A symbol appears twice", found=", ".join(symbols))
    for instrument in setup.instruments:
        if instrument.quote != setup.account.quote:
            raise ConfigurationError(
                f"Instrument {instrument.symbol} is quoted in another asset than the account",
                expected=setup.account.quote,
                found=instrument.quote,
            )
    spot = setup.account.profile is AccountProfile.SPOT_LONG_ONLY
    if setup.costs.fee_asset is FeeAsset.RECEIVED and not spot:
        raise ConfigurationError(
            "Fees in the received asset need a spot account",
            expected="profile spot_long_only, or fee_asset quote",
            found=setup.account.profile.name.lower(),
        )
    if setup.account.cash < 0:
        raise ConfigurationError("Negative cash", expected=">= 0", found=str(setup.account.cash))


def _fraction(value: Decimal, per: int) -> float:
    return float(value / per)


def _parameters(setup: EngineSetup) -> Records:
    record = np.zeros(1, PARAMETERS)
    costs, sizing, limits, rules = setup.costs, setup.sizing, setup.limits, setup.rules
    values = {
        "family": int(setup.family),
        "spot": int(setup.account.profile is AccountProfile.SPOT_LONG_ONLY),
        "fill_at_close": int(rules.fill_at is FillAt.BAR_CLOSE),
        "size_at_fill": int(rules.size_at is SizeAt.FILL),
        "exits_in_entry_bar": int(rules.exits_in_entry_bar),
        "limit_needs_through": int(rules.limit_needs_through),
        "withdraw_past_stop": int(rules.withdraw_past_stop),
        "exit_at_valid_to": int(rules.exit_at_valid_to),
        "fee_in_base": int(costs.fee_asset is FeeAsset.RECEIVED),
        "maker": _fraction(costs.maker_bps, 10_000),
        "taker": _fraction(costs.taker_bps, 10_000),
        "per_share": float(costs.per_share),
        "slippage": _fraction(costs.slippage_bps, 10_000),
        "sizing": _SIZING[sizing.mode],
        "position_fraction": _fraction(sizing.pos_pct, 100),
        "risk_fraction": _fraction(sizing.risk_pct, 100),
        "max_position_fraction": _fraction(sizing.max_pos_pct, 100),
        "cash_buffer": _fraction(sizing.cash_buffer_pct, 100),
        "rebalance": _fraction(sizing.rebalance_pct, 100),
        "max_order_notional": float(limits.max_order_notional),
        "limit_position_fraction": _fraction(limits.max_position_pct, 100),
        "max_orders_per_day": limits.max_orders_per_day,
        "daily_loss": _fraction(limits.daily_loss_bps, 10_000),
        "max_drawdown": _fraction(limits.max_drawdown_pct, 100),
    }
    for name, value in values.items():
        if not 0.0 <= value < float("inf"):
            raise ConfigurationError(
                f"Run parameter {name}", expected="a finite number >= 0", found=str(value)
            )
        record[name] = value
    return record


def _grids(setup: EngineSetup) -> Records:
    grids = np.zeros(len(setup.instruments), GRID)
    for row, instrument in zip(grids, setup.instruments, strict=True):
        numerator, denominator = instrument.tick.as_integer_ratio()
        if max(numerator, denominator) > _MAX_EXACT:
            raise ConfigurationError(
                f"Instrument {instrument.symbol}: tick cannot be held exactly",
                expected="a decimal with at most 15 digits",
                found=str(instrument.tick),
            )
        row["tick_numerator"], row["tick_denominator"] = numerator, denominator
        row["lot"] = float(instrument.lot)
        row["lot_units"] = instrument.lot_units
        row["fixed_lots"] = instrument.lots_from_quantity(setup.sizing.qty)
        min_lots = setup.sizing.min_qty / instrument.lot
        row["min_lots"] = int(min_lots.to_integral_value(ROUND_CEILING))
        row["min_notional"] = float(instrument.min_notional)
        row["point_value"] = float(instrument.point_value)
    return grids
