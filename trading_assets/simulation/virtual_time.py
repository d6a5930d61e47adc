"""All clocks of a simulated world: one time that passes when somebody waits, and nothing else."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable

from trading_assets.domain.ids import Micros

START: Micros = 1_711_929_600_000_000  # 2024-04-01T00:00:00Z


class VirtualTime:
    """The time of the world, and what is to happen in it.

    It is the local time of the process under test too (`live.ports.LocalTime`): waiting lets the
    world go on until the wait is over.
    """

    def __init__(self) -> None:
        self.now: Micros = START
        self._due: list[tuple[Micros, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, ts: Micros, action: Callable[[], None]) -> None:
        """Let something happen at `ts`, after what was asked for before it."""
        self._number += 1
        heapq.heappush(self._due, (ts, self._number, action))

    def advance(self, micros: Micros) -> None:
        """Let time pass, and what is due in it happen in order."""
        end = self.now + micros
        due = self._due
        while due and due[0][0] <= end:
            ts, _, action = heapq.heappop(due)
            self.now = max(self.now, ts)
            action()
        self.now = end

    def until_next(self) -> Micros | None:
        """Give how long it is until something is to happen, None when nothing is."""
        return max(self._due[0][0] - self.now, 0) if self._due else None

    # As the local time of a process

    def monotonic(self) -> float:
        """Give seconds since some fixed instant."""
        return (self.now - START) / 1_000_000

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Let `seconds` pass; tell whether `stop` is set."""
        self.advance(int(seconds * 1_000_000))
        return stop.is_set()
