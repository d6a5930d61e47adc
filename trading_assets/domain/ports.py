"""What is plugged in. A port is written only where two implementations exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.bar import Bar
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderReport, OrderTicket


class Clock(Protocol):
    """Where instants come from: the wall, a venue, or a test."""

    def now(self) -> Micros:
        """Give the present instant of the market."""
        ...

    def wait(self, seconds: float) -> None:
        """Block for `seconds` of local time (never of market time)."""
        ...


class Broker(Protocol):
    """One account at one venue.

    Every method raises VenueUnavailable, RateLimited, OrderRejected or OutcomeUnknown, and nothing
    else of the venue's or the library's own.
    """

    recv_window_ms: int

    def auth_now(self) -> Micros:
        """Give the venue's authentication clock, which bounds when a request is still accepted."""
        ...

    def submit(self, ticket: OrderTicket) -> tuple[OrderReport, tuple[Fill, ...]]:
        """Send once; give the venue's report and the fills it already names."""
        ...

    def query(self, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """Give the venue's report, or None when it knows no such order now.

        Raises:
            OrderArchived: if it ended without an execution, and the venue has put it away.
            VenueUnavailable, RateLimited, VenueError: if it cannot be asked.
        """
        ...

    def cancel(self, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """Cancel; give the final report, or None when there is nothing to cancel."""
        ...

    def fills_since(self, symbol: Symbol, since: Micros) -> tuple[Fill, ...]:
        """List executions of the account in venue order, also of orders that are not ours."""
        ...

    def orders_since(self, symbol: Symbol, since: Micros) -> tuple[OrderReport, ...]:
        """List orders of the account in any state, also those that are not ours."""
        ...

    def open_orders(self) -> tuple[OrderReport, ...]:
        """List working orders of the account."""
        ...

    def balances(self) -> tuple[Balance, ...]:
        """List all non-zero balances."""
        ...


class BarSource(Protocol):
    """Finished one-minute bars of a venue."""

    def bars(self, symbol: Symbol, start: Micros, end: Micros) -> Iterator[Bar]:
        """Yield finished one-minute bars with open time in [start, end), strictly increasing."""
        ...

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give the trading grid of each symbol.

        Raises:
            UnknownSymbol: if the venue does not list one of them.
        """
        ...
