"""What people ask of one strategy of a book, as events of its journal."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.domain.control import StrategyLimits
from trading_assets.domain.ids import Micros


@dataclass(frozen=True, slots=True)
class StrategyStopped:
    """A person stopped the entries of a strategy; its exits go on.

    Attributes:
        strategy: the tag of its orders.
        who: who asked, never empty.
        inbox_id: of the command.
    """

    ts: Micros
    strategy: str
    reason: str
    who: str
    inbox_id: int = 0


@dataclass(frozen=True, slots=True)
class StrategyStarted:
    """A person took a stop of a person back; a halt or a pause stands as it stood."""

    ts: Micros
    strategy: str
    reason: str
    who: str
    inbox_id: int = 0


@dataclass(frozen=True, slots=True)
class StrategyTightened:
    """A person made a strategy smaller; these are all its limits now."""

    ts: Micros
    strategy: str
    limits: StrategyLimits
    inbox_id: int = 0


StrategyEvent = StrategyStopped | StrategyStarted | StrategyTightened
