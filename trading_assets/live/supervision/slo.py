"""The error budget of a book: which bar-minutes were good, by its journal, and what follows.

The unit is one minute of one symbol. It is good when the bar it belongs to was decided on and
journalled in time while no fault had halted the book; everything else is bad, also the time when no
executor ran after one had died. From a clean stop to the next start nothing is judged: somebody
wanted it so. Of a rolling window a small share may be bad.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from trading_assets.domain.bar import DAY
from trading_assets.domain.events import (
    BarReady,
    Event,
    SessionClosed,
    SessionOpened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.ids import Micros
from trading_assets.market.sessions import Sessions

Spans = tuple[tuple[Micros, Micros], ...]
_MINUTE: Micros = 60_000_000
WINDOW: Micros = 30 * DAY
ALLOWED = 0.005
"""Share of the window that may be bad: 216 minutes per symbol in 30 days."""

FAULTS = frozenset({"reconcile", "inbox", "watchdog"})
"""Sources of a halt that are faults; a person's halt, or one for a loss, is the book as wanted."""

TURNS = tuple(
    kind.__name__ for kind in (SessionOpened, SessionClosed, TradingHalted, TradingResumed)
)
"""Kinds of rows besides bars that a meter needs, those before the window included."""

_ENTRIES_OFF_BELOW = 0.50
_PAPER_BELOW = 0.25
_HYSTERESIS = 0.10


class SloLevel(IntEnum):
    """What a book may still do; each level forbids what the ones before it do."""

    NORMAL = 0
    ENTRIES_OFF = 1
    PAPER = 2  # exits only until it is flat, then paper


@dataclass(frozen=True, slots=True)
class SloTerms:
    """What is measured.

    Attributes:
        symbols: number of symbols of the book.
        bar_size: of its bars.
        began: market time of the book's first opening; minutes before it count for nothing.
        within: a bar must be journalled so long after its close.
        is_wall: the market's clock is the world's, so that the time of recording tells how long it
            took. On another clock a bar is in time unless it was too late to be traded.
        sessions: of each symbol whose market closes; what it does not trade in counts for nothing.
    """

    symbols: int
    bar_size: Micros
    began: Micros
    within: Micros = 5_000_000
    is_wall: bool = True
    sessions: tuple[Sessions, ...] = ()


@dataclass(frozen=True, slots=True)
class SloStanding:
    """The budget at one moment, in minutes of all symbols together.

    Attributes:
        good, bad: minutes of the window that have been judged.
        budget: minutes that may be bad in a whole window.
    """

    good: float
    bad: float
    budget: float

    @property
    def remaining(self) -> float:
        """Share of the budget that is left; below 0 when it is overdrawn."""
        return 1.0 - self.bad / self.budget

    @property
    def availability(self) -> float:
        """Share of the judged minutes that were good; 1 when none was judged."""
        judged = self.good + self.bad
        return self.good / judged if judged else 1.0


