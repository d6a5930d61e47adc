"""What a strategy that is asked at every close may wish for; the risk door makes orders of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce, TrailBy

NONE = math.nan
"""Stands for a price or a size that an intent does not have."""

_PRICES = (
    "limit", "stop", "stop_loss", "take_profit", "stop_distance", "quantity", "trail", "trail_ratio"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """One order, decided at a close; it works from the next bar on.

    Which prices it has says which type it is: none is a market order, `limit` a limit, `stop` a
    stop, both a stop-limit, a distance a trailing stop. Prices are rounded to the nearest tick,
    sizes down to whole lots.

    Attributes:
        side: BUY or SELL.
        weight: part of what the sizing of the spec gives, above 0; what `quantity` replaces.
        quantity: units of base, instead of a weight.
        limit, stop: quote per base.
        tif: time in force.
        reduce_only: an exit. Without a quantity it is for the whole position; such a market order
            also withdraws whatever else works for the symbol.
        stop_loss, take_profit: exits of an entry, quote per base: they wait as an OCO pair until
            it fills.
        stop_distance: quote per base, for sizing by risk when there is no `stop_loss`.
        valid_to: for DAY and GTD: open time, in microseconds UTC, of the last bar it works in.
        trail, trail_ratio: distance of a trailing stop, in quote per base or as a part of the price
            below 1. It starts at `stop`, or at its distance from the close that decides it, follows
            what `trail_by` says of finished bars, and never comes back.
    """

    side: OrderSide
    weight: float = 1.0
    quantity: float = NONE
    limit: float = NONE
    stop: float = NONE
    tif: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    stop_loss: float = NONE
    take_profit: float = NONE
    stop_distance: float = NONE
    valid_to: Micros | None = None
    trail: float = NONE
    trail_ratio: float = NONE
    trail_by: TrailBy = TrailBy.CLOSE

    def __post_init__(self) -> None:
        """Refuse an order without meaning.

        Raises:
            DataError: naming what is wrong with it.
        """
        _require_prices("Order intent", self, _PRICES)
        _require_trail("Order intent", self.trail, self.trail_ratio)
        if not 0.0 < self.weight < math.inf:
            raise DataError("Order intent: weight", expected="above 0", found=repr(self.weight))
        if self.reduce_only and not (math.isnan(self.stop_loss) and math.isnan(self.take_profit)):
            raise DataError("Order intent: an exit has no exits of its own", found=repr(self))
        if self.trails and (not math.isnan(self.limit) or self.trail_by is TrailBy.NOTHING):
            raise DataError(
                "Order intent: a trailing stop that cannot trail",
                expected="no limit, and trail_by CLOSE or EXTREME",
                found=f"limit {self.limit}, trail_by {self.trail_by.name}",
            )
        waits = self.trails or not math.isnan(self.stop)
        if self.tif in (TimeInForce.IOC, TimeInForce.FOK) and waits:
            raise DataError(
                f"Order intent: {self.tif.name} fits orders that can fill at once",
                expected="no stop price", found=repr(self.stop),
            )  # fmt: skip
        if self.tif.has_end != (self.valid_to is not None):
            raise DataError(
                f"Order intent: {self.tif.name}", found=f"valid_to {self.valid_to}",
                expected="valid_to with DAY and GTD, and with nothing else",
            )  # fmt: skip

    @property
    def trails(self) -> bool:
        """Whether it is a trailing stop."""
        return not (math.isnan(self.trail) and math.isnan(self.trail_ratio))

    @property
    def type(self) -> OrderType:
        """The order type that its prices make it."""
        if self.trails:
            return OrderType.TRAILING_STOP
        if math.isnan(self.stop):
            return OrderType.MARKET if math.isnan(self.limit) else OrderType.LIMIT
        return OrderType.STOP if math.isnan(self.limit) else OrderType.STOP_LIMIT

    @property
    def order_types(self) -> frozenset[OrderType]:
        """Every order type that it causes, its exits included."""
        found = {self.type}
        if not math.isnan(self.stop_loss):
            found.add(OrderType.STOP)
        if not math.isnan(self.take_profit):
            found.add(OrderType.LIMIT)
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class TargetIntent:
    """Bring the position to a signed part of what the sizing gives, by market orders; 0 closes it.

    Attributes:
        weight: negative is short.
        stop_distance: quote per base, for sizing by risk.
    """

    weight: float
    stop_distance: float = NONE

    def __post_init__(self) -> None:
        """Refuse a target that is no number.

        Raises:
            DataError: naming it.
        """
        if not math.isfinite(self.weight):
            raise DataError("Target intent", expected="a number", found=repr(self.weight))


@dataclass(frozen=True, slots=True)
class CancelIntent:
    """Withdraw an order of the symbol that works.

    Attributes:
        order_id: as `view.orders` gives it.
    """

    order_id: int


@dataclass(frozen=True, slots=True)
class ModifyIntent:
    """Change the prices of an exit that works; what is not said stays.

    An entry is withdrawn and placed anew instead, so that the risk door sees it. An order at a
    venue stays as it is (`not_changeable`): withdraw it and place another.

    A trailing stop only ever comes closer: another distance moves its trigger when that is closer,
    and is what it follows at from then on; a `stop` further away is refused as `looser_stop`.

    Attributes:
        order_id: as `view.orders` gives it.
        limit, stop: quote per base, where its type has them.
        trail, trail_ratio: distance of a trailing stop, as in `OrderIntent`.
    """

    order_id: int
    limit: float = NONE
    stop: float = NONE
    trail: float = NONE
    trail_ratio: float = NONE

    def __post_init__(self) -> None:
        """Refuse a change that says nothing.

        Raises:
            DataError: naming what is wrong with it.
        """
        names = ("limit", "stop", "trail", "trail_ratio")
        _require_prices("Modify intent", self, names)
        _require_trail("Modify intent", self.trail, self.trail_ratio)
        if all(math.isnan(getattr(self, name)) for name in names):
            raise DataError("Modify intent without a change", expected=" or ".join(names))


def _require_prices(what: str, intent: Any, names: Sequence[str]) -> None:
    for name in names:
        value = getattr(intent, name)
        if not (math.isnan(value) or 0.0 < value < math.inf):
            raise DataError(f"{what}: {name}", expected="above 0", found=repr(value))


def _require_trail(what: str, trail: float, ratio: float) -> None:
    both = not (math.isnan(trail) or math.isnan(ratio))
    if both or ratio >= 1.0:
        raise DataError(
            f"{what}: a distance that cannot be followed at",
            expected="trail, or trail_ratio below 1",
            found=f"trail {trail}, trail_ratio {ratio}",
        )


Intent = OrderIntent | TargetIntent | CancelIntent | ModifyIntent

StateField = tuple[str, str] | tuple[str, str, tuple[int, ...]]
"""Name, dtype (`f8`, `i8`, `?`) and perhaps a shape of one value of a strategy's own state."""


class Decider(Protocol):
    """A strategy as the engine asks it; frozen, so that all it remembers is in its state."""

    @property
    def name(self) -> str:
        """Name for messages."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of its own that it is shown at every close."""
        ...

    @property
    def lookback(self) -> int:
        """Bars that it is shown; before so many were seen it is not asked."""
        ...

    @property
    def state(self) -> Sequence[StateField]:
        """What it remembers per symbol; zeros at first, and again after a hole in the data."""
        ...

    @property
    def working_orders(self) -> int:
        """Orders that may work for a symbol at once; exits that wait for their entry are free."""
        ...

    @property
    def order_types(self) -> frozenset[OrderType]:
        """Order types that it may cause."""
        ...

    def on_bar(self, view: Any, state: Any) -> list[Intent]:
        """Say what is wished for at a close (see `engine.bar_view.BarView`)."""
        ...
