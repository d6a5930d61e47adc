"""A machine for the trials of a sweep: it starts over for each, and skips bars."""

from __future__ import annotations

import numpy as np

from trading_assets.domain.errors import DataError
from trading_assets.domain.setup import EngineSetup, SignalFamily
from trading_assets.engine import skipping
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, Floats
from trading_assets.engine.skipping import ChangedSignals, Skips
from trading_assets.records.results import Logs

__all__ = ["ChangedSignals", "Skips", "SweepMachine"]


class SweepMachine(Machine):
    """A machine that runs one trial after the other, and keeps no curve of equity.

    Args:
        setup: what is run; not one whose strategy is asked at every bar.
        buffers: of a machine that is done with; what it had logged is overwritten.
    """

    def __init__(self, setup: EngineSetup, buffers: Logs | None = None) -> None:
        if setup.family is SignalFamily.ON_BAR:
            raise DataError(
                "A strategy that is asked has no columns to skip by",
                expected="a family of columns",
                found=setup.family.name,
            )
        super().__init__(setup)
        self._at_first = self._state.record.view(np.uint8).copy()
        self._daily = np.empty(0)
        self._days = np.zeros(1, np.int64)
        if buffers is not None:
            self._hold(self._state, buffers)
            self.start_over()

    @property
    def buffers(self) -> Logs:
        """The logs, for a machine of another setup."""
        return self._logs

    def start_over(self) -> None:
        """Be as new, in memory that is warm already: logs and state of the last trial are gone."""
        self._state.record.view(np.uint8)[:] = self._at_first  # lots are counted in it
        self._logs.used[:] = 0
        self._days[0] = 0

    @property
    def daily_equity(self) -> Floats:
        """Equity at the end of each UTC day that had bars, the latest one included."""
        return np.append(self._daily[: self._days[0]], self.equity)

    def run_changes(
        self, bars: BarMatrix, skips: Skips, signals: ChangedSignals, start: int, stop: int
    ) -> None:
        """Do what `run` does from `start` to `stop`, but for the curve of equity.

        Raises:
            DataError: if bars and signals do not fit each other, the setup, or the time reached.
        """
        expected = (self._columns, bars.symbols)
        if signals.values.shape[:2] != expected or int(signals.rows[-1]) != len(bars):
            raise DataError(
                "Bars and signals do not fit",
                expected=f"columns and symbols {expected}, up to row {len(bars)}",
                found=f"{signals.values.shape[:2]}, up to {signals.rows[-1]}",
            )
        if start == stop:
            return
        self._require_later(int(bars.ts[start]))
        if self._state.account[0]["terms"]["needs_volume"]:
            bars.require_volumes(start, stop, "participation or impact")
        if len(self._daily) < len(skips.days):
            self._daily = np.empty(len(skips.days))
        while True:
            self._make_room(0)
            start = skipping.advance_skipping(
                *self._parts, skips, signals, start, stop, self._daily, self._days
            )
            if start == stop:
                break
        self._require_sound()
