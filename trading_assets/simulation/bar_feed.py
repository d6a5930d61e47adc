"""Bars of a schedule as an executor polls them: strictly in order, sometimes late, or together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.events import BarReady, Event
from trading_assets.domain.ids import Micros
from trading_assets.simulation.failpoints import Failpoints
from trading_assets.simulation.fault_plan import FaultPlan
from trading_assets.simulation.market import Minute
from trading_assets.simulation.virtual_time import START


class SimulatedFeed:
    """What `live.feed.BarFeed` promises, over a market that was drawn ahead.

    A bar may come late, two at once, without one of its symbols, or a second time; it never comes
    out of order, for that is what the real feed is there for.
    """

    def __init__(
        self,
        minutes: Sequence[Minute],
        plan: FaultPlan,
        failpoints: Failpoints,
        on_bar: Callable[[Minute], None],
    ) -> None:
        """Serve a market.

        Args:
            minutes: of the whole schedule.
            plan: draws what happens to a bar.
            failpoints: where the process can end.
            on_bar: told of each minute that is handed out for the first time.
        """
        self._minutes = minutes
        self._plan = plan
        self._failpoints = failpoints
        self._on_bar = on_bar
        self._next = 0
        self._not_before: Micros = 0
        self._last: BarReady | None = None

    def load(self, first: Micros) -> None:
        """Begin with the bar that opens at `first`."""
        self._next = (first - START) // MINUTE

    def poll(self, now: Micros) -> list[BarReady]:
        """Give the bars that have closed and were not handed out."""
        minutes = self._minutes
        if self._next >= len(minutes) or now < minutes[self._next].ts + MINUTE:
            return []
        if now < self._not_before:
            return []
        self._failpoints.point("at_bar")
        ready: list[BarReady] = []
        fault = self._plan.of_bar()
        if fault in {"bar_late", "bars_together"}:
            delay = 45 if fault == "bar_late" else 70
            self._not_before = now + delay * 1_000_000
            return []
        if fault == "bar_repeated" and self._last is not None:
            ready.append(self._last)
        while self._next < len(minutes) and minutes[self._next].ts + MINUTE <= now:
            minute = minutes[self._next]
            self._next += 1
            self._on_bar(minute)
            self._last = _event(minute, without=fault == "symbol_missing")
            ready.append(self._last)
        return ready

    def findings(self, now: Micros) -> Sequence[Event]:
        """Give none: these bars are sound."""
        return ()


def _event(minute: Minute, *, without: bool) -> BarReady:
    event = BarReady(minute.ts, minute.bars, minute.rows)
    if not without:
        return event
    first = event.bars[0]
    rows = tuple(row for row in event.rows if row.symbol == first.symbol)
    return replace(event, bars=(first,), rows=rows)
