"""Whether bars still come: per symbol, by the market's clock, while the venue itself answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trading_assets.domain.events import BarReady, Event
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.policy_events import EntriesAllowed, EntriesPaused
from trading_assets.live.book_state import BookState
from trading_assets.live.policies.pauses import FEED

NextOpen = Callable[[Micros], Micros]
"""Gives the open time of the first bar after one that opened at an instant: closes are skipped."""

_SECOND: Micros = 1_000_000


class FeedWatch:
    """Pauses entries of a symbol whose bars stay away, until the gap has been filled.

    Args:
        state: knows the latest bar of every symbol.
        symbols: of the book.
        size: of a bar.
        stale_bars: so many bars after the latest one's close a symbol is stale; 0 for never.
        next_open: by symbol; a symbol without one trades around the clock.
    """

    def __init__(
        self,
        state: BookState,
        symbols: Sequence[Symbol],
        size: Micros,
        *,
        stale_bars: float = 0.0,
        next_open: Mapping[Symbol, NextOpen] | None = None,
    ) -> None:
        self._state = state
        self._symbols = symbols
        self._size = size
        self._limit: Micros = int(stale_bars * size)
        self._next_open = next_open or {}
        self._began: Micros | None = None
        self._turn: Micros | None = None

    def was_away(self, now: Micros) -> bool:
        """Tell whether the market went on for too long since the last call: a suspended host."""
        before, self._turn = self._turn, now
        return bool(self._limit) and before is not None and now - before > self._limit

    def stalled(self, now: Micros) -> list[Event]:
        """Give the symbols whose next bar is overdue and that were not paused for it before."""
        if not self._limit:
            return []
        if self._began is None:
            self._began = now // self._size * self._size
        events: list[Event] = []
        for symbol in self._symbols:
            last = self._state.symbol_bars.get(symbol, self._began - self._size)
            due = self._after(symbol, last)
            if now >= due + self._limit and (symbol, FEED) not in self._state.pauses:
                late_s = (now - due - self._size) // _SECOND
                reason = f"no bar since the one of {last}: the next is {late_s} s overdue"
                events.append(EntriesPaused(now, symbol, FEED, reason))
        return events

    def before(self, bar: BarReady) -> list[Event]:
        """Give what a bar in time ends: bars come in order, so every missing one came before it."""
        if bar.late:
            return []
        return [
            EntriesAllowed(bar.ts + self._size, each.symbol, FEED, "its bars come in time again")
            for each in bar.bars
            if (each.symbol, FEED) in self._state.pauses
        ]

    def _after(self, symbol: Symbol, last: Micros) -> Micros:
        next_open = self._next_open.get(symbol)
        return last + self._size if next_open is None else next_open(last)
