"""Decide whether a book gets another release: gather recorded evidence, apply the rules, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from trading_assets.declarations.sections import Book
from trading_assets.domain.errors import (
    ConfigurationError,
    InvariantError,
    LedgerBroken,
    MissingPartition,
    RulesChanged,
)
from trading_assets.evaluation.decision import SCHEMA, Decision, decide_from
from trading_assets.evaluation.gates import Check, Thresholds
from trading_assets.evaluation.judging import is_worth_examining, passes_all_else
from trading_assets.storage.release_store import Release
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.code_hash import GATE_SOURCES, source_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.examine_run import examine_run
from trading_assets.workflows.feature_evidence import features_know_no_future
from trading_assets.workflows.pinned_models import choose_models, needed_horizons
from trading_assets.workflows.pinned_regimes import choose_regimes, identity_of
from trading_assets.workflows.read_holdout import read_holdout
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_evidence import contender_of, run_evidence
from trading_assets.workflows.run_plan import changed_inputs, plan_any
from trading_assets.workflows.strategy_specs import list_portfolios, list_specs
from trading_assets.workflows.trial_ledger import family_of, holds, trials_of_family

IDENTITY = ("spec_hash", "models", "regimes")
"""What two entries have in common that would be one and the same release but for its decision."""


def decide(
    desk: Desk,
    book: str,
    *,
    checks: Sequence[Check] = (),
    report: Callable[[str], None] = lambda _: None,
) -> Decision:
    """Decide about a book and record the decision; the same evidence gives the same document.

    A candidate whose run is current but was never repeated is run once more, so that "reproducible"
    is seen and not believed. One that passes all that its own run can tell is examined. One that
    passes all else reads the months held out, which costs its family a trial.

    Args:
        desk: whose runs and releases are looked at.
        book: name of the book.
        checks: results from outside (data quality, asset checks) that count for every candidate.
        report: is told what is run next.

    Raises:
        ConfigurationError: if there is no such book.
        CorruptFile: if a file that counts as evidence is damaged.
    """
    inputs = _gather(desk, book, _book(desk, book), tuple(checks), report)
    decision = build_decision(desk, inputs)
    desk.releases.decisions.record(decision)
    return decision


def recompute(desk: Desk, decision_id: str) -> Decision:
    """Make a recorded decision again from the evidence that it names.

    Returns:
        A decision with the same bytes.

    Raises:
        MissingPartition: if there is no such decision, or a run it names is gone.
        CorruptFile: if a file it names is damaged.
        RulesChanged: if they differ, or cannot be made, by rules that are others now.
        InvariantError: if they differ by the same rules.
    """
    recorded = desk.releases.decisions.get(decision_id)
    same_code = recorded.document["inputs"]["gate_code"] == _gate_code()
    if not same_code and recorded.document["schema"] != SCHEMA:
        raise RulesChanged(
            f"Decision {recorded.decision_id} is of schema {recorded.document['schema']}",
            expected=f"schema {SCHEMA}",
            found="other rules than those of today",
            fix="The rules have changed since; run the code of its time.",
        )
    again = build_decision(desk, recorded.document["inputs"])
    _require_ledger(desk, recorded)
    if again.payload != recorded.payload:
        raise (InvariantError if same_code else RulesChanged)(
            f"Decision {recorded.decision_id} cannot be reproduced",
            expected=f"sha256 {recorded.decision_id}",
            found=f"sha256 {again.decision_id}",
            fix="Its evidence or record was altered."
            if same_code
            else "The rules have changed since; run the code of its time.",
        )
    return again


def build_decision(desk: Desk, inputs: Mapping[str, Any]) -> Decision:
    """Build the document from its recorded inputs; only immutable files are read.

    Args:
        desk: holds the runs and examinations that the inputs name.
        inputs: the `inputs` section of a decision.
    """
    champion = inputs["champion"]
    contenders, ends = [], []
    for entry in inputs["candidates"]:
        contenders.append(contender_of(desk, inputs, entry))
        ends.append(desk.runs.get(entry["spec"], entry["run_id"]).manifest["last_ts"])
    shown = {name: champion[name] for name in ("release_id", "spec")} if champion else None
    return decide_from(
        book=inputs["book"],
        venue=inputs["venue"],
        as_of=max(ends, default=None),
        thresholds=Thresholds(**inputs["thresholds"]),
        contenders=contenders,
        champion=shown,
        inputs=inputs,
    )


def _require_ledger(desk: Desk, recorded: Decision) -> None:
    """Prove that the ledger of trials still begins with what the decision has counted."""
    heads = {e["trials"]["head"] for e in recorded.document["inputs"]["candidates"] if e["trials"]}
    for head in sorted(heads):
        if not holds(desk.settings.data_root, head):
            raise InvariantError(
                f"The ledger of trials is not the one that {recorded.decision_id} has counted",
                expected=f"a row with hash {head}",
                found="none: the file was written anew, or is of another desk",
                fix="Restore the ledger from a copy.",
            )


def _book(desk: Desk, name: str) -> Book:
    found = desk.settings.books.get(name)
    if found is None:
        raise ConfigurationError(
            "No such book",
            expected=f"one of {', '.join(sorted(desk.settings.books))}",
            found=repr(name)[:80],
            fix="Add a section [books.<name>] to the settings.",
        )
    return found


def _gather(
    desk: Desk,
    name: str,
    book: Book,
    checks: tuple[Check, ...],
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Collect what a decision needs as plain values."""
    release = desk.releases.current(name)
    champion = _champion(desk, release) if release else None
    candidates, without_run = [], []
    taken_back = _taken_back(desk, name)
    specs: dict[str, AnySpec] = {**list_specs(desk.settings), **list_portfolios(desk.settings)}
    for spec in specs.values():
        run = desk.runs.current(spec.name)
        if run is None:
            without_run.append(spec.name)
            continue
        entry = _candidate(desk, spec, run) | {
            "taken_back": taken_back.get(run.manifest["spec_hash"])
        }
        if champion is None or any(entry[k] != champion[k] for k in IDENTITY):
            if _is_worth_examining(desk, run, entry, book, checks):
                entry["examination"] = examine_run(desk, spec, run, report=report).address
            candidates.append(entry)
    inputs = {
        "book": name,
        "venue": book.venue,
        "thresholds": desk.settings.gate.model_dump(),
        "gate_code": _gate_code(),
        "checks": [asdict(check) for check in checks],
        "champion": champion,
        "candidates": candidates,
        "without_run": without_run,
        "holdout": desk.settings.holdout.model_dump() if desk.settings.holdout.months else None,
    }
    if inputs["holdout"] is not None:
        _read_holdout(desk, inputs, specs, report)
    for entry in candidates:  # what was entered for the decision itself counts, and is its ledger
        entry.update(_trials(desk, specs[entry["spec"]]))
    return inputs


