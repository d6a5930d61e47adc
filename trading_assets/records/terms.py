"""The run's configuration as the compiled step reads it: what holds for the account and its books.

What depends on the strategy: `records.strategy_terms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import content_hash
from trading_assets.domain.instrument import UNITS_PER_ASSET, Instrument
from trading_assets.domain.setup import (
    AccountProfile,
    AnySetup,
    BookPlace,
    Costs,
    FeeAsset,
    FillAt,
    SizeAt,
    SizingMode,
    all_costs,
    book_places,
)
from trading_assets.records.arrays import Records
from trading_assets.records.memory import decider_identity
from trading_assets.records.risk_terms import require_possible_risk
from trading_assets.records.strategy_terms import (
    fraction,
    measures,
    require_possible_strategies,
    strategy_rows,
    write_numbers,
)

_MAX_EXACT = 2**53
_MAX_WORSENING_BPS = 5_000
_MAY_BE_INCOME = frozenset({"swap_long", "swap_short"})

PARAMETERS = np.dtype(
    [
        ("spot", "i8"),  # 1: never negative cash or inventory
        ("fill_at_close", "i8"),
        ("size_at_fill", "i8"),
        ("exits_in_entry_bar", "i8"),
        ("limit_needs_through", "i8"),
        ("needs_volume", "i8"),  # something below depends on the volume of bars
        ("participation", "f8"),  # most of a bar's volume that fills; 0 means no such limit
        ("fee_in_base", "i8"),  # buys pay their fee in base
        ("maker", "f8"),  # fractions of notional
        ("taker", "f8"),
        ("per_share", "f8"),  # quote per unit of base
        ("per_fill", "f8"),  # 1e-8 of quote
        ("slippage", "f8"),
        ("expected_slippage", "f8"),  # with spread and impact, as far as they are known before
        ("minimum_fee", "f8"),  # quote, per order
        ("half_spread", "f8"),
        ("impact", "f8"),  # at a fill of the whole volume of its bar
        ("sqrt_impact", "f8"),
        ("financing", "i8"),  # positions cost something over night
        ("swap_long", "f8"),  # per night, of the value held; negative is income
        ("swap_short", "f8"),
        ("borrow", "f8"),
        ("max_order_notional", "f8"),  # limits: 0 means none
        ("limit_position_fraction", "f8"),
        ("max_orders_per_day", "i8"),
        ("daily_loss", "f8"),
        ("max_drawdown", "f8"),
        ("shared", "i8"),  # some instrument is traded by several strategies
        ("max_gross", "f8"),  # of equity
        ("max_net", "f8"),
        ("max_leverage", "f8"),
        ("max_symbol_notional", "f8"),
        ("max_orders_per_minute", "i8"),
        ("moc_guard", "i8"),  # microseconds
        ("max_var", "f8"),  # of equity
        ("var_scale", "f8"),  # quantile of the normal distribution
        ("var_half_life", "f8"),  # days
        ("var_newest", "f8"),  # weight of the newest day
        ("leverage", "f8"),  # 0: entries need no margin
        ("maintenance", "f8"),  # of the value held; 0: no liquidation
        ("looks", "i8"),  # what a decision has to know of other books: LOOK_ bits
        ("restless", "i8"),  # something looks at every bar, signal or not
    ],
    align=True,
)
"""What holds for the whole account."""

LOOK_SHARED, LOOK_EXPOSURE, LOOK_MARGIN, LOOK_PARITY, LOOK_FACTOR, LOOK_VAR = 1, 2, 4, 8, 16, 32
"""Bits of `looks`: books of one instrument; exposure of all books; the maintenance margin; the
volatility of a strategy's books; the risk factor; the value held, for value at risk."""

GRID = np.dtype(
    [
        ("tick_numerator", "f8"),  # tick = numerator / denominator, both whole numbers
        ("tick_denominator", "f8"),
        ("lot", "f8"),  # base
        ("lot_units", "i8"),
        ("min_notional", "f8"),
        ("point_value", "f8"),
    ],
    align=True,
)


class Terms(NamedTuple):
    """What a run never changes.

    Attributes:
        parameters: shape (1,).
        grids: one per book.
        strategies: one per book.
        places: whose each book is.
    """

    parameters: Records
    grids: Records
    strategies: Records
    places: tuple[BookPlace, ...]


