"""What a halt or a person withdraws, and what a flatten sells: pure, from the state of a book."""

from __future__ import annotations

from collections.abc import Callable

from trading_assets.domain.commands import CancelOrder, Command, ReconcileState, SaveSnapshot
from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    Event,
    ReleaseAwaited,
    TradingHalted,
)
from trading_assets.domain.order import OrderTicket, OrderType
from trading_assets.domain.policy_events import EntriesPaused
from trading_assets.live.book_state import LEAVING, BookState, SessionSetup
from trading_assets.live.decisions import Decisions
from trading_assets.live.ports import DecisionMachine
from trading_assets.live.strategy_stance import is_stopped

TRIES_PER_BAR = 3
"""An exit that does not end in a fill is made anew so often before the next bar."""


def withdrawals(state: BookState) -> list[Command]:
    """List the orders that must leave the venue: by the level of halt, or because a person said so.

    Of a strategy that is stopped, its entries leave. Orders in doubt come later: what is not known
    to be there cannot be withdrawn.
    """
    return [
        CancelOrder(order.ticket.symbol, order.client_order_id)
        for order in state.orders.values()
        if not order.status.is_final
        and not order.is_in_doubt
        and (
            order.client_order_id in state.unwanted
            or (is_stopped(state.strategies, order.ticket.tag) and not order.ticket.reduce_only)
            or must_go(order.ticket, state.stance_on(order.ticket.symbol))
        )
    ]


def asked_for(kind: CommandKind, state: BookState) -> list[Command]:
    """Give what a person's command asks for by itself; the others come with an event of their own.

    A cancel of all marks the orders of this moment as unwanted.
    """
    if kind is CommandKind.CANCEL_ALL:
        state.unwanted = set(state.orders)
        return withdrawals(state)
    if kind is CommandKind.SAVE_SNAPSHOT:
        return [SaveSnapshot()]
    return [ReconcileState()] if kind is CommandKind.RECONCILE_STATE else []


def must_go(ticket: OrderTicket, level: HaltLevel) -> bool:
    """Tell whether a halt withdraws an order; an exit only to make room for one at market."""
    if level is HaltLevel.FLATTEN:
        return not ticket.reduce_only or ticket.type is not OrderType.MARKET
    return level is HaltLevel.HALT and not ticket.reduce_only


def _begins_to_leave(event: Event) -> bool:
    return isinstance(event, EntriesPaused) and event.cause == LEAVING


class Exits:
    """Sells what a book holds while it is to be flat.

    An exit is an order of the engine like any other, so that its fills are booked like any other;
    its id is of a series of its own: leg MANUAL, and the number of the exit as revision.
    """

    def __init__(
        self,
        setup: SessionSetup,
        machine: DecisionMachine,
        state: BookState,
        decisions: Decisions,
        derive: Callable[[Event], None],
    ) -> None:
        self._setup = setup
        self._machine = machine
        self._state = state
        self._decisions = decisions
        self._derive = derive

    def due(self, event: Event) -> list[Command]:
        """Give the exits that can leave after an event; nothing unless the book is to be flat.

        One per symbol, when nothing else of it is at work at the venue.
        """
        state = self._state
        if state.is_opening or not state.leaves_some:
            return []
        if isinstance(event, BarReady | TradingHalted | ReleaseAwaited) or _begins_to_leave(event):
            state.exit_tries.clear()
        commands: list[Command] = []
        for place, position in enumerate(self._machine.positions()):
            if state.stance_on(position.symbol) is not HaltLevel.FLATTEN:
                continue
            tries = state.exit_tries.get(str(place), 0)
            tag = self._setup.tags[position.tag]
            at_work = state.open_orders(position.symbol, tag)
            if not position.lots or tries >= TRIES_PER_BAR or at_work:
                continue
            state.exit_tries[str(place)] = tries + 1
            commands += self._leave(place, event)
        return commands

    def _leave(self, place: int, event: Event) -> list[Command]:
        order = self._machine.leave(place)
        if isinstance(order, str):
            position = self._machine.positions()[place]
            bar_ts = self._state.last_bar or event.ts
            self._state.exit_tries[str(place)] = TRIES_PER_BAR
            self._derive(
                DecisionDropped(
                    event.ts, position.symbol, self._setup.tags[position.tag], bar_ts, order
                )
            )
            return []
        self._state.exits += 1
        return self._decisions.decide((order,), event.ts, revision=self._state.exits)
