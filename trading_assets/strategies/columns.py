"""Bases of strategies that are columns, so that one's own needs little more than `signals`.

They only hold what most strategies have in common; the protocol asks for no base class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.strategies.protocol import BASE_BAR


@dataclass(frozen=True, slots=True)
class TargetStrategy:
    """Base of strategies that give `target`, and perhaps `stop_distance` and `confidence`.

    `target` is a signed part of what the sizing gives: empty keeps what is held, 0 closes it.

    Attributes:
        bar_size: of the bars, from the spec.
    """

    bar_size: timedelta = field(default=BASE_BAR, kw_only=True)

    name: ClassVar[str] = "target"
    family: ClassVar[SignalFamily] = SignalFamily.TARGET
    horizon: ClassVar[str | None] = None
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET})

    @property
    def warm_up(self) -> timedelta:
        """Give how far a row looks back; nothing unless said."""
        return timedelta()


@dataclass(frozen=True, slots=True)
class BracketStrategy:
    """Base of strategies that give entries with their stops and targets.

    Columns are `long_entry, short_entry, sl_long, sl_short, tp_long, tp_short` (prices) and
    `valid_to` (an instant); empty is none.

    Attributes:
        bar_size: of the bars, from the spec.
    """

    bar_size: timedelta = field(default=BASE_BAR, kw_only=True)

    name: ClassVar[str] = "bracket"
    family: ClassVar[SignalFamily] = SignalFamily.BRACKET
    horizon: ClassVar[str | None] = None
    order_types: ClassVar[frozenset[OrderType]] = frozenset(
        {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP}
    )

    @property
    def warm_up(self) -> timedelta:
        """Give how far a row looks back; nothing unless said."""
        return timedelta()
