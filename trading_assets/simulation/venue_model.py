"""The exchange of a simulated world: what it did is the truth that books are judged by.

It knows the rules on which the order protocol rests: a client order id is unique among open orders
only, a request is accepted while its time stamp is inside its window, an order can be invisible to
queries for a while after it was accepted, and an execution to the list of executions. Amounts are
whole units of 1e-8, so nothing is ever lost to rounding.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument, decimal_from_units
from trading_assets.domain.order import (
    OrderReport,
    OrderSide,
    OrderStatus,
    OrderTicket,
    OrderType,
    TimeInForce,
)

_FEE_SHARE = 1_000  # a thousandth
_AHEAD: Micros = 1_000_000
_OPEN = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


class RefusedByVenue(Exception):
    """The venue's own word that an order does not exist, with its code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(slots=True)
class VenueOrder:
    """An accepted order.

    Attributes:
        lots, done: asked and executed, in lots.
        spent_units: quote paid or received so far, before fees.
        locked_units: what its open rest holds.
        visible_at: from when queries find it.
        listing_lag: for how long an execution is not listed.
        lag: for how long after a change queries may still tell what was before it.
        before: the report before the latest change.
    """

    number: int
    ticket: OrderTicket
    instrument: Instrument
    lots: int
    placed_at: Micros
    status: OrderStatus = OrderStatus.ACCEPTED
    done: int = 0
    spent_units: int = 0
    locked_units: int = 0
    updated_at: Micros = 0
    visible_at: Micros = 0
    listing_lag: Micros = 0
    lag: Micros = 0
    before: OrderReport | None = None
    _word: OrderReport | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still fill."""
        return self.status in _OPEN

    def queried(self, now: Micros) -> OrderReport:
        """Give what a query is told, which can be old."""
        is_old = self.before is not None and now < self.updated_at + self.lag
        return self.before if is_old and self.before is not None else self.report()

    def report(self) -> OrderReport:
        """Give the venue's word on it."""
        if self._word is not None:
            return self._word
        ticket = self.ticket
        self._word = OrderReport(
            ticket.client_order_id,
            str(self.number),
            ticket.symbol,
            ticket.side,
            self.status,
            ticket.quantity,
            self.instrument.quantity_from_lots(self.done),
            decimal_from_units(self.spent_units),
            self.updated_at,
        )
        return self._word

    def about_to_change(self) -> None:
        """Keep the present word as the one before."""
        self.before = self.report()
        self._word = None


@dataclass(slots=True)
class _Holding:
    free: int = 0
    locked: int = 0


