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
