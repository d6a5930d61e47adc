"""What is measured of live books, for Prometheus: from their files, never from a running loop.

Every journal is read once from its first row, then only what is new, so that looking every few
seconds costs what has happened since and not what the book has lived through.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from trading_assets.domain.errors import TradingAssetsError
from trading_assets.domain.events import (
    BarReady,
    CommandReceived,
    DecisionDropped,
    EquityMarked,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
    ReleaseSwitched,
    SessionClosed,
    SessionOpened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.policy_events import BreakerTripped, EntriesAllowed, EntriesPaused
from trading_assets.live.bar_grid import BarGrid
from trading_assets.live.heartbeat import read_heartbeat
from trading_assets.live.policies.feed_watch import NextOpen
from trading_assets.live.supervision.alerts import RULES
from trading_assets.live.supervision.counters import Counters
from trading_assets.live.supervision.meters import Meters
from trading_assets.live.supervision.slo import WINDOW, SloMeter, SloTerms
from trading_assets.live.supervision.timer import Timer
from trading_assets.storage.alert_file import AlertFile
from trading_assets.storage.journal_reader import FILE, JournalReader
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_calendars import sessions_of_release
from trading_assets.workflows.live_pulse import read_pulse
from trading_assets.workflows.live_status import TRADING, verdict

_LOG = logging.getLogger(__name__)
_SECOND: Micros = 1_000_000
_MINUTE: Micros = 60 * _SECOND
_NEEDED = frozenset(
    kind.__name__
    for kind in (
        BarReady, BreakerTripped, CommandReceived, DecisionDropped, EntriesAllowed, EntriesPaused,
        EquityMarked, OrderFilled, OrderIntentCreated, OrderOutcomeUnknown, OrderProvenAbsent,
        OrderRefused, OrderReported, OrderSubmitted, ReleaseSwitched, SessionClosed, SessionOpened,
        TradingHalted, TradingResumed,
    )
)  # fmt: skip
"""Kinds of rows that some figure is of; the others are not even decoded."""


@dataclass(frozen=True, slots=True)
class BookFigures:
    """A book at one moment, by names of metrics without their prefix.

    Attributes:
        counters: totals over the whole journal.
        gauges: present values; what is not known is absent.
        of_symbol: counters and gauges that are told by symbol.
        timers: durations by name.
        alerts: every rule of the product, and whether its alert stands.
        failure: why the book cannot be read, "" when it can; all else is empty then.
    """

    book: str
    counters: Mapping[str, float] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)
    of_symbol: Mapping[str, Mapping[Symbol, float]] = field(default_factory=dict)
    timers: Mapping[str, Timer] = field(default_factory=dict)
    alerts: Mapping[str, bool] = field(default_factory=dict)
    failure: str = ""


class DeskMetrics:
    """The books of a desk that have a journal; several threads may ask."""

    def __init__(self, desk: Desk) -> None:
        """Name the desk; nothing is read yet."""
        self._desk = desk
        self._books: dict[str, _BookReading] = {}
        self._failures: dict[str, str] = {}
        self._lock = threading.Lock()

    def figures(self) -> list[BookFigures]:
        """Give every book as it stands now; one that cannot be read says so and hides no other."""
        books = self._desk.settings.books
        with self._lock:
            return [self._of(name) for name in sorted(books) if self._is_there(name)]

    def of(self, name: str) -> BookFigures:
        """Give one book.

        Raises:
            ConfigurationError: if settings have no such book.
        """
        live_book(self._desk.settings, name)
        with self._lock:
            return self._of(name)

    def _is_there(self, name: str) -> bool:
        return (live_book(self._desk.settings, name).folder / FILE).is_file()

    def _of(self, name: str) -> BookFigures:
        reading = self._books.get(name) or _BookReading(self._desk, name)
        self._books[name] = reading
        try:
            found = reading.figures()
        except (TradingAssetsError, OSError, ValueError) as error:
            del self._books[name]  # what was half read is read anew
            if self._failures.get(name) != str(error):  # not anew at every scrape
                _LOG.exception("The metrics of book %s cannot be read", name)
            self._failures[name] = str(error)
            return BookFigures(name, failure=str(error))
        self._failures.pop(name, None)
        return found


class _BookReading:
    """How far one journal has been read, and what it said."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk = desk
        self._place = live_book(desk.settings, name)
        self._forget()

    def _forget(self) -> None:
        terms = SloTerms(1, _MINUTE, 0)
        self._meters = Meters(Counters(_MINUTE, is_wall=True))
        self._slo = SloMeter(terms)
        self._symbols: tuple[Symbol, ...] = ()
        self._opens: dict[Symbol, NextOpen] = {}
        self._seq = self._crc = 0
        self._last_ts: Micros = 0
        self._judged: Micros = 0
        self._budget_left = 1.0

    def figures(self) -> BookFigures:
        """Read what is new and give all that is known now."""
        if (self._place.folder / FILE).is_file():
            with closing(self._place.journal()) as journal:
                self._read(journal)
        meters = self._meters
        counters = meters.counters
        return BookFigures(
            book=self._place.name,
            counters={
                **counters.totals,
                "late_bars_total": counters.late_bars,
                "errors_total": counters.totals["rejects_total"]
                + counters.totals["unknown_outcomes_total"],
                "commands_total": meters.commands,
                "commands_refused_total": meters.refused,
                "halts_total": meters.halts,
            },
            gauges=dict(self._gauges()),
            of_symbol={
                **meters.of_symbol,
                "feed_age_seconds": self._feed_ages(),
            },
            timers={
                "order_rtt_seconds": counters.order_rtt,
                "order_latency_seconds": counters.latency,
                "bar_to_journal_seconds": counters.bars_lag,
            },
            alerts=dict.fromkeys(RULES, False)
            | dict.fromkeys(AlertFile(self._place.folder).standing(), True),
        )

    def _read(self, journal: JournalReader) -> None:
        if not journal.goes_on(self._seq, self._crc):
            self._forget()
        is_wall = journal.epoch == "wall"
        self._meters.counters.is_wall = is_wall
        self._slo.terms = replace(self._slo.terms, is_wall=is_wall)
        for row in journal.rows(self._seq):
            self._seq, self._crc = row.seq, row.crc
            self._last_ts = max(self._last_ts, row.ts)
            self._meters.recorded = row.recorded
            if row.kind not in _NEEDED:
                continue
            event = row.event
            if isinstance(event, SessionOpened | ReleaseSwitched):
                self._take_release(event.release_id)
            self._meters.note(event, row.recorded)
            self._slo.note(event, row.recorded)

    def _take_release(self, release_id: str) -> None:
        """Measure by the bars, symbols and sessions of a release from here on."""
        release = self._desk.releases.get(release_id)
        size = release.spec.timeframe
        hours = sessions_of_release(self._desk, release)
        self._meters.counters.bar_size = size.micros
        self._slo.terms = replace(
            self._slo.terms,
            symbols=len(release.spec.symbols),
            bar_size=size.micros,
            within=int(self._desk.settings.live.slo_within_s * _SECOND),
            sessions=tuple(hours.values()),
        )
        self._opens = {symbol: BarGrid(size, found).after for symbol, found in hours.items()}
        self._symbols = release.spec.symbols
        for counts in self._meters.of_symbol.values():
            counts.update(dict.fromkeys(self._symbols, 0))  # a rate needs a zero to begin with

    def _now(self) -> Micros:
        """Give market time: the world's, else the latest that the journal knows."""
        return self._desk.clock.now() if self._meters.counters.is_wall else self._last_ts

    def _due(self, symbol: Symbol, last: Micros) -> Micros:
        """Give when the bar after a symbol's latest one opened: its close, or the next session."""
        opens = self._opens.get(symbol)
        return opens(last) if opens else last + self._meters.counters.bar_size

    def _feed_ages(self) -> dict[Symbol, float]:
        """Give how long each market has been open since its latest bar, in seconds.

        A feed is not older than the session that listens to it: a stop is no gap.
        """
        now, opened = self._now(), self._meters.opened
        bars = self._meters.bars
        dues = {s: self._due(s, bars[s]) if s in bars else 0 for s in self._symbols}
        return {s: max(0.0, (now - max(due, opened)) / _SECOND) for s, due in dues.items()}

    def _gauges(self) -> Iterator[tuple[str, float]]:
        counters, meters = self._meters.counters, self._meters
        now = self._desk.clock.now()
        if self._place.folder.is_dir():
            yield "disk_free_bytes", shutil.disk_usage(self._place.folder).free
        yield from self._signs(now)
        yield from self._of_executor()
        if not self._seq:
            return
        is_loss = meters.is_halted and counters.halt_source == "risk"
        yield "halted_for_loss", float(is_loss)
        yield "journal_rows", float(self._seq)
        yield "journal_age_seconds", (now - meters.recorded) / _SECOND
        yield "error_rate", counters.error_rate
        yield "error_rate_orders", float(counters.outcomes)
        yield "order_in_doubt_seconds", counters.in_doubt_s(now)
        yield "clock_offset_seconds", counters.offset_ms / 1_000
        yield "bar_seconds", counters.bar_size / _SECOND
        ages = self._feed_ages()
        if ages:
            yield "bar_lag_seconds", min(ages.values())
        if meters.journal_lag_s is not None:
            yield "journal_lag_seconds", meters.journal_lag_s
        if meters.began:
            yield "slo_budget_left", self._left()
        if counters.equity is not None:
            yield "equity", counters.equity
            yield "drawdown", meters.drawdown
            yield "pnl_intraday", counters.pnl_intraday

    def _signs(self, now: Micros) -> Iterator[tuple[str, float]]:
        """Give what tells whether an executor lives and may trade, by its files."""
        place = self._place
        heartbeat = read_heartbeat(place.heartbeat)
        is_halted = self._meters.is_halted or place.latched() is not None
        age_s = None if heartbeat is None else (now - heartbeat.beat) / _SECOND
        code, _ = verdict(self._desk, place, heartbeat, age_s, is_halted=is_halted)
        yield "up", float(code == TRADING)
        yield "executor_running", float(place.is_running)
        yield "closed_cleanly", float(self._meters.is_closed)
        yield "trading_halted", float(is_halted)
        if age_s is not None:
            yield "heartbeat_age_seconds", age_s

    def _of_executor(self) -> Iterator[tuple[str, float]]:
        """Give what only the engine can tell, as the executor wrote it at its last beat."""
        found: Mapping[str, Any] | None = read_pulse(self._place.folder)
        if found is None:
            return
        yield "pnl_realized", float(found["metrics"]["pnl_realized"])
        yield "open_positions", float(len(found["positions"]))
        yield "open_orders", float(len(found["orders"]))
        yield "entries_paused", float(len(found["pauses"]))

    def _left(self) -> float:
        """Give what is left of the error budget; judged once a minute, as the executor does."""
        now = self._now()
        if now - self._judged >= _MINUTE or now < self._judged:
            self._judged = now
            self._slo.terms = replace(self._slo.terms, began=self._meters.began)
            self._slo.forget_before(now - WINDOW)
            self._budget_left = self._slo.standing(now).remaining
        return self._budget_left