def _read_holdout(
    desk: Desk,
    inputs: Mapping[str, Any],
    specs: Mapping[str, AnySpec],
    report: Callable[[str], None],
) -> None:
    """Let candidates that pass all else read the months held out, one after the other.

    A reading is one more trial of its family, also for those that come after it and for the
    decision itself, so what was tried is counted again.
    """
    thresholds = Thresholds(**inputs["thresholds"])

    def passes(entry: Mapping[str, Any]) -> bool:
        one = contender_of(desk, inputs, entry)
        return passes_all_else(one.run, one.champion, inputs["venue"], thresholds)

    for entry in inputs["candidates"]:
        spec = specs[entry["spec"]]
        entry.update(_trials(desk, spec))
        entry["holdout"] = dict(inputs["holdout"]) | read_holdout(
            desk,
            spec,
            desk.runs.get(spec.name, entry["run_id"]),
            entry["models"],
            passes_all_else=partial(passes, entry),
            report=report,
        )


def _is_worth_examining(
    desk: Desk, run: StoredRun, entry: Mapping[str, Any], book: Book, checks: tuple[Check, ...]
) -> bool:
    """Spare a candidate that fails anyway its further runs, which take the most time."""
    thresholds = Thresholds(**desk.settings.gate.model_dump())
    return is_worth_examining(run_evidence(run, entry, checks, None), book.venue, thresholds)