def terms_from_setup(setup: AnySetup) -> Terms:
    """Convert the declared decimals, exactly where the grid asks for it.

    Raises:
        ConfigurationError: if instruments and account do not fit each other, or a number cannot be
            held.
    """
    parameters = _parameters(setup)
    _require_consistent(setup)
    for _, costs in setup.later_costs:  # refused now, and not on the way
        values = cost_terms(costs, setup.rules.participation_pct)
        write_numbers(np.zeros(1, PARAMETERS), values, may_be_income=_MAY_BE_INCOME)
    places = book_places(setup)
    return Terms(
        parameters, grids_of([place.instrument for place in places]), strategy_rows(setup), places
    )


def setup_hash(setup: AnySetup, terms: Terms) -> str:
    """Give the SHA-256 of everything that the compiled step reads of a setup and its terms."""
    names = [
        [str(p.instrument.symbol), p.instrument.base, p.instrument.quote] for p in terms.places
    ]
    rows = (terms.parameters, terms.grids, terms.strategies)
    shared = [] if len(setup.strategies) == 1 else [[s.tag for s in setup.strategies]]
    deciders = [decider_identity(s.decider) for s in setup.strategies if s.decider is not None]
    later = [[since, cost_terms(costs)] for since, costs in setup.later_costs]
    numbers = [row.tobytes().hex() for row in rows]
    parts = [names, str(setup.account.cash), *numbers, *shared, *deciders, *later]
    return content_hash(parts)


def _require_consistent(setup: AnySetup) -> None:
    require_possible_strategies(setup)
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
    for costs in all_costs(setup):
        _require_possible_costs(costs, spot=spot)
    _require_possible_rules(setup)
    require_possible_risk(setup)


def _require_possible_costs(costs: Costs, *, spot: bool) -> None:
    in_quote = any(fee != 0 for fee in (costs.minimum_fee, costs.per_share, costs.per_fill))
    if in_quote and costs.fee_asset is FeeAsset.RECEIVED:
        raise ConfigurationError(
            "Fees per share, per fill and least fees are amounts of the quote asset",
            expected="fee_asset quote",
            found="fee_asset received",
        )
    if spot and _has_financing(costs):
        raise ConfigurationError(
            "Swap and borrow costs need a margin account",
            expected="profile margin, or no swap_long_bps, swap_short_bps, borrow_bps",
            found="profile spot_long_only",
        )
    worse = costs.slippage_bps + costs.half_spread_bps + costs.impact_bps
    if worse > _MAX_WORSENING_BPS:
        raise ConfigurationError(
            "Slippage, half spread and impact take more than half of a price",
            expected=f"at most {_MAX_WORSENING_BPS} bps together",
            found=str(worse),
        )


def _require_possible_rules(setup: AnySetup) -> None:
    rules, costs = setup.rules, setup.costs
    if rules.participation_pct > 100:
        raise ConfigurationError(
            "Orders cannot be more than the volume of a bar",
            expected="participation_pct of at most 100",
            found=str(rules.participation_pct),
        )
    foreign = rules.fill_at is FillAt.BAR_CLOSE or rules.size_at is SizeAt.FILL
    if foreign and _needs_volume(setup):
        raise ConfigurationError(
            "The conventions of other engines know no volume",
            expected="fill_at next_open and size_at close with participation or impact",
            found=f"fill_at {rules.fill_at.name.lower()}, size_at {rules.size_at.name.lower()}, "
            f"participation_pct {rules.participation_pct}, impact_bps {costs.impact_bps}, "
            f"sqrt_impact {costs.sqrt_impact}",
        )


def _has_financing(costs: Costs) -> bool:
    return any(bps != 0 for bps in (costs.swap_long_bps, costs.swap_short_bps, costs.borrow_bps))


def _needs_volume(setup: AnySetup) -> bool:
    impacts = [part for costs in all_costs(setup) for part in (costs.impact_bps, costs.sqrt_impact)]
    return any(need != 0 for need in (setup.rules.participation_pct, *impacts))


