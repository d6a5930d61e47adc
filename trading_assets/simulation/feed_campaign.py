"""The feed of a live book against a venue that loses, delays and withholds bars, by seed.

The feed is the real one. Signals are left out: what is judged are the bars, each against the
minutes that the venue had to give at the moment when it was handed out.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from trading_assets.domain.bar import MINUTE, Bar, Timeframe
from trading_assets.domain.errors import RateLimited, VenueUnavailable
from trading_assets.domain.events import BarReady, SignalRow
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.live.feed import BarFeed
from trading_assets.simulation.flaky_minutes import (
    CALL_FAULTS,
    MINUTE_FAULTS,
    SYMBOLS,
    FlakyMinutes,
)
from trading_assets.simulation.processes import workers
from trading_assets.simulation.virtual_time import START

GRACE: Micros = 40_000_000
PROCESS_FAULTS = ("restart", "long_absence")
FAULTS = (*CALL_FAULTS, *MINUTE_FAULTS, *PROCESS_FAULTS)

_CHUNK = 100
_SECOND: Micros = 1_000_000
_SIZES = {Timeframe.M1: 12, Timeframe.M5: 25}
"""Minutes of a schedule by the size of its bars."""


@dataclass(slots=True)
class FeedTally:
    """What schedules came to.

    Attributes:
        bars: handed out, one per symbol and instant.
        incomplete: of them, those that lack a minute which the venue did not give in time.
        wrong: (seed, what) of every violation.
    """

    schedules: int = 0
    polls: int = 0
    bars: int = 0
    incomplete: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[int, str]] = field(default_factory=list)

    def shortfalls(self) -> list[str]:
        """Name the faults that came less than once in a hundred schedules."""
        return [name for name in FAULTS if 100 * self.faults[name] < self.schedules]

    def add(self, other: FeedTally) -> None:
        """Take in what other schedules came to."""
        for name in ("schedules", "polls", "bars", "incomplete"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults
        self.wrong += other.wrong

    def to_json(self) -> dict[str, Any]:
        """Give the tally as plain values."""
        kinds = Counter(what.split(":")[0] for _, what in self.wrong)
        return {
            "schedules": self.schedules,
            "polls": self.polls,
            "bars": self.bars,
            "incomplete": self.incomplete,
            "missed": kinds["missed"],
            "duplicates": kinds["repeated"],
            "violations": dict(kinds),
            "faults": dict(sorted(self.faults.items())),
        }


class _NoSignals:
    """The part of `live.signal_desk.SignalDesk` that a feed uses, without any signal."""

    def history_start(self, month: Month) -> Micros:
        return month.start

    def append(self, symbol: Symbol, bars: pl.DataFrame) -> None:
        return

    def forget_before(self, month: Month) -> None:
        return

    def rows(
        self, symbol: Symbol, instants: Sequence[Micros]
    ) -> dict[Micros, tuple[SignalRow, ...]]:
        return {ts: (SignalRow(symbol, ts, (), ""),) for ts in instants}


class FeedWorld:
    """One schedule: a market, the feeds of the processes that look at it, what they handed out."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(f"feed/{seed}")  # noqa: S311 - chance that has to be repeatable
        self._rate = self._dice.choice((0.02, 0.1, 0.3))
        self._size = self._dice.choice(tuple(_SIZES))
        self.venue = FlakyMinutes(self._dice, _SIZES[self._size], self._rate)
        self.polls = 0
        self.bars = 0
        self.incomplete = 0
        self.wrong: list[str] = []
        self._last: Micros | None = None

    def run(self) -> None:
        """Poll until the market has ended and everything that can come has come."""
        feed = self._process()
        while self._last is None or self._last + self._size.micros < self._end:
            if self.venue.now > self._end + 1_200 * _SECOND:
                self._judge_rest()
                return
            self._wait()
            if feed is None or self._draws("restart"):
                feed = self._process()
            if feed is not None:
                self._poll(feed)

    @property
    def _end(self) -> Micros:
        return START + _SIZES[self._size] * MINUTE

    def _wait(self) -> None:
        absent = self._draws("long_absence")
        self.venue.now += self._dice.randrange(120, 400) * _SECOND if absent else 5 * _SECOND

    def _draws(self, name: str) -> bool:
        happens = self._dice.random() < self._rate / 4
        self.venue.counts[name] += happens
        return happens

    def _process(self) -> BarFeed | None:
        """Start a process, which goes on behind the last bar; None when it cannot start now."""
        desk: Any = _NoSignals()
        feed = BarFeed(self.venue, desk, SYMBOLS, self._size, grace=GRACE)
        try:
            feed.load(START if self._last is None else self._last + self._size.micros)
        except (VenueUnavailable, RateLimited):
            return None
        return feed

    def _poll(self, feed: BarFeed) -> None:
        self.polls += 1
        asked_at = self.venue.now
        try:
            events = feed.poll(asked_at)
        except (VenueUnavailable, RateLimited):
            return
        for event in events:
            self._judge(event, asked_at)

    def _judge(self, event: BarReady, asked_at: Micros) -> None:
        """Compare a bar with the minutes that were to be seen when it was asked for."""
        size = self._size.micros
        expected = START if self._last is None else self._last + size
        if event.ts < expected:
            self.wrong.append(f"repeated: the bar at {event.ts} came again")
            return
        for ts in range(expected, event.ts, size):
            if any(self._seen_by(symbol, ts, ts + size + GRACE) for symbol in SYMBOLS):
                self.wrong.append(f"missed: no bar at {ts}")
        self._last = event.ts
        for symbol in SYMBOLS:
            found = [bar for bar in event.bars if bar.symbol == symbol]
            self.bars += len(found)
            wrong = self._judge_symbol(symbol, event.ts, found[0] if found else None, asked_at)
            if found and wrong != (symbol in event.incomplete):
                self.wrong.append(f"unreported: {symbol} at {event.ts} lacks a minute: {wrong}")

    def _judge_rest(self) -> None:
        """What was not handed out twenty minutes after the end must have had no minute at all."""
        expected = START if self._last is None else self._last + self._size.micros
        for ts in range(expected, self._end, self._size.micros):
            if any(self._seen_by(symbol, ts, self.venue.now) for symbol in SYMBOLS):
                self.wrong.append(f"missed: no bar at {ts}")

    def _judge_symbol(
        self, symbol: Symbol, ts: Micros, found: Bar | None, asked_at: Micros
    ) -> bool:
        """Judge one bar; tell whether it lacks a minute."""
        size = self._size.micros
        minutes = [bar for bar in self.venue.minutes[symbol] if ts <= bar.ts < ts + size]
        possible = [_joined(ts, minutes)]
        if asked_at >= ts + size + GRACE:  # what came by then, or while the venue was asked
            in_time = self._seen_by(symbol, ts, asked_at)
            lately = self._seen_by(symbol, ts, self.venue.now)
            possible += [_joined(ts, in_time), _joined(ts, lately)]
        if found not in possible:
            self.wrong.append(f"wrong: {symbol} at {ts} is {found}, not {possible[-1]}")
        self.incomplete += found != possible[0]
        return found != possible[0]

    def _seen_by(self, symbol: Symbol, ts: Micros, moment: Micros) -> list[Bar]:
        now, self.venue.now = self.venue.now, moment
        try:
            return self.venue.seen(symbol, ts, ts + self._size.micros)
        finally:
            self.venue.now = now


