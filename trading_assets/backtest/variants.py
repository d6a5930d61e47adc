"""Specs beside a spec: dearer, larger, and with parameters a little away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from trading_assets.backtest.space import varied
from trading_assets.domain.errors import ConfigurationError
from trading_assets.strategies.portfolio_spec import AnySpec, PortfolioSpec
from trading_assets.strategies.spec import StrategySpec
from trading_assets.strategies.spec_sections import CostsSpec

_FEES = (
    "fees_bps", "maker_bps", "taker_bps", "per_share", "minimum_fee", "per_fill", "borrow_bps",
    "swap_long_bps", "swap_short_bps",
)  # fmt: skip
_PRICES = ("slippage_bps", "half_spread_bps", "impact_bps", "sqrt_impact")
_AMOUNTS = {"sizing": ("qty", "min_qty"), "limits": ("max_order_notional", "max_symbol_notional")}


def dearer(spec: AnySpec, *, fees: Decimal, prices: Decimal) -> AnySpec:
    """Give a spec whose fees and financing, and whose costs of price, are so many times as high.

    What financing pays is left as it is.
    """
    times = dict.fromkeys(_FEES, fees) | dict.fromkeys(_PRICES, prices)

    def higher(costs: CostsSpec) -> Mapping[str, Decimal]:
        said = {name: getattr(costs, name) for name in times}
        return {name: value * times[name] for name, value in said.items() if value and value > 0}

    return _with_costs(spec, higher)


def with_impact(spec: AnySpec, coefficient: Decimal) -> AnySpec:
    """Give a spec whose orders move the price by the square root of their share of the volume."""
    return _with_costs(spec, lambda _: {"sqrt_impact": coefficient, "impact_bps": Decimal(0)})


def with_capital(spec: AnySpec, times: Decimal) -> AnySpec:
    """Give a spec of so many times the cash, with all amounts in proportion to it."""
    larger = spec.model_copy(update={"cash": spec.cash * times, **_amounts(spec, times)})
    if not isinstance(larger, PortfolioSpec):
        return larger
    members = tuple(
        member.model_copy(
            update={"spec": member.spec.model_copy(update=_amounts(member.spec, times))}
        )
        for member in larger.members
    )
    return larger.model_copy(update={"members": members})


def neighbours(spec: AnySpec, share: float) -> Mapping[str, AnySpec | ConfigurationError]:
    """Give specs in which one number of a strategy is larger or smaller by a share of itself.

    Whole numbers move by one at least. Names, flags and zeros are left as they are.

    Returns:
        Name such as `fast +` -> spec, or why there is none.
    """
    if isinstance(spec, PortfolioSpec):
        return {
            f"{member.spec.name}.{name}": found
            if isinstance(found, ConfigurationError)
            else _with_member(spec, place, found)
            for place, member in enumerate(spec.members)
            for name, found in _neighbours_of(member.spec, share).items()
        }
    return _neighbours_of(spec, share)


def _neighbours_of(
    spec: StrategySpec, share: float
) -> dict[str, StrategySpec | ConfigurationError]:
    found: dict[str, StrategySpec | ConfigurationError] = {}
    for name, value in sorted(spec.all_params().items()):
        if isinstance(value, bool) or not isinstance(value, int | float) or not value:
            continue
        for sign, mark in ((-1, "-"), (1, "+")):
            moved = varied(spec, {f"params.{name}": _moved(value, sign * share)})
            found[f"{name} {mark}"] = _buildable(moved)
    return found


def _buildable(spec: StrategySpec | ConfigurationError) -> StrategySpec | ConfigurationError:
    if isinstance(spec, ConfigurationError):
        return spec
    try:
        spec.build_strategy()
    except ConfigurationError as error:
        return error
    return spec


def _moved(value: float, share: float) -> int | float:
    if isinstance(value, int):
        step = max(round(abs(value * share)), 1)
        return value + (step if share > 0 else -step)
    return value * (1.0 + share)


def _with_member(spec: PortfolioSpec, place: int, member: StrategySpec) -> PortfolioSpec:
    members = list(spec.members)
    members[place] = members[place].model_copy(update={"spec": member})
    return spec.model_copy(update={"members": tuple(members)})


def _with_costs(spec: AnySpec, changes: Callable[[CostsSpec], Mapping[str, Decimal]]) -> AnySpec:
    """Change the costs of a spec, and in the same way those that replace them later."""

    def changed(costs: CostsSpec) -> CostsSpec:
        said = costs.model_dump(exclude_unset=True) | dict(changes(costs))
        return CostsSpec.model_validate(said)

    later = tuple((since, changed(costs)) for since, costs in spec.costs.later)
    return spec.model_copy(update={"costs": changed(spec.costs).with_later(later)})


def _amounts(spec: AnySpec, times: Decimal) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for section, names in _AMOUNTS.items():
        part = getattr(spec, section, None)
        if part is not None:
            larger = {name: getattr(part, name, Decimal(0)) * times for name in names}
            said = {name: value for name, value in larger.items() if value}
            changes[section] = part.model_copy(update=said)
    return changes
