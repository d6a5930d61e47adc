"""Asking what became of an order until it is certain; an order is never sent a second time.

"Not found" is an answer about now. It becomes a proof only when the venue can neither have the
request in hand nor let it in any more: a request is refused once its receive window has passed on
the venue's authentication clock, and the venue gives itself ten seconds to answer. The wait is
measured on that clock and on this machine's monotonic clock; both must have passed, so that a clock
that is set forwards cannot shorten it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading_assets.domain.account import Fill
from trading_assets.domain.errors import OrderArchived, RateLimited, VenueUnavailable
from trading_assets.domain.events import Event, OrderProvenAbsent
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderReport, OrderStatus
from trading_assets.domain.ports import Broker, Clock
from trading_assets.live.book_state import BookState
from trading_assets.live.live_order import LiveOrder
from trading_assets.live.ports import LocalTime

PROOF_MARGIN_S = 15.0
"""The venue's own ten seconds, and five for its copies to agree."""

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
_WORKING_PAUSE_S = 1.0
_QUERIES_FOR_PROOF = 2


@dataclass(slots=True)
class _Watch:
    """An order that is asked about.

    Attributes:
        since_auth, since_local: on both clocks, an instant after which the order was surely not
            sent any more.
        missed: queries after the wait that found nothing.
    """

    since_auth: Micros
    since_local: float
    due: float
    pause_s: float
    missed: int = 0


class Resolution:
    """Watches the open orders of a book and turns the venue's answers into events."""

    def __init__(self, broker: Broker, market: Clock, local: LocalTime) -> None:
        self._broker = broker
        self._market = market
        self._local = local
        self._watches: dict[str, _Watch] = {}

    def begin(self, order: LiveOrder) -> None:
        """Start watching an order, at the moment when its sending has surely ended."""
        now = self._local.monotonic()
        since = max(order.auth_ts, self._broker.auth_now())
        self._watches[order.client_order_id] = _Watch(since, now, now, _FIRST_PAUSE_S)

    def step(self, state: BookState) -> list[Event]:
        """Ask about the orders whose turn it is and give what is new.

        A venue that cannot answer is asked again later; nothing follows from its silence.
        """
        for name in self._watches.keys() - state.orders.keys():
            del self._watches[name]
        events: list[Event] = []
        for order in tuple(state.orders.values()):
            if order.client_order_id not in self._watches:
                self.begin(order)
            watch = self._watches[order.client_order_id]
            if self._local.monotonic() < watch.due:
                continue
            try:
                events += self._ask(order, watch, state)
            except (VenueUnavailable, RateLimited):
                watch.missed = 0
            self._schedule(order, watch)
        return events

    def _schedule(self, order: LiveOrder, watch: _Watch) -> None:
        now = self._local.monotonic()
        if order.is_in_doubt or order.status.is_final:
            watch.due = now + watch.pause_s
            watch.pause_s = min(2 * watch.pause_s, _LONGEST_PAUSE_S)
        else:
            watch.due = now + _WORKING_PAUSE_S

    def _ask(self, order: LiveOrder, watch: _Watch, state: BookState) -> tuple[Event, ...]:
        proof_is_due = self._proof_is_due(order, watch)
        try:
            report = self._broker.query(order.ticket.symbol, order.client_order_id)
        except OrderArchived as error:
            report = _ended(order, self._market.now(), error.what)
        if report is not None:
            return self._adopt(order, report, state)
        if not order.is_in_doubt or not proof_is_due:
            return ()
        watch.missed += 1
        if watch.missed < _QUERIES_FOR_PROOF:
            watch.pause_s = _FIRST_PAUSE_S
            return ()
        return self._prove(order, watch, state)

    def _proof_is_due(self, order: LiveOrder, watch: _Watch) -> bool:
        wait_s = order.recv_window_ms / 1000 + PROOF_MARGIN_S
        passed_auth_s = (self._broker.auth_now() - watch.since_auth) / 1_000_000
        passed_local_s = self._local.monotonic() - watch.since_local
        return min(passed_auth_s, passed_local_s) > wait_s

    def _adopt(self, order: LiveOrder, report: OrderReport, state: BookState) -> tuple[Event, ...]:
        fills = () if report.executed == order.booked else self._fills(order)
        return state.news(report, fills, self._market.now())

    def _prove(self, order: LiveOrder, watch: _Watch, state: BookState) -> tuple[Event, ...]:
        """Look through the account's history before saying that an order does not exist."""
        ticket = order.ticket
        fills = self._fills(order)
        reports = [
            report
            for report in self._broker.orders_since(ticket.symbol, ticket.bar_ts)
            if report.client_order_id == order.client_order_id
        ]
        now = self._market.now()
        if reports or fills:
            return state.news(reports[-1] if reports else None, fills, now)
        waited_s = self._local.monotonic() - watch.since_local
        evidence = (
            f"{watch.missed} queries found nothing {waited_s:.1f} s after it could last be sent "
            f"(window {order.recv_window_ms} ms), nor do the account's orders and trades since "
            f"its bar"
        )
        return (OrderProvenAbsent(now, order.client_order_id, evidence),)

    def _fills(self, order: LiveOrder) -> tuple[Fill, ...]:
        ticket = order.ticket
        return tuple(
            fill
            for fill in self._broker.fills_since(ticket.symbol, ticket.bar_ts)
            if fill.client_order_id == order.client_order_id
        )


def _ended(order: LiveOrder, ts: Micros, reason: str) -> OrderReport:
    """Give the report of an order that the venue has put away: it ended without an execution."""
    ticket, none = order.ticket, Decimal(0)
    return OrderReport(
        ticket.client_order_id,
        "",
        ticket.symbol,
        ticket.side,
        OrderStatus.EXPIRED,
        ticket.quantity,
        none,
        none,
        ts,
        reason,
    )
