"""The account of a book without a venue, as its journal says that it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trading_assets.domain.errors import OrderRejected
from trading_assets.domain.events import (
    BarReady,
    Event,
    OrderIntentCreated,
    OrderProvenAbsent,
    OrderReported,
    OrderSubmitted,
    ReleaseSwitched,
)
from trading_assets.domain.order import OrderStatus, OrderTicket
from trading_assets.live.ports import JournalHistory

if TYPE_CHECKING:
    from trading_assets.engine.simulated_broker import SimulatedBroker


Follow = Callable[[ReleaseSwitched], None]
"""Lets the account go on by the terms of the release that an event leads to."""


def catch_up(broker: SimulatedBroker, journal: JournalHistory, follow: Follow) -> None:
    """Do again, on a new account, all that the journal says was done on the last one.

    An order whose departure is in the journal is taken to have arrived: a process that died right
    before it sent one finds it here, as it would at a venue that was quicker.

    Args:
        broker: the account, as the first release of the journal began with it.
        journal: of the book.
        follow: called at each change of release.
    """
    again = _Again(broker, follow)
    for _, event in journal.read():
        again.take(event)


class _Again:
    """One pass through a journal."""

    def __init__(self, broker: SimulatedBroker, follow: Follow) -> None:
        self._broker = broker
        self._follow = follow
        self._tickets: dict[str, OrderTicket] = {}

    def take(self, event: Event) -> None:
        """Do what the event says was done at the broker, if anything."""
        if isinstance(event, BarReady):
            self._broker.see(event.ts, event.bars)
        elif isinstance(event, OrderIntentCreated):
            self._tickets[event.ticket.client_order_id] = event.ticket
        elif isinstance(event, OrderProvenAbsent):
            self._tickets.pop(event.client_order_id, None)
        elif isinstance(event, OrderSubmitted):
            self._submit(self._tickets[event.client_order_id])
        elif isinstance(event, OrderReported):
            self._withdraw(event)
        elif isinstance(event, ReleaseSwitched):
            self._follow(event)

    def _submit(self, ticket: OrderTicket) -> None:
        try:
            self._broker.submit(ticket)
        except OrderRejected:
            return  # as it was the first time: the journal has that answer next

    def _withdraw(self, event: OrderReported) -> None:
        report = event.report
        if report.status is OrderStatus.CANCELED:
            self._broker.cancel(report.symbol, report.client_order_id)
