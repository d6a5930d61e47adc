"""Which past decisions would have come out otherwise under other costs, cash or thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trading_assets.domain.errors import (
    InvariantError,
    MissingPartition,
    RulesChanged,
    StorageUnavailable,
    TradingAssetsError,
)
from trading_assets.evaluation.decision import SCHEMA, Decision
from trading_assets.evaluation.decision_differences import (
    RuleChange,
    first_difference,
    is_flip,
    rule_changes,
    spec_of,
)
from trading_assets.evaluation.gates import Check, Thresholds
from trading_assets.evaluation.judging import is_worth_examining
from trading_assets.storage.branch import open_branch
from trading_assets.workflows.assumptions import Assumptions
from trading_assets.workflows.code_hash import GATE_SOURCES, source_hash
from trading_assets.workflows.decide import IDENTITY, build_decision
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.remake import Remaker, Tally
from trading_assets.workflows.remake_examination import remake_examination
from trading_assets.workflows.remake_holdout import remake_reading
from trading_assets.workflows.remake_trials import RemadeTrials, Tried
from trading_assets.workflows.run_evidence import run_evidence
from trading_assets.workflows.trial_ledger import oos_sharpes_of, variance_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """A past decision, and the one that would have been.

    Attributes:
        then: as it is recorded.
        now: under the assumptions, by the same rules; None when it cannot be compared.
        why_not: why it cannot, in plain words.
    """

    then: Decision
    now: Decision | None
    why_not: str = ""

    @property
    def flips(self) -> bool:
        """Whether verdict or candidate would be another."""
        return self.now is not None and is_flip(self.then, self.now)

    @property
    def difference(self) -> str:
        """The first rule that differs, in plain words; of one that cannot be compared, why."""
        return self.why_not if self.now is None else first_difference(self.then, self.now)

    @property
    def rules(self) -> tuple[RuleChange, ...]:
        """Rules of the candidate that differ, when it is the same one."""
        return () if self.now is None else rule_changes(self.then, self.now)

    def plain(self) -> dict[str, Any]:
        """Give it as plain values for JSON."""
        return {
            "decision_id": self.then.decision_id,
            "book": self.then.book,
            "as_of": self.then.document["as_of"],
            "then": _said(self.then),
            "now": None if self.now is None else _said(self.now),
            "is_comparable": self.now is not None,
            "flips": self.flips,
            "difference": self.difference,
            "rules": [change.plain() for change in self.rules],
        }


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Past decisions under assumptions.

    Attributes:
        outcomes: of each book by its name, oldest decision first.
        tally: what was made again.
    """

    assumed: Assumptions
    outcomes: tuple[Outcome, ...]
    tally: Tally

    @property
    def flipped(self) -> tuple[Outcome, ...]:
        """Decisions that would be others."""
        return tuple(outcome for outcome in self.outcomes if outcome.flips)

    def plain(self) -> dict[str, Any]:
        """Give it as plain values for JSON."""
        return {
            "assumed": self.assumed.said,
            "decisions": len(self.outcomes),
            "flipped": len(self.flipped),
            "not_comparable": sum(outcome.now is None for outcome in self.outcomes),
            "made": self.tally.plain(),
            "outcomes": [outcome.plain() for outcome in self.outcomes],
        }


def what_if(
    desk: Desk,
    assumed: Assumptions,
    *,
    books: Sequence[str] = (),
    last: int = 0,
    branch: str = "",
    report: Callable[[str], None] = lambda _: None,
) -> WhatIf:
    """Decide again what was decided, under assumptions, and change nothing of the desk.

    Each decision is judged by itself, with the champion that its book had then: what a book would
    have traded, had an earlier decision been another, is not followed. Runs and examinations that
    come out otherwise are made again on the inputs that they name, in a branch; bars, features,
    models and forecasts never are. Nothing is entered in the ledger of trials.

    Args:
        desk: is only read.
        assumed: what is otherwise.
        books: whose decisions; of all when empty.
        last: how many decisions of each book, the newest; 0 for all.
        branch: name of a branch that stays, see `storage.branch`; one for this question when empty.
        report: is told what is made next.

    Raises:
        MissingPartition: if nothing was decided.
        LedgerBroken: if the ledger of trials is damaged.
        ConflictError: if somebody else works in the branch.
        ConfigurationError: if specs and assumptions do not fit.
        StorageUnavailable: if the disk is full.
    """
    decisions = _decisions(desk, books, last)
    with open_branch(desk.settings.data_root, branch) as folder:
        remaker = Remaker(desk, folder, assumed, report)
        trials = RemadeTrials(remaker)
        outcomes = []
        for n, decision in enumerate(decisions, 1):
            report(f"decision {n} of {len(decisions)}")
            outcomes.append(_outcome(remaker, trials, decision))
    return WhatIf(assumed, tuple(outcomes), remaker.tally)


