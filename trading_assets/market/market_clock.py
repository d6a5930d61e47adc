"""The market's clock: what time it is there, whether it trades, and when the next bar begins."""

from __future__ import annotations

import asyncio

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.domain.ports import Clock
from trading_assets.market.sessions import ALWAYS_OPEN, Sessions

_SECOND: Micros = 1_000_000
_LONGEST_WAIT_S = 1.0


class MarketClock:
    """One calendar, one bar size, one clock; it asks the frozen sessions that bars are cut by.

    Attributes:
        calendar: name of the calendar.
        bar_seconds: size of a bar.
    """

    def __init__(
        self,
        calendar: str = ALWAYS_OPEN,
        bar_seconds: int = 60,
        *,
        clock: Clock,
        sessions: Sessions | None = None,
    ) -> None:
        """Join a calendar and a clock.

        Args:
            calendar: its name.
            bar_seconds: size of a bar.
            clock: where the present comes from, and how to wait.
            sessions: of this calendar; needed unless it never closes.

        Raises:
            ConfigurationError: if the sessions are missing, or of another calendar.
        """
        if bar_seconds < 1:
            raise ConfigurationError(
                "Not the size of a bar", expected="whole seconds", found=f"{bar_seconds} s"
            )
        if calendar != (sessions.calendar if sessions else ALWAYS_OPEN):
            raise ConfigurationError(
                f"The market clock of {calendar} has no sessions of it",
                expected=f"the frozen sessions of {calendar}",
                found=f"those of {sessions.calendar}" if sessions else "none",
            )
        self.calendar = calendar
        self.bar_seconds = bar_seconds
        self._clock = clock
        self._sessions = None if sessions is None or sessions.never_closes else sessions

    def now_utc(self) -> Micros:
        """Give the present of the market, in microseconds UTC."""
        return self._clock.now()

    def is_trading_time(self, ts: Micros) -> bool:
        """Tell whether the market trades at an instant.

        Raises:
            DataError: if the calendar does not know it.
        """
        return self._sessions is None or self._sessions.is_open(ts)

    def next_bar_time(self, last_ts: Micros) -> Micros:
        """Give the open time of the first bar that begins after `last_ts`.

        Bars count from the session's open, as larger bars do in history; over a close or a break
        the next one is the first of the next stretch of trading.

        Raises:
            DataError: if the calendar does not know that far.
        """
        size = self.bar_seconds * _SECOND
        if self._sessions is None:
            return last_ts - last_ts % size + size
        return self._sessions.next_bucket(last_ts, size)

    async def sleep_until(self, ts: Micros) -> None:
        """Return when the market's clock has reached an instant; other tasks go on meanwhile.

        The clock is asked again at least once a second, since its time is not the machine's.
        """
        while (left := ts - self._clock.now()) > 0:
            await asyncio.to_thread(self._clock.wait, min(left / _SECOND, _LONGEST_WAIT_S))
