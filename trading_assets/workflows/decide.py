"""Decide whether a book gets another release: gather recorded evidence, apply the rules, record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from trading_assets.declarations.sections import Book
from trading_assets.domain.errors import ConfigurationError, InvariantError, MissingPartition
from trading_assets.domain.ids import Micros
from trading_assets.evaluation.decision import Contender, Decision, decide_from
from trading_assets.evaluation.gates import ChampionEvidence, Check, RunEvidence, Thresholds
from trading_assets.evaluation.performance import net_return_pct
from trading_assets.storage.release_store import Release
from trading_assets.storage.run_store import RunStore, StoredRun
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.code_hash import source_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.pinned_models import choose_models, needed_horizons
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_plan import changed_inputs, plan_any
from trading_assets.workflows.strategy_specs import list_portfolios, list_specs


def decide(desk: Desk, book: str, *, checks: Sequence[Check] = ()) -> Decision:
    """Decide about a book and record the decision; the same evidence gives the same document.

    A candidate whose run is current but was never repeated is run once more, so that "reproducible"
    is seen and not believed.

    Args:
        desk: whose runs and releases are looked at.
        book: name of the book.
        checks: results from outside (data quality, asset checks) that count for every candidate.

    Raises:
        ConfigurationError: if there is no such book.
        CorruptFile: if a file that counts as evidence is damaged.
    """
    inputs = _gather(desk, book, _book(desk, book), checks)
    decision = build_decision(desk.runs, inputs)
    desk.releases.decisions.record(decision)
    return decision


def recompute(desk: Desk, decision_id: str) -> Decision:
    """Make a recorded decision again from the evidence that it names.

    Returns:
        A decision with the same bytes.

    Raises:
        MissingPartition: if there is no such decision, or a run it names is gone.
        CorruptFile: if a file it names is damaged.
        InvariantError: if the bytes differ.
    """
    recorded = desk.releases.decisions.get(decision_id)
    again = build_decision(desk.runs, recorded.document["inputs"])
    if again.payload != recorded.payload:
        same_code = recorded.document["inputs"]["gate_code"] == _gate_code()
        raise InvariantError(
            f"Decision {recorded.decision_id} cannot be reproduced",
            expected=f"sha256 {recorded.decision_id}",
            found=f"sha256 {again.decision_id}",
            fix="Its evidence or record was altered."
            if same_code
            else "The rules have changed since; run the code of its time.",
        )
    return again


def build_decision(runs: RunStore, inputs: Mapping[str, Any]) -> Decision:
    """Build the document from its recorded inputs; only immutable files are read.

    Args:
        runs: holds the runs that the inputs name.
        inputs: the `inputs` section of a decision.
    """
    champion = inputs["champion"]
    against = (
        runs.get(champion["spec"], champion["run_id"]) if champion and champion["run_id"] else None
    )
    external = tuple(Check(**check) for check in inputs["checks"])
    contenders, ends = [], []
    for entry in inputs["candidates"]:
        run = runs.get(entry["spec"], entry["run_id"])
        ends.append(run.manifest["last_ts"])
        contenders.append(
            Contender(
                _run_evidence(run, entry, external), _champion_evidence(champion, against, run)
            )
        )
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


def _gather(desk: Desk, name: str, book: Book, checks: Sequence[Check]) -> dict[str, Any]:
    """Collect what a decision needs as plain values."""
    release = desk.releases.current(name)
    champion = _champion(desk, release) if release else None
    candidates, without_run = [], []
    specs: list[AnySpec] = [*list_specs(desk.settings).values()]
    for spec in [*specs, *list_portfolios(desk.settings).values()]:
        run = desk.runs.current(spec.name)
        if run is None:
            without_run.append(spec.name)
            continue
        entry = _candidate(desk, spec, run)
        if champion is None or any(entry[k] != champion[k] for k in ("spec_hash", "models")):
            candidates.append(entry)
    return {
        "book": name,
        "venue": book.venue,
        "thresholds": desk.settings.gate.model_dump(),
        "gate_code": _gate_code(),
        "checks": [asdict(check) for check in checks],
        "champion": champion,
        "candidates": candidates,
        "without_run": without_run,
    }


def _candidate(desk: Desk, spec: AnySpec, run: StoredRun) -> dict[str, Any]:
    try:
        stale = changed_inputs(plan_any(desk, spec), run.manifest)
    except MissingPartition as error:
        stale = (error.what,)
    if not stale and not desk.runs.reproductions(spec.name, run.run_id):
        _repeat(desk, spec, run)
    models = choose_models(desk, spec, until=run.manifest["last_ts"])
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
        "run_id": run.run_id if run else None,
    }


def _run_evidence(
    run: StoredRun, entry: Mapping[str, Any], external: tuple[Check, ...]
) -> RunEvidence:
    config = run.manifest["config"]
    return RunEvidence(
        spec=run.spec,
        spec_hash=run.manifest["spec_hash"],
        run_id=run.run_id,
        metrics=run.metrics["all"],
        oos=run.metrics["oos"] or {},
        order_types=tuple(run.manifest["order_types"]),
        fill_rules={name: config["rules"][name] for name in ("fill_at", "size_at")},
        checks=(*(Check(**check) for check in run.checks), *external),
        models=entry["models"],
        pins_complete=entry["pins_complete"],
        model_skill=entry["model_skill"],
        reproductions=tuple(entry["reproductions"]),
        stale=tuple(entry["stale"]),
        evidence=run.evidence(),
        needs=tuple(run.manifest.get("needs", ())),
        costs=config["costs"],
    )


def _champion_evidence(
    champion: Mapping[str, Any] | None, against: StoredRun | None, run: StoredRun
) -> ChampionEvidence | None:
    """Compare over the days that are out of sample in both runs."""
    if champion is None:
        return None
    ours = theirs = None
    evidence = {}
    if against is not None:
        start, end = _common_days(run, against)
        ours = net_return_pct(_equity(run), start, end)
        theirs = net_return_pct(_equity(against), start, end)
        evidence = {"equity.parquet": against.evidence()["equity.parquet"]}
    return ChampionEvidence(
        release_id=champion["release_id"],
        spec=champion["spec"],
        spec_hash=champion["spec_hash"],
        models=champion["models"],
        oos_return_pct=theirs,
        candidate_return_pct=ours,
        evidence=evidence,
    )


def _common_days(one: StoredRun, other: StoredRun) -> tuple[Micros, Micros]:
    starts = [run.manifest["oos_start"] for run in (one, other)]
    ends = [run.manifest["last_ts"] + 1 for run in (one, other)]
    return max(starts), min(ends)


def _equity(run: StoredRun) -> Any:
    return run.table("equity")


def _gate_code() -> str:
    """Identify the rules, so that a later reader knows which code to recompute with."""
    return source_hash(
        "evaluation/decision.py",
        "evaluation/gates.py",
        "evaluation/performance.py",
        "workflows/decide.py",
    )


def as_of_text(decision: Decision) -> str:
    """Give the instant of the newest bar behind a decision for people."""
    as_of = decision.document["as_of"]
    if as_of is None:
        return "no bars"
    return datetime.fromtimestamp(as_of / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
