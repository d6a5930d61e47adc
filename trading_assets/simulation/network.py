"""The broker of a simulated process: the way to the venue, on which anything can get lost.

What the real adapter makes of the venue's answers is applied here too: a definite refusal is
`OrderRejected`, no answer is `OutcomeUnknown`, a request that never left is `VenueUnavailable`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.errors import (
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    VenueUnavailable,
)
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.order import OrderReport, OrderStatus, OrderTicket
from trading_assets.simulation.failpoints import Failpoints
from trading_assets.simulation.fault_plan import FaultPlan
from trading_assets.simulation.venue_model import (
    RefusedByVenue,
    VenueModel,
    VenueOrder,
    is_resting,
)
from trading_assets.simulation.virtual_time import VirtualTime

_Answer = TypeVar("_Answer")

WINDOW_MS = 5_000
TIMEOUT_S = 2.0
_SLIPPAGE_TICKS = 3
_BEHIND = 0.5
_CLOCK_JUMPS = 0.3
_HELD = 0.5
_IN_HAND_S = 9.5
_JUMP: Micros = 90_000_000
_NEVER_ARRIVES = frozenset({"lost_request", "status_503_before"})
_OUTCOME_UNKNOWN = {
    "lost_reply": "the connection broke",
    "status_503_after": "HTTP 503",
    "garbage_reply": "an answer that cannot be read",
    "timeout_1007": "-1007 Timeout waiting for response from backend server.",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """An order as it left a process."""

    ticket: OrderTicket
    ts: Micros


@dataclass(slots=True)
class Wire:
    """What all processes of a schedule share on their way to the venue.

    Attributes:
        price: gives the ticks at which a symbol trades now.
        sent: orders that left, in order, whatever became of them.
        outage_until: until when nothing gets through.
        auth_error: by how much the estimate of the venue's clock is wrong now.
    """

    time: VirtualTime
    venue: VenueModel
    plan: FaultPlan
    price: Callable[[Symbol], int]
    sent: list[Sent] = field(default_factory=list)
    outage_until: Micros = 0
    auth_error: Micros = 0


class SimulatedBroker:
    """One account at the simulated venue (`domain.ports.Broker`), and the venue's market clock."""

    recv_window_ms = WINDOW_MS

    def __init__(
        self, wire: Wire, failpoints: Failpoints, note_departure: Callable[[str], None]
    ) -> None:
        """Join a process to its venue.

        Args:
            wire: the way there.
            failpoints: where the process can end.
            note_departure: told the name of each order as it leaves.
        """
        self._wire = wire
        self._failpoints = failpoints
        self._note_departure = note_departure

    # Clocks

    def auth_now(self) -> Micros:
        """Give the estimate of the venue's clock."""
        return self._wire.time.now + self._wire.auth_error

    def now(self) -> Micros:
        """Ask the venue for its market time."""
        return self._read(lambda: self._wire.time.now)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._wire.time.advance(int(seconds * 1_000_000))

    # Orders

    def submit(self, ticket: OrderTicket) -> tuple[OrderReport, tuple[Fill, ...]]:
        """Send once; give the venue's report and the fills it already names."""
        wire = self._wire
        self._failpoints.point("before_send")
        wire.sent.append(Sent(ticket, wire.time.now))
        self._note_departure(ticket.client_order_id)
        fault = "unreachable" if self._is_down() else wire.plan.of_submit()
        stamp = self.auth_now()
        self._refuse_before_leaving(fault)
        if fault == "late_arrival":
            self._arrive_later(ticket, stamp)
            self._jump_clock()
        if fault == "late_arrival" or fault in _NEVER_ARRIVES:
            wire.time.advance(int(TIMEOUT_S * 1_000_000))
            self._failpoints.point("after_timeout")
            raise OutcomeUnknown("no answer in time")
        wire.time.advance(wire.plan.latency())
        try:
            order = self._arrive(ticket, stamp)
        except RefusedByVenue as refusal:
            self._failpoints.point("before_reply")
            self._lose(fault)
            if refusal.code == -1021:
                wire.auth_error = 0  # the adapter asks for the venue's time
            raise OrderRejected(refusal.text, code=refusal.code, status=400) from None
        self._failpoints.point("before_reply")
        self._lose(fault)
        return order.report(), self._named(order)

    def cancel(self, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """Cancel; give the final report, or None when there is nothing to cancel."""
        wire = self._wire
        self._failpoints.point("before_cancel")
        fault = wire.plan.of_cancel()
        if self._is_down():
            raise VenueUnavailable("the venue cannot be reached")
        if fault == "cancel_429":
            raise RateLimited("too many requests", retry_after_ms=2_000)
        if fault in {"cancel_lost_request", "cancel_503"}:
            wire.time.advance(int(TIMEOUT_S * 1_000_000))
            raise OutcomeUnknown("no answer in time")
        wire.time.advance(wire.plan.latency())
        order = wire.venue.find(client_order_id, wire.time.now)
        if order is not None and order.ticket.symbol == symbol and order.is_open:
            wire.venue.end(order, OrderStatus.CANCELED, wire.time.now)
        else:
            order = None
        self._failpoints.point("after_cancel")
        if fault == "cancel_lost_reply":
            raise OutcomeUnknown("no answer in time")
        return None if order is None else order.report()

    # What can be asked

    def query(self, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """Give the venue's report, or None when it knows no such order now."""

        def ask() -> OrderReport | None:
            now = self._wire.time.now
            order = self._wire.venue.find(client_order_id, now)
            if order is None or order.ticket.symbol != symbol:
                return None
            # One copy of the venue's record is behind, another is not: a later answer can be older.
            is_behind = bool(order.lag) and self._wire.plan.dice.random() < _BEHIND
            return order.queried(now) if is_behind else order.report()

        return self._read(ask)

    def fills_since(self, symbol: Symbol, since: Micros) -> tuple[Fill, ...]:
        """List executions of the account, of others too."""
        return self._read(lambda: self._wire.venue.fills_of(symbol, since, self._wire.time.now))

    def orders_since(self, symbol: Symbol, since: Micros) -> tuple[OrderReport, ...]:
        """List orders of the account in any state, of others too."""
        return self._read(lambda: self._wire.venue.orders_of(symbol, since, self._wire.time.now))

    def open_orders(self) -> tuple[OrderReport, ...]:
        """List working orders of the account."""
        orders = self._wire.venue.orders
        return self._read(lambda: tuple(o.report() for o in orders if o.is_open))

    def balances(self) -> tuple[Balance, ...]:
        """List all balances."""
        return self._read(self._wire.venue.balances)

    # Inside

    def _is_down(self) -> bool:
        return self._wire.time.now < self._wire.outage_until

    def _refuse_before_leaving(self, fault: str) -> None:
        if fault == "unreachable":
            raise VenueUnavailable("the venue cannot be reached")
        if fault in {"status_429", "status_418"}:
            wait_ms = 3_000 if fault == "status_429" else 120_000
            raise RateLimited("too many requests", retry_after_ms=wait_ms, status=int(fault[7:]))

    @staticmethod
    def _lose(fault: str) -> None:
        if fault in _OUTCOME_UNKNOWN:
            raise OutcomeUnknown(_OUTCOME_UNKNOWN[fault])

    def _read(self, ask: Callable[[], _Answer]) -> _Answer:
        wire = self._wire
        time, plan = wire.time, wire.plan
        fault = plan.of_read()
        if time.now < wire.outage_until:
            raise VenueUnavailable("the venue cannot be reached")
        if fault:
            self._fail_read(fault)
        time.advance(plan.latency())
        return ask()

    def _fail_read(self, fault: str) -> None:
        """Lose, refuse or hold up a question."""
        wire = self._wire
        if fault == "read_429":
            raise RateLimited("too many requests", retry_after_ms=1_000)
        if fault == "read_slow":
            wire.time.advance(int(wire.plan.dice.uniform(0.5, 1.9) * 1_000_000))
            return
        wire.time.advance(int(TIMEOUT_S * 1_000_000) if fault == "read_lost" else 20_000)
        raise VenueUnavailable(fault)

    def _jump_clock(self) -> None:
        """Sometimes set the clock forwards after nobody waits for a request that is on its way."""
        wire = self._wire
        if wire.plan.only and "clock_ahead" not in wire.plan.only:
            return
        if wire.plan.rates.orders and wire.plan.dice.random() < _CLOCK_JUMPS:
            wire.plan.counts["clock_ahead"] += 1
            bent_at = wire.time.now + int((TIMEOUT_S + wire.plan.dice.random()) * 1_000_000)
            wire.time.at(bent_at, partial(setattr, wire, "auth_error", _JUMP))
            wire.time.at(bent_at + 4 * _JUMP // 3, partial(setattr, wire, "auth_error", 0))

    def _arrive_later(self, ticket: OrderTicket, stamp: Micros) -> None:
        """Let a request be on its way for long; sometimes the venue has it in hand for long, too.

        It looks at the receive window as the request comes in, and gives itself ten seconds then.
        """
        wire, dice = self._wire, self._wire.plan.dice
        delay = int(dice.uniform(0.5, 7.0) * 1_000_000)
        held = int(dice.uniform(0.0, _IN_HAND_S) * 1_000_000) if dice.random() < _HELD else 0
        wire.time.at(
            wire.time.now + delay + held, partial(self._arrive_quietly, ticket, stamp + held)
        )

    def _arrive_quietly(self, ticket: OrderTicket, stamp: Micros) -> None:
        """Let a request arrive that nobody waits for any more."""
        try:
            self._arrive(ticket, stamp)
        except RefusedByVenue:
            return

    def _arrive(self, ticket: OrderTicket, stamp: Micros) -> VenueOrder:
        """Let the venue take an order and execute what it meets at once."""
        wire = self._wire
        now, dice = wire.time.now, wire.plan.dice
        ticks = wire.price(ticket.symbol) + int(ticket.side) * dice.randrange(_SLIPPAGE_TICKS)
        order = wire.venue.accept(ticket, stamp, WINDOW_MS, now, ticks)
        trait = wire.plan.of_accepted()
        if trait == "order_not_visible":
            order.visible_at = now + dice.choice((400_000, 1_500_000, 8_000_000))
        if trait in {"order_not_visible", "fills_not_visible"}:
            order.listing_lag = dice.choice((300_000, 2_000_000, 8_000_000))
        if trait == "reports_lag":
            order.lag = dice.choice((1_000_000, 5_000_000))
        if is_resting(ticket):
            self._rest(order)
        else:
            self._take(order, trait, ticks)
        return order

    def _take(self, order: VenueOrder, trait: str, ticks: int) -> None:
        """Execute a market order: whole, in parts, or as far as the book goes."""
        wire = self._wire
        now, lots = wire.time.now, order.lots
        if trait == "partial_then_expired":
            lots = wire.plan.dice.randrange(lots)
        first = wire.plan.dice.randrange(1, lots) if trait == "filled_in_parts" and lots > 1 else 0
        for part in (first, lots - first):
            if part:
                wire.venue.execute(order, part, ticks, now)
        if order.is_open:
            wire.venue.end(order, OrderStatus.EXPIRED, now)

    def _rest(self, order: VenueOrder) -> None:
        """Let a resting order fill later, in parts, or never."""
        wire = self._wire
        dice, at = wire.plan.dice, wire.time.now
        limit = order.ticket.limit_price
        ticks = 0 if limit is None else int(limit * 100)
        for _ in range(dice.randrange(4)):
            at += int(dice.uniform(0.0, 70.0) * 1_000_000)
            wire.time.at(at, partial(self._fill_part, order, dice.random(), ticks))

    def _fill_part(self, order: VenueOrder, share: float, ticks: int) -> None:
        if order.is_open:
            lots = max(round((order.lots - order.done) * share), 1)
            self._wire.venue.execute(order, lots, ticks, self._wire.time.now)

    def _named(self, order: VenueOrder) -> tuple[Fill, ...]:
        """List the executions that a placement's answer names: all of it so far."""
        number = str(order.number)
        return tuple(fill for fill in self._wire.venue.fills if fill.venue_order_id == number)
