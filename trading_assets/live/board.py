"""Which orders work at the venue, posted for a thread that must not touch the session."""

from __future__ import annotations

from trading_assets.domain.order import OrderStatus, OrderTicket
from trading_assets.live.book_state import BookState

_AT_WORK = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


class OrderBoard:
    """The tickets of the orders at work, replaced as a whole by the executor's thread.

    Attributes:
        tickets: as of the last event; one assignment, so a reader sees the old or the new list.
    """

    def __init__(self) -> None:
        self.tickets: tuple[OrderTicket, ...] = ()

    def post(self, state: BookState) -> None:
        """Show what is surely at the venue now."""
        self.tickets = tuple(
            order.ticket for order in state.orders.values() if order.status in _AT_WORK
        )
