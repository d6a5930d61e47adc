"""What Prometheus is told of a book: counted over every row of its journal, so it never goes back.

`Counters` is of one executor's life; these are of the journal's, whoever wrote it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from trading_assets.domain.events import (
    BarReady,
    CommandReceived,
    EquityMarked,
    Event,
    OrderFilled,
    OrderIntentCreated,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
    SessionClosed,
    SessionOpened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.live.supervision.counters import Counters

OF_SYMBOLS = ("orders_sent_total", "fills_total", "rejects_total")


@dataclass(slots=True)
class Meters:
    """Takes in all rows of one journal, in order.

    Attributes:
        counters: of all rows.
        of_symbol: those of `OF_SYMBOLS`, by name and symbol.
        bars: open time of the latest bar of each symbol.
        drawdown: of the latest mark, a fraction.
        commands, refused: what people have asked, and how much of it was not done.
        halts: how often the book was halted.
        is_halted: a halt is in force.
        is_closed: the last session ended cleanly, and none has begun since.
        began, opened: market time of the first and of the latest opening, 0 before one.
        journal_lag_s: how long after its close the latest bar was in the journal; None where the
            market's clock is not the world's.
        recorded: the machine's clock at the last commit.
    """

    counters: Counters
    of_symbol: dict[str, Counter[Symbol]] = field(
        default_factory=lambda: {name: Counter() for name in OF_SYMBOLS}
    )
    bars: dict[Symbol, Micros] = field(default_factory=dict)
    drawdown: float = 0.0
    commands: int = 0
    refused: int = 0
    halts: int = 0
    is_halted: bool = False
    is_closed: bool = False
    began: Micros = 0
    opened: Micros = 0
    journal_lag_s: float | None = None
    recorded: Micros = 0
    _symbol_of: dict[str, Symbol] = field(default_factory=dict)

    def note(self, event: Event, recorded: Micros) -> None:
        """Take one row in; `recorded` is the machine's clock at its commit."""
        self.counters.note(event, recorded)
        self.recorded = recorded
        if isinstance(event, BarReady):
            self._bar(event, recorded)
        elif isinstance(event, EquityMarked):
            self.drawdown = event.drawdown
        elif isinstance(event, CommandReceived):
            self.commands += 1
            self.refused += bool(event.refused)
        elif isinstance(event, TradingHalted | TradingResumed):
            self.is_halted = isinstance(event, TradingHalted)
            self.halts += self.is_halted
        elif isinstance(event, SessionOpened):
            self.is_closed = False
            self.began, self.opened = self.began or event.ts, event.ts
        elif isinstance(event, SessionClosed):
            self.is_closed = True
        else:
            self._order(event)

    def _bar(self, event: BarReady, recorded: Micros) -> None:
        self.bars |= {bar.symbol: event.ts for bar in event.bars}
        if self.counters.is_wall:
            self.journal_lag_s = (recorded - event.ts - self.counters.bar_size) / 1_000_000

    def _order(self, event: Event) -> None:
        """Count an order at its symbol, which only its ticket and its fills name."""
        if isinstance(event, OrderIntentCreated):
            self._symbol_of[event.ticket.client_order_id] = event.ticket.symbol
        elif isinstance(event, OrderSubmitted):
            self._count("orders_sent_total", self._symbol_of.get(event.client_order_id))
        elif isinstance(event, OrderFilled):
            self._count("fills_total", event.fill.symbol)
        elif isinstance(event, OrderRefused):
            self._count("rejects_total", self._symbol_of.pop(event.client_order_id, None))
        elif isinstance(event, OrderProvenAbsent):
            self._symbol_of.pop(event.client_order_id, None)
        elif isinstance(event, OrderReported) and event.report.status.is_final:
            self._symbol_of.pop(event.report.client_order_id, None)

    def _count(self, name: str, symbol: Symbol | None) -> None:
        self.of_symbol[name][symbol or Symbol("")] += 1
