"""People of a simulated world: a hand that puts the latch up when the world says so."""

from __future__ import annotations

from collections.abc import Callable

from trading_assets.domain.control import HaltRequest
from trading_assets.live.safety.people import Unattended


class SimulatedPeople(Unattended):
    """Somebody halts the book while a condition of the world holds."""

    def __init__(self, is_halted: Callable[[], bool]) -> None:
        self._is_halted = is_halted

    def latched(self) -> HaltRequest | None:
        """Give the latch while it is up."""
        return HaltRequest("a person said so", identity="hand") if self._is_halted() else None
