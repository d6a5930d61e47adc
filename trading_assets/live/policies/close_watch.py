"""What a book does before a market closes: no more entries of its symbol, and nothing held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from trading_assets.domain.events import Event
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.policy_events import EntriesPaused
from trading_assets.live.book_state import LEAVING, BookState

CLOSE = "close"


class Hours(Protocol):
    """When a market trades; `market.sessions.Sessions` is the real one."""

    def is_open(self, ts: Micros) -> bool:
        """Tell whether there is trading at an instant."""
        ...

    def next_open(self, ts: Micros) -> Micros:
        """Give the first instant at or after one at which trading starts."""
        ...

    def next_close(self, ts: Micros) -> Micros:
        """Give the first instant after one at which trading stops, also for a break."""
        ...


class CloseWatch:
    """Pauses entries of a symbol from some time before each close to the next open.

    Args:
        state: of the book; only looked at.
        hours: of the symbols whose markets close.
        guard: so long before a close, in market time; 0 for never.
        leaves: what is held of the symbol is sold at market then, too.
    """

    def __init__(
        self, state: BookState, hours: Mapping[Symbol, Hours], guard: Micros, *, leaves: bool
    ) -> None:
        self._state = state
        self._hours = hours if guard else {}
        self._guard = guard
        self._cause = LEAVING if leaves else CLOSE

    def due(self, now: Micros) -> list[Event]:
        """Give the pauses that begin now; each ends by itself at the next open."""
        return [
            EntriesPaused(now, symbol, self._cause, "its market closes", until)
            for symbol, hours in self._hours.items()
            if (symbol, self._cause) not in self._state.pauses
            and (until := self._until(hours, now))
        ]

    def _until(self, hours: Hours, now: Micros) -> Micros:
        """Give the next open when entries are to wait for it, else 0."""
        if not hours.is_open(now):
            return hours.next_open(now)
        close = hours.next_close(now)
        return hours.next_open(close) if close - now <= self._guard else 0
