"""Watches a book's journal while the book trades: its figures and its error budget.

A thread of its own reads the rows as they are committed, with a connection of its own, so nothing
here can hold up a decision, and nothing is counted that the journal does not say.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import Self

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.domain.events import (
    BarReady,
    EquityMarked,
    SessionOpened,
)
from trading_assets.domain.ids import Micros
from trading_assets.domain.policy_events import BreakerTripped, EntriesAllowed, EntriesPaused
from trading_assets.domain.ports import Clock
from trading_assets.live.background import Background
from trading_assets.live.policies.feed_watch import NextOpen
from trading_assets.live.supervision.alerts import Signs, alerts
from trading_assets.live.supervision.budget import Budget
from trading_assets.live.supervision.counters import Counters
from trading_assets.live.supervision.slo import TURNS, WINDOW, SloMeter, SloTerms
from trading_assets.settings import Settings
from trading_assets.storage.alert_file import AlertFile
from trading_assets.storage.journal_reader import JournalReader, JournalRow
from trading_assets.storage.release_store import Release
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook
from trading_assets.workflows.live_calendars import next_opens, sessions_of_release
from trading_assets.workflows.live_log import LiveLog

_SECOND: Micros = 1_000_000
_PERIOD_S = 0.2
_BATCH = 1_000
_JUDGED_EVERY: Micros = 60_000_000
_PAUSES = (EntriesPaused.__name__, EntriesAllowed.__name__)


def supervise(desk: Desk, place: LiveBook, release: Release, *, is_wall: bool) -> Supervision:
    """Prepare to watch a book that trades a release.

    Args:
        desk: gives settings and this machine's clock.
        place: the book; its journal must be there.
        release: whose symbols and bars it trades.
        is_wall: the venue's clock is the world's.
    """
    within = int(desk.settings.live.slo_within_s * _SECOND)
    spec = release.spec
    hours = sessions_of_release(desk, release)
    terms = SloTerms(
        len(spec.symbols), spec.timeframe.micros, 0, within, is_wall, tuple(hours.values())
    )
    opens = next_opens(release, hours) if len(hours) == len(spec.symbols) else {}
    return Supervision(
        place, desk.clock, terms, tuple(opens.values()), log=LiveLog(desk.settings, place)
    )


def enforced(settings: Settings, supervision: Supervision) -> Callable[[], Budget | None]:
    """Give what the executor asks for the budget: nothing where settings say that it only looks.

    On a clock that is not the world's nothing is enforced: seconds there are not ours.
    """
    is_on = settings.live.slo_policy == "enforce" and supervision.is_wall
    return supervision.budget if is_on else lambda: None


class Supervision(Background):
    """The watching thread of one book; entering starts it, leaving lets it read to the end."""

    def __init__(
        self,
        place: LiveBook,
        clock: Clock,
        terms: SloTerms,
        next_opens: Sequence[NextOpen] = (),
        *,
        log: LiveLog,
    ) -> None:
        """Prepare to watch.

        Args:
            place: the book; its journal must be there.
            clock: the machine's.
            terms: of its error budget; when it began is read from the journal.
            next_opens: of all symbols, where all their markets close.
            log: is given every row that is new, in order, in the watching thread; closed here.
        """
        super().__init__("supervision")
        self._place = place
        self._clock = clock
        self._log = log
        self._meter = SloMeter(terms)
        self._next_opens = next_opens
        self._counters = Counters(terms.bar_size, terms.is_wall)
        self._has_begun = False
        self._seq = 0
        self._last_ts: Micros = 0
        self._judged: Micros = 0
        self._budget: Budget | None = None
        self._figures: dict[str, float] = {}
        self._alert_file = AlertFile(place.folder)
        self.alerts: dict[str, str] = {}

    def __enter__(self) -> Self:
        with self._place.journal() as journal:
            for row in journal.tail(1):
                self._seq, self._last_ts = row.seq, row.ts
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self.close()

    def close(self) -> None:
        """Close the log; leaving does it, too."""
        self._log.close()

    @property
    def is_wall(self) -> bool:
        """Whether the market's clock is the world's."""
        return self._meter.terms.is_wall

    def budget(self) -> Budget | None:
        """Give what is left of the error budget, None before it is known; returns at once."""
        return self._budget

    def figures(self) -> dict[str, float]:
        """Give the latest counters and timers; returns at once."""
        return self._figures

    def watch(self) -> None:
        """Read rows as they come, until the end and the last of them."""
        try:
            with self._place.journal() as journal:
                self._begin(journal)
                while not self.ended.wait(_PERIOD_S):
                    self._look(journal)
                self._look(journal)
        except (TradingAssetsError, OSError, ValueError) as error:
            # Told by the budget, and by it entries stop: nobody watches any more.
            self._budget = Budget(0.0, f"the supervision of the book has failed: {error}")

    def _begin(self, journal: JournalReader) -> None:
        """Read what the past says of alerts, of the budget, and of today's profit."""
        self.alerts = self._alert_file.standing()
        opened = next(journal.of_kinds((SessionOpened.__name__,)), None)
        if opened is not None:
            self._note_begin(opened)
        now = self._now()
        for row in journal.of_kinds(_PAUSES):
            self._counters.note(row.event, row.recorded)
        for row in journal.of_kinds((*TURNS, BreakerTripped.__name__)):
            self._meter.note(row.event, row.recorded)
            self._counters.note(row.event, row.recorded)
        for row in journal.of_kinds((BarReady.__name__,), start=now - WINDOW):
            self._meter.note(row.event, row.recorded)
        yesterday = now // DAY * DAY - self._meter.terms.bar_size
        for row in journal.of_kinds((EquityMarked.__name__,), start=yesterday):
            self._counters.note(row.event, row.recorded)

    def _look(self, journal: JournalReader) -> None:
        while rows := list(islice(journal.rows(self._seq), _BATCH)):
            for row in rows:
                self._seq, self._last_ts = row.seq, max(self._last_ts, row.ts)
                self._note(row)
                self._log.write(row, journal)
        if self._has_begun and self._now() - self._judged >= _JUDGED_EVERY:
            self._judged = self._now()
            self._meter.forget_before(self._judged - WINDOW)
            self._budget = Budget(self._meter.standing(self._judged).remaining)
        self._figures = self._counters.figures()
        self._watch_signs()

    def _watch_signs(self) -> None:
        """Say what begins to alert and what ends."""
        counters, now = self._counters, self._clock.now()
        found = alerts(
            Signs(
                bars_behind=self._bars_behind(now),
                error_rate=counters.error_rate,
                outcomes=counters.outcomes,
                latency_ms=counters.latency_ms,
                in_doubt_s=counters.in_doubt_s(now),
                halt_source=counters.halt_source,
                breaker=counters.breaker,
                free_bytes=shutil.disk_usage(self._place.folder).free,
                offset_ms=counters.offset_ms,
                budget=counters.budget,
            )
        )
        for name in sorted(found.keys() ^ self.alerts.keys()):
            is_new = name in found
            text = found.get(name, "")
            self._alert_file.add(self._place.name, name, text, now, begins=is_new)
            self._log.alert(name, found.get(name, "over"), now, is_new=is_new)
        self.alerts = found

    def _bars_behind(self, now: Micros) -> float:
        """Give for how many bars the next one has been open already; closed hours are none."""
        last, terms = self._counters.last_bar, self._meter.terms
        if not terms.is_wall or not last:
            return 0.0
        due = min((opens(last) for opens in self._next_opens), default=last + terms.bar_size)
        return max(0.0, (now - due) / terms.bar_size)

    def _note(self, row: JournalRow) -> None:
        event = row.event
        if isinstance(event, SessionOpened) and not self._has_begun:
            self._note_begin(row)
        self._meter.note(event, row.recorded)
        self._counters.note(event, row.recorded)

    def _note_begin(self, opened: JournalRow) -> None:
        self._has_begun = True
        self._meter.terms = replace(self._meter.terms, began=opened.ts)

    def _now(self) -> Micros:
        """Give market time: the world's, else the latest that the journal knows."""
        return self._clock.now() if self._meter.terms.is_wall else self._last_ts
