"""What may be assumed otherwise than it was: costs, cash, and what the gate demands."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError

from trading_assets.declarations.sections import Gate
from trading_assets.domain.errors import ConfigurationError
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.strategies.spec_sections import CostsSpec, decimal_text
from trading_assets.strategies.spec_yaml import configuration_error

_FEES = ("fees_bps", "maker_bps", "taker_bps")
_GATE, _COSTS = "gate", "costs"
_COUNTED = "Parameters, sizing and filters are tries: backtest such a spec, which is counted."


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Changes to what past decisions were made under; None and empty change nothing.

    Attributes:
        fees_bps: fee of every fill, resting or taking, in basis points.
        fees_x: fees and financing times so much, after they were set.
        slippage_x: spread, slippage and impact times so much, after they were set.
        cash: opening cash, in the quote asset of each spec; amounts of the spec stay as they are.
        costs: other keys of a spec's `costs`, by name; they count for measured costs as well.
        gate: thresholds by name, see `evaluation.gates.Thresholds`.
    """

    fees_bps: Decimal | None = None
    fees_x: Decimal | None = None
    slippage_x: Decimal | None = None
    cash: Decimal | None = None
    costs: Mapping[str, Decimal | str] = field(default_factory=dict)
    gate: Mapping[str, int | float] = field(default_factory=dict)

    @property
    def reach_runs(self) -> bool:
        """Whether a run can come out otherwise; thresholds are only judged by."""
        numbers = (self.fees_bps, self.fees_x, self.slippage_x, self.cash)
        return bool(self.costs) or any(number is not None for number in numbers)

    @property
    def said(self) -> dict[str, Any]:
        """What is assumed, as plain values for people and JSON."""
        numbers = {
            "fees_bps": self.fees_bps,
            "fees_x": self.fees_x,
            "slippage_x": self.slippage_x,
            "cash": self.cash,
            **{f"costs.{name}": value for name, value in self.costs.items()},
        }
        plain = {
            name: decimal_text(value) if isinstance(value, Decimal) else value
            for name, value in numbers.items()
            if value is not None
        }
        return {**plain, **{f"gate.{name}": value for name, value in self.gate.items()}}

    def spec(self, spec: AnySpec) -> AnySpec:
        """Give a spec under these assumptions: itself when its runs cannot come out otherwise.

        Raises:
            ConfigurationError: if the costs that come of it are none.
        """
        from trading_assets.backtest.variants import dearer

        where = f"spec {spec.name}"
        costs = _valid_costs(self._costs_of(spec.costs), where)
        later = tuple(
            (since, _valid_costs(self._costs_of(one), where)) for since, one in spec.costs.later
        )
        changed = spec.model_copy(
            update={"costs": costs.with_later(later), "cash": self.cash or spec.cash}
        )
        one = Decimal(1)
        fees_x, slippage_x = (one if x is None else x for x in (self.fees_x, self.slippage_x))
        if (fees_x, slippage_x) != (one, one):
            changed = dearer(changed, fees=fees_x, prices=slippage_x)
        same = _effective(changed.costs) == _effective(spec.costs) and changed.cash == spec.cash
        return spec if same else changed

    def thresholds(self, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """Give the thresholds of a decision under these assumptions.

        Raises:
            ConfigurationError: if they do not fit together.
        """
        if not self.gate:
            return dict(recorded)
        return _valid_gate({**recorded, **self.gate}).model_dump()

    def _costs_of(self, costs: CostsSpec) -> dict[str, Any]:
        said = costs.model_dump(exclude_unset=True)
        if self.fees_bps is not None:
            apart = (costs.maker_bps, costs.taker_bps) != (None, None)
            names = ("maker_bps", "taker_bps") if apart else ("fees_bps",)
            said |= dict.fromkeys(names, self.fees_bps)
        if "fees_bps" in self.costs:
            said |= {"maker_bps": None, "taker_bps": None}
        if {"maker_bps", "taker_bps"} & self.costs.keys():
            said |= {"fees_bps": None, "maker_bps": costs.maker, "taker_bps": costs.taker}
        return said | dict(self.costs)


def assume(
    settings_gate: Gate,
    *,
    fees_bps: str = "",
    fees_x: str = "",
    slippage_x: str = "",
    cash: str = "",
    others: Iterable[str] = (),
) -> Assumptions:
    """Read assumptions as a person writes them; an empty text assumes nothing.

    Args:
        settings_gate: thresholds of the desk, to try others beside.
        fees_bps: see `Assumptions`, as the numbers after it.
        fees_x: not below 0.
        slippage_x: not below 0.
        cash: above 0.
        others: `gate.<threshold>=<number>` and `costs.<key>=<number>`.

    Raises:
        ConfigurationError: if nothing is assumed, or something is that cannot be.
    """
    costs: dict[str, Decimal | str] = {}
    gate: dict[str, Any] = {}
    for text in others:
        section, name, value = _assignment(text)
        known = CostsSpec if section == _COSTS else Gate
        _require_known(name, known, section)
        chosen: dict[str, Any] = costs if section == _COSTS else gate
        if name in chosen:
            raise ConfigurationError(f"{section}.{name} is set twice", found=text)
        is_text = section == _COSTS and name == "fee_asset"
        chosen[name] = value if is_text else _number(f"{section}.{name}", value, signed=True)
    found = Assumptions(
        fees_bps=_number("fees_bps", fees_bps),
        fees_x=_number("fees_x", fees_x),
        slippage_x=_number("slippage_x", slippage_x),
        cash=_number("cash", cash),
        costs=costs,
        gate=_thresholds(settings_gate, gate),
    )
    _require_sense(found)
    return found


def _thresholds(settings_gate: Gate, wanted: Mapping[str, Decimal]) -> dict[str, int | float]:
    """Try thresholds beside those of the desk, and give them with the types that rules expect."""
    if not wanted:
        return {}
    valid = _valid_gate({**settings_gate.model_dump(), **wanted}).model_dump()
    return {name: valid[name] for name in wanted}


def _require_sense(assumed: Assumptions) -> None:
    if not assumed.said:
        raise ConfigurationError(
            "Nothing is assumed otherwise",
            expected="at least one of --fees-bps, --fees-x, --slippage-x, --cash, --set",
            found="none",
            fix="For instance: trading-assets what-if --fees-bps 10 --slippage-x 3",
        )
    if assumed.cash is not None and assumed.cash <= 0:
        raise ConfigurationError("No cash", expected="cash above 0", found=str(assumed.cash))
    if assumed.fees_bps is not None and set(_FEES) & assumed.costs.keys():
        raise ConfigurationError(
            "Fees are said twice",
            expected="either --fees-bps, or keys of costs",
            found=", ".join(sorted(set(_FEES) & assumed.costs.keys())),
        )
    _valid_costs(assumed.costs, _COSTS)


def _assignment(text: str) -> tuple[str, str, str]:
    key, is_set, value = text.partition("=")
    section, is_named, name = key.strip().partition(".")
    if not is_set or not is_named or section not in {_GATE, _COSTS}:
        raise ConfigurationError(
            "Not something that can be assumed",
            expected="gate.<threshold>=<number> or costs.<key>=<number>",
            found=repr(text)[:80],
            fix=_COUNTED if section in {"params", "sizing", "filters"} else "",
        )
    return section, name, value.strip()


def _require_known(name: str, section: type[BaseModel], where: str) -> None:
    known = list(section.model_fields)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        raise ConfigurationError(
            f"There is no {where}.{name}",
            expected=f"one of {', '.join(known)}",
            found=name,
            fix=f"Did you mean {where}.{close[0]}?" if close else "",
        )


def _number(name: str, text: str, *, signed: bool = False) -> Any:
    """Read a number that is finite and, unless signed, not below 0; None of an empty text."""
    if not text and not signed:
        return None
    try:
        number = Decimal(text)
    except ArithmeticError:
        number = Decimal("nan")
    if not number.is_finite() or (number < 0 and not signed):
        least = "" if signed else ", not below 0"
        raise ConfigurationError(
            f"{name} is not such a number", expected=f"a number{least}", found=repr(text)[:40]
        )
    return number


def _valid_costs(values: Mapping[str, Any], where: str) -> CostsSpec:
    try:
        return CostsSpec.model_validate(values)
    except ValidationError as error:
        raise configuration_error(error, where, CostsSpec) from None


def _valid_gate(values: Mapping[str, Any]) -> Gate:
    try:
        return Gate.model_validate(values)
    except ValidationError as error:
        raise configuration_error(error, _GATE, Gate) from None


def _effective(costs: CostsSpec) -> tuple[object, ...]:
    """Give what the engine sees: fees said once, or for makers and takers apart, are the same."""
    rest = costs.model_dump(exclude=set(_FEES))
    later = tuple((since, _effective(one)) for since, one in costs.later)
    return (costs.maker, costs.taker, tuple(sorted(rest.items())), later)
