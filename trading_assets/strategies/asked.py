"""The third form of a strategy: it is asked at every close, and remembers in a declared record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.intents import Decider, Intent, StateField
from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.strategies.protocol import BASE_BAR, Strategy

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.engine.bar_view import BarView


@dataclass(frozen=True, slots=True)
class AskedStrategy:
    """Base of strategies with `on_bar`; a subclass is a frozen dataclass of its parameters.

    At every close of a symbol, once `lookback` of its bars were seen, the engine calls `on_bar`
    with the view of that symbol and its state, and brings what it wishes through the risk door.
    The object is frozen and shared by all symbols and runs: whatever it has to remember belongs
    into `state`, which is part of the engine's state, so that a run can be cut anywhere.

    Indicators over more than a few bars are best computed as columns: override `signals`, name
    them in `columns`, and read them by `view.column(name)`.

    Attributes:
        name: of the strategy, `a-z0-9_`.
        columns: columns that its `signals` gives.
        lookback: bars that the view shows, 1 to 5000.
        state: fields of the state, such as `("bars_held", "i8")`; zeros at first.
        working_orders: orders that may work for a symbol at once. A venue's book sends one at a
            time.
        order_types: order types that it may cause.
        warm_up: calendar time that its columns look back.
        horizon: of the forecast that its columns follow, or None.
        bar_size: of the bars, from the spec.
    """

    bar_size: timedelta = field(default=BASE_BAR, kw_only=True)

    name: ClassVar[str] = "asked"
    family: ClassVar[SignalFamily] = SignalFamily.ON_BAR
    columns: ClassVar[tuple[str, ...]] = ()
    lookback: ClassVar[int] = 1
    state: ClassVar[tuple[StateField, ...]] = ()
    working_orders: ClassVar[int] = 1
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET})
    warm_up: ClassVar[timedelta] = timedelta()
    horizon: ClassVar[str | None] = None

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and the columns, one row per row of `frame` (see `protocol.Strategy`)."""
        return frame.select("ts")

    def on_bar(self, view: BarView, state: Any) -> list[Intent]:
        """Say what is wished for at this close; an empty list is nothing.

        Args:
            view: bars so far, position, working orders, account; its helpers `buy`, `sell` and
                `exit` make the usual wishes.
            state: a numpy record with the declared fields, `state["bars_held"] += 1`.
        """
        raise NotImplementedError


def decider_of(strategy: Strategy) -> Decider | None:
    """Give the strategy as the engine asks it, None when its signals say everything.

    Raises:
        ConfigurationError: if it belongs to the family that is asked and lacks what that needs.
    """
    if strategy.family is not SignalFamily.ON_BAR:
        return None
    if not isinstance(strategy, AskedStrategy):
        raise ConfigurationError(
            f"Strategy {strategy.name} cannot be asked",
            expected="a subclass of AskedStrategy",
            found=type(strategy).__qualname__,
        )
    if type(strategy).on_bar is AskedStrategy.on_bar:
        raise ConfigurationError(
            f"Strategy {strategy.name} cannot be asked",
            expected="a method on_bar(view, state) of its own",
            found=f"none in {type(strategy).__qualname__}",
        )
    return strategy
