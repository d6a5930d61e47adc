"""Finished minutes of a venue that is asked for them again and again, as a LiveFeed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from trading_assets.adapters.http_reads import Backoff
from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.errors import RateLimited, VenueError, VenueUnavailable
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.ports import BarSource, Clock
from trading_assets.market.live_minutes import LiveMinutes, Revision

_GRACE: Micros = 5_000_000
_A_SECOND_LATER: Micros = 1_000_000  # a bar is there shortly after its end


class TimedBars(BarSource, Protocol):
    """A venue's bars, and its clock."""

    def now(self) -> Micros:
        """Give the venue's time."""
        ...


class PolledLive:
    """Asks for the bars that have ended; after trouble, first for those that it missed.

    Args:
        source: of the bars and of the time.
        clock: waits between two questions.
        symbols: whose bars are wanted; bars of one minute come in this order.
        first: open time of the first minute; None begins with the one that is forming.
        revisions: gives what the source itself has seen to differ.
    """

    def __init__(
        self,
        source: TimedBars,
        clock: Clock,
        symbols: Sequence[Symbol],
        *,
        first: Micros | None = None,
        revisions: Callable[[], list[Revision]] = list,
    ) -> None:
        self._source = source
        self._clock = clock
        start = source.now() // MINUTE * MINUTE if first is None else first
        self._minutes = LiveMinutes(symbols, first=start, grace=_GRACE)
        self._asked: dict[Symbol, Micros] = dict.fromkeys(symbols, start)
        self._again = Backoff(clock)
        self._revisions = revisions

    @property
    def trouble(self) -> VenueError | None:
        """Why no bars come just now; it passes by itself."""
        return self._again.error

    def events(self, wait_s: float) -> list[Bar | Revision]:
        """Give finished bars in order, and bars that came after their minute was handed out.

        Args:
            wait_s: how long to wait, at most, when there is nothing.

        Raises:
            VenueError: if the venue refuses for good.
            DataError: if its bars cannot be used.
        """
        if not self._again.is_due():
            self._again.wait_at_most(wait_s)
            return []
        try:
            now, late = self._ask()
        except (VenueUnavailable, RateLimited) as error:
            self._again.failed(error)
            return []
        self._again.succeeded()
        found: list[Bar | Revision] = [*self._revisions(), *late, *self._minutes.ready(now)]
        if not found:
            left = MINUTE - now % MINUTE + _A_SECOND_LATER
            self._clock.wait(min(wait_s, left / 1_000_000))
        return found

    def _ask(self) -> tuple[Micros, list[Revision]]:
        now = self._source.now()
        late = []
        for symbol in self._asked:
            for bar in self._source.bars(symbol, self._asked[symbol], now // MINUTE * MINUTE):
                revision = self._minutes.add(bar)
                if revision is not None:
                    late.append(revision)
                self._asked[symbol] = bar.ts + MINUTE
        return now, late
