"""What simulated books trade: targets by market orders, resting orders, or two strategies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
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
    PortfolioSetup,
    SignalFamily,
    Sizing,
    SizingMode,
    StrategySetup,
)
from trading_assets.engine.fixed import Fixed
from trading_assets.simulation.market import INSTRUMENTS, Members
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


class BookKind(Enum):
    """What a simulated book trades; a schedule's seed says which."""

    RESTING = 0  # limit orders that rest and are taken back
    TARGETS = 1  # market orders towards targets
    PAIR = 2  # two strategies on one account, of which both trade the first symbol


@cache
def engine_setup(kind: BookKind, is_smaller: bool = False) -> EngineSetup | PortfolioSetup:
    """Give the setup of a simulated book, or of one whose positions are a little smaller."""
    sizing = Sizing(
        SizingMode.PCT_OF_EQUITY,
        pos_pct=Decimal(41 if is_smaller else 45),
        cash_buffer_pct=Decimal(1),
        rebalance_pct=Decimal(5),
    )
    account = Account("USDT", CASH)
    costs = Costs(Decimal(10), Decimal(10), fee_asset=FeeAsset.RECEIVED)
    limits = Limits(max_drawdown_pct=Decimal(50))
    if kind is BookKind.PAIR:
        named = (("fast", INSTRUMENTS), ("slow", INSTRUMENTS[:1]))
        share = Decimal(50)
        strategies = tuple(
            StrategySetup(tag, of, SignalFamily.TARGET, sizing, allocation_pct=share)
            for tag, of in named
        )
        return PortfolioSetup(account, strategies, costs, limits)
    is_asked = kind is BookKind.RESTING
    return EngineSetup(
        INSTRUMENTS, account, SignalFamily.ON_BAR if is_asked else SignalFamily.TARGET, sizing,
        costs, limits, decider=Resting() if is_asked else None,
    )  # fmt: skip


def members_of(kind: BookKind) -> Members:
    """Give tag and symbols of each strategy, none where one is alone."""
    if kind is not BookKind.PAIR:
        return ()
    strategies = engine_setup(kind).strategies
    return tuple((s.tag, tuple(item.symbol for item in s.instruments)) for s in strategies)


@cache
def fixed_of(kind: BookKind, is_smaller: bool) -> Fixed:
    """Give what all machines of `engine_setup` share."""
    return Fixed.of(engine_setup(kind, is_smaller))
