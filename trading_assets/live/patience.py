"""Waiting for a venue that wants to be left alone, with signs of life meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from trading_assets.domain.errors import RateLimited, VenueError, VenueUnavailable
from trading_assets.live.ports import LocalTime

Answer = TypeVar("Answer")

LIMITED, DOWN = "rate_limited", "venue_down"
_SHORTEST_S = 1.0
_OUTAGE_S = 5.0


class StoppedWaiting(Exception):
    """The run is to stop, and the venue has not answered yet."""


def rest(
    seconds: float,
    until: threading.Event,
    local: LocalTime,
    *,
    every_s: float,
    sign: Callable[[], None],
) -> bool:
    """Wait until an event is set, at most `seconds`, and give a sign every `every_s` meanwhile.

    A venue may want to be left alone for hours, which must not look like an end.

    Returns:
        Whether the event is set.
    """
    if seconds <= every_s:
        return local.wait(max(seconds, 0.0), until)
    end_s = local.monotonic() + seconds
    left_s = seconds
    while left_s > every_s:
        if local.wait(every_s, until):
            return True
        sign()
        left_s = end_s - local.monotonic()
    return local.wait(max(left_s, 0.0), until)


class Patience:
    """Asks a venue what a run must know before its executor works, and again when it is limited.

    The request weight of an address is counted over all processes: what others, or earlier lives
    of this book, have spent this minute is free again in the next one.
    """

    def __init__(
        self,
        local: LocalTime,
        stop: threading.Event,
        *,
        every_s: float,
        tell: Callable[[str, str, bool], None],
    ) -> None:
        """Get ready.

        Args:
            local: time for the waits.
            stop: ends a wait.
            every_s: how often to give a sign meanwhile, local seconds.
            tell: is told `LIMITED` or `DOWN`, why the run waits, and whether that is news: at once,
                and every `every_s`.
        """
        self._local = local
        self._stop = stop
        self._every_s = every_s
        self._tell = tell

    def ask(
        self,
        question: Callable[[], Answer],
        before_wait: Callable[[], None] = lambda: None,
        *,
        bears_outages: bool = False,
    ) -> Answer:
        """Give the venue's answer; each wait is as long as the venue or the budget says.

        Args:
            question: a read, safe to repeat.
            before_wait: done once, if there is to be a wait.
            bears_outages: a venue that cannot be asked is waited for as well.

        Raises:
            StoppedWaiting: if the stop came first.
            VenueUnavailable: if the venue cannot be asked, and that is not borne.
        """
        kinds = (RateLimited, VenueUnavailable) if bears_outages else (RateLimited,)
        has_waited = False
        while True:
            try:
                return question()
            except kinds as error:
                refused = error
            if not has_waited:
                before_wait()
                has_waited = True
            self._wait(refused)

    def _wait(self, refused: VenueError) -> None:
        pause_s, state = _OUTAGE_S, DOWN
        if isinstance(refused, RateLimited):
            pause_s, state = max(refused.retry_after_ms / 1000, _SHORTEST_S), LIMITED
        end_s = self._local.monotonic() + pause_s

        def sign(*, is_news: bool = False) -> None:
            left_s = end_s - self._local.monotonic()
            why = f"{refused.what}. The venue is asked again in {left_s:.0f} s"
            self._tell(state, why, is_news)

        sign(is_news=True)
        if rest(pause_s, self._stop, self._local, every_s=self._every_s, sign=sign):
            raise StoppedWaiting from None
