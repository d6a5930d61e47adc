"""Evidence for a decision, read from immutable files that its inputs name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trading_assets.domain.bar import DAY
from trading_assets.evaluation.daily_returns import (
    on_common_days,
    profit_shares,
    returns_of_table,
)
from trading_assets.evaluation.decision import Contender
from trading_assets.evaluation.gates import (
    Capital,
    ChampionEvidence,
    Check,
    Examination,
    HeldOut,
    Returns,
    RunEvidence,
    TakenBack,
    Trials,
)
from trading_assets.storage.examination_store import StoredExamination
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.filter_sections import PINNED
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.examine_run import TRIAL

CASH = "cash"


def run_evidence(
    run: StoredRun,
    entry: Mapping[str, Any],
    external: tuple[Check, ...],
    examined: StoredExamination | None,
    reading: StoredExamination | None = None,
) -> RunEvidence:
    """Give what is known of a candidate.

    Args:
        run: its own.
        entry: the candidate's entry in the inputs of the decision.
        external: checks from outside that count for every candidate.
        examined: its examination; None when there is none.
        reading: of the months held out; None when there is none.

    Raises:
        CorruptFile: if a file of the run, of the examination or of the reading is damaged.
    """
    config = run.manifest["config"]
    returns = oos_returns(run)
    evidence = run.evidence()
    trials = entry["trials"]
    return RunEvidence(
        spec=run.spec,
        spec_hash=run.manifest["spec_hash"],
        run_id=run.run_id,
        metrics=run.metrics["all"],
        oos=run.metrics["oos"] or {},
        order_types=tuple(run.manifest["order_types"]),
        fill_rules={name: config["rules"][name] for name in ("fill_at", "size_at")},
        checks=(*(Check(**check) for check in (*run.checks, *entry["checks"])), *external),
        models=entry["models"],
        pins_complete=entry["pins_complete"],
        model_skill=entry["model_skill"],
        reproductions=tuple(entry["reproductions"]),
        stale=tuple(entry["stale"]),
        evidence=evidence,
        needs=tuple(need for need in run.manifest.get("needs", ()) if need not in PINNED),
        regimes=entry["regimes"],
        regimes_unknown=entry["regimes_unknown"],
        costs=config["costs"],
        returns=returns,
        profit=profit_shares(run.table("round_trips"), run.manifest["oos_start"]),
        trials=None if trials is None else Trials(**trials),
        trials_unknown=entry["trials_unknown"],
        examination=None if examined is None else _examination(examined, returns),
        taken_back=_taken_back(entry["taken_back"], run),
        held_out=_held_out(entry["holdout"], reading),
    )


def contender_of(desk: Desk, inputs: Mapping[str, Any], entry: Mapping[str, Any]) -> Contender:
    """Give a candidate of a decision, beside the champion over its days.

    Args:
        desk: holds the runs and examinations that the inputs name.
        inputs: of the decision.
        entry: one of its candidates.

    Raises:
        MissingPartition: if a run, an examination or a reading is gone.
        CorruptFile: as `run_evidence`.
    """
    champion = inputs["champion"]
    against = None
    if champion and champion["run_id"]:
        against = desk.runs.get(champion["spec"], champion["run_id"])
    run = desk.runs.get(entry["spec"], entry["run_id"])
    external = tuple(Check(**check) for check in inputs["checks"])
    examined, reading = (
        desk.examinations.get(address) if address else None
        for address in (entry["examination"], (entry["holdout"] or {}).get("address"))
    )
    evidence = run_evidence(run, entry, external, examined, reading)
    return Contender(evidence, champion_evidence(champion, against, run))


def champion_evidence(
    champion: Mapping[str, Any] | None, against: StoredRun | None, run: StoredRun
) -> ChampionEvidence | None:
    """Compare over the days that are out of sample in both runs.

    Args:
        champion: its entry in the inputs; None for a book without a release.
        against: the champion's run; None when it has none.
        run: the candidate's.
    """
    if champion is None:
        return None
    ours = theirs = None
    evidence = {}
    if against is not None:
        ours, theirs = on_common_days(oos_returns(run), oos_returns(against))
        evidence = {"equity.parquet": against.evidence()["equity.parquet"]}
    since = champion["as_of"]
    held = None if since is None else max(run.manifest["last_ts"] - since, 0) // DAY
    return ChampionEvidence(
        release_id=champion["release_id"],
        spec=champion["spec"],
        spec_hash=champion["spec_hash"],
        models=champion["models"],
        days_held=held,
        theirs=theirs,
        ours=ours,
        evidence=evidence,
    )


def oos_returns(run: StoredRun) -> Returns:
    """Give the daily returns of a run out of sample."""
    return returns_of_table(
        run.table("equity"),
        opening=float(run.metrics["all"]["initial_cash"]),
        start=run.manifest["oos_start"],
        per_year=float(run.metrics["periods_per_year"]),
    )


def _held_out(entry: Mapping[str, Any] | None, reading: StoredExamination | None) -> HeldOut | None:
    if entry is None:
        return None
    if reading is None:
        return HeldOut(entry["first"], entry["last"], unread=entry["unread"])
    opening, closing = (reading.document[f"{when}_equity"] for when in ("opening", "closing"))
    days, evidence = reading.returns().height, reading.evidence()
    return HeldOut(entry["first"], entry["last"], days, closing / opening - 1.0, evidence=evidence)


def _taken_back(entry: Mapping[str, Any] | None, run: StoredRun) -> TakenBack | None:
    if entry is None:
        return None
    since = entry["as_of"]
    days = None if since is None else max(run.manifest["last_ts"] - since, 0) // DAY
    return TakenBack(entry["release_id"], entry["reason"], entry["by"], days)


def _examination(examined: StoredExamination, returns: Returns) -> Examination:
    document, table = examined.document, examined.returns()
    days = table["day"].to_physical().to_numpy()
    place = np.searchsorted(days, returns.days)
    series = {name: table[name].to_numpy()[place] for name in table.columns if name != "day"}
    trials = {name: values for name, values in series.items() if name.startswith(TRIAL)}
    benchmarks = {name: values for name, values in series.items() if name not in trials}
    return Examination(
        unimpaired=document["unimpaired"],
        stressed=document["stressed"],
        neighbours=document["neighbours"],
        capacity=tuple(Capital(**point) for point in document["capacity"]),
        benchmarks={CASH: np.zeros(len(returns.days)), **benchmarks},
        variants=np.column_stack([trials[name] for name in sorted(trials)]) if trials else None,
        evidence=examined.evidence(),
    )
