"""A sweep in MLflow: a parent with its files, its trials as children, a view that draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trading_assets.evaluation.in_and_out import TriedTwice, measured, rank_correlation_of
from trading_assets.storage.experiments import LoggedRun
from trading_assets.storage.mlflow_writing import DatasetInput
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.run_links import linked
from trading_assets.workflows.run_logging import experiment_of

if TYPE_CHECKING:
    from trading_assets.backtest.sweep import SweepResult
    from trading_assets.backtest.sweep_file import SweepFile
    from trading_assets.backtest.trials import Trial
    from trading_assets.backtest.walk_forward import WalkForwardResult

_MOST_CHILDREN = 100
"""MLflow compares more runs slowly; the table of all trials is an artefact of the parent."""


@dataclass(frozen=True, slots=True)
class LoggedSweep:
    """A sweep in MLflow.

    Attributes:
        url: of the parent's page.
        trials_url: of the view with its trials: parallel coordinates and a scatter.
    """

    url: str
    trials_url: str


def log_sweep(
    desk: Desk,
    family: str,
    sweep: SweepFile,
    result: SweepResult,
    trials: Sequence[TriedTwice],
    folder: Path,
    tags: Mapping[str, str],
    datasets: Sequence[DatasetInput],
) -> LoggedSweep:
    """Log a sweep once; its view is kept anew each time.

    Args:
        desk: gives the experiments.
        family: of the strategy.
        sweep: what is varied.
        result: what came of it.
        trials: the same in and out of sample.
        folder: whose files become artefacts of the parent.
        tags: of the caller.
        datasets: what it read.
    """
    from trading_assets.backtest.sweep import short

    experiment = experiment_of(family)
    identity = {"kind": "sweep", "strategy.id": sweep.name, "result.hash": result.result_hash}
    parent = desk.experiments.find_run(experiment, identity)
    if parent is None:
        parent = _log_parent(
            desk, experiment, result, trials, folder, {**identity, **tags}, datasets
        )
        _log_children(desk, experiment, parent, sweep, result, trials)
    # MLflow draws the second metric against the first; a sweep of forecasts has none in sample.
    parts = ["oos.sharpe", "is.sharpe"] if measured(trials) else ["oos.sharpe"]
    axes = [short(name) for name in result.plan.space.axes]
    metrics = [*parts, result.plan.metric]
    url = desk.experiments.keep_trials_view(experiment, parent, axes, metrics)
    tags = linked(desk.settings, tags, f"[All trials, drawn]({url})")
    desk.experiments.add_to_run(parent, at=desk.clock.now(), tags=tags)
    return LoggedSweep(parent.url, url)


def log_walk_forward(
    desk: Desk,
    family: str,
    sweep: SweepFile,
    result: WalkForwardResult,
    folder: Path,
    tags: Mapping[str, str],
) -> LoggedRun:
    """Log a walk-forward once: folds are steps of its `wf.` metrics, no runs of their own.

    Args:
        desk: gives the experiments.
        family: of the strategy.
        sweep: what is varied.
        result: what came of it.
        folder: whose files become artefacts.
        tags: of the caller.
    """
    experiment = experiment_of(family)
    identity = {
        "kind": "walk_forward",
        "strategy.id": sweep.name,
        "result.hash": result.result_hash,
        "folder": folder.name,
    }
    tags = linked(desk.settings, tags)
    known = desk.experiments.find_run(experiment, identity)
    if known is not None:
        if tags:
            desk.experiments.add_to_run(known, at=desk.clock.now(), tags=tags)
        return known
    folds = result.table
    metrics = {f"oos.{name}": value for name, value in result.metrics.items()}
    sharpe = metrics["oos.sharpe"]
    found = "no SR" if sharpe is None else f"SR {sharpe:.1f}"
    return desk.experiments.log_run(
        experiment,
        f"{sweep.name} | walk forward, {folds.height} folds | {result.num_trials} trials | {found}",
        params={"method": sweep.plan.method, "folds": folds.height},
        metrics={**metrics, "n_trials": float(result.num_trials)},
        tags={
            "trial_family": family,
            "config.hash": result.spec.spec_hash,
            "seed": str(sweep.plan.seed),
            "stage": "research",
            **identity,
            **tags,
        },
        artifacts={path.name: path for path in sorted(folder.iterdir()) if path.is_file()},
        curves=_folds(result),
    )


def _folds(result: WalkForwardResult) -> dict[str, list[tuple[int, float]]]:
    """Give `wf.` (on the tests) and `wf.is.` (on the trainings) by the number of the fold."""
    folds = result.table
    return {
        f"wf.{part}{name}": [
            (n, float(v)) for n, v in enumerate(folds[f"{where}_{name}"]) if v is not None
        ]
        for name in dict.fromkeys((result.plan.metric, "net_return_pct"))
        for where, part in (("out", ""), ("in", "is."))
    }


def _log_parent(
    desk: Desk,
    experiment: str,
    result: SweepResult,
    trials: Sequence[TriedTwice],
    folder: Path,
    tags: Mapping[str, str],
    datasets: Sequence[DatasetInput],
) -> LoggedRun:
    from trading_assets.backtest.sweep import short

    metric, best, count = result.plan.metric, result.best, len(result.trials)
    name = tags["strategy.id"]
    found = f"best {metric} {(best.metrics or {})[metric]:.3g}"
    return desk.experiments.log_run(
        experiment,
        f"{name} | {count} trials | {found}",
        params={
            "method": result.plan.method,
            "trials": count,
            **{short(key): value for key, value in best.params.items()},
        },
        metrics={
            **(best.metrics or {}),
            "n_trials": float(result.num_trials),
            "rank_correlation": rank_correlation_of(trials),
        },
        tags={
            "trial_family": experiment.split("/")[1],
            "config.hash": result.spec.spec_hash,
            "seed": str(result.plan.seed),
            "best_trial": str(result.trials.index(best)),
            "stage": "research",
            **tags,
        },
        artifacts={path.name: path for path in sorted(folder.iterdir()) if path.is_file()},
        datasets=datasets,
    )


def _log_children(
    desk: Desk,
    experiment: str,
    parent: LoggedRun,
    sweep: SweepFile,
    result: SweepResult,
    trials: Sequence[TriedTwice],
) -> None:
    from trading_assets.backtest.sweep import short, value_of

    parts = {trial.trial: trial for trial in trials}

    def rank(numbered: tuple[int, Trial]) -> tuple[float, int]:
        value = value_of(numbered[1], result.plan.metric)
        return (float("inf") if value is None else -value, numbered[0])

    for number, trial in sorted(enumerate(result.trials), key=rank)[:_MOST_CHILDREN]:
        if trial.metrics is None:
            continue
        desk.experiments.log_run(
            experiment,
            f"{sweep.name} | trial {number}",
            params={short(key): value for key, value in trial.params.items()},
            metrics={
                **trial.metrics,
                "is.sharpe": parts[number].before,
                "oos.sharpe": parts[number].after,
            },
            tags={
                "mlflow.parentRunId": parent.run_id,
                "kind": "trial",
                "trial": str(number),
                "strategy.id": sweep.name,
                "trial_family": experiment.split("/")[1],
            },
        )
