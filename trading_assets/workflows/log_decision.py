"""A decision in MLflow: its verdict on every run of the field, its figures on the candidate's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trading_assets.domain.ids import content_hash
from trading_assets.evaluation.decision import Decision
from trading_assets.evaluation.gates import Check
from trading_assets.storage.experiments import LoggedRun
from trading_assets.storage.mlflow_writing import DatasetInput
from trading_assets.workflows.decide import decide
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.registry import family_of_run, follow_ledger
from trading_assets.workflows.run_logging import experiment_of, identity_of

GATE = "gate.json"


def decide_and_log(
    desk: Desk,
    book: str,
    *,
    checks: Sequence[Check] = (),
    report: Callable[[str], None] = lambda _: None,
) -> Decision:
    """Decide about a book as `decide` does, and show the decision in MLflow.

    Args:
        desk: see `decide`.
        book: see `decide`.
        checks: see `decide`.
        report: is told what is done next.

    Raises:
        ConfigurationError, CorruptFile: see `decide`.
    """
    decision = decide(desk, book, checks=checks, report=report)
    report("logging to MLflow")
    log_decision(desk, decision)
    return decision


def log_decision(desk: Desk, decision: Decision) -> None:
    """Tell the runs that were judged, and let `challenger` name the candidate.

    A run that was deleted in MLflow is passed over: the decision stands without it.

    Args:
        desk: gives the experiments.
        decision: as it is recorded.
    """
    at, candidate = desk.clock.now(), decision.candidate or {}
    for row in decision.document["field"]:
        logged = _run_of(desk, row)
        if logged is None:
            continue
        tags = {"gate": row["verdict"], "decision_id": decision.decision_id}
        if row["run_id"] != candidate.get("run_id"):
            desk.experiments.add_to_run(logged, at=at, tags=tags)
            continue
        with tempfile.TemporaryDirectory() as folder:
            document = Path(folder) / GATE
            document.write_bytes(decision.payload)
            desk.experiments.add_to_run(
                logged,
                at=at,
                tags=tags,
                metrics=_figures(decision),
                artifacts={GATE: document},
                datasets=held_out_data(desk, decision),
            )
    follow_ledger(desk, decision.book)


def _run_of(desk: Desk, row: Mapping[str, Any]) -> LoggedRun | None:
    run = desk.runs.get(row["spec"], row["run_id"])
    return desk.experiments.find_run(experiment_of(family_of_run(desk, run)), identity_of(run))


def held_out_data(desk: Desk, decision: Decision) -> list[DatasetInput]:
    """Give what the candidate read of the months held out, if it did."""
    candidate = decision.candidate or {}
    for entry in decision.document["inputs"]["candidates"]:
        read = entry["holdout"] or {}
        if entry["run_id"] == candidate.get("run_id") and read.get("address"):
            reading = desk.examinations.get(read["address"])
            return [
                DatasetInput(
                    f"months held out {read['first']}..{read['last']}",
                    content_hash(reading.document["facts"]),
                    reading.folder,
                    "holdout",
                )
            ]
    return []


def _figures(decision: Decision) -> dict[str, float | None]:
    """Give what the rules have measured, by the names that runs are compared by."""
    deflated = decision.measured("deflated_sharpe")
    figures: dict[str, float | None] = {}
    if deflated:
        figures |= {
            "oos.dsr": deflated.get("deflated_sharpe"),
            "n_trials": deflated.get("trials"),
        }
    overfit = decision.measured("overfitting_probability")
    if overfit:
        figures["oos.pbo"] = overfit.get("pbo")
    for name, sharpe in decision.measured("stressed").items():
        figures[f"stress.{name}.sharpe"] = sharpe
    return figures
