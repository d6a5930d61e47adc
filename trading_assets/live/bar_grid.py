"""When bars of a symbol open and close: around the clock, or by the sessions of its calendar."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.market.sessions import ALWAYS_OPEN, Sessions


def require_size(calendar: str, timeframe: Timeframe) -> None:
    """Refuse bars that no live book can be given.

    Raises:
        ConfigurationError: for daily bars of sessions; their `ts` is a date, not when they open.
    """
    if calendar != ALWAYS_OPEN and timeframe is Timeframe.D1:
        raise ConfigurationError(
            f"Daily bars of calendar {calendar} cannot be traded live",
            expected="bars of an hour at most where a market has sessions",
            found=timeframe.value,
            fix="Promote a spec of a smaller bar_size.",
        )


@dataclass(frozen=True, slots=True)
class BarGrid:
    """The bars of one size, cut as `market.resample` cuts them.

    Every method with sessions raises DataError for an instant that the calendar does not know.

    Attributes:
        timeframe: of the bars.
        sessions: of the symbol's calendar; None for a market that never closes.
    """

    timeframe: Timeframe
    sessions: Sessions | None = None

    def __post_init__(self) -> None:
        """Refuse daily bars of sessions.

        Raises:
            ConfigurationError: for those; their name is a date, not when they open.
        """
        if self.sessions is not None:
            require_size(self.sessions.calendar, self.timeframe)

    def holding(self, ts: Micros) -> Micros:
        """Give when the bar opens that an instant lies in; of the next one while it is closed."""
        size = self.timeframe.micros
        if self.sessions is None:
            return ts - ts % size
        stretch = self.sessions.stretch_at(ts)
        if stretch is None:
            return self.sessions.next_bucket(ts, size)
        return ts - (ts - stretch[0]) % size

    def after(self, opened: Micros) -> Micros:
        """Give when the first bar opens after an instant."""
        size = self.timeframe.micros
        if self.sessions is None:
            return opened - opened % size + size
        return self.sessions.next_bucket(opened, size)

    def close_of(self, opened: Micros) -> Micros:
        """Give when a bar closes: after its size, or with the session."""
        end = opened + self.timeframe.micros
        stretch = None if self.sessions is None else self.sessions.stretch_at(opened)
        return end if stretch is None else min(end, stretch[1])

    def is_open(self, ts: Micros) -> bool:
        """Tell whether there is trading at an instant."""
        return self.sessions is None or self.sessions.stretch_at(ts) is not None

    def minute_after(self, minute: Micros) -> Micros:
        """Give the first minute after one in which there is trading."""
        if self.sessions is None:
            return minute + MINUTE
        return self.sessions.next_bucket(minute, MINUTE)
