"""How the release of a live book conducts itself, gathered from its journal and judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from trading_assets.declarations.sections import ConductRules
from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.events import BarReady, ReleaseSwitched, SessionOpened
from trading_assets.domain.ids import Micros, content_hash
from trading_assets.domain.setup import SizingMode
from trading_assets.evaluation.conduct import (
    Conduct,
    ConductTerms,
    rules_of_demotion,
    rules_of_probation,
)
from trading_assets.evaluation.daily_returns import returns_since
from trading_assets.evaluation.gates import Returns, RuleResult
from trading_assets.evaluation.metrics import drawdown_series
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.storage.release_store import DECISION, Release
from trading_assets.storage.run_store import StoredRun
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.expected_fills import ExpectedFills
from trading_assets.workflows.fill_differences import FillTerms, differences
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_tables import day_start
from trading_assets.workflows.lived import Lived
from trading_assets.workflows.replay_live_day import replay_live_day
from trading_assets.workflows.run_evidence import oos_returns
from trading_assets.workflows.slo_report import market_now, slo_report

_DAYS_PER_YEAR = 365.0
IsExact = Callable[[date], bool | None]


@dataclass(frozen=True, slots=True)
class ConductReport:
    """The conduct of a release in a book, with every rule.

    Attributes:
        as_of: end of the last whole day, microseconds of market time; None before there is one.
        largest_capital: that its decision allows, in quote; None where none is known.
        basis: `gate` for a release that passed every rule; else why it stands, as older ones could.
        probation, demotion: rows as a decision has them.
    """

    book: str
    release_id: str
    spec: str
    basis: str
    as_of: Micros | None
    largest_capital: float | None
    probation: tuple[RuleResult, ...]
    demotion: tuple[RuleResult, ...]

    @property
    def has_proven_itself(self) -> bool:
        """Whether every rule of probation has passed."""
        return all(rule.passed for rule in self.probation)

    def found_wanting(self, demotes_by: tuple[str, ...]) -> tuple[RuleResult, ...]:
        """Give the rules that failed, of those that take a book back."""
        return tuple(r for r in self.demotion if r.passed is False and r.rule in demotes_by)

    def plain(self) -> dict[str, Any]:
        """Give it as plain values for JSON."""
        return {
            **asdict(self),
            "probation": [rule.plain() for rule in self.probation],
            "demotion": [rule.plain() for rule in self.demotion],
        }

    @property
    def conduct_id(self) -> str:
        """First 16 hex characters of the SHA-256 of the report."""
        return content_hash(self.plain())[:16]


def live_conduct(
    desk: Desk,
    book: str,
    *,
    is_exact: IsExact | None = None,
    until: date | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> ConductReport:
    """Judge the release that a book trades by what its journal says.

    Args:
        desk: holds the journal, the release and the run that it was promoted by.
        book: name in the settings.
        is_exact: whether a day's decisions come out the same again; when left out, each day is
            replayed now, which takes about as long as the journal up to it.
        report: is told which day is replayed.
        until: the last day that is looked at; the last whole one when left out.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if it has no journal, or it cannot be read.
        MissingPartition: if it has traded nothing yet.
        CorruptFile: if the release or its run is damaged.
    """
    place = live_book(desk.settings, book)
    heard = _Heard(desk)
    with place.journal() as journal:
        end = market_now(desk, journal) // DAY * DAY
        if until is not None:
            end = min(end, day_start(until) + DAY)
        heard.listen(journal, end)
    if not heard.release_id:
        raise MissingPartition(
            f"Book {book} has not traded yet",
            expected="a session in its journal",
            found="none",
            fix=f"Start it: `trading-assets live --book {book}`.",
        )
    release = desk.releases.get(heard.release_id)
    conduct = _conduct(
        desk, book, release, heard, is_exact or partial(_replayed, desk, book, report)
    )
    terms = terms_of_conduct(desk.settings.conduct)
    candidate = json.loads(release.file(DECISION)).get("candidate") or {}
    return ConductReport(
        book=book,
        release_id=release.release_id,
        spec=release.spec.name,
        basis=str(release.facts.get("basis", "gate")),
        as_of=int(conduct.returns.days[-1]) + DAY if len(conduct.returns.days) else None,
        largest_capital=candidate.get("largest_capital"),
        probation=rules_of_probation(conduct, terms),
        demotion=rules_of_demotion(conduct, terms),
    )


def terms_of_conduct(rules: ConductRules) -> ConductTerms:
    """Give what the settings ask for."""
    return ConductTerms(
        **rules.model_dump(exclude={"demotes_by", "ramp", "ramp_entries", "ramp_days"})
    )


@dataclass(slots=True)
class _Heard:
    """One pass through a journal: what happened since the book took the release it trades last."""

    desk: Desk
    release_id: str = ""
    since: Micros = 0
    lived: Lived = field(default_factory=Lived)
    fills: ExpectedFills = field(init=False)

    def __post_init__(self) -> None:
        self.fills = ExpectedFills(self.desk.releases.get)

    def listen(self, journal: JournalReader, end: Micros) -> None:
        """Hear all that happened before an instant."""
        for _, event in journal.read():
            if isinstance(event, BarReady) and event.ts >= end:
                break
            self.fills.take(event)
            self.lived.hear(event)
            if isinstance(event, SessionOpened | ReleaseSwitched):
                self._turn_to(event.release_id, event.ts)

    def _turn_to(self, release_id: str, ts: Micros) -> None:
        if release_id != self.release_id:
            self.release_id, self.since = release_id, ts
            self.lived = Lived(self.lived.marks[-1:])  # the equity that it begins with


def _conduct(desk: Desk, book: str, release: Release, heard: _Heard, is_exact: IsExact) -> Conduct:
    run = _run_of(desk, release)
    ts = np.array([ts for ts, _ in heard.lived.marks], dtype=np.int64)
    equity = np.array([value for _, value in heard.lived.marks], dtype=np.float64)
    if _is_of_one_size(release) and run is not None and len(equity):
        # What is gained is the same with any cash, and the run's share of it is known for its own.
        equity = equity - equity[0] + float(run.metrics["all"]["initial_cash"])
    returns = _whole_days(ts, equity, heard.since)
    days = returns.days.astype("datetime64[us]").astype("datetime64[D]").tolist()
    live = desk.settings.live
    terms = FillTerms(
        live.parity_price_bps, live.parity_late_s, live.parity_mean_bps, live.parity_odd_fills
    )
    end = int(returns.days[-1]) + DAY if days else heard.since
    rows = differences(heard.fills, heard.since, end, terms)
    return Conduct(
        returns=returns,
        entries=heard.lived.entries,
        drawdown_pct=-float(drawdown_series(equity).min()) * 100.0 if len(equity) else None,
        exact={day.isoformat(): is_exact(day) for day in days},
        slippage_bps=np.array([row.bps for row in rows if row.bps is not None], dtype=np.float64),
        halts=tuple(heard.lived.halts),
        budget=slo_report(desk, book, days[-1]).remaining if days else None,
        predicted=None if run is None else oos_returns(run),
        predicted_drawdown_pct=None if run is None else run.metrics["all"]["max_drawdown_pct"],
        evidence=() if run is None else tuple(sorted(run.evidence().values())),
    )


def _whole_days(ts: np.ndarray, equity: np.ndarray, since: Micros) -> Returns:
    """Give the returns of the days that began after the release was taken."""
    if not len(ts):
        return Returns(np.empty(0, np.int64), np.empty(0), _DAYS_PER_YEAR)
    start = -(-since // DAY) * DAY
    return returns_since(ts, equity, opening=float(equity[0]), start=start, per_year=_DAYS_PER_YEAR)


def _run_of(desk: Desk, release: Release) -> StoredRun | None:
    try:
        return desk.runs.get(release.spec.name, str(release.facts.get("run_id", "")))
    except MissingPartition:
        return None  # collected as garbage since; the rules then say that nothing is known


def _is_of_one_size(release: Release) -> bool:
    """Tell whether quantities are fixed, so that gains do not grow with the equity."""
    setup = release.spec.engine_setup(release.instruments)
    return all(one.sizing.mode is SizingMode.FIXED for one in setup.strategies)


def _replayed(desk: Desk, book: str, report: Callable[[str], None], day: date) -> bool:
    report(f"replaying {day}")
    return replay_live_day(desk, book, day).is_equal
