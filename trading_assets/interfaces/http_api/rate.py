"""How often the control endpoint may be asked: a token bucket on monotonic time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trading_assets.live.ports import LocalTime


class TokenBucket:
    """Lets a burst through, then a steady rate; for any number of threads."""

    def __init__(self, local: LocalTime, *, per_s: float, burst: int) -> None:
        """Begin full.

        Args:
            local: monotonic time of this machine.
            per_s: requests per second in the long run.
            burst: requests at once after a rest.
        """
        self._local = local
        self._per_s = per_s
        self._burst = float(burst)
        self._left = self._burst
        self._looked_s = local.monotonic()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one request out.

        Returns:
            0.0 when it may go on; else it was not taken, and one may go on in so many seconds.
        """
        with self._lock:
            now_s = self._local.monotonic()
            self._left = min(self._burst, self._left + (now_s - self._looked_s) * self._per_s)
            self._looked_s = now_s
            if self._left < 1.0:
                return (1.0 - self._left) / self._per_s
            self._left -= 1.0
            return 0.0