def run_feeds(
    first: int,
    stop: int,
    *,
    jobs: int = 1,
    report: Callable[[int, int], None] = lambda done, wrong: None,
) -> FeedTally:
    """Run the schedules of a range of seeds in `jobs` processes.

    Args:
        first: the first seed.
        stop: the seed behind the last.
        jobs: processes.
        report: told (schedules done, violations found) after each part.
    """
    whole = FeedTally()
    with workers(jobs) as run_parts:
        for part in run_parts(partial(_part, stop=stop), range(first, stop, _CHUNK)):
            whole.add(part)
            report(whole.schedules, len(whole.wrong))
    return whole


def _part(first: int, stop: int) -> FeedTally:
    tally = FeedTally()
    for seed in range(first, min(first + _CHUNK, stop)):
        world = FeedWorld(seed)
        world.run()
        wrong = [(seed, what) for what in world.wrong]
        counts = world.venue.counts
        tally.add(FeedTally(1, world.polls, world.bars, world.incomplete, counts, wrong))
    return tally


def _joined(ts: Micros, minutes: Sequence[Bar]) -> Bar | None:
    """Join minutes to the bar that opens at `ts`, without the code that is judged."""
    if not minutes:
        return None
    first = minutes[0]
    return Bar(
        first.symbol,
        ts,
        first.open,
        max(bar.high for bar in minutes),
        min(bar.low for bar in minutes),
        minutes[-1].close,
        sum(bar.volume or 0.0 for bar in minutes),
        sum(bar.quote_volume or 0.0 for bar in minutes),
        sum(bar.n_trades or 0 for bar in minutes),
    )
