"""Stops entries when nobody watches over an executor any more.

A supervisor shows that it lives by touching a file. How long ago that was is measured here, on the
machine's monotonic clock, from the moment the change was seen: no clock setting can hide a silence.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trading_assets.domain.control import HaltLevel, HaltRequest


class Watchdog:
    """Asks for a pause once per silence."""

    def __init__(self, path: Path, timeout_s: float, monotonic: Callable[[], float]) -> None:
        """Begin to wait.

        Args:
            path: the file that a supervisor touches; it need not exist yet.
            timeout_s: the longest silence; 0 for no supervisor.
            monotonic: seconds since some fixed instant.
        """
        self._path = path
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._seen: int | None = None
        self._since = monotonic()
        self._has_barked = False

    def look(self) -> HaltRequest | None:
        """Give the halt to ask for, once for each silence that is too long."""
        if not self._timeout_s:
            return None
        changed = self._changed()
        if changed is not None and changed != self._seen:
            self._seen, self._since, self._has_barked = changed, self._monotonic(), False
        silence_s = self._monotonic() - self._since
        if self._has_barked or silence_s <= self._timeout_s:
            return None
        self._has_barked = True
        return HaltRequest(
            f"no sign of the supervisor for {self._timeout_s:g} s",
            HaltLevel.PAUSE,
            source="watchdog",
        )

    def _changed(self) -> int | None:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return None
