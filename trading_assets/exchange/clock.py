"""The exchange's two clocks: market time, which may be virtual, and the wall for authentication."""

from __future__ import annotations

import time
from collections.abc import Callable

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros


def wall_now() -> Micros:
    """Give the wall clock: the one place of this room that reads it."""
    return time.time_ns() // 1_000  # noqa: TID251


class MarketClock:
    """Market time: the wall clock, a start that runs `warp` times as fast, or steps by command.

    It never goes back, not even when the wall clock does.
    """

    def __init__(
        self,
        start: Micros | None,
        *,
        warp: float = 1.0,
        stepped: bool = False,
        wall: Callable[[], Micros] = wall_now,
    ) -> None:
        if warp <= 0:
            raise ConfigurationError("Bad warp", expected="a positive number", found=str(warp))
        if start is None and (stepped or warp != 1.0):
            raise ConfigurationError(
                "A clock that is stepped or warped needs a start",
                expected="start, such as 2024-04-01T00:00:00Z",
                found="no start",
            )
        self._start = start
        self._warp = warp
        self._stepped = stepped
        self._wall = wall
        self._origin_ns = time.monotonic_ns()
        self._last = start or 0

    @property
    def is_wall(self) -> bool:
        """Whether market time is the wall clock."""
        return self._start is None

    def now(self) -> Micros:
        """Give the present market time."""
        if self._stepped:
            return self._last
        if self._start is None:
            reading = self._wall()
        else:
            elapsed_ns = time.monotonic_ns() - self._origin_ns
            reading = self._start + int(elapsed_ns * self._warp) // 1_000
        self._last = max(self._last, reading)
        return self._last

    def step(self, micros: Micros) -> Micros:
        """Move a stepped clock forwards; give the new time.

        Raises:
            ConfigurationError: if the clock is not stepped, or would go back.
        """
        if not self._stepped or micros < 0:
            raise ConfigurationError(
                "The clock cannot be stepped",
                expected="a stepped exchange and a step of 0 or more",
                found=f"stepped={self._stepped}, {micros} us",
            )
        self._last += micros
        return self._last

    def continue_from(self, ts: Micros) -> None:
        """Go on from `ts` when that is later than the start (a virtual clock after a restart)."""
        if self._start is not None and ts > self._start:
            self._start = ts
            self._last = max(self._last, ts)
            self._origin_ns = time.monotonic_ns()
