"""What a book has lived through by its journal: entries that were filled, equity, halts."""

from __future__ import annotations

from dataclasses import dataclass, field

from trading_assets.domain.bar import DAY
from trading_assets.domain.events import (
    EquityMarked,
    Event,
    OrderFilled,
    OrderIntentCreated,
    TradingHalted,
)
from trading_assets.domain.ids import Micros
from trading_assets.domain.instants import time_text


@dataclass(slots=True)
class Lived:
    """Counts over a stretch of a journal.

    Attributes:
        marks: open time and equity, in quote, after each bar.
        halts: day, source and reason of each.
    """

    marks: list[tuple[Micros, float]] = field(default_factory=list)
    halts: list[str] = field(default_factory=list)
    _entries: set[str] = field(default_factory=set)
    _filled: set[str] = field(default_factory=set)

    def hear(self, event: Event) -> None:
        """Take the next event; kinds that say nothing of this are left aside."""
        if isinstance(event, EquityMarked):
            self.marks.append((event.ts, float(event.equity)))
        elif isinstance(event, OrderIntentCreated) and not event.ticket.reduce_only:
            self._entries.add(event.ticket.client_order_id)
        elif isinstance(event, OrderFilled):
            self._filled.add(event.fill.client_order_id)
        elif isinstance(event, TradingHalted):
            self.halts.append(f"{time_text(event.ts)} {event.source or 'the book'}: {event.reason}")

    @property
    def entries(self) -> int:
        """Number of entry orders that were filled, in part or whole."""
        return len(self._entries & self._filled)

    @property
    def days(self) -> int:
        """Number of UTC days that have a mark."""
        return len({ts // DAY for ts, _ in self.marks})
