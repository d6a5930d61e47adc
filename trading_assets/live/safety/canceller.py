"""Withdraws orders after a halt while the executor's own thread waits for a slow venue or feed.

It has a connection of its own and sends withdrawals only, which are safe to repeat and safe beside
those of the executor: what became of an order the executor learns by asking, as always.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from trading_assets.domain.control import HaltLevel, HaltRequest
from trading_assets.domain.errors import VenueError
from trading_assets.domain.order import OrderTicket
from trading_assets.domain.ports import Broker
from trading_assets.live.background import Background
from trading_assets.live.board import OrderBoard
from trading_assets.live.exits import must_go

_PERIOD_S = 0.05
_GRACE_S = 0.2
"""The executor withdraws by itself when it is not held up; it gets so long."""

_AGAIN_S = 1.0


class Canceller(Background):
    """A thread that acts only while a latch is up and orders that must go are still posted."""

    def __init__(
        self,
        board: OrderBoard,
        latched: Callable[[], HaltRequest | None],
        connect: Callable[[], Broker],
    ) -> None:
        """Get ready; entering starts the thread, leaving ends it.

        Args:
            board: where the executor posts its orders.
            latched: gives the latch that is up.
            connect: makes a broker for this thread alone; called when it is first needed.
        """
        super().__init__("canceller")
        self._board = board
        self._latched = latched
        self._connect = connect
        self._broker: Broker | None = None
        self._since_s: float | None = None
        self._asked_s: dict[str, float] = {}

    def watch(self) -> None:
        """Withdraw what must go, until the end."""
        while not self.ended.wait(_PERIOD_S):
            latched = self._latched()
            if latched is None or latched.level < HaltLevel.HALT:
                self._since_s = None
                continue
            now_s = time.monotonic()
            self._since_s = now_s if self._since_s is None else self._since_s
            if now_s - self._since_s >= _GRACE_S:
                self._withdraw(latched.level)

    def _withdraw(self, level: HaltLevel) -> None:
        tickets = [ticket for ticket in self._board.tickets if must_go(ticket, level)]
        self._asked_s = {
            ticket.client_order_id: self._asked_s[ticket.client_order_id]
            for ticket in tickets
            if ticket.client_order_id in self._asked_s
        }
        for ticket in tickets:
            if self.ended.is_set():
                return
            self._ask(ticket)

    def _ask(self, ticket: OrderTicket) -> None:
        now_s, name = time.monotonic(), ticket.client_order_id
        if now_s - self._asked_s.get(name, -_AGAIN_S) < _AGAIN_S:
            return
        self._asked_s[name] = now_s
        try:
            if self._broker is None:
                self._broker = self._connect()
            self._broker.cancel(ticket.symbol, name)
        except VenueError:  # asked again in a second, and by the executor
            return