def _candidate(desk: Desk, spec: AnySpec, run: StoredRun) -> dict[str, Any]:
    try:
        stale = changed_inputs(plan_any(desk, spec), run.manifest)
    except MissingPartition as error:
        stale = (error.what,)
    if not stale and not desk.runs.reproductions(spec.name, run.run_id):
        _repeat(desk, spec, run)
    models = choose_models(desk, spec, until=run.manifest["last_ts"])
    regimes, regimes_unknown = choose_regimes(desk, spec, until=run.manifest["last_ts"])
    return {
        "spec": spec.name,
        "spec_hash": run.manifest["spec_hash"],
        "run_id": run.run_id,
        "stale": list(stale),
        "reproductions": [r.is_equal for r in desk.runs.reproductions(spec.name, run.run_id)],
        "models": models,
        "model_skill": {
            horizon: bool(desk.models.get(model_id).summary["beats_baselines"])
            for horizon, model_id in models.items()
        },
        "pins_complete": set(needed_horizons(spec)) <= models.keys(),
        "regimes": regimes,
        "regimes_unknown": regimes_unknown,
        "checks": [asdict(features_know_no_future(desk))] if needed_horizons(spec) else [],
        **_trials(desk, spec),
        "examination": None,
        "holdout": None,
    }


def _trials(desk: Desk, spec: AnySpec) -> dict[str, Any]:
    """Count what was tried of the family so far; a broken ledger is told, and makes the gate hold.

    The variance is that of Sharpe ratios out of sample, as the candidate's own is.
    """
    try:
        counted = trials_of_family(desk.settings.data_root, family_of(spec))
    except LedgerBroken as error:
        return {"trials": None, "trials_unknown": str(error)}
    if counted.n == 0:
        return {"trials": None, "trials_unknown": "The ledger has no trial of the family."}
    return {
        "trials": {
            "family": counted.family,
            "count": counted.n,
            "known": len(counted.oos_sharpes),
            "variance": counted.variance,
            "head": counted.head_hash,
        },
        "trials_unknown": "",
    }


def _repeat(desk: Desk, spec: AnySpec, run: StoredRun) -> None:
    """Run the same inputs again; what came of it stands in the run store, and is judged there."""
    try:
        run_backtest(desk, spec)
    except InvariantError:
        if all(r.is_equal for r in desk.runs.reproductions(spec.name, run.run_id)):
            raise


def _champion(desk: Desk, release: Release) -> dict[str, Any]:
    name, spec_hash = release.spec.name, release.facts["spec_hash"]
    runs = (desk.runs.get(name, run_id) for run_id in reversed(desk.runs.history(name)))
    run = next((run for run in runs if run.manifest["spec_hash"] == spec_hash), None)
    return {
        "release_id": release.release_id,
        "spec": name,
        "spec_hash": spec_hash,
        "models": {horizon: model["model_id"] for horizon, model in release.models.items()},
        "regimes": {symbol: identity_of(pin) for symbol, pin in release.regimes.items()},
        "run_id": run.run_id if run else None,
        "as_of": desk.releases.decisions.get(release.decision_id).document["as_of"],
    }


def _taken_back(desk: Desk, book: str) -> dict[str, dict[str, Any]]:
    """Tell, by spec, from which of its releases the book was taken back last, and why."""
    found = {}
    for entry in desk.releases.history(book):
        if "rolled_back" in entry:
            left = desk.releases.get(entry["previous"])
            found[left.facts["spec_hash"]] = {
                "release_id": left.release_id,
                "reason": entry["rolled_back"]["reason"],
                "by": entry["rolled_back"]["by"],
                "as_of": entry["rolled_back"].get("as_of"),
            }
    return found


def _gate_code() -> str:
    """Identify the rules, so that a later reader knows which code to recompute with."""
    return source_hash(*GATE_SOURCES)


def as_of_text(decision: Decision) -> str:
    """Give the instant of the newest bar behind a decision for people."""
    as_of = decision.document["as_of"]
    if as_of is None:
        return "no bars"
    return datetime.fromtimestamp(as_of / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
