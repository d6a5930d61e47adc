"""A machine for the trials of a sweep: one set of log buffers, and bars that are skipped."""

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
    """A machine whose logs lie in buffers that were another's, and whose curve is not kept.

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
        if buffers is not None:
            buffers.used[:] = 0
            self._logs = buffers
        self._daily = np.empty(0)
        self._days = np.zeros(1, np.int64)

    @property
    def buffers(self) -> Logs:
        """The logs, to be given to the next machine."""
        return self._logs

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
        if not len(self._daily):
            self._daily = np.empty(len(skips.days))
        while True:
            self._make_room(0)
            start = skipping.advance_skipping(
                *self._parts, skips, signals, start, stop, self._daily, self._days
            )
            if start == stop:
                break
        self._require_sound()
