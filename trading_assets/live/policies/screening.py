"""Executions that an order of ours cannot have had: booked as external, so that nothing is lost.

A venue that fills an order beyond what was asked, on the other side, off the grid or after its end
has changed the account all the same. Such an execution counts for the account and not for the
engine, whose order ends with what it could have been filled.
"""

from __future__ import annotations

from trading_assets.domain.account import Fill
from trading_assets.domain.events import Event, ForeignFillSeen, OrderFilled
from trading_assets.domain.order import OrderStatus
from trading_assets.live.book_state import BookState, SessionSetup


def screened(event: Event, setup: SessionSetup, state: BookState) -> Event:
    """Give the event as the book can take it."""
    if isinstance(event, OrderFilled) and oddity(event.fill, setup, state):
        return ForeignFillSeen(event.ts, event.fill)
    return event


def oddity(fill: Fill, setup: SessionSetup, state: BookState) -> str:
    """Say why an execution cannot be one of ours though it has our mark, "" when it can."""
    name = fill.client_order_id
    order = state.orders.get(name)
    if order is None:
        is_known = name in state.known_orders and name not in state.absent_orders
        return "its order has ended" if is_known else ""
    if order.status is OrderStatus.INTENT or (fill.symbol, fill.trade_id) in state.known_fills:
        return ""  # a fault of this program or of its journal, which must not be hidden
    ticket = order.ticket
    if fill.side is not ticket.side or fill.symbol != ticket.symbol:
        return f"its order is to {ticket.side.name} {ticket.symbol}"
    if order.filled + fill.quantity > ticket.quantity:
        return f"its order asked for {ticket.quantity} and had {order.filled} before"
    lots = {item.symbol: item.lot for item in setup.instruments}
    return f"no multiple of {lots[fill.symbol]}" if fill.quantity % lots[fill.symbol] else ""
