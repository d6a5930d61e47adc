"""What simulated books trade: market orders towards targets, or resting orders and their ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from trading_assets.domain.intents import CancelIntent, Intent, OrderIntent
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import (
    Account,
    Costs,
    EngineSetup,
    FeeAsset,
    Limits,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.fixed import Fixed
from trading_assets.simulation.market import INSTRUMENTS
from trading_assets.strategies.asked import AskedStrategy

if TYPE_CHECKING:
    from trading_assets.engine.bar_view import BarView

CASH = Decimal(10_000)
ACTIONS = 5
"""Numbers that the column of `Resting` can have."""


@dataclass(frozen=True, slots=True)
class Resting(AskedStrategy):
    """Rests limit orders on both sides and takes them back, as its column says."""

    name: ClassVar[str] = "resting"
    columns: ClassVar[tuple[str, ...]] = ("wish",)
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET, OrderType.LIMIT})

    def on_bar(self, view: BarView, state: Any) -> list[Intent]:
        """Do what the number in the column means."""
        wish = view.column("wish")
        if math.isnan(wish):
            return []
        if view.orders:
            return [CancelIntent(view.orders[0].order_id)] if wish < 3 else []
        if view.lots > 0:
            limit = view.price * 1.001 if wish > 1 else math.nan
            return [OrderIntent(OrderSide.SELL, limit=limit, reduce_only=True)]
        limit = view.price * 0.999 if wish > 1 else math.nan
        return [OrderIntent(OrderSide.BUY, 0.4, limit=limit)]


@cache
def engine_setup(family: SignalFamily) -> EngineSetup:
    """Give the setup of a simulated book: TARGET with market orders, ON_BAR with resting ones."""
    asked = family is SignalFamily.ON_BAR
    return EngineSetup(
        instruments=INSTRUMENTS,
        account=Account("USDT", CASH),
        family=family,
        sizing=Sizing(
            SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(45), cash_buffer_pct=Decimal(1),
            rebalance_pct=Decimal(5),
        ),
        costs=Costs(Decimal(10), Decimal(10), fee_asset=FeeAsset.RECEIVED),
        limits=Limits(max_drawdown_pct=Decimal(50)),
        decider=Resting() if asked else None,
    )  # fmt: skip


@cache
def fixed_of(family: SignalFamily) -> Fixed:
    """Give what all machines of `engine_setup` share."""
    return Fixed.of(engine_setup(family))
