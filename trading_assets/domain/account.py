"""Fills and balances."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.order import OrderSide


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution; (symbol, trade_id) is unique at a venue.

    Attributes:
        price: quote per base.
        quantity: base, always positive.
        fee: in `fee_asset`, never negative.
        ts: venue time of the execution.
    """

    symbol: Symbol
    trade_id: str
    client_order_id: str
    venue_order_id: str
    side: OrderSide
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    ts: Micros
    is_maker: bool = False


@dataclass(frozen=True, slots=True)
class AccountNews:
    """What was heard of an account since the last look: a reason to look, not the whole truth.

    Attributes:
        fills: executions, each once.
        must_look: something may have happened that is not among them.
    """

    fills: tuple[Fill, ...] = ()
    must_look: bool = False


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds of one asset."""

    asset: str
    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return self.free + self.locked
