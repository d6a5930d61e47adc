"""Events into memory and journal, orders to the venue: durable before sent, sent once.

Order of effects for one bar: the session decides; bar, marks, intents and the first SENT row are
committed together; then orders leave one by one, each after its own SENT row is durable; then the
answers are committed. A process that dies anywhere in between is continued by `recovery`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from trading_assets.domain.commands import CancelOrder, Command, SaveSnapshot, SubmitOrder
from trading_assets.domain.errors import (
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    VenueUnavailable,
)
from trading_assets.domain.events import (
    Event,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderSubmitted,
)
from trading_assets.domain.order import OrderTicket
from trading_assets.domain.ports import Broker, Clock
from trading_assets.live.board import OrderBoard
from trading_assets.live.policies.screening import screened
from trading_assets.live.ports import Journal
from trading_assets.live.resolution import Resolution
from trading_assets.live.session import Session


class Effects:
    """The one way by which anything happens to a book.

    Attributes:
        counts: journal rows written, by kind.
        rest_s: how long the venue wants to be left alone; for the caller to heed and reset.
    """

    def __init__(
        self,
        session: Session,
        journal: Journal,
        broker: Broker,
        *,
        clock: Clock,
        resolution: Resolution,
        hold: Callable[[OrderTicket], str],
        board: OrderBoard,
        follow: Callable[[Event], Sequence[Event]] = lambda _: (),
    ) -> None:
        """Join a book to its journal and its venue.

        Args:
            session: decides.
            journal: remembers; must be written by nobody else.
            broker: executes.
            clock: names the instants of events; must never fail.
            resolution: told of every order that was sent.
            hold: asked right before an order would leave; a reason keeps it here, "" lets it go.
            follow: asked before the book handles an event, and about each that the book derives
                from it: what policies cause right after it.
            board: where the orders at work are posted for other threads.
        """
        self._session = session
        self._journal = journal
        self._broker = broker
        self._clock = clock
        self._resolution = resolution
        self._hold = hold
        self._follow = follow
        self._board = board
        self.counts: Counter[str] = Counter()
        self.rest_s = 0.0

    def take(self, events: Iterable[Event]) -> None:
        """Let the book handle events, commit them together, and do what it then asks for."""
        commands, rows = self._handle(events)
        if not rows:
            return
        tickets = [command.ticket for command in commands if isinstance(command, SubmitOrder)]
        if tickets:
            rows += self._departure(tickets[0], commands, tickets)
        self._board.post(self._session.state)
        self._commit(rows)
        for place, ticket in enumerate(tickets):
            if place:
                self._commit(self._departure(ticket, commands, tickets))
            if ticket.client_order_id in self._session.state.orders:
                self._send(ticket)
        for command in commands:
            if isinstance(command, CancelOrder):
                self.cancel(command)
            elif isinstance(command, SaveSnapshot):
                self.save_snapshot()

    def _handle(self, events: Iterable[Event]) -> tuple[list[Command], list[Event]]:
        """Let the book handle events; give what it asks for, and all that is to be journalled."""
        commands: list[Command] = []
        rows: list[Event] = []
        for heard in events:
            event = screened(heard, self._session.setup, self._session.state)
            for each in (event, *self._follow(event)):
                self._let(each, commands, rows)
        return commands, rows

    def _let(self, event: Event, commands: list[Command], rows: list[Event]) -> None:
        """Let the book handle an event, and then what policies make of what it derived."""
        commands += self._session.handle(event)
        derived = self._session.take_derived()
        rows += [event, *derived]
        for each in derived:
            for caused in self._follow(each):
                self._let(caused, commands, rows)

    def cancel(self, command: CancelOrder) -> None:
        """Withdraw an order; what is not certain afterwards is asked about like any other."""
        state = self._session.state
        order = state.orders.get(command.client_order_id)
        if order is None or order.is_in_doubt or order.status.is_final:
            return
        try:
            report = self._broker.cancel(command.symbol, command.client_order_id)
        except (OutcomeUnknown, OrderRejected, RateLimited, VenueUnavailable):
            return
        if report is not None and report.executed == order.booked:
            self.take(state.news(report, (), self._clock.now()))

    def save_snapshot(self) -> None:
        """Write the book's state as of the journal's last row."""
        self._journal.save_snapshot(self._session.snapshot())

    def _departure(
        self, ticket: OrderTicket, commands: list[Command], tickets: list[OrderTicket]
    ) -> list[Event]:
        """Give the row that must be durable before an order leaves, or the one that it will not.

        The end of an order that stays here can wake others: they join `commands` and `tickets`.
        """
        name, now = ticket.client_order_id, self._clock.now()
        held = self._hold(ticket)
        event: Event
        if held:
            event = OrderProvenAbsent(now, name, f"never sent: {held}")
        else:
            window_ms = self._broker.recv_window_ms
            event = OrderSubmitted(now, name, self._broker.auth_now(), window_ms)
        caused = self._session.handle(event)
        commands += caused
        tickets += [command.ticket for command in caused if isinstance(command, SubmitOrder)]
        return [event, *self._session.take_derived()]

    def _send(self, ticket: OrderTicket) -> None:
        """Send once, and commit what came back; a lost answer is resolved by asking."""
        name = ticket.client_order_id
        events: Sequence[Event]
        try:
            report, fills = self._broker.submit(ticket)
        except (OrderRejected, RateLimited, VenueUnavailable) as error:
            if isinstance(error, RateLimited):
                self.rest_s = max(self.rest_s, error.retry_after_ms / 1000)
            events = [OrderRefused(self._clock.now(), name, error.code, error.what)]
        except OutcomeUnknown as error:
            events = [OrderOutcomeUnknown(self._clock.now(), name, error.what)]
        else:
            events = self._session.state.news(report, fills, self._clock.now())
        self._resolution.begin(self._session.state.orders[name])
        self.take(events)

    def _commit(self, rows: Sequence[Event]) -> None:
        if rows:
            self._journal.append(rows)
            self.counts.update(type(row).__name__ for row in rows)
