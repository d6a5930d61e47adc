"""From orders that the engine wants to intents: every decision passes these rules in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from trading_assets.domain.commands import CancelOrder, Command, SubmitOrder
from trading_assets.domain.events import DecisionDropped, Event, OrderIntentCreated
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderStatus, OrderTicket
from trading_assets.domain.trading_rules import difference
from trading_assets.live.book_state import BookState, SessionSetup
from trading_assets.live.live_order import LiveOrder
from trading_assets.live.policies.pauses import paused_by
from trading_assets.live.ports import DecisionMachine
from trading_assets.live.strategy_stance import is_stopped
from trading_assets.live.tightening import note_entry, tightened_refusal
from trading_assets.live.translation import ticket_from_order

if TYPE_CHECKING:
    from trading_assets.engine.machine import EngineOrder


class Decisions:
    """What the engine decides, as intents of one book or as decisions that were dropped."""

    def __init__(
        self,
        setup: SessionSetup,
        machine: DecisionMachine,
        state: BookState,
        derive: Callable[[Event], None],
    ) -> None:
        """Join a book's parts.

        Args:
            setup: what the book trades.
            machine: told of decisions that are dropped.
            state: of the book; changed.
            derive: is given every event that follows, in order, to be journalled.
        """
        self._setup, self._tags = setup, setup.tags
        self._machine = machine
        self._state = state
        self._derive = derive

    def decide(
        self,
        orders: tuple[EngineOrder, ...],
        ts: Micros,
        *,
        is_late: bool = False,
        revision: int = 0,
    ) -> list[Command]:
        """Turn orders of the engine into intents; the first rule that says no drops one.

        Orders of a bar have revision 0; those that people cause count up.
        """
        if not orders:
            return self._withdrawals()
        commands: list[Command] = []
        waiting = deque(orders)
        while waiting:
            order = waiting.popleft()
            instrument = self._setup.instruments[order.symbol_index]
            tag = self._tags[order.tag]
            ticket = ticket_from_order(order, instrument, self._setup.account, tag, revision)
            decided = ticket
            rule = self._refusal(ticket, is_late=is_late)
            ticket, rule = (ticket, rule) if rule else self._fitted(ticket)
            if rule:
                dropped = DecisionDropped(ts, ticket.symbol, ticket.tag, ticket.bar_ts, rule)
                self._derive(dropped)
                waiting += self._machine.on_closed(order.order_id, OrderStatus.CANCELED, ts)
                continue
            live = LiveOrder(ticket, order.order_id, is_cut=ticket.quantity != decided.quantity)
            self._state.orders[ticket.client_order_id] = live
            self._state.known_orders[ticket.client_order_id] = None
            note_entry(self._state, ticket)
            fitted = difference(decided, ticket)
            self._derive(OrderIntentCreated(ts, ticket, order.order_id, fitted))
            commands.append(SubmitOrder(ticket, order.order_id))
        return commands + self._withdrawals()

    def _fitted(self, ticket: OrderTicket) -> tuple[OrderTicket, str]:
        """Give an order as the venue's present rules have it, and the rule that it breaks."""
        rules = self._state.rules.get(ticket.symbol)
        fitted = ticket if rules is None else rules.fitted(ticket)
        return (ticket, fitted) if isinstance(fitted, str) else (fitted, "")

    def _withdrawals(self) -> list[Command]:
        """Ask for the orders at the venue that the engine does not want any more."""
        if not self._state.orders:
            return []
        wanted = self._machine.cancel_requests()
        if not wanted:
            return []
        return [
            CancelOrder(order.ticket.symbol, order.client_order_id)
            for order in self._state.orders.values()
            if order.engine_order_id in wanted
        ]

    def _refusal(self, ticket: OrderTicket, *, is_late: bool) -> str:
        """Give the first rule that keeps an order from being sent, "" when none does."""
        if ticket.client_order_id in self._state.known_orders:
            return "decided_before"
        if is_late:
            return "late_bar"
        if self._state.is_blocked(ticket.symbol, ticket.tag):
            return "order_unresolved"
        held_back = "" if ticket.reduce_only else self._held_back(ticket)
        return (
            held_back
            or self._setup.unsendable(ticket)
            or tightened_refusal(ticket, self._state, self._machine)
        )

    def _held_back(self, ticket: OrderTicket) -> str:
        """Give why no entry may leave now; exits pass."""
        state = self._state
        if state.halted:
            return "halted"
        if is_stopped(state.strategies, ticket.tag):
            return "strategy_stopped"
        cause = paused_by(state, ticket.symbol)
        if cause:
            return f"paused_{cause}"
        return "hand_over" if state.stance is not state.level else ""
