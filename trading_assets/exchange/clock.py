"""The exchange's two clocks: market time, which may be virtual, and the wall for authentication."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NoReturn

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros


def wall_now() -> Micros:
    """Give the wall clock: the one place of this room that reads it."""
    return time.time_ns() // 1_000  # noqa: TID251


class MarketClock:
    """Market time: the wall clock, a start that runs `warp` times as fast, or steps by command.

    It never goes back, not even when the wall clock does. All but the wall clock can be paused,
    moved and given another pace while it runs.

    Attributes:
        changed: called after the clock was paused, moved or given another pace.
    """

    def __init__(
        self,
        start: Micros | None,
        *,
        warp: float = 1.0,
        stepped: bool = False,
        wall: Callable[[], Micros] = wall_now,
    ) -> None:
        _check_warp(warp)
        if start is None and (stepped or warp != 1.0):
            raise ConfigurationError(
                "A clock that is stepped or warped needs a start",
                expected="start, such as 2024-04-01T00:00:00Z",
                found="no start",
            )
        self._start = start
        self._warp = warp
        self._stepped = stepped
        self._paused = stepped
        self._wall = wall
        self._origin_ns = time.monotonic_ns()
        self._last = start or 0
        self.changed: Callable[[], None] = lambda: None

    @property
    def is_wall(self) -> bool:
        """Whether market time is the wall clock."""
        return self._start is None

    @property
    def is_stepped(self) -> bool:
        """Whether time moves by command only."""
        return self._stepped

    @property
    def is_paused(self) -> bool:
        """Whether time stands still until it is resumed, stepped or moved."""
        return self._paused

    @property
    def warp(self) -> float:
        """Market seconds per second while the clock runs."""
        return self._warp

    def now(self) -> Micros:
        """Give the present market time."""
        if self._paused:
            return self._last
        if self._start is None:
            reading = self._wall()
        else:
            elapsed_ns = time.monotonic_ns() - self._origin_ns
            reading = self._start + int(elapsed_ns * self._warp) // 1_000
        self._last = max(self._last, reading)
        return self._last

    def seconds_until(self, ts: Micros) -> float | None:
        """Give the seconds of this machine until market time `ts`; None when time stands still."""
        if self._paused:
            return None
        return max(ts - self.now(), 0) / 1_000_000 / self._warp

    def step(self, micros: Micros) -> Micros:
        """Move a stepped or paused clock forwards; give the new time.

        Raises:
            ConfigurationError: if the clock runs, or would go back.
        """
        if not self._paused or micros < 0:
            raise ConfigurationError(
                "The clock cannot be stepped",
                expected="a stepped or paused exchange and a step of 0 or more",
                found=f"stepped={self._stepped}, paused={self._paused}, {micros} us",
            )
        return self.jump_to(self._last + micros)

    def jump_to(self, ts: Micros) -> Micros:
        """Move the clock forwards to `ts`, whether it runs or not; give the new time.

        Raises:
            ConfigurationError: if it follows the wall, or would go back.
        """
        now = self._changeable_now()
        if ts < now:
            raise ConfigurationError(
                "Market time never goes back", expected=f"{now} or later (us)", found=str(ts)
            )
        self._restart(ts)
        return ts

    def set_warp(self, warp: float) -> None:
        """Run `warp` times as fast from now on.

        Raises:
            ConfigurationError: if it follows the wall, or the pace is not positive.
        """
        _check_warp(warp)
        now = self._changeable_now()
        self._warp = warp
        self._restart(now)

    def set_paused(self, paused: bool) -> None:
        """Stop the clock, or let it go on from where it stands.

        Raises:
            ConfigurationError: if it follows the wall, or is stepped and shall run.
        """
        now = self._changeable_now()
        if self._stepped and not paused:
            raise ConfigurationError(
                "A stepped clock does not run",
                expected="an exchange started without `stepped`",
                found="paused = false",
                fix="Move it with /_sim/step.",
            )
        self._paused = paused
        self._restart(now)

    def continue_from(self, ts: Micros) -> None:
        """Go on from `ts` when that is later than the start (a virtual clock after a restart)."""
        if self._start is not None and ts > self._start:
            self._restart(max(self._last, ts))

    def _restart(self, ts: Micros) -> None:
        self._start = self._last = ts
        self._origin_ns = time.monotonic_ns()
        self.changed()

    def _changeable_now(self) -> Micros:
        if self._start is None:
            _refuse_wall()
        return self.now()


def _check_warp(warp: float) -> None:
    if not 0 < warp < math.inf:
        raise ConfigurationError("Bad warp", expected="a positive number", found=str(warp))


def _refuse_wall() -> NoReturn:
    raise ConfigurationError(
        "The clock cannot be changed",
        expected="an exchange with a virtual clock",
        found="market time that follows this machine's clock",
        fix="Start the exchange with a start time (--start).",
    )
