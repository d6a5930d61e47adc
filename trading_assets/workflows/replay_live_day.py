"""A live day again, from independent data through the same functions: parity of live and replay.

Signal rows are computed anew from the market tables, or from the history source where they do not
reach, and compared by hash. Then a fresh engine is taken through the journal from its first row;
on the day itself it is given the bars and rows that were computed anew, and must decide the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial

from trading_assets.domain.bar import DAY, Bar, Timeframe
from trading_assets.domain.errors import RecoveryError, TradingAssetsError
from trading_assets.domain.events import BarReady, Event, SignalRow
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.live.feed import bars_from_frame
from trading_assets.live.hand_over import Terms, TermsOf
from trading_assets.live.recovery import first_session, follow, last_release, with_derived
from trading_assets.live.saved_session import SavedSession
from trading_assets.live.session import Session
from trading_assets.market.bar_frame import between
from trading_assets.market.resample import resample
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.storage.release_store import Release
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.ledger_parity import DIFFERS, LedgerAgain, Parts
from trading_assets.workflows.live_book import LiveBook, live_book
from trading_assets.workflows.live_calendars import sessions_of_release
from trading_assets.workflows.live_tables import day_start
from trading_assets.workflows.minutes import read_minutes
from trading_assets.workflows.release_parts import (
    release_terms,
    session_setup,
    signal_desk,
    terms_of,
)

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class ParityReport:
    """How a live day compares with its replay.

    Attributes:
        bars: instants that were handled live.
        rows: signal rows that were handled live.
        bars_differ, rows_differ: those that come out otherwise now, or were missed live.
        decisions: orders decided, dropped decisions and equity marks that were journalled.
        decisions_differ: of both sides, those without an equal on the other.
        engine_hash: of the replayed engine after the day's last event.
        snapshots: snapshots of the live engine inside the replayed part that were compared with it.
        snapshots_differ: of them, those with other bytes.
        snapshots_older: of them, those of a program whose books had other fields, and in which all
            that both have is the same; an upgrade makes no day inexact.
        differences: the first ones, in words.
        ledger: of a book without a venue, against a backtest: see `workflows.ledger_parity`; "" for
            a book that a venue keeps.
    """

    book: str
    day: date
    release_id: str
    bars: int
    rows: int
    bars_differ: int
    rows_differ: int
    decisions: int
    decisions_differ: int
    engine_hash: str
    snapshots: int
    snapshots_differ: int
    snapshots_older: int
    differences: tuple[str, ...]
    ledger: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not (
            self.bars_differ
            or self.rows_differ
            or self.decisions_differ
            or self.snapshots_differ
            or self.ledger.startswith(DIFFERS)
        )


@dataclass(slots=True)
class _Findings:
    """What is counted on the way."""

    bars: int = 0
    rows: int = 0
    bars_differ: int = 0
    rows_differ: int = 0
    decisions: int = 0
    decisions_differ: int = 0
    snapshots: int = 0
    snapshots_differ: int = 0
    snapshots_older: int = 0
    words: list[str] = field(default_factory=list)
    ledger: LedgerAgain | None = None

    def say(self, text: str) -> None:
        if len(self.words) < _SHOWN:
            self.words.append(text)


@dataclass(frozen=True, slots=True)
class _Again:
    """Bars and signal rows of a day as they come out now, by symbol and open time."""

    bars: Mapping[Symbol, Mapping[Micros, Bar]]
    rows: Mapping[Symbol, Mapping[Micros, tuple[SignalRow, ...]]]

    def event(self, live: BarReady) -> BarReady:
        """Give the event as it comes out now."""
        bars = tuple(bars[live.ts] for bars in self.bars.values() if live.ts in bars)
        rows = tuple(row for rows in self.rows.values() for row in rows.get(live.ts, ()))
        return replace(live, bars=bars, rows=rows)

    def between(self, first: Micros, last: Micros) -> set[Micros]:
        """Give the instants from `first` to `last`, both inclusive, that have a bar."""
        return {ts for bars in self.bars.values() for ts in bars if first <= ts <= last}


def replay_live_day(desk: Desk, book: str, day: date) -> ParityReport:
    """Replay one UTC day of market time of a book and compare it with its journal.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if the book has no journal, or it is damaged.
        VenueError, MissingPartition: if neither tables nor history have the day's bars.
    """
    place = live_book(desk.settings, book)
    start = day_start(day)
    with place.journal() as journal:
        journal.verify()
        release = _release(desk, place, journal)
        found = _Findings()
        last, before = release_terms(place, release), terms_of(desk.releases, place)
        again = cache(
            lambda release_id: _computed_again(desk, desk.releases.get(release_id), start)
        )
        if place.settings.is_simulated:
            parts = partial(_parts, desk, place)
            began = first_session(journal, last, before).setup.release_id
            found.ledger = LedgerAgain(parts, began)
        session = _replay(journal, last, before, again, start, found)
    return ParityReport(
        book=place.name,
        day=day,
        release_id=session.setup.release_id,
        bars=found.bars,
        rows=found.rows,
        bars_differ=found.bars_differ,
        rows_differ=found.rows_differ,
        decisions=found.decisions,
        decisions_differ=found.decisions_differ,
        engine_hash=session.machine.state_hash(),
        snapshots=found.snapshots,
        snapshots_differ=found.snapshots_differ,
        snapshots_older=found.snapshots_older,
        differences=tuple(found.words),
        ledger="" if found.ledger is None else found.ledger.verdict(session.machine),
    )


def _parts(desk: Desk, place: LiveBook, release_id: str) -> Parts:
    release = desk.releases.get(release_id)
    return session_setup(place, release), release


def _release(desk: Desk, place: LiveBook, journal: JournalReader) -> Release:
    named = last_release(journal)
    if named is None:
        raise RecoveryError(
            f"Book {place.name} has not traded yet",
            expected="a session in its journal",
            found="none",
        )
    return desk.releases.get(named)


def _computed_again(desk: Desk, release: Release, start: Micros) -> _Again:
    """Compute a day's bars and signal rows from market data that the executor never touched."""
    sessions = sessions_of_release(desk, release)
    signals = signal_desk(release, sessions)
    begin = signals.history_start(Month.of(start))
    size: Timeframe = release.spec.timeframe
    bars: dict[Symbol, Mapping[Micros, Bar]] = {}
    rows: dict[Symbol, Mapping[Micros, tuple[SignalRow, ...]]] = {}
    minutes = read_minutes(desk, release.spec.symbols, begin, start + DAY)
    for symbol, frame in minutes.items():
        larger = resample(frame, size, sessions=sessions.get(symbol))
        signals.append(symbol, larger)
        bars[symbol] = bars_from_frame(larger.filter(between(start, start + DAY)))
        rows[symbol] = signals.rows(symbol, list(bars[symbol]))
    return _Again(bars, rows)