def _decisions(desk: Desk, books: Sequence[str], last: int) -> list[Decision]:
    """List decisions, each once though it may have been current again."""
    store = desk.releases.decisions
    found: list[Decision] = []
    for book in dict.fromkeys(books) or store.books():
        of_book = {decision.decision_id: decision for decision in store.history(book)}
        found += [*of_book.values()][-last:]
    if not found:
        raise MissingPartition(
            "Nothing was decided yet" + (f" about {', '.join(books)}" if books else ""),
            expected="a decision",
            found=f"decisions about {', '.join(store.books()) or 'no book'}",
            fix="`trading-assets decision make` makes one.",
        )
    return found


def _outcome(remaker: Remaker, trials: RemadeTrials, then: Decision) -> Outcome:
    """Judge one decision; what keeps it from being compared is said, and stops no other."""
    try:
        _require_comparable(remaker.desk, trials, then)
        inputs = _Inputs(remaker, trials, then).under_assumptions()
        return Outcome(then, build_decision(remaker.branch, inputs))
    except StorageUnavailable:
        raise
    except TradingAssetsError as error:
        if isinstance(error, InvariantError) and not isinstance(error, RulesChanged):
            raise
        found = f" ({error.found})" if error.found else ""
        return Outcome(then, None, f"{error.what}{found}.")


def _require_comparable(desk: Desk, trials: RemadeTrials, then: Decision) -> None:
    """Make sure that today's rules give the recorded decision, before anything is assumed.

    Raises:
        RulesChanged: if they do not, or the ledger is not the one that it counted.
        MissingPartition, CorruptFile: if evidence is gone or damaged.
    """
    inputs = then.document["inputs"]
    same_rules = inputs["gate_code"] == source_hash(*GATE_SOURCES)
    again = None
    if then.document["schema"] == SCHEMA:
        try:
            again = build_decision(desk, inputs)
        except (KeyError, TypeError, ValueError):  # it names what rules of today do not know
            if same_rules:
                raise
    if again is None or again.payload != then.payload:
        raise RulesChanged(
            "It was decided by other rules than those of today"
            if not same_rules
            else "It is not what its evidence gives: it was altered",
        )
    heads = {entry["trials"]["head"] for entry in inputs["candidates"] if entry["trials"]}
    if not heads <= trials.heads.keys():
        raise RulesChanged("The ledger of trials is not the one that it counted")


class _Inputs:
    """Inputs of a decision, and what they would have been."""

    def __init__(self, remaker: Remaker, trials: RemadeTrials, then: Decision) -> None:
        self._remaker, self._trials = remaker, trials
        self._inputs: Mapping[str, Any] = then.document["inputs"]
        self._thresholds = remaker.assumed.thresholds(self._inputs["thresholds"])

    def under_assumptions(self) -> dict[str, Any]:
        champion = self._champion()
        entries = (self._entry(entry, champion) for entry in self._inputs["candidates"])
        return {
            **self._inputs,
            "thresholds": self._thresholds,
            "champion": champion,
            "candidates": [entry for entry in entries if entry is not None],
        }

    def _champion(self) -> dict[str, Any] | None:
        """Give the champion of then, as it would have traded."""
        champion = self._inputs["champion"]
        if champion is None:
            return None
        if champion["run_id"] is None:
            release = self._remaker.desk.releases.get(champion["release_id"])
            return {**champion, "spec_hash": self._remaker.assumed.spec(release.spec).spec_hash}
        run = self._remaker.run(champion["spec"], champion["run_id"])
        return {**champion, "spec_hash": run.manifest["spec_hash"], "run_id": run.run_id}

    def _entry(
        self, entry: Mapping[str, Any], champion: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Give a candidate as it would have been; None for one that the champion already is."""
        recorded = self._remaker.desk.runs.get(entry["spec"], entry["run_id"])
        run = self._remaker.run(entry["spec"], entry["run_id"])
        tried = self._tried(entry)
        now = {
            **entry,
            "spec_hash": run.manifest["spec_hash"],
            "run_id": run.run_id,
            "trials": self._counted(entry, tried),
            "examination": None,
            "holdout": remake_reading(self._remaker, recorded, entry["holdout"]),
        }
        if champion is not None and all(now[k] == champion[k] for k in IDENTITY):
            return None
        checks = tuple(Check(**check) for check in self._inputs["checks"])
        evidence = run_evidence(run, now, checks, None)
        if is_worth_examining(evidence, self._inputs["venue"], Thresholds(**self._thresholds)):
            examined = remake_examination(
                self._remaker, self._trials, recorded, tried, entry["examination"]
            )
            now["examination"] = examined.address
        return now

    def _tried(self, entry: Mapping[str, Any]) -> Tried:
        trials = entry["trials"]
        if trials is None:
            return Tried((), {})
        return self._trials.tried(trials["family"], trials["head"])

    def _counted(self, entry: Mapping[str, Any], tried: Tried) -> dict[str, Any] | None:
        """Count as was counted; only the spread of what was tried may be another."""
        counted: dict[str, Any] | None = entry["trials"]
        if counted is None or not tried.own:
            return counted
        found = {"known": len(oos_sharpes_of(tried.trials)), "variance": variance_of(tried.trials)}
        return {**counted, **found}


def _said(decision: Decision) -> dict[str, Any]:
    return {"verdict": decision.verdict, "candidate": spec_of(decision)}
