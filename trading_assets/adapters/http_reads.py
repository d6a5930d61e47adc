"""What all reads over HTTP share: bounded repeats, pauses that double, Retry-After, a rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TypeVar

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import RateLimited, VenueError, VenueUnavailable
from trading_assets.domain.ids import Micros
from trading_assets.domain.ports import Clock

Answer = TypeVar("Answer")

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_DEFAULT_RETRY_AFTER_MS = 10_000
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 60.0


def repeat_read(request: Callable[[], Answer], *, clock: Clock, max_attempts: int) -> Answer:
    """Run a read, again after a pause when the other side cannot answer; never for orders.

    Pauses double from 0.25 s and obey Retry-After; one longer than a minute is not waited for.

    Args:
        request: must be safe to repeat.
        clock: where the pauses are waited.
        max_attempts: how often at most.

    Raises:
        VenueUnavailable, RateLimited: when the attempts are used up.
        VenueError, DataError: at once, whatever else the request raises.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return request()
        except (VenueUnavailable, RateLimited) as error:
            pause_s = _pause_s(error, attempt)
            if attempt >= max_attempts or pause_s > _LONGEST_PAUSE_S:
                raise
        clock.wait(pause_s)


def retry_after_ms(headers: Mapping[str, str], now: Micros | None = None) -> int:
    """Read Retry-After: seconds, or an HTTP date.

    Args:
        headers: of the answer, names in any case.
        now: present instant, for a date; without it a date is not understood.

    Returns:
        Milliseconds, not negative; 10 seconds when there is none that can be read.
    """
    text = str(headers.get("Retry-After", ""))
    try:
        return max(0, int(float(text) * 1000))
    except (ValueError, OverflowError):
        pass
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return _DEFAULT_RETRY_AFTER_MS
    if now is None:
        return _DEFAULT_RETRY_AFTER_MS
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0, int(until.timestamp() * 1000) - now // 1000)


class RequestRate:
    """At most so many requests in any minute, counted in this process.

    Args:
        clock: counts the minute, and waits.
        per_minute: how many.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._sent: deque[Micros] = deque(maxlen=per_minute)

    def wait_for_turn(self) -> None:
        """Block until one more request is allowed, and count it."""
        if len(self._sent) == self._per_minute:
            # A clock that was set back must not make us wait for hours.
            early = min(self._sent[0] + MINUTE - self._clock.now(), MINUTE)
            if early > 0:
                self._clock.wait(early / 1_000_000)
        self._sent.append(self._clock.now())


class Backoff:
    """When to try again: pauses double from 0.25 s to a minute, and Retry-After is obeyed.

    Args:
        clock: counts the pauses, and waits.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._due: Micros = 0
        self.error: VenueError | None = None

    def is_due(self) -> bool:
        """Tell whether the pause after the last failure is over."""
        return self.error is None or self._clock.now() >= self._due

    def failed(self, error: VenueError) -> None:
        """Count a failure, and begin a pause."""
        self._failures += 1
        self.error = error
        exponent = min(self._failures, 16)  # of a pause that is cut off long before
        self._due = self._clock.now() + int(_pause_s(error, exponent) * 1_000_000)

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0
        self.error = None

    def wait_at_most(self, seconds: float) -> None:
        """Wait for the end of the pause, but not longer."""
        left = (self._due - self._clock.now()) / 1_000_000
        self._clock.wait(max(0.0, min(seconds, left)))


def _pause_s(error: VenueError, attempt: int) -> float:
    """Give how long to wait before the next attempt."""
    if isinstance(error, RateLimited):
        return error.retry_after_ms / 1000
    return min(_FIRST_PAUSE_S * 2.0 ** (attempt - 1), _LONGEST_PAUSE_S)