def _replay(
    journal: JournalReader,
    last: Terms,
    before: TermsOf,
    again_of: Callable[[str], _Again],
    start: Micros,
    found: _Findings,
) -> Session:
    """Take a session through the journal up to the end of the day, and give it."""
    session = first_session(journal, last, before)
    snapshots = journal.snapshots()
    handled: list[Micros] = []
    for seq, event, derived in with_derived(journal):
        if isinstance(event, BarReady):
            if event.ts >= start + DAY:
                break
            if event.ts >= start:
                handled.append(event.ts)
                event = _compare_bar(event, again_of(session.setup.release_id).event(event), found)  # noqa: PLW2901
        if found.ledger is not None:
            found.ledger.take((event, *derived))
        derived_by = session
        try:
            session = follow(session, event, last, before)
        except TradingAssetsError as error:
            found.decisions_differ += 1
            found.say(f"the replay cannot go on at row {seq}: {error}")
            break
        _compare_derived(derived_by.take_derived(), derived, found, counts=event.ts >= start)
        row = seq + len(derived)
        if row in snapshots and event.ts >= start:
            _compare_snapshot(snapshots[row], session.snapshot(), row, found)
    if handled:
        again = again_of(session.setup.release_id)
        missed = again.between(handled[0], handled[-1]) - set(handled)
        found.bars_differ += len(missed)
        for ts in sorted(missed):
            found.say(f"the bar at {ts} was not handled live")
    return session


def _compare_bar(live: BarReady, again: BarReady, found: _Findings) -> BarReady:
    """Count differences; give the bar to decide on: the one computed anew."""
    found.bars += 1
    found.rows += len(live.rows)
    if live.bars != again.bars:
        found.bars_differ += 1
        found.say(f"bars at {live.ts}: live {live.bars}, now {again.bars}")
    rows = {(row.tag, row.symbol): row for row in again.rows}
    for row in live.rows:
        other = rows.get((row.tag, row.symbol))
        if other is None or other.row_hash != row.row_hash:
            found.rows_differ += 1
            now = "nothing" if other is None else other.values
            found.say(f"signals of {row.symbol} at {row.ts}: live {row.values}, now {now}")
    return again


def _compare_snapshot(live: bytes, again: bytes, row: int, found: _Findings) -> None:
    """Compare bytes; where a program of another version has written them, what both have."""
    found.snapshots += 1
    if live == again:
        return
    apart = _apart(live, again)
    if apart:
        found.snapshots_older += 1
        found.say(
            f"the snapshot after row {row} is of another version: only one of both has "
            f"{', '.join(apart)}; all else is the same"
        )
    else:
        found.snapshots_differ += 1
        found.say(f"the state after row {row} is another one than live")


def _apart(live: bytes, again: bytes) -> tuple[str, ...]:
    """Name the fields that only one of two snapshots has; none where anything else differs."""
    try:
        saved = SavedSession.from_bytes(live)
    except (ValueError, KeyError, TypeError):
        return ()  # no session at all: a difference
    now = SavedSession.from_bytes(again)
    return saved.fields_apart(now) if saved.is_like(now) else ()


def _compare_derived(
    again: Sequence[Event], live: Sequence[Event], found: _Findings, *, counts: bool
) -> None:
    found.decisions += len(live) if counts else 0
    for side, events, others in (("live", live, again), ("replayed", again, live)):
        for event in events:
            if event not in others:
                found.decisions_differ += 1
                found.say(f"only {side}: {event}")
