"""What a sweep varies, and how it walks through it: grid, random, Optuna."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import canonical_json
from trading_assets.strategies.protocol import parameters
from trading_assets.strategies.spec import StrategySpec
from trading_assets.strategies.spec_sections import Number, Section, decimal_text
from trading_assets.strategies.spec_yaml import configuration_error

Method = Literal["grid", "random", "optuna"]
Params = Mapping[str, Any]
_OF_STRATEGY = "params."
_SECTIONS = ("params", "sizing", "costs", "limits", "rules")


class Range(Section):
    """Numbers from `low` to `high`, both included, `step` apart.

    Attributes:
        step: distance; with 0 any number between is possible, which a grid cannot have.
        log: whether random and Optuna look for it on a logarithmic scale.
    """

    low: Number
    high: Number
    step: Number = Field(default=Decimal(0), ge=0)
    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low > self.high:
            raise ValueError("low not above high")
        if self.log and (self.low <= 0 or self.step > 0):
            raise ValueError("low above 0 and no step, with log")
        return self

    @property
    def values(self) -> tuple[int | float, ...]:
        """The numbers of a stepped range, ascending."""
        count = int((self.high - self.low) / self.step) + 1
        return tuple(_plain(self.low + k * self.step) for k in range(count))


Axis = tuple[Any, ...] | Range


class Space(Section):
    """The parameters that a sweep varies.

    Attributes:
        axes: name to values. A name is that of a key of the spec (`params.fast`, `sizing.qty`,
            `costs.slippage_bps`); one without a section is a parameter of the strategy.
    """

    axes: dict[str, Axis] = Field(min_length=1)

    def grid(self) -> list[Params]:
        """List every combination, the last axis fastest.

        Raises:
            ConfigurationError: if a range has no step.
        """
        columns = []
        for name, axis in self.axes.items():
            if isinstance(axis, Range) and axis.step == 0:
                raise ConfigurationError(
                    f"sweep.space.{name} has no step, and the method is grid",
                    expected="step above 0, or a list of values",
                    found=f"{axis.low} to {axis.high}",
                )
            columns.append(axis.values if isinstance(axis, Range) else axis)
        return [dict(zip(self.axes, found, strict=True)) for found in itertools.product(*columns)]

    def drawn(self, count: int, seed: int) -> list[Params]:
        """Draw `count` different combinations; the same seed draws the same."""
        dice = random.Random(seed)  # noqa: S311 - a search, not a secret
        found: dict[bytes, Params] = {}
        for _ in range(100 * count):
            one = {name: _draw(dice, axis) for name, axis in self.axes.items()}
            found.setdefault(canonical_json(one), one)
            if len(found) == count:
                break
        return list(found.values())


def space_of(axes: Mapping[str, Any]) -> Space:
    """Read a space from plain values: a list, or a mapping with `low`, `high`, `step`, `log`.

    Raises:
        ConfigurationError: naming the axis.
    """
    read: dict[str, Axis] = {}
    for name, axis in axes.items():
        full = name if name.partition(".")[0] in _SECTIONS and "." in name else f"params.{name}"
        if isinstance(axis, Mapping):
            try:
                read[full] = Range.model_validate(dict(axis))
            except ValidationError as error:
                raise configuration_error(error, f"sweep.space.{name}", Range) from None
        elif isinstance(axis, Sequence | range) and not isinstance(axis, str) and len(axis):
            read[full] = tuple(axis)
        else:
            raise ConfigurationError(
                f"sweep.space.{name} names no values",
                expected="a list, or low, high and step",
                found=repr(axis)[:80],
            )
    if not read:
        raise ConfigurationError("A sweep varies nothing", expected="at least one axis in `space`")
    return Space(axes=read)


def require_keys(spec: StrategySpec, kind: type[Any], space: Space) -> None:
    """Refuse an axis that no key of the spec and no parameter of the strategy has.

    Raises:
        ConfigurationError: naming the axis and what there is.
    """
    for name in space.axes:
        section, _, key = name.partition(".")
        part = getattr(spec, section)
        fields = parameters(kind) if section == "params" else ()
        known = [field.name for field in fields]
        if section != "params":
            known = list(type(part).model_fields)
        if key not in known:
            raise ConfigurationError(
                f"sweep.space.{name} is no key of spec {spec.name}",
                expected=f"one of {', '.join(known)}",
                found=key,
            )


def varied(spec: StrategySpec, params: Params) -> StrategySpec | ConfigurationError:
    """Give the spec with these keys set, or why they make none."""
    own = {name.removeprefix(_OF_STRATEGY): value for name, value in params.items()}
    if all(name.startswith(_OF_STRATEGY) for name in params):
        # Nothing of a spec depends on them, so nothing of it is proven again.
        return spec.model_copy(update={"params": {**spec.params, **own}})
    if spec.costs.measured and any(name.startswith("costs.") for name in params):
        return ConfigurationError(
            f"Costs of spec {spec.name} are measured",
            expected="no axis of costs, which fills would replace",
            found=", ".join(name for name in params if name.startswith("costs.")),
            fix="Leave costs.measured out of the spec of this sweep.",
        )
    keys = spec.model_dump(exclude_unset=True)
    for name, value in params.items():
        section, _, key = name.partition(".")
        keys[section] = {**(keys.get(section) or {}), key: value}
    try:
        found = StrategySpec.model_validate(keys)
    except ValidationError as error:
        return configuration_error(error, f"spec {spec.name}", StrategySpec)
    if not spec.costs.later:
        return found
    return found.model_copy(update={"costs": found.costs.with_later(spec.costs.later)})


def search(
    space: Space,
    method: Method,
    *,
    trials: int,
    seed: int,
    batch: int,
    value_of: Callable[[Params], float | None],
) -> Iterator[list[Params]]:
    """Give batches of combinations; before the next is asked for, the last has been run.

    Optuna proposes a whole batch before it learns of its values, so that neither processes nor
    interruptions change what it proposes.

    Args:
        space: what is varied.
        method: how.
        trials: how many; a grid has all of its own when 0.
        seed: of chance.
        batch: how many at a time.
        value_of: what a combination of an earlier batch was worth, larger is better; None for one
            that made no run.
    """
    if method == "optuna":
        yield from _optuna(space, trials, seed, batch, value_of)
        return
    found = space.drawn(trials, seed) if method == "random" else space.grid()
    if method == "grid" and trials:
        found = found[:trials]
    for first in range(0, len(found), batch):
        yield found[first : first + batch]


def _optuna(
    space: Space, trials: int, seed: int, batch: int, value_of: Callable[[Params], float | None]
) -> Iterator[list[Params]]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for first in range(0, trials, batch):
        asked = [study.ask() for _ in range(min(batch, trials - first))]
        proposed: list[Params] = [
            {name: _suggest(one, name, axis) for name, axis in space.axes.items()} for one in asked
        ]
        yield proposed
        for one, params in zip(asked, proposed, strict=True):
            value = value_of(params)
            if value is None:
                study.tell(one, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(one, value)


def _suggest(trial: Any, name: str, axis: Axis) -> Any:
    if not isinstance(axis, Range):
        return axis[trial.suggest_int(name, 0, len(axis) - 1)]
    if axis.step:
        values = axis.values
        return values[trial.suggest_int(name, 0, len(values) - 1)]
    return trial.suggest_float(name, float(axis.low), float(axis.high), log=axis.log)


def _draw(dice: random.Random, axis: Axis) -> Any:
    if not isinstance(axis, Range):
        return dice.choice(axis)
    if axis.step:
        return dice.choice(axis.values)
    low, high = float(axis.low), float(axis.high)
    if axis.log:
        return float(min(max(low * (high / low) ** dice.random(), low), high))
    return dice.uniform(low, high)


def _plain(value: Decimal) -> int | float:
    """Give a whole number as int: a strategy's window is one."""
    return int(value) if value == value.to_integral_value() else float(decimal_text(value))
