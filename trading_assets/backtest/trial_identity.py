"""Which runs are one and the same trial: by what is tried, and not on which data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from trading_assets.domain.ids import content_hash
from trading_assets.strategies.portfolio_spec import AnySpec, PortfolioSpec
from trading_assets.strategies.spec import StrategySpec

_TRIED = ("strategy", "symbols", "bar_size", "sizing", "filters", "risk_factor")


def trial_identities(
    spec: StrategySpec, trials: Iterable[Mapping[str, Any]], *, shared: object = None
) -> list[str]:
    """Give the identity of each trial of a spec.

    A trial is a distinct family, code, parameters (those left out have their defaults), sizing,
    features (filters, risk factor), model, symbols and bar size. Data, span, cash, costs, limits
    and rules of filling are no part of it: the same parameters on a history that has grown, or at
    other costs, are the same trial once more.

    Args:
        spec: what is varied.
        trials: what each one sets, by name (`params.fast`).
        shared: plain values that are not in the spec: hash of the code, settings of the model.
    """
    said = spec.model_dump(mode="json", include=set(_TRIED))
    base = {**said, "params": spec.all_params()}
    found = []
    for params in trials:
        tried = dict(base)
        for name, value in params.items():
            section, _, key = name.partition(".")
            if section in base:
                tried[section] = {**tried[section], key: value}
        found.append(content_hash([shared, canonical(tried)]))
    return found


def identity_of_run(spec: AnySpec, *, shared: object = None) -> str:
    """Give the identity of a spec as it stands.

    A portfolio is the trials of its members, in their order, and what each one sizes on.
    """
    if not isinstance(spec, PortfolioSpec):
        return trial_identities(spec, [{}], shared=shared)[0]
    members = [
        [trial_identities(member.spec, [{}])[0], canonical(str(member.allocation_pct))]
        for member in spec.members
    ]
    return content_hash([shared, members])


def canonical(value: Any) -> Any:
    """Write numbers by their value, so that 6, 6.0 and "6" are one."""
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    return str(number.normalize() + 0) if number.is_finite() else str(value)