def _parameters(setup: AnySetup) -> Records:
    record = np.zeros(1, PARAMETERS)
    costs, limits, rules = setup.costs, setup.limits, setup.rules
    participation = rules.participation_pct
    shared = len(book_places(setup)) > len(setup.instruments)
    values = {
        "spot": int(setup.account.profile is AccountProfile.SPOT_LONG_ONLY),
        "fill_at_close": int(rules.fill_at is FillAt.BAR_CLOSE),
        "size_at_fill": int(rules.size_at is SizeAt.FILL),
        "exits_in_entry_bar": int(rules.exits_in_entry_bar),
        "limit_needs_through": int(rules.limit_needs_through),
        "needs_volume": int(_needs_volume(setup)),
        "participation": fraction(rules.participation_pct, 100),
        **cost_terms(costs, participation),
        "max_order_notional": float(limits.max_order_notional),
        "limit_position_fraction": fraction(limits.max_position_pct, 100),
        "max_orders_per_day": limits.max_orders_per_day,
        "daily_loss": fraction(limits.daily_loss_bps, 10_000),
        "max_drawdown": fraction(limits.max_drawdown_pct, 100),
        "shared": int(shared),
        "max_gross": fraction(limits.max_gross_pct, 100),
        "max_net": fraction(limits.max_net_pct, 100),
        "max_leverage": float(limits.max_leverage),
        "max_symbol_notional": float(limits.max_symbol_notional),
        "max_orders_per_minute": limits.max_orders_per_minute,
        "moc_guard": limits.moc_guard_minutes * MINUTE,
        "max_var": fraction(limits.max_var_pct, 100),
        "var_scale": NormalDist().inv_cdf(fraction(limits.var_confidence_pct, 100)),
        "var_half_life": limits.var_half_life_days,
        "var_newest": 1.0 - 0.5 ** (1.0 / limits.var_half_life_days),
        "leverage": float(setup.account.leverage),
        "maintenance": fraction(setup.account.maintenance_pct, 100),
        "looks": _looks(setup, shared=shared),
        "restless": int(
            any(one.sqrt_impact != 0 for one in all_costs(setup))
            or setup.account.maintenance_pct != 0
            or limits.max_var_pct != 0
            or any(measures(s) for s in setup.strategies)
        ),
    }
    write_numbers(record, values, may_be_income=_MAY_BE_INCOME)
    return record


def _looks(setup: AnySetup, *, shared: bool) -> int:
    limits, account = setup.limits, setup.account
    caps = (limits.max_gross_pct, limits.max_net_pct, limits.max_leverage, account.leverage)
    looks = LOOK_SHARED if shared else 0
    looks |= LOOK_EXPOSURE if any(cap != 0 for cap in (*caps, limits.max_var_pct)) else 0
    looks |= LOOK_VAR if limits.max_var_pct != 0 else 0
    for strategy in setup.strategies:
        looks |= LOOK_PARITY if strategy.sizing.mode is SizingMode.RISK_PARITY else 0
        looks |= LOOK_FACTOR if strategy.risk_factor is not None else 0
    return looks | (LOOK_MARGIN if account.maintenance_pct != 0 else 0)


def cost_terms(costs: Costs, participation: Decimal = Decimal(0)) -> dict[str, float | int]:
    """Give the parameters that costs alone decide, by name: what may change between two bars.

    Args:
        costs: to be charged.
        participation: percentage of a bar's volume that fills at most.
    """
    return {
        "fee_in_base": int(costs.fee_asset is FeeAsset.RECEIVED),
        "maker": fraction(costs.maker_bps, 10_000),
        "taker": fraction(costs.taker_bps, 10_000),
        "per_share": float(costs.per_share),
        "per_fill": float(costs.per_fill * UNITS_PER_ASSET),
        "slippage": fraction(costs.slippage_bps, 10_000),
        "expected_slippage": _expected_slippage(costs, participation),
        "minimum_fee": float(costs.minimum_fee),
        "half_spread": fraction(costs.half_spread_bps, 10_000),
        "impact": fraction(costs.impact_bps, 10_000),
        "sqrt_impact": float(costs.sqrt_impact),
        "financing": int(_has_financing(costs)),
        "swap_long": fraction(costs.swap_long_bps, 10_000),
        "swap_short": fraction(costs.swap_short_bps, 10_000),
        "borrow": fraction(costs.borrow_bps, 10_000),
    }


def _expected_slippage(costs: Costs, participation: Decimal) -> float:
    """Give what a taker's price is expected to be worse by, before the order is sent.

    The share of the volume is known only as the most that may fill; volatility not at all.
    """
    impact = costs.impact_bps * participation / 100
    return fraction(costs.slippage_bps + costs.half_spread_bps + impact, 10_000)


def grids_of(instruments: Sequence[Instrument]) -> Records:
    """Give one grid per instrument.

    Raises:
        ConfigurationError: if a tick cannot be held exactly.
    """
    grids = np.zeros(len(instruments), GRID)
    for row, instrument in zip(grids, instruments, strict=True):
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
        row["min_notional"] = float(instrument.min_notional)
        row["point_value"] = float(instrument.point_value)
    return grids
