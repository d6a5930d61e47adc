"""Rows of a journal as lines of a structured log: one flat JSON object each, always the same keys.

The journal is the truth; a line says of a row what people search for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from trading_assets.domain.events import (
    Event,
    ForeignFillSeen,
    ForeignOrderSeen,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    SessionClosed,
    TradingHalted,
)
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderTicket
from trading_assets.domain.policy_events import BreakerTripped, EntriesPaused
from trading_assets.domain.strategy_events import StrategyStopped

_LEVELS: dict[type[Any], str] = {
    TradingHalted: "error",
    BreakerTripped: "error",
    OrderOutcomeUnknown: "warning",
    OrderProvenAbsent: "warning",
    OrderRefused: "warning",
    EntriesPaused: "warning",
    StrategyStopped: "warning",
    ForeignOrderSeen: "warning",
    ForeignFillSeen: "warning",
}
_REASONS = ("reason", "rule", "evidence")


class LogLines:
    """Writes lines for one book; keeps the tickets of orders that are open."""

    def __init__(self, book: str, of_order: Callable[[str], Iterable[Event]]) -> None:
        """Name the book.

        Args:
            book: its name.
            of_order: gives the events of an order that was decided before this began.
        """
        self._book = book
        self._of_order = of_order
        self._tickets: dict[str, OrderTicket] = {}

    def line(self, event: Event, *, seq: int, recorded: Micros, lease: int) -> dict[str, Any]:
        """Give the values of one line, null for what an event has not.

        Args:
            event: what happened.
            seq: its row.
            recorded: the machine's clock at the commit.
            lease: fencing token of the writer; with the book it names the run.
        """
        inner: Any = getattr(
            event, "report", getattr(event, "fill", getattr(event, "ticket", event))
        )
        name = getattr(inner, "client_order_id", None) or None
        ticket = self._ticket(event, name)
        side = getattr(inner, "side", None) or (ticket.side if ticket else None)
        symbol = getattr(inner, "symbol", None) or (ticket.symbol if ticket else None)
        reason = next((getattr(event, r) for r in _REASONS if getattr(event, r, "")), None)
        return {
            "ts": text_of(event.ts),
            "recorded": text_of(recorded),
            "level": _LEVELS.get(type(event), "info"),
            "event": type(event).__name__,
            "book": self._book,
            "run_id": f"{self._book}-{lease}",
            "seq": seq,
            "oco_id": None,
            "order_ref": name,
            "symbol": symbol,
            "side": side.name if side else None,
            "prices": _prices(event, ticket),
            "reason": reason,
        }

    def _ticket(self, event: Event, name: str | None) -> OrderTicket | None:
        if isinstance(event, OrderIntentCreated):
            self._tickets[event.ticket.client_order_id] = event.ticket
        if isinstance(event, SessionClosed):
            self._tickets.clear()
        if name is None or isinstance(event, ForeignOrderSeen | ForeignFillSeen):
            return None
        if name not in self._tickets:
            for earlier in self._of_order(name):
                if isinstance(earlier, OrderIntentCreated):
                    self._tickets[name] = earlier.ticket
        ticket = self._tickets.get(name)
        if isinstance(event, OrderReported) and event.report.status.is_final:
            self._tickets.pop(name, None)
        return ticket


def _prices(event: Event, ticket: OrderTicket | None) -> dict[str, str] | None:
    """Give the prices of an order and of its execution as exact text."""
    found: dict[str, Any] = {}
    if ticket is not None:
        found = {"limit": ticket.limit_price, "stop": ticket.stop_price}
    if isinstance(event, OrderFilled | ForeignFillSeen):
        found["fill"] = event.fill.price
    texts = {name: f"{price:f}" for name, price in found.items() if price is not None}
    return texts or None


def text_of(ts: Micros) -> str:
    """Write an instant in ISO 8601, UTC, to the microsecond."""
    return datetime.fromtimestamp(ts / 1_000_000, UTC).isoformat(timespec="microseconds")
