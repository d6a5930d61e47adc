"""The minutes of one symbol that have come, until they are handed out as bars."""

from __future__ import annotations

from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.ids import Micros
from trading_assets.live.bar_grid import BarGrid
from trading_assets.live.bar_screen import READ_AGAIN


class Lane:
    """One symbol of a feed.

    Attributes:
        grid: when its bars open and close.
        begin: open time of the next bar to be handed out.
    """

    def __init__(self, grid: BarGrid) -> None:
        self.grid = grid
        self.begin: Micros = 0
        self._minutes: dict[Micros, Bar] = {}
        self._missing: Micros = 0

    def start(self, first: Micros) -> None:
        """Begin without minutes, at the bar that an instant lies in, or at the next one."""
        self._minutes = {}
        self.begin = self._missing = self.grid.holding(first)

    def wanted(self, end: Micros) -> tuple[Micros, Micros] | None:
        """Give what to ask for before `end`: from the first missing minute on, and some before.

        None while its market is closed.
        """
        start = self._missing - READ_AGAIN
        return (start, end) if start < end else None

    def take(self, bar: Bar) -> bool:
        """Keep a minute; tell whether it is one of a bar that is still to be handed out."""
        if bar.ts < self.begin or not self.grid.is_open(bar.ts):
            return False
        self._minutes[bar.ts] = bar
        return True

    def note_holes(self) -> None:
        """Find the first minute that has not come."""
        while self._missing in self._minutes:
            self._missing = self.grid.minute_after(self._missing)

    def is_whole(self, opened: Micros) -> bool:
        """Tell whether every minute of a bar has come."""
        end = self.grid.close_of(opened)
        return all(ts in self._minutes for ts in range(opened, end, MINUTE))

    def hand_out(self, begin: Micros) -> list[Bar]:
        """Give the minutes of all bars before the one that opens at `begin`, and go on there."""
        ready = [self._minutes.pop(ts) for ts in sorted(self._minutes) if ts < begin]
        self.begin = begin
        self._missing = max(self._missing, begin)
        return ready
