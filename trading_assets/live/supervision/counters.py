"""Counters and timers of a live book, from the rows of its journal and nothing else."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal

from trading_assets.domain.bar import DAY
from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    EquityMarked,
    Event,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.ids import Micros
from trading_assets.domain.policy_events import BreakerTripped, EntriesAllowed, EntriesPaused
from trading_assets.live.supervision.budget import SLO, SLO_PAPER
from trading_assets.live.supervision.timer import Timer

_ERROR_WINDOW = 100
_LATENCIES_OF_AT_LEAST = 10
_TOTALS: dict[type[Event], str] = {
    OrderIntentCreated: "intents_total",
    OrderSubmitted: "orders_sent_total",
    OrderFilled: "fills_total",
    OrderRefused: "rejects_total",
    OrderOutcomeUnknown: "unknown_outcomes_total",
    DecisionDropped: "decisions_dropped_total",
    BarReady: "bars_total",
}

_BUDGET = {SLO_PAPER: "entries are off, then paper", SLO: "entries are off"}
"""Causes of pauses by the error budget, the most severe first, and what they mean."""


@dataclass(slots=True)
class Counters:
    """Counts rows; figures of time are of the latest thousand, in milliseconds.

    Attributes:
        bar_size: of the book.
        offset_ms: how far the venue's clock was ahead at the latest sending.
        halt_source: of the halt in force, "" for none.
        breaker: what has tripped since the latest resume, "" for nothing.
        is_wall: the market's clock is the world's; without it, nothing can be said of how long
            after the close of a bar something was recorded.
        latency: from the close of a bar to the sending of its order.
        order_rtt: from the sending of an order to the first answer.
        bars_lag: from the close of a bar to its row.
    """

    bar_size: Micros
    is_wall: bool
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TOTALS.values(), 0))
    late_bars: int = 0
    last_bar: Micros = 0
    offset_ms: float = 0.0
    halt_source: str = ""
    breaker: str = ""
    latency: Timer = field(default_factory=Timer)
    order_rtt: Timer = field(default_factory=Timer)
    bars_lag: Timer = field(default_factory=Timer)
    _budget: dict[str, str] = field(default_factory=dict)
    _bar_of: dict[str, Micros] = field(default_factory=dict)
    _sent: dict[str, Micros] = field(default_factory=dict)
    _in_doubt: dict[str, Micros] = field(default_factory=dict)
    _outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=_ERROR_WINDOW))
    _day: int = -1
    _day_start: Decimal = Decimal(0)
    _equity: Decimal | None = None

    def note(self, event: Event, recorded: Micros) -> None:
        """Take one row in; `recorded` is the machine's clock at its commit."""
        name = _TOTALS.get(type(event))
        if name is not None:
            self.totals[name] += 1
        self._note_trouble(event, recorded)
        if isinstance(event, BarReady):
            self.last_bar = event.ts
            self.late_bars += event.late
            self._time(self.bars_lag, recorded, event.ts)
        elif isinstance(event, EquityMarked):
            self._mark(event)
        elif isinstance(event, OrderIntentCreated):
            self._bar_of[event.ticket.client_order_id] = event.ticket.bar_ts
        elif isinstance(event, OrderSubmitted):
            self._sent[event.client_order_id] = recorded
            self._time(self.latency, recorded, self._bar_of.get(event.client_order_id))
        elif isinstance(event, OrderReported):
            self._answered(event.report.client_order_id, recorded, is_good=True)
        elif isinstance(event, OrderFilled):
            self._answered(event.fill.client_order_id, recorded, is_good=True)
        elif isinstance(event, OrderRefused | OrderOutcomeUnknown):
            self._answered(event.client_order_id, recorded, is_good=False)

    def in_doubt_s(self, now: Micros) -> float:
        """Give how long the oldest order without an answer has waited, by the machine's clock."""
        return max(((now - since) / 1e6 for since in self._in_doubt.values()), default=0.0)

    @property
    def budget(self) -> str:
        """Say what the error budget has led to, "" while all is allowed."""
        return next((self._budget[cause] for cause in _BUDGET if cause in self._budget), "")

    @property
    def outcomes(self) -> int:
        """How many orders `error_rate` is of."""
        return len(self._outcomes)

    @property
    def error_rate(self) -> float:
        """Share of the latest hundred orders that were refused or whose answer was lost."""
        return self._outcomes.count(False) / len(self._outcomes) if self._outcomes else 0.0

    @property
    def latency_ms(self) -> float:
        """Of the latest hundred orders, p95, in milliseconds; 0 before the tenth."""
        latest = list(self.latency.latest_ms)[-_ERROR_WINDOW:]
        return quantile(latest, 0.95) if len(latest) >= _LATENCIES_OF_AT_LEAST else 0.0

    @property
    def equity(self) -> float | None:
        """Of the latest mark, in quote; None before one."""
        return None if self._equity is None else float(self._equity)

    @property
    def pnl_intraday(self) -> float:
        """Equity now less equity before the UTC day, in quote."""
        return float(self._equity - self._day_start) if self._equity is not None else 0.0

    def figures(self) -> dict[str, float]:
        """Give all of them, by their names."""
        found: dict[str, float] = {**self.totals, "late_bars_total": self.late_bars}
        found |= {"error_rate": self.error_rate, "pnl_intraday": self.pnl_intraday}
        timers = (
            ("latency_ms", self.latency.latest_ms),
            ("order_rtt_ms", self.order_rtt.latest_ms),
            ("bars_lag_ms", self.bars_lag.latest_ms),
        )
        for name, values in timers:
            for label, share in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99)):
                if values:
                    found[f"{name}_{label}"] = quantile(values, share)
        return found

    def _note_trouble(self, event: Event, recorded: Micros) -> None:
        if isinstance(event, OrderOutcomeUnknown):
            self._in_doubt.setdefault(event.client_order_id, recorded)
        elif isinstance(event, OrderRefused | OrderProvenAbsent):
            self._in_doubt.pop(event.client_order_id, None)
        elif isinstance(event, OrderReported):
            self._in_doubt.pop(event.report.client_order_id, None)
        elif isinstance(event, OrderSubmitted) and self.is_wall:
            self.offset_ms = (event.auth_ts - recorded) / 1_000
        elif isinstance(event, TradingHalted):
            self.halt_source = event.source or "person"
        elif isinstance(event, TradingResumed):
            self.halt_source = self.breaker = ""
        elif isinstance(event, BreakerTripped):
            self.breaker = event.reason
        elif isinstance(event, EntriesPaused) and event.cause in _BUDGET:
            self._budget[event.cause] = f"{_BUDGET[event.cause]}: {event.reason}"
        elif isinstance(event, EntriesAllowed):
            self._budget.pop(event.cause, None)

    def _time(self, into: Timer, recorded: Micros, bar_ts: Micros | None) -> None:
        if self.is_wall and bar_ts is not None:
            into.add(recorded - bar_ts - self.bar_size)

    def _answered(self, name: str, recorded: Micros, *, is_good: bool) -> None:
        """Note the first answer to an order; what comes later is the order's life."""
        self._bar_of.pop(name, None)
        sent = self._sent.pop(name, None)
        if sent is not None:
            self.order_rtt.add(recorded - sent)
            self._outcomes.append(is_good)

    def _mark(self, event: EquityMarked) -> None:
        day = event.ts // DAY
        if day != self._day:
            self._day_start = event.equity if self._equity is None else self._equity
            self._day = day
        self._equity = event.equity


def quantile(values: Collection[float], share: float) -> float:
    """Give the smallest value with at least `share` of the values at or below it."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
