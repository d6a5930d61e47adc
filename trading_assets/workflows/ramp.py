"""How much real money a release may move: proven with play money first, then in steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import BookArmed
from trading_assets.storage.journal_reader import FILE, JournalReader
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_conduct import ConductReport, live_conduct
from trading_assets.workflows.lived import Lived

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a person may allow at most.

    Attributes:
        step: of the ramp, from 0.
        capital: most of the equity, in quote, that strategies are given.
        conduct_id: of the report that it stands on.
    """

    step: int
    capital: Decimal
    conduct_id: str


def allowance(
    desk: Desk,
    book: str,
    release_id: str,
    *,
    step: int | None = None,
    is_exact: Callable[[date], bool | None] | None = None,
) -> Allowance:
    """Give the capital that a release may move in a book of real money.

    Args:
        desk: holds journals, releases and decisions.
        book: of real money; the book that it follows has to trade the release now.
        release_id: about to be traded.
        step: a lower one than has been earned; None for the highest.
        is_exact: see `live_conduct`.

    Raises:
        ConfigurationError: if the release has not passed the gate, or its probation, if its
            decision knows no capital, or the step is not earned yet.
        MissingPartition: if there is no such release, or nothing was traded yet.
        RecoveryError: if a journal cannot be read.
    """
    place = live_book(desk.settings, book)
    release = desk.releases.get(release_id)
    report = live_conduct(desk, place.traded, is_exact=is_exact)
    _require_proven(report, release.release_id)
    rules = desk.settings.conduct
    earned = 0
    if (place.folder / FILE).is_file():
        with place.journal() as journal:
            earned = _earned(journal, release.release_id, rules.ramp_entries, rules.ramp_days)
    earned = min(earned, len(rules.ramp) - 1)
    chosen = earned if step is None else step
    if not 0 <= chosen <= earned:
        raise ConfigurationError(
            f"Book {book} has not earned step {chosen} of the ramp",
            expected=f"step 0 to {earned}",
            found=str(chosen),
            fix=f"A step takes {rules.ramp_entries} filled entries, {rules.ramp_days} days and no "
            "halt before the next.",
        )
    most = Decimal(repr(report.largest_capital)) * Decimal(repr(rules.ramp[chosen]))
    return Allowance(chosen, most.quantize(_CENT), report.conduct_id)


def _require_proven(report: ConductReport, release_id: str) -> None:
    wrong = []
    if report.release_id != release_id:
        wrong.append(f"book {report.book} trades release {report.release_id}")
    if report.basis != "gate":
        wrong.append(f"its decision stands by {report.basis}, with rules waived")
    if report.largest_capital is None:
        wrong.append("its decision knows no capital that the market carries")
    wrong += [
        f"{rule.rule} is {'not known' if rule.passed is None else 'not met'}"
        for rule in report.probation
        if not rule.passed
    ]
    if wrong:
        raise ConfigurationError(
            f"Release {release_id} may not trade real money yet",
            expected=f"every rule of the gate, and a probation that was passed in {report.book}",
            found="; ".join(wrong),
            fix=f"`trading-assets release conduct --book {report.book}` shows every rule.",
        )


def _earned(journal: JournalReader, release_id: str, entries: int, days: int) -> int:
    """Give the step that the release has earned by what it did with real money."""
    step, lived = 0, None
    for _, event in journal.read():
        if isinstance(event, BookArmed):
            if event.release_id != release_id:
                lived = None
            elif lived is None or event.step != step:
                step, lived = event.step, Lived()
        elif lived is not None:
            lived.hear(event)
    if lived is None:
        return 0
    return step + (lived.entries >= entries and lived.days >= days and not lived.halts)
