"""Orders, order lists and trades as the venue keeps them; every amount is an exact integer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange.market.listing import Listing

NO_LIST = -1
MODEL = 0
"""`Trade.against` when the other side was the market's own liquidity."""


class Kind(Enum):
    """Order types that this venue accepts."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"

    @property
    def is_stop_loss(self) -> bool:
        """Whether it waits for the price to go against the side that it wants to leave."""
        return self in {Kind.STOP_LOSS, Kind.STOP_LOSS_LIMIT}

    @property
    def is_stop(self) -> bool:
        """Whether it waits for a stop price ("algo" orders in the filters' words)."""
        return self.is_stop_loss or self in {Kind.TAKE_PROFIT, Kind.TAKE_PROFIT_LIMIT}

    @property
    def has_price(self) -> bool:
        """Whether it has a limit price, and so may rest in the book."""
        return self not in {Kind.MARKET, Kind.STOP_LOSS, Kind.TAKE_PROFIT}


class Tif(Enum):
    """Time in force."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(Enum):
    """Order status on the wire."""

    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        """Whether the order still works, or may once another one has filled."""
        return self in {Status.NEW, Status.PENDING_NEW, Status.PARTIALLY_FILLED}


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A checked wish to trade.

    Attributes:
        lots: wanted quantity; 0 when `quote_units` says how much money instead.
        ticks: limit price; 0 for the MARKET types.
        quote_units: money of a `quoteOrderQty` order in 1e-8, else 0.
        client_order_id: None lets the venue choose one.
        stop_ticks: stop price; 0 without one.
    """

    listing: Listing
    side: OrderSide
    kind: Kind
    tif: Tif
    lots: int
    ticks: int
    quote_units: int
    client_order_id: str | None
    stop_ticks: int = 0


@dataclass(slots=True)
class Trade:
    """One side of one execution.

    Both sides of a trade between clients have the same `trade_id`.

    Attributes:
        value_units: price times quantity in 1e-8 of the quote.
        fee_units: in 1e-8 of `fee_asset`.
        against: order id of the other side, 0 for the market's own liquidity.
    """

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
    against: int = MODEL


@dataclass(slots=True)
class Order:
    """One order of one account.

    Attributes:
        executed_lots: filled so far.
        executed_units: paid or received for it, before fees, in 1e-8 of the quote.
        locked_units: what the open rest holds: quote for a buy, base for a sale, in 1e-8. The two
            legs of an OCO need the money only once: the first leg holds it for both.
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
    def limit_ticks(self) -> int | None:
        """The worst price it may trade at, or None."""
        return self.ticks if self.kind.has_price else None

    @property
    def given_asset(self) -> str:
        """What it pays with, and locks."""
        instrument = self.listing.instrument
        return instrument.quote if self.side is OrderSide.BUY else instrument.base

    @property
    def is_resting(self) -> bool:
        """Whether it stands in the book: working, open and with a price."""
        return self.status.is_open and self.working_ts > 0 and self.kind.has_price

    @property
    def is_waiting(self) -> bool:
        """Whether it is a stop order that the price has yet to reach."""
        return self.status is Status.NEW and self.working_ts == 0

    @property
    def triggers_upwards(self) -> bool:
        """Whether a rising price starts this stop order."""
        return self.kind.is_stop_loss == (self.side is OrderSide.BUY)

    def is_reached(self, ticks: int) -> bool:
        """Whether a trade at a price starts this stop order."""
        return ticks >= self.stop_ticks if self.triggers_upwards else ticks <= self.stop_ticks

    def cost_of(self, lots: int) -> int:
        """Give what `lots` need at most, in 1e-8 of the given asset.

        A buy without a limit price is reckoned at its stop price.
        """
        if self.side is OrderSide.SELL:
            return lots * self.listing.instrument.lot_units
        return lots * (self.ticks or self.stop_ticks) * self.listing.value_units


class Shape(Enum):
    """Kinds of order lists: their orders are (above, below), (working, pending), or all three."""

    OCO = "OCO"
    OTO = "OTO"
    OTOCO = "OTOCO"


@dataclass(slots=True)
class OrderList:
    """Orders that depend on each other.

    Attributes:
        orders: of an OCO above and below; else the working order, then the pending ones.
        is_done: whether the end of the list has been reported.
    """

    list_id: int
    client_list_id: str
    account: str
    symbol: str
    shape: Shape
    placed_ts: Micros
    updated_ts: Micros
    orders: list[Order] = field(default_factory=list)
    is_done: bool = False

    @property
    def contingency(self) -> str:
        """The contingency type on the wire: an OTOCO is an OTO too."""
        return "OCO" if self.shape is Shape.OCO else "OTO"

    @property
    def working(self) -> Order | None:
        """The order that starts the others, or None for an OCO."""
        return None if self.shape is Shape.OCO else self.orders[0]

    @property
    def dependents(self) -> list[Order]:
        """The pending orders, or both legs of an OCO."""
        return self.orders if self.shape is Shape.OCO else self.orders[1:]

    def rival_of(self, order: Order) -> Order | None:
        """Give the other leg of the OCO pair that `order` is part of, or None."""
        pair = self.dependents
        if len(pair) != 2 or all(leg is not order for leg in pair):
            return None
        return pair[1] if order is pair[0] else pair[0]
