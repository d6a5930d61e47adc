"""A clock for tests."""

from __future__ import annotations

from trading_assets.domain.ids import Micros


class JumpingClock:
    """A clock that waiting moves at once."""

    def __init__(self, now: Micros = 0) -> None:
        self.instant = now
        self.waits: list[float] = []

    def now(self) -> Micros:
        return self.instant

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.instant += int(seconds * 1_000_000)


class HandTime:
    """Monotonic time that a test moves by hand."""

    def __init__(self):
        self.seconds = 1_000.0

    def monotonic(self):
        return self.seconds

    def wait(self, seconds, stop):
        self.seconds += seconds
        return stop.is_set()
