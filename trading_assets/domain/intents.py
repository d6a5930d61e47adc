"""What a strategy that is asked at every close may wish for; the risk door makes orders of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce

NONE = math.nan
"""Stands for a price or a size that an intent does not have."""

_PRICES = ("limit", "stop", "stop_loss", "take_profit", "stop_distance", "quantity")


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """One order, decided at a close; it works from the next bar on.

    Which prices it has says which type it is: none is a market order, `limit` a limit, `stop` a
    stop, both a stop-limit. Prices are rounded to the nearest tick, sizes down to whole lots.

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

    def __post_init__(self) -> None:
        """Refuse an order without meaning.

        Raises:
            DataError: naming what is wrong with it.
        """
        for name in _PRICES:
            value = getattr(self, name)
            if not (math.isnan(value) or 0.0 < value < math.inf):
                raise DataError(f"Order intent: {name}", expected="above 0", found=repr(value))
        if not 0.0 < self.weight < math.inf:
            raise DataError("Order intent: weight", expected="above 0", found=repr(self.weight))
        if self.reduce_only and not (math.isnan(self.stop_loss) and math.isnan(self.take_profit)):
            raise DataError("Order intent: an exit has no exits of its own", found=repr(self))
        if self.tif in (TimeInForce.IOC, TimeInForce.FOK) and not math.isnan(self.stop):
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
    def type(self) -> OrderType:
        """The order type that its prices make it."""
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


Intent = OrderIntent | TargetIntent | CancelIntent

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
