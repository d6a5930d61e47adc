"""What the engine's own rules would have given the orders that a live book has sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from trading_assets.domain.account import Fill
from trading_assets.domain.errors import OrderRejected
from trading_assets.domain.events import (
    BarReady,
    Event,
    OrderFilled,
    OrderIntentCreated,
    OrderReported,
    OrderSubmitted,
    ReleaseSwitched,
    SessionOpened,
)
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.order import OrderStatus, OrderTicket
from trading_assets.domain.setup import Account, AccountProfile, Costs, FeeAsset
from trading_assets.storage.release_store import Release

if TYPE_CHECKING:
    from trading_assets.engine.simulated_broker import SimulatedBroker


class _BarClock:
    """The instant at which the latest bar has closed."""

    now_ts: Micros = 0

    def now(self) -> Micros:
        return self.now_ts

    def wait(self, seconds: float) -> None:
        raise NotImplementedError(f"{seconds} s: a journal is read, not waited for")


class ExpectedFills:
    """One pass through a journal: what the venue gave, and what the rules give the same orders.

    The rules work on an account that affords every order, and take the orders as they left: what
    the venue missed once does not change what is expected next.

    Attributes:
        tickets: of all orders decided, by client order id.
        fills: of the venue.
    """

    def __init__(
        self,
        release_of: Callable[[str], Release],
        costs_of: Callable[[Costs], Costs] = lambda costs: costs,
    ) -> None:
        """Begin before the first row.

        Args:
            release_of: gives a release by its id.
            costs_of: what the rules charge instead of a release's costs; themselves when left out.
        """
        self._release_of = release_of
        self._costs_of = costs_of
        self._broker: SimulatedBroker | None = None
        self._release_id = ""
        self._bar: BarReady | None = None
        self._done: list[Fill] = []
        self._symbols: tuple[Symbol, ...] = ()
        self.tickets: dict[str, OrderTicket] = {}
        self.fills: list[Fill] = []

    def take(self, event: Event) -> None:
        """Hear the next event."""
        if isinstance(event, SessionOpened | ReleaseSwitched):
            self._follow(event.release_id)
        elif isinstance(event, BarReady):
            self._bar = event
            self._see(event)
        elif isinstance(event, OrderIntentCreated):
            self.tickets[event.ticket.client_order_id] = event.ticket
        elif isinstance(event, OrderSubmitted):
            self._submit(self.tickets[event.client_order_id])
        elif isinstance(event, OrderFilled):
            self.fills.append(event.fill)
        elif isinstance(event, OrderReported) and event.report.status is OrderStatus.CANCELED:
            self._account.cancel(event.report.symbol, event.report.client_order_id)

    def expected(self) -> list[Fill]:
        """List what the rules have given so far."""
        return [*self._done, *self._given()]

    @property
    def _account(self) -> SimulatedBroker:
        if self._broker is None:
            raise LookupError("a journal begins with the session that it opens")
        return self._broker

    def _follow(self, release_id: str) -> None:
        """Go on by the terms of a release, with the orders that still work."""
        if release_id == self._release_id:
            return
        from trading_assets.engine.simulated_broker import SimulatedBroker

        working = [] if self._broker is None else self._broker.open_orders()
        self._done += self._given()
        release = self._release_of(release_id)
        setup = release.spec.engine_setup(release.instruments)
        rich = Account(setup.account.quote, setup.account.cash, AccountProfile.MARGIN)
        costs = replace(self._costs_of(setup.costs), fee_asset=FeeAsset.QUOTE)
        self._broker = SimulatedBroker(
            replace(setup, account=rich, costs=costs), release.spec.timeframe.micros, _BarClock()
        )
        self._release_id = release_id
        self._symbols = tuple(item.symbol for item in release.instruments)
        if self._bar is not None:
            self._see(self._bar)
        for report in working:
            ticket = self.tickets[report.client_order_id]
            self._submit(replace(ticket, quantity=report.quantity - report.executed))

    def _see(self, event: BarReady) -> None:
        bars = [bar for bar in event.bars if bar.symbol in self._symbols]
        self._account.see(event.ts, bars)

    def _submit(self, ticket: OrderTicket) -> None:
        try:
            self._account.submit(replace(ticket, reduce_only=False))
        except OrderRejected:
            return  # nothing is expected of it: what the venue gives is extra

    def _given(self) -> list[Fill]:
        if self._broker is None:
            return []
        return [fill for name in self._symbols for fill in self._broker.fills_since(name, 0)]