@dataclass(slots=True)
class VenueModel:
    """One account.

    Attributes:
        orders: all that were ever accepted, in order.
        fills: all executions, in order.
        listed_at: from when each of them is listed.
        refused: (time, client order id, code) of all refusals.
        coarse: symbols of which it takes whole units only now.
        halted: symbols that do not trade now.
    """

    instruments: dict[Symbol, Instrument]
    holdings: defaultdict[str, _Holding] = field(default_factory=lambda: defaultdict(_Holding))
    orders: list[VenueOrder] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    listed_at: list[Micros] = field(default_factory=list)
    refused: list[tuple[Micros, str, int]] = field(default_factory=list)
    coarse: set[Symbol] = field(default_factory=set)
    halted: set[Symbol] = field(default_factory=set)
    _by_name: defaultdict[str, list[VenueOrder]] = field(default_factory=lambda: defaultdict(list))

    def deposit(self, asset: str, units: int) -> None:
        """Change a balance without a trade."""
        self.holdings[asset].free += units

    # Orders

    def accept(
        self, ticket: OrderTicket, stamp: Micros, window_ms: int, now: Micros, ticks: int
    ) -> VenueOrder:
        """Take an order into the book, without an execution yet.

        Raises:
            RefusedByVenue: for what the venue does not take; nothing has changed then.
        """
        try:
            self._admit(ticket, stamp, window_ms, now)
            order = self._open(ticket, now, ticks)
        except RefusedByVenue as refusal:
            self.refused.append((now, ticket.client_order_id, refusal.code))
            raise
        self.orders.append(order)
        self._by_name[ticket.client_order_id].append(order)
        return order

    def _admit(self, ticket: OrderTicket, stamp: Micros, window_ms: int, now: Micros) -> None:
        if not stamp < now + _AHEAD or now - stamp > window_ms * 1_000:
            raise RefusedByVenue(-1021, "Timestamp for this request is outside of the recvWindow.")
        if ticket.symbol in self.coarse and ticket.quantity % 1:
            raise RefusedByVenue(-1013, "Filter failure: LOT_SIZE")
        if ticket.symbol in self.halted:
            raise RefusedByVenue(-2010, "Market is closed.")
        if any(order.is_open for order in self._by_name[ticket.client_order_id]):
            raise RefusedByVenue(-2010, "Duplicate order sent.")

    def _open(self, ticket: OrderTicket, now: Micros, ticks: int) -> VenueOrder:
        instrument = self.instruments[ticket.symbol]
        lots = instrument.lots_from_quantity(ticket.quantity)
        order = VenueOrder(
            len(self.orders) + 1, ticket, instrument, lots, now, updated_at=now, visible_at=now,
        )  # fmt: skip
        if ticket.side is OrderSide.BUY:
            asset = instrument.quote
            limit = ticks if ticket.limit_price is None else int(ticket.limit_price * 100)
            needed = value_units(instrument, lots, limit)
        else:
            asset, needed = instrument.base, lots * instrument.lot_units
        holding = self.holdings[asset]
        if needed > holding.free:
            raise RefusedByVenue(-2010, "Account has insufficient balance for requested action.")
        holding.free -= needed
        holding.locked += needed
        order.locked_units = needed
        return order

    def execute(self, order: VenueOrder, lots: int, ticks: int, now: Micros) -> None:
        """Fill a part of an open order at a price, and take the fee from what is received."""
        order.about_to_change()
        instrument, ticket = order.instrument, order.ticket
        amount = lots * instrument.lot_units
        value = value_units(instrument, lots, ticks)
        buys = ticket.side is OrderSide.BUY
        given, got = (instrument.quote, instrument.base) if buys else (
            instrument.base, instrument.quote,
        )  # fmt: skip
        paid, received = (value, amount) if buys else (amount, value)
        fee = received // _FEE_SHARE
        self.holdings[given].locked -= paid
        order.locked_units -= paid
        self.holdings[got].free += received - fee
        self.listed_at.append(max(order.visible_at, now + order.listing_lag))
        order.done += lots
        order.spent_units += value
        order.updated_at = now
        order.status = OrderStatus.PARTIALLY_FILLED
        self.fills.append(
            Fill(
                ticket.symbol, str(len(self.fills) + 1), ticket.client_order_id,
                str(order.number), ticket.side, instrument.price_from_ticks(ticks),
                instrument.quantity_from_lots(lots), decimal_from_units(fee), got, now,
                ticket.type is OrderType.LIMIT,
            )
        )  # fmt: skip
        if order.done == order.lots:
            self.end(order, OrderStatus.FILLED, now)

    def end(self, order: VenueOrder, status: OrderStatus, now: Micros) -> None:
        """Say the last word on an open order, and free what it holds."""
        asset = (
            order.instrument.quote if order.ticket.side is OrderSide.BUY else order.instrument.base
        )
        order.about_to_change()
        self.holdings[asset].locked -= order.locked_units
        self.holdings[asset].free += order.locked_units
        order.locked_units = 0
        order.status = status
        order.updated_at = now

    # What can be asked

    def find(self, name: str, now: Micros) -> VenueOrder | None:
        """Give the latest order of that name that queries find by now."""
        found = [order for order in self._by_name.get(name, ()) if order.visible_at <= now]
        return found[-1] if found else None

    def orders_of(self, symbol: Symbol, since: Micros, now: Micros) -> tuple[OrderReport, ...]:
        """List orders placed since then that queries find by now."""
        return tuple(
            order.queried(now)
            for order in self.orders
            if order.ticket.symbol == symbol and order.placed_at >= since
            and order.visible_at <= now
        )  # fmt: skip

    def fills_of(self, symbol: Symbol, since: Micros, now: Micros) -> tuple[Fill, ...]:
        """List executions since then that are listed by now."""
        return tuple(
            fill
            for fill, listed_at in zip(self.fills, self.listed_at, strict=True)
            if fill.symbol == symbol and fill.ts >= since
            and listed_at <= now
        )  # fmt: skip

    def balances(self) -> tuple[Balance, ...]:
        """List all balances."""
        return tuple(
            Balance(asset, decimal_from_units(held.free), decimal_from_units(held.locked))
            for asset, held in self.holdings.items()
        )

    def total(self, asset: str) -> Decimal:
        """Give what is held of an asset."""
        held = self.holdings[asset]
        return decimal_from_units(held.free + held.locked)


def value_units(instrument: Instrument, lots: int, ticks: int) -> int:
    """Give what lots cost at a price, in 1e-8 of the quote asset; a tick is 0.01."""
    return lots * instrument.lot_units * ticks // 100


def is_resting(ticket: OrderTicket) -> bool:
    """Tell whether an order stays in the book after what it meets at once."""
    return ticket.type is OrderType.LIMIT and ticket.tif is TimeInForce.GTC
