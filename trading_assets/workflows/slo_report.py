"""What the journal of a book says of its availability: on a day, and of its error budget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from trading_assets.domain.bar import DAY
from trading_assets.domain.events import (
    BarReady,
    SessionOpened,
)
from trading_assets.domain.ids import Micros
from trading_assets.live.recovery import last_release
from trading_assets.live.supervision.slo import (
    TURNS,
    WINDOW,
    SloLevel,
    SloMeter,
    SloTerms,
    next_level,
)
from trading_assets.storage.journal_reader import FILE, JournalReader
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook, live_book
from trading_assets.workflows.live_calendars import sessions_of_release

_SECOND: Micros = 1_000_000
_KINDS = (BarReady.__name__, *TURNS)


@dataclass(frozen=True, slots=True)
class SloReport:
    """Availability of a book, in minutes of all symbols together.

    Attributes:
        good, bad: of the day.
        availability: share of the day's minutes that were good.
        window_bad: of the 30 days that end with the day.
        budget: minutes that may be bad in 30 days.
        remaining: share of the budget that is left; below 0 when overdrawn.
        level: what the book may do with so little, had it had no level before.
    """

    book: str
    day: str
    good: float
    bad: float
    availability: float
    window_bad: float
    budget: float
    remaining: float
    level: str


def slo_report(desk: Desk, book: str, day: date) -> SloReport:
    """Report one UTC day of market time.

    A day that has not ended is judged as far as it has come: by the machine's clock, or on a clock
    that is not the world's by the journal's last row.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if it has no journal, or that cannot be read.
        MissingPartition: if the release that it trades is not there.
    """
    place = live_book(desk.settings, book)
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * _SECOND
    with place.journal() as journal:
        now = market_now(desk, journal)
        meter = _meter(desk, journal, start + DAY - WINDOW)
    end = min(start + DAY + meter.terms.within, now)
    of_day = meter.between(start, end)
    of_window = meter.between(end - WINDOW, end)
    return SloReport(
        book=book,
        day=day.isoformat(),
        good=of_day.good,
        bad=of_day.bad,
        availability=of_day.availability,
        window_bad=of_window.bad,
        budget=of_window.budget,
        remaining=of_window.remaining,
        level=next_level(SloLevel.NORMAL, of_window.remaining).name,
    )


def budget_left(desk: Desk, place: LiveBook) -> float | None:
    """Give the share of the error budget that is left now, None for a book that never opened.

    Raises:
        RecoveryError: if the journal cannot be read.
        MissingPartition: if the release that it trades is not there.
    """
    if not (place.folder / FILE).is_file():
        return None
    with place.journal() as journal:
        if journal.latest_row(SessionOpened.__name__) is None:
            return None
        now = market_now(desk, journal)
        return _meter(desk, journal, now - WINDOW).standing(now).remaining


def market_now(desk: Desk, journal: JournalReader) -> Micros:
    """Give market time: the world's, or of a clock of its own the latest that the journal has."""
    if journal.epoch == "wall":
        return desk.clock.now()
    rows = journal.tail(1)
    return rows[-1].ts if rows else 0


def _meter(desk: Desk, journal: JournalReader, start: Micros) -> SloMeter:
    """Count the bars from `start` on, and all halts, stops and starts."""
    opened = next(journal.of_kinds((SessionOpened.__name__,)), None)
    began = market_now(desk, journal) if opened is None else opened.ts
    release_id = last_release(journal)
    release = desk.releases.get(release_id) if release_id else None
    spec = release.spec if release else None
    hours = sessions_of_release(desk, release) if release else {}
    meter = SloMeter(
        SloTerms(
            symbols=len(spec.symbols) if spec else 1,
            bar_size=spec.timeframe.micros if spec else 60 * _SECOND,
            began=began,
            within=int(desk.settings.live.slo_within_s * _SECOND),
            is_wall=journal.epoch == "wall",
            sessions=tuple(hours.values()),
        )
    )
    for row in journal.of_kinds(_KINDS):
        if row.ts >= start or row.kind != BarReady.__name__:
            meter.note(row.event, row.recorded)
    return meter
