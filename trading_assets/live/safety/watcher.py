"""Wakes an executor that waits when people ask for something, twenty times a second.

The watcher looks and wakes; it touches neither session nor journal nor venue. What stops an entry
does not depend on it: the latch is asked right before every send.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from trading_assets.live.background import Background

PERIOD_S = 0.05


class Watcher(Background):
    """A thread that sets `wake` when what it looks at is not what it was, and when `stop` is set.

    Entering starts it, leaving ends it.
    """

    def __init__(
        self,
        look: Callable[[], Hashable],
        stop: threading.Event,
        *,
        close: Callable[[], None] = lambda: None,
        period_s: float = PERIOD_S,
    ) -> None:
        """Join eyes and bell.

        Args:
            look: gives what people have asked so far; called in the thread only. An exception
                counts as something new, so that the executor looks itself and says what is wrong.
            stop: of the executor.
            close: called in the thread when it ends.
            period_s: local seconds between two looks.
        """
        self.wake = threading.Event()
        super().__init__("watcher")
        self._look = look
        self._stop = stop
        self._close = close
        self._period_s = period_s

    def watch(self) -> None:
        """Look and ring, until the end."""
        seen: Hashable = None
        while not self.ended.wait(self._period_s):
            try:
                found = self._look()
            except Exception as error:  # the executor's own look names it
                found = repr(error)
            if found != seen or self._stop.is_set():
                seen = found
                self.wake.set()
        self._close()