@dataclass(slots=True)
class SloMeter:
    """Counts by the rows of a journal; their order among themselves does not matter.

    Attributes:
        terms: what is measured.
    """

    terms: SloTerms
    _good: dict[Micros, int] = field(default_factory=dict)
    _halts: list[tuple[Micros, bool]] = field(default_factory=list)
    _stops: list[tuple[Micros, bool]] = field(default_factory=list)

    def note(self, event: Event, recorded: Micros) -> None:
        """Take one row in.

        Args:
            event: what happened; kinds that say nothing of the budget are left aside.
            recorded: the machine's clock at the commit.
        """
        if isinstance(event, BarReady):
            closed = event.ts + self.terms.bar_size
            is_slow = self.terms.is_wall and recorded - closed > self.terms.within
            symbols = {row.symbol for row in event.rows}
            self._good[event.ts] = 0 if event.late or is_slow else len(symbols)
        elif isinstance(event, TradingHalted) and event.source in FAULTS:
            self._halts.append((event.ts, True))
        elif isinstance(event, TradingResumed):
            self._halts.append((event.ts, False))
        elif isinstance(event, SessionClosed | SessionOpened):
            self._stops.append((event.ts, isinstance(event, SessionClosed)))

    def standing(self, now: Micros) -> SloStanding:
        """Judge the window that ends now; a bar is judged once its time has run out.

        Args:
            now: market time.
        """
        return self.between(now - WINDOW, now)

    def between(self, start: Micros, end: Micros) -> SloStanding:
        """Judge the bars that opened at `start` or later and whose time ran out by `end`."""
        terms = self.terms
        size = terms.bar_size
        began = terms.began // size * size
        first = max(-(-start // size) * size, began)
        stop = (end - terms.within) // size * size
        faults = tuple(_spans(self._halts, end))
        stopped = tuple(_spans(self._stops, end))
        expected = self._expected(stopped, first, stop)
        good = sum(
            min(count, terms.symbols)
            for ts, count in self._good.items()
            if first <= ts < stop
            and not _touches(faults, ts, ts + size)
            and not _touches(stopped, ts, ts + size)
        )
        minutes = size / _MINUTE
        bad = max(0, expected - good)  # where bars are cut off the hour, one more may be good
        return SloStanding(good * minutes, bad * minutes, self._budget(end))

    def _expected(self, stopped: Spans, first: Micros, stop: Micros) -> int:
        """Count the bars of all symbols in [first, stop) outside of stops and closed hours."""
        size, sessions = self.terms.bar_size, self.terms.sessions
        bars = max(0, (stop - first) // size)
        always = bars - _count(stopped, first, stop, size)
        expected = (self.terms.symbols - len(sessions)) * always
        for each in sessions:
            off = sorted((*stopped, *_closed(each, first, stop)))
            expected += bars - _count(off, first, stop, size)
        return expected

    def _budget(self, end: Micros) -> float:
        """Give the minutes that may be bad: a share of those that the window's markets trade in."""
        sessions = self.terms.sessions
        always = WINDOW // _MINUTE * (self.terms.symbols - len(sessions))
        hours = (each.clipped(end - WINDOW, end) for each in sessions)
        return ALLOWED * (always + sum(int((h.end - h.start).sum()) // _MINUTE for h in hours))

    def forget_before(self, start: Micros) -> None:
        """Drop bars that no window reaches any more."""
        for ts in [ts for ts in self._good if ts < start]:
            del self._good[ts]


def next_level(level: SloLevel, remaining: float) -> SloLevel:
    """Give what a book may do with so much left of its budget.

    A level is entered below its line and left only ten points above it.
    """
    below = (SloLevel.ENTRIES_OFF, _ENTRIES_OFF_BELOW), (SloLevel.PAPER, _PAPER_BELOW)
    found = SloLevel.NORMAL
    for wanted, line in below:
        margin = _HYSTERESIS if level >= wanted else 0.0
        if remaining < line + margin:
            found = wanted
    return found


def _closed(sessions: Sessions, first: Micros, stop: Micros) -> Iterable[tuple[Micros, Micros]]:
    """List the closed hours in [first, stop); the bar that ends as one begins is none of it."""
    inside = sessions.clipped(first, stop)
    starts, ends = inside.start.tolist(), inside.end.tolist()
    for begin, until in zip((first, *ends), (*starts, stop), strict=True):
        if begin < until:
            yield begin + 1, until


def _touches(spans: Spans, start: Micros, end: Micros) -> bool:
    return any(begin <= end and start < until for begin, until in spans)


def _spans(turns: Iterable[tuple[Micros, bool]], end: Micros) -> Iterable[tuple[Micros, Micros]]:
    """List the times between a turn on and the next turn off, in order."""
    since: Micros | None = None
    for ts, is_on in sorted(turns, key=lambda turn: turn[0]):
        if is_on and since is None:
            since = ts
        elif not is_on and since is not None:
            yield since, ts
            since = None
    if since is not None:
        yield since, end


def _count(
    spans: Iterable[tuple[Micros, Micros]], first: Micros, stop: Micros, size: Micros
) -> int:
    """Count the bars that open in [first, stop) and touch one of the spans, each once."""
    count, done = 0, first
    for begin, until in spans:
        low = max(done, (begin - 1) // size * size)  # a bar that closes as a span begins touches it
        high = min(stop, -(-until // size) * size)
        if high > low:
            count += (high - low) // size
            done = high
    return count
