"""A strategy that is asked and does everything that can be wished for, driven by its column."""

import math
from dataclasses import dataclass
from typing import ClassVar

from trading_assets.domain.intents import CancelIntent, ModifyIntent, OrderIntent, TargetIntent
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce, TrailBy
from trading_assets.strategies.asked import AskedStrategy

BUY, SELL = OrderSide.BUY, OrderSide.SELL
ACTIONS = 16


@dataclass(frozen=True)
class Restless(AskedStrategy):
    """Column `wish` is a number below ACTIONS; the state and the window bend what it does."""

    weight: float = 0.5

    name: ClassVar[str] = "restless"
    columns: ClassVar[tuple[str, ...]] = ("wish",)
    lookback: ClassVar[int] = 5
    state: ClassVar = (("asked", "i8"), ("peak", "f8"), ("levels", "f8", (3,)))
    working_orders: ClassVar[int] = 2
    order_types: ClassVar[frozenset[OrderType]] = frozenset(OrderType)

    def on_bar(self, view, state):
        state["asked"] += 1
        state["peak"] = max(state["peak"], view.high.max())
        state["levels"][state["asked"] % 3] = view.close.mean()
        wish = view.column("wish")
        if math.isnan(wish) or state["asked"] % 7 == 0:
            return []
        weight = self.weight if view.price < state["levels"].max() else self.weight / 2
        width = max(view.high.max() - view.low.min(), 0.01)
        return wishes_of(view, weight, width)[int(wish)]


def wishes_of(view, weight, width):
    """Give the wishes of every number."""
    price = view.price
    low, high = max(price - width, 0.01), price + width
    leaving = SELL if view.lots > 0 else BUY
    return [
        view.buy(weight, stop_loss=low - 0.005, take_profit=high),
        view.sell(weight, stop_loss=high, stop_distance=width),
        view.exit(),
        [OrderIntent(BUY, weight, stop=high, stop_loss=price)],
        [OrderIntent(SELL, weight, limit=high, take_profit=price, stop_distance=width)],
        [CancelIntent(order.order_id) for order in view.orders[:1]],
        [TargetIntent(weight, width)],
        [TargetIntent(-weight, width)],
        [OrderIntent(leaving, limit=high, reduce_only=True)],
        [
            OrderIntent(side, weight, limit=at, stop_distance=width, tif=TimeInForce.IOC)
            for side, at in ((BUY, low), (SELL, high))
        ],
        [OrderIntent(BUY, quantity=1.0, stop=high, limit=high + width)],
        [TargetIntent(0.0)],
        [OrderIntent(leaving, trail=width, reduce_only=True)],
        [OrderIntent(BUY, weight, trail_ratio=0.01, trail_by=TrailBy.EXTREME)],
        changes(view, width),
        [OrderIntent(leaving, stop=low, reduce_only=True, quantity=0.5)],
    ]


def changes(view, width):
    """Wish for other prices of the first exit that works."""
    for order in view.orders:
        if order.reduce_only and order.type is OrderType.TRAILING_STOP:
            return [ModifyIntent(order.order_id, trail=width / 2)]
        if order.reduce_only and order.type is OrderType.STOP:
            return [ModifyIntent(order.order_id, stop=view.price)]
        if order.reduce_only and order.type is OrderType.LIMIT:
            return [ModifyIntent(order.order_id, limit=view.price + width / 2)]
    return []


@dataclass(frozen=True)
class Follower(AskedStrategy):
    """Wishes for the target that stands in its column: what the target family does by itself."""

    name: ClassVar[str] = "follower"
    columns: ClassVar[tuple[str, ...]] = ("target", "stop_distance", "confidence")

    def on_bar(self, view, state):
        target = view.column("target")
        return [] if math.isnan(target) else [TargetIntent(target, view.column("stop_distance"))]
