"""What people have made of each strategy of a book: stopped or not, and how small; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from trading_assets.domain.control import StrategyLimits, loosened
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.strategy_events import StrategyEvent, StrategyStarted, StrategyStopped


@dataclass(frozen=True, slots=True)
class StrategySize:
    """What a release gives one of its strategies.

    Attributes:
        allocation_pct: of the account's equity, that it sizes on.
        risk_bps: of that, at risk per trade; None where its sizing knows no risk per trade.
    """

    allocation_pct: Decimal = Decimal(100)
    risk_bps: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StrategyStance:
    """What people have said of one strategy, by its name, through restarts and releases.

    Attributes:
        stopped: why its entries are stopped, "" when they are not.
        by: who stopped them.
    """

    stopped: str = ""
    by: str = ""
    limits: StrategyLimits = field(default_factory=StrategyLimits)

    def after(self, event: StrategyEvent) -> StrategyStance:
        """Give the stance after a person's word on the strategy."""
        if isinstance(event, StrategyStopped):
            return replace(self, stopped=event.reason or "no reason given", by=event.who)
        if isinstance(event, StrategyStarted):
            return replace(self, stopped="", by="")
        return replace(self, limits=event.limits)


Stances = dict[str, StrategyStance]
"""By the names of strategies; of others nobody has said anything."""

SILENT = StrategyStance()
"""Nobody has said anything."""


def is_stopped(stances: Stances, name: str) -> bool:
    """Tell whether a person has stopped the entries of a strategy."""
    return bool(stances.get(name, SILENT).stopped)


def note(stances: Stances, event: StrategyEvent) -> None:
    """Keep what a person said of a strategy."""
    stances[event.strategy] = stances.get(event.strategy, SILENT).after(event)


def size_of(name: str, sizes: Mapping[str, StrategySize], release_id: str) -> StrategySize:
    """Give what a release gives a strategy.

    Raises:
        ConfigurationError: if it has no such strategy.
    """
    if name not in sizes:
        raise ConfigurationError(
            f"Release {release_id} has no such strategy",
            expected=f"one of {', '.join(sizes)}",
            found=repr(name)[:80],
        )
    return sizes[name]


def require_stopped(name: str, stance: StrategyStance) -> None:
    """Refuse to start what no person has stopped.

    Raises:
        ConfigurationError: if nobody has.
    """
    if not stance.stopped:
        raise ConfigurationError(
            f"Nobody has stopped strategy {name}",
            expected="a stop of a person, which is all that a start takes back",
            found="none",
            fix="A halt is lifted by `resume`, a pause by `acknowledge`; what was taken back from "
            "the book returns by a promoted release.",
        )


def tightened(
    name: str, size: StrategySize, stance: StrategyStance, wanted: StrategyLimits
) -> StrategyLimits:
    """Give the limits of a strategy with further ones.

    Raises:
        ConfigurationError: if one would become looser than what its release or a person says, or
            its sizing knows no risk per trade.
    """
    risk = wanted.risk_bps
    if risk is not None and size.risk_bps is None:
        raise ConfigurationError(
            f"Strategy {name} is not sized by a risk per trade",
            expected="a sizing of mode risk or atr",
            found="another one",
            fix="Lower its weight, or promote a release that sizes it by risk.",
        )
    if risk is not None and size.risk_bps is not None and risk > size.risk_bps:
        raise loosened("risk_bps", size.risk_bps, risk)
    return stance.limits.tightened_by(wanted)


def stances_json(stances: Stances) -> dict[str, Any]:
    """Give what was said of strategies as plain values."""
    return {
        name: {"stopped": said.stopped, "by": said.by, "limits": said.limits.to_texts()}
        for name, said in sorted(stances.items())
    }


def read_stances(values: Mapping[str, Any]) -> Stances:
    """Read what `stances_json` gave."""
    found: Stances = {}
    for name, said in values.items():
        limits = {key: Decimal(text) for key, text in said["limits"].items()}
        found[name] = StrategyStance(said["stopped"], said["by"], StrategyLimits(**limits))
    return found


def described(name: str, size: StrategySize, stance: StrategyStance) -> dict[str, Any]:
    """Give how a strategy stands as plain values; amounts are text, as in the journal.

    `risk_bps` is what a trade may lose now, None where its sizing knows no such thing.
    """
    weight = Decimal(1) if stance.limits.weight is None else stance.limits.weight
    own, most = size.risk_bps, stance.limits.risk_bps
    risk = own if own is None or most is None else min(own, most)
    return {
        "name": name,
        "state": "stopped" if stance.stopped else "running",
        "reason": stance.stopped,
        "by": stance.by,
        "weight": f"{weight:f}",
        "allocation_pct": f"{size.allocation_pct * weight:f}",
        "allocation_pct_of_release": f"{size.allocation_pct:f}",
        "risk_bps": None if risk is None else f"{risk:f}",
        "risk_bps_of_release": None if own is None else f"{own:f}",
    }
