"""Market time as the venue tells it; between two askings the last answer stands."""

from __future__ import annotations

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.ids import Micros
from trading_assets.domain.ports import Clock


class VenueTime:
    """A clock that is asked on purpose only, so that naming an instant can never fail."""

    def __init__(self, venue: Clock, *, not_before: Micros = 0) -> None:
        """Start from the latest instant that the book knows.

        Args:
            venue: asks the venue; may raise VenueUnavailable or RateLimited.
            not_before: an answer before it means that this is not the clock of the journal.
        """
        self._venue = venue
        self._last = not_before
        self._is_checked = False

    def poll(self) -> Micros:
        """Ask the venue.

        Raises:
            RecoveryError: if the first answer lies before what the journal knows.
            VenueUnavailable, RateLimited: if it cannot answer.
        """
        reading = self._venue.now()
        if not self._is_checked and reading < self._last:
            raise RecoveryError(
                "The venue's clock is behind the journal",
                expected=f"at least {self._last} (the journal's latest instant)",
                found=str(reading),
                fix="This exchange was started with another clock. Start the one that the book "
                "belongs to, or move the book's folder away to begin a new journal.",
            )
        self._is_checked = True
        self._last = max(self._last, reading)
        return self._last

    def now(self) -> Micros:
        """Give the latest answer."""
        return self._last

    def wait(self, seconds: float) -> None:
        """Wait for local time."""
        self._venue.wait(seconds)
