"""A broker without a venue: orders meet the engine's own matching rules on bars it is shown.

What it did is not kept in a file of its own: the journal of the book names every order that left,
every one that was withdrawn and every bar, in their order, and the same calls give the same ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.bar import Bar
from trading_assets.domain.errors import (
    ConfigurationError,
    DataError,
    InvariantError,
    OrderRejected,
)
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import decimal_from_units
from trading_assets.domain.order import OrderReport, OrderSide, OrderStatus, OrderTicket
from trading_assets.domain.ports import Clock
from trading_assets.domain.setup import (
    AnySetup,
    EngineSetup,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.records.arrays import Record
from trading_assets.records.codes import OrderState
from trading_assets.risk.pre_trade import Refusal

_REFUSED = -2010
_ZERO = Decimal(0)


@dataclass(slots=True)
class _Placed:
    """An order as this broker holds it."""

    ticket: OrderTicket
    engine_id: int
    report: OrderReport


class SimulatedBroker:
    """One account of its own, funded with the cash of the setup.

    An order works from the bar after the latest one that was shown. A market order fills at that
    bar's open, with the setup's costs; nothing fills while no bar is shown.
    """

    recv_window_ms = 5000

    def __init__(self, setup: AnySetup, bar: Micros, clock: Clock) -> None:
        """Open the account.

        Args:
            setup: of the book's engine: its instruments, cash, costs and rules of the market. Its
                sizing and limits are the book's, not the venue's.
            bar: length of a bar in microseconds.
            clock: names the instants of answers.
        """
        self._instruments = {item.symbol: place for place, item in enumerate(setup.instruments)}
        self._setup = setup
        self._bar = bar
        self._clock = clock
        self._machine = Machine(_venue_setup(setup))
        self._signals = np.full((len(setup.instruments), self._machine.signal_columns), np.nan)
        self._orders: dict[str, _Placed] = {}
        self._fills: list[Fill] = []
        self._seen = [0, 0]  # fills and ended orders of the machine's logs
        self._kept: dict[str, Decimal] = {}  # held beside the machine: less than a lot, from before

    def follow(self, setup: AnySetup, bar: Micros, *, carry: bool) -> None:
        """Go on with the same account by the terms of the next release of its book.

        Args:
            setup: of the next release's engine.
            bar: length of its bars in microseconds.
            carry: positions and working orders go over; else there must be none.

        Raises:
            InvariantError: if they are to go over and the next release has other symbols, or an
                order works that does not go over.
        """
        heir = Machine(_venue_setup(setup))
        fits = heir.can_carry(self._machine) if carry else not self.open_orders()
        if not fits:
            raise InvariantError(
                "A simulated account cannot follow its book to another release",
                expected="the same symbols" if carry else "no working order",
                found=", ".join(item.symbol for item in setup.instruments),
            )
        before = self._machine.balances()
        heir.inherit(self._machine, carry=carry)
        after = heir.balances()
        for asset, amount in before.items():
            self._kept[asset] = self._kept.get(asset, _ZERO) + amount - after.get(asset, _ZERO)
        self._machine, self._setup, self._bar = heir, setup, bar
        self._instruments = {item.symbol: place for place, item in enumerate(setup.instruments)}
        self._signals = np.full((len(setup.instruments), heir.signal_columns), np.nan)
        self._seen = [0, 0]

    # Bars

    def see(
        self, ts: Micros, bars: Iterable[Bar]
    ) -> tuple[tuple[OrderReport, tuple[Fill, ...]], ...]:
        """Let the bars that opened at `ts` meet the working orders; give what became of them.

        Bars that it has seen before change nothing, and what became of the orders is told again.
        """
        if ts > self._machine.ts:
            row = np.full((len(self._instruments), 5), np.nan)
            for bar in bars:
                row[self._place(bar.symbol)] = bar.open, bar.high, bar.low, bar.close, bar.volume
            self._machine.pass_bar(ts, row, self._signals)
            self._note(ts)
        touched = [
            o for o in self._orders.values() if o.report.updated_ts == ts and _moved(o.report)
        ]
        return tuple((order.report, self._fills_of(order.ticket)) for order in touched)

    # Broker

    def auth_now(self) -> Micros:
        """Give the clock's instant."""
        return self._clock.now()

    def submit(self, ticket: OrderTicket) -> tuple[OrderReport, tuple[Fill, ...]]:
        """Accept an order; the next bar decides about it."""
        place = self._place(ticket.symbol)
        instrument = self._setup.instruments[place]
        if ticket.client_order_id in self._orders:
            raise OrderRejected("Duplicate order sent", code=_REFUSED, status=400)
        lots = instrument.lots_from_quantity(ticket.quantity)
        try:
            prices = [
                None if price is None else instrument.ticks_from_price(price)
                for price in (ticket.limit_price, ticket.stop_price)
            ]
            found = self._machine.submit(
                place, ticket.side, ticket.type, lots,
                limit_ticks=prices[0], stop_ticks=prices[1], tif=ticket.tif,
                reduce_only=ticket.reduce_only,
            )  # fmt: skip
        except (ConfigurationError, DataError) as error:  # the former off the grid of prices
            raise OrderRejected(error.what, code=_REFUSED, status=400) from error
        if isinstance(found, Refusal):
            raise OrderRejected(
                f"{found.rule}: at most {found.limit:g}, was {found.was:g}",
                code=_REFUSED, status=400,
            )  # fmt: skip
        report = OrderReport(
            ticket.client_order_id, str(len(self._orders) + 1), ticket.symbol, ticket.side,
            OrderStatus.ACCEPTED, ticket.quantity, _ZERO, _ZERO, self._machine.ts + self._bar,
        )  # fmt: skip
        self._orders[ticket.client_order_id] = _Placed(ticket, found, report)
        return report, ()

    def query(self, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """Give the present report of an order."""
        order = self._orders.get(client_order_id)
        return None if order is None or order.ticket.symbol != symbol else order.report

    def cancel(self, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """Withdraw an order that still works."""
        order = self._orders.get(client_order_id)
        if order is None or order.ticket.symbol != symbol or order.report.status.is_final:
            return None
        self._machine.cancel(order.engine_id)
        self._seen[1] = len(self._machine.ended_orders)
        order.report = replace(
            order.report, status=OrderStatus.CANCELED, updated_ts=self._machine.ts + self._bar
        )
        return order.report

    def fills_since(self, symbol: Symbol, since: Micros) -> tuple[Fill, ...]:
        """List executions by their instant, which is the open time of the bar that made them."""
        return tuple(fill for fill in self._fills if fill.symbol == symbol and fill.ts >= since)

    def orders_since(self, symbol: Symbol, since: Micros) -> tuple[OrderReport, ...]:
        """List orders that have changed since."""
        reports = (order.report for order in self._orders.values())
        return tuple(r for r in reports if r.symbol == symbol and r.updated_ts >= since)

    def open_orders(self) -> tuple[OrderReport, ...]:
        """List the working orders."""
        reports = (order.report for order in self._orders.values())
        return tuple(report for report in reports if not report.status.is_final)

    def balances(self) -> tuple[Balance, ...]:
        """List what the account holds; nothing is ever locked."""
        held = dict(self._machine.balances())
        for asset, amount in self._kept.items():
            held[asset] = held.get(asset, _ZERO) + amount
        return tuple(Balance(asset, amount, _ZERO) for asset, amount in held.items() if amount)

    # Inside

    def _note(self, ts: Micros) -> None:
        """Take over what a bar has written to the machine's logs."""
        by_id = {order.engine_id: order for order in self._orders.values()}
        fills, ended = self._machine.fills, self._machine.ended_orders
        for row in fills[self._seen[0] :]:
            order = by_id[int(row["order_id"])]
            self._fills.append(self._fill(order, row))
            report = order.report
            executed = report.executed + self._fills[-1].quantity
            order.report = replace(
                report,
                status=OrderStatus.PARTIALLY_FILLED,
                executed=executed,
                quote_executed=report.quote_executed + decimal_from_units(int(row["notional"])),
                updated_ts=ts,
            )
        for row in ended[self._seen[1] :]:
            order = by_id[int(row["id"])]
            order.report = replace(order.report, status=_final(order.report, row), updated_ts=ts)
        self._seen = [len(fills), len(ended)]

    def _fill(self, order: _Placed, row: Record) -> Fill:
        instrument = self._setup.instruments[int(row["symbol"])]
        in_base = bool(row["fee_in_base"])
        return Fill(
            symbol=instrument.symbol,
            trade_id=str(len(self._fills) + 1),
            client_order_id=order.ticket.client_order_id,
            venue_order_id=order.report.venue_order_id,
            side=OrderSide(int(row["side"])),
            price=Decimal(repr(float(row["price"]))),
            quantity=decimal_from_units(int(row["units"])),
            fee=decimal_from_units(int(row["fee"])),
            fee_asset=instrument.base if in_base else instrument.quote,
            ts=int(row["ts"]),
            is_maker=bool(row["maker"]),
        )

    def _fills_of(self, ticket: OrderTicket) -> tuple[Fill, ...]:
        return tuple(f for f in self._fills if f.client_order_id == ticket.client_order_id)

    def _place(self, symbol: Symbol) -> int:
        place = self._instruments.get(symbol)
        if place is None:
            raise OrderRejected(
                "Invalid symbol", expected=", ".join(self._instruments), found=symbol,
                code=-1121, status=400,
            )  # fmt: skip
        return place


def _venue_setup(setup: AnySetup) -> EngineSetup:
    """Give the setup of an engine that only matches: no strategy sizes, no limit refuses."""
    return EngineSetup(
        instruments=setup.instruments,
        account=setup.account,
        family=SignalFamily.TARGET,
        sizing=Sizing(SizingMode.FIXED, qty=Decimal(1)),
        costs=setup.costs,
        rules=setup.rules,
    )


def _moved(report: OrderReport) -> bool:
    return report.status is not OrderStatus.ACCEPTED


def _final(report: OrderReport, row: Record) -> OrderStatus:
    """Name an end as a venue does: what it had accepted it cannot reject any more."""
    status = OrderState(int(row["state"])).status
    if status is OrderStatus.FILLED and report.executed < report.quantity:
        return OrderStatus.EXPIRED  # cut to what the account holds
    return OrderStatus.EXPIRED if status is OrderStatus.REJECTED else status
