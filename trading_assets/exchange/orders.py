"""Orders and trades as the venue keeps them; every amount is an exact integer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange.listing import Listing

NO_LIST = -1


class Kind(Enum):
    """Order types that this venue accepts."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"


class Tif(Enum):
    """Time in force."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(Enum):
    """Order status on the wire."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        """Whether the order still works."""
        return self in {Status.NEW, Status.PARTIALLY_FILLED}


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A checked wish to trade.

    Attributes:
        lots: wanted quantity; 0 when `quote_units` says how much money instead.
        ticks: limit price; 0 for MARKET.
        quote_units: money of a `quoteOrderQty` order in 1e-8, else 0.
        client_order_id: None lets the venue choose one.
    """

    listing: Listing
    side: OrderSide
    kind: Kind
    tif: Tif
    lots: int
    ticks: int
    quote_units: int
    client_order_id: str | None

    @property
    def limit_ticks(self) -> int | None:
        """The worst price it may trade at, or None."""
        return None if self.kind is Kind.MARKET else self.ticks


@dataclass(slots=True)
class Trade:
    """One execution; `fee_units` in 1e-8 of `fee_asset`, `value_units` in 1e-8 of the quote."""

    symbol: str
    trade_id: int
    order_id: int
    account: str
    side: OrderSide
    ticks: int
    lots: int
    value_units: int
    fee_units: int
    fee_asset: str
    ts: Micros
    is_maker: bool


@dataclass(slots=True)
class Order:
    """One order of one account.

    Attributes:
        executed_lots: filled so far.
        executed_units: paid or received for it, before fees, in 1e-8 of the quote.
        locked_units: what the open rest holds: quote for a buy, base for a sale, in 1e-8.
        placed_ts: market time of placement.
        updated_ts: market time of the last change.
        working_ts: when it began to work; 0 for a stop or pending order that does not yet.
        stop_ticks: price that starts a stop order; 0 without one.
        list_id: of the order list that it belongs to, or -1.
    """

    listing: Listing
    order_id: int
    client_order_id: str
    account: str
    side: OrderSide
    kind: Kind
    tif: Tif
    lots: int
    ticks: int
    quote_units: int
    placed_ts: Micros
    updated_ts: Micros
    working_ts: Micros = 0
    stop_ticks: int = 0
    list_id: int = NO_LIST
    executed_lots: int = 0
    executed_units: int = 0
    locked_units: int = 0
    status: Status = Status.NEW
    trades: list[Trade] = field(default_factory=list)

    @property
    def symbol(self) -> str:
        """The symbol's name."""
        return self.listing.instrument.symbol

    @property
    def open_lots(self) -> int:
        """What is not filled."""
        return self.lots - self.executed_lots

    @property
    def is_resting(self) -> bool:
        """Whether it stands in the book: working, open and with a price."""
        return self.status.is_open and self.working_ts > 0 and self.kind is not Kind.MARKET
