"""Count what a live book has done, from its journal, while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from trading_assets.domain.events import (
    BarReady,
    EquityMarked,
    Event,
    OrderFilled,
    OrderIntentCreated,
    OrderRefused,
    OrderReported,
)
from trading_assets.domain.ids import Micros
from trading_assets.storage.journal_reader import JournalReader


@dataclass(slots=True)
class LiveTally:
    """Counts of one journal; `read` brings them up to date.

    Attributes:
        decisions: finished signals that were decided on, one per symbol and bar; a late bar is
            journalled and decides nothing.
        imperfect: orders that the venue refused or filled only in part.
    """

    seq: int = 0
    bars: int = 0
    decisions: int = 0
    orders: int = 0
    fills: int = 0
    equity: float = 0.0
    first_bar: Micros = 0
    last_bar: Micros = 0
    opening_equity: float = 0.0
    _imperfect: set[str] = field(default_factory=set)

    @property
    def imperfect(self) -> int:
        """Orders refused, or filled only in part."""
        return len(self._imperfect)

    def read(self, journal: JournalReader) -> LiveTally:
        """Count the rows that are new since the last call."""
        for seq, event in journal.read(self.seq):
            self.seq = seq
            self._count(event)
        return self

    def _count(self, event: Event) -> None:
        if isinstance(event, BarReady):
            self.bars += 1
            self.decisions += 0 if event.late else len(event.rows)
            self.first_bar = self.first_bar or event.ts
            self.last_bar = event.ts
        elif isinstance(event, OrderIntentCreated):
            self.orders += 1
        elif isinstance(event, OrderFilled):
            self.fills += 1
        elif isinstance(event, EquityMarked):
            self.equity = float(event.equity)
            self.opening_equity = self.opening_equity or self.equity
        elif isinstance(event, OrderRefused):
            self._imperfect.add(event.client_order_id)
        elif isinstance(event, OrderReported):
            report = event.report
            if report.status.is_final and 0 < report.executed < report.quantity:
                self._imperfect.add(report.client_order_id)
