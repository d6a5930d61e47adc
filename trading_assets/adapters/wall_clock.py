"""The wall clock: the only place that reads the time of this machine."""

from __future__ import annotations

import time

from trading_assets.domain.ids import Micros


class WallClock:
    """The machine's UTC clock, and real waiting."""

    def now(self) -> Micros:
        """Give the present instant."""
        return time.time_ns() // 1_000  # noqa: TID251 - this is the Clock

    def wait(self, seconds: float) -> None:
        """Block for `seconds`."""
        time.sleep(seconds)
