"""Minutes of a live feed in order: what is waited for, what was replaced, what came too late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from trading_assets.domain.bar import DAY, MINUTE, Bar
from trading_assets.domain.errors import VenueError
from trading_assets.domain.ids import Micros, Symbol

_REMEMBERED = DAY  # of bars that were handed out, to tell a repeat from a revision


@dataclass(frozen=True, slots=True)
class Revision:
    """The vendor's bar differs from the one that was handed out.

    Attributes:
        ts: open time.
        was: what was handed out; None when there was nothing, or more than a day ago.
        now: what the vendor says since; None when its history has no such bar.
    """

    symbol: Symbol
    ts: Micros
    was: Bar | None
    now: Bar | None


class LiveFeed(Protocol):
    """Finished minutes of some symbols as they happen, from the one source of all of them."""

    @property
    def trouble(self) -> VenueError | None:
        """Why no bars come just now, if something is wrong; it passes by itself."""
        ...

    def events(self, wait_s: float) -> list[Bar | Revision]:
        """Give finished bars, in order and each once, and revisions of earlier ones.

        Args:
            wait_s: how long to wait for the first, at most (reads of a history come on top).

        Raises:
            VenueError, DataError: if it cannot go on; what may pass is `trouble` instead.
        """
        ...


class LiveMinutes:
    """Puts the minutes of several symbols in order; knows no clock and no network.

    A minute is handed out as soon as all symbols have it, or `grace` after its end with what has
    come: a minute without a trade has no bar. Until then a bar that comes again replaces the first;
    afterwards it is a revision, and one that is equal is nothing.

    Args:
        symbols: bars of one minute come in this order.
        first: open time of the first minute that is handed out.
        grace: how long after its end a minute is waited for.
    """

    def __init__(self, symbols: Sequence[Symbol], *, first: Micros, grace: Micros) -> None:
        self._symbols = tuple(symbols)
        self._grace = grace
        self._next = first
        self._waiting: dict[Micros, dict[Symbol, Bar]] = {}
        self._handed: dict[Micros, dict[Symbol, Bar]] = {}

    @property
    def next_ts(self) -> Micros:
        """Open time of the first minute that has not been handed out."""
        return self._next

    def add(self, bar: Bar) -> Revision | None:
        """Take a bar; give a revision if its minute was handed out with something else."""
        if bar.ts >= self._next:
            self._waiting.setdefault(bar.ts, {})[bar.symbol] = bar
            return None
        was = self._handed.get(bar.ts, {}).get(bar.symbol)
        if was is not None and same_trade_facts(was, bar):
            return None
        self._handed.setdefault(bar.ts, {})[bar.symbol] = bar
        return Revision(bar.symbol, bar.ts, was, bar)

    def ready(self, now: Micros) -> list[Bar]:
        """Hand out the minutes that are over, by time and then in the order of the symbols."""
        end = max(self._next, (now - self._grace) // MINUTE * MINUTE)
        if end + MINUTE <= now and len(self._waiting.get(end, ())) == len(self._symbols):
            end += MINUTE  # everything has come: no need to wait
        bars = []
        for ts in sorted(ts for ts in self._waiting if ts < end):
            found = self._waiting.pop(ts)
            self._handed[ts] = found
            bars += [found[symbol] for symbol in self._symbols if symbol in found]
        self._next = end
        for ts in [ts for ts in self._handed if ts < end - _REMEMBERED]:
            del self._handed[ts]
        return bars

    def handed(self, symbol: Symbol, start: Micros, end: Micros) -> list[Bar]:
        """Give the bars of a symbol that were handed out, as they are now, in [start, end)."""
        return [
            found[symbol]
            for ts, found in sorted(self._handed.items())
            if start <= ts < end and symbol in found
        ]

    def compare(
        self, symbol: Symbol, start: Micros, end: Micros, history: Iterable[Bar]
    ) -> list[Revision]:
        """Hold what was handed out of [start, end) against the vendor's history of that span."""
        theirs = {bar.ts: bar for bar in history}
        revisions = [found for bar in theirs.values() if (found := self.add(bar)) is not None]
        for bar in self.handed(symbol, start, end):
            if bar.ts not in theirs:
                del self._handed[bar.ts][symbol]
                revisions.append(Revision(symbol, bar.ts, bar, None))
        return sorted(revisions, key=lambda revision: revision.ts)


def same_trade_facts(one: Bar, other: Bar) -> bool:
    """Tell whether two bars agree in prices and volume, which streams and histories both give."""
    return (one.open, one.high, one.low, one.close, one.volume) == (
        other.open, other.high, other.low, other.close, other.volume,
    )  # fmt: skip
