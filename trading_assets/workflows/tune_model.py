"""Look for better parameters of a month's model; what is found is only a suggestion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trading_assets.backtest.bytes_of import json_bytes
from trading_assets.backtest.space import Params, Range, Space, search
from trading_assets.domain.ids import Month, content_hash
from trading_assets.evaluation.labels import span
from trading_assets.forecasting.sample import Sample
from trading_assets.forecasting.trainer import TrainingConfig, check_sample, code_version
from trading_assets.forecasting.tuning import CrossValidated, cross_validate, purged_splits
from trading_assets.storage import folders
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.enter_trials import enter_trial
from trading_assets.workflows.log_training import EXPERIMENT
from trading_assets.workflows.run_links import linked
from trading_assets.workflows.training_data import TrainingData, training_config, training_data

SUGGESTION = "suggestion.toml"
FAMILY = "forecast_model"
_MOST_CHILDREN = 100
"""MLflow compares more runs slowly; the file of all trials is an artefact of the parent."""

_SPACE = Space(
    axes={
        "rounds": Range(low=20, high=400, step=20),
        "num_leaves": Range(low=3, high=63, step=4),
        "learning_rate": Range(low="0.005", high="0.2", log=True),
        "min_data_in_leaf": Range(low=50, high=2000, step=50),
    }
)


@dataclass(frozen=True, slots=True)
class TunedModel:
    """What came of a search.

    Attributes:
        trials: parameters and scores in the order tried; the first has those of the settings.
        best: number of the best trial, the earliest among equals.
        folder: with `trials.json` and the suggestion.
        result_hash: of the trials.
        url: of the parent run in MLflow.
    """

    month: Month
    horizon: str
    trials: tuple[Mapping[str, Any], ...]
    best: int
    folder: Path
    result_hash: str
    url: str

    @property
    def suggestion(self) -> str:
        """The best parameters as lines for `trading_assets.toml`."""
        return folders.read_file(self.folder, SUGGESTION).decode()


def tune_model(
    desk: Desk,
    month: Month,
    horizon: str,
    *,
    trials: int | None = None,
    tags: Mapping[str, str] | None = None,
    report: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> TunedModel:
    """Try parameters on what the models of a month may learn from, by purged cross-validation.

    Optuna's TPE sampler proposes them, from `tuning.seed`; equal data, code and settings give equal
    trials. Each is entered in the ledger of trials before its score is known to the search.

    Args:
        desk: gives tables, settings, ledger and experiments.
        month: as for `train_month`: no label of it, or later, is looked at.
        horizon: of the model.
        trials: how many beside the settings' own; those of `tuning.trials` when None.
        tags: for the runs in MLflow.
        report: is told each trial.

    Raises:
        DataError, MissingPartition, CorruptFile: as `train_month`.
        ConfigurationError: if the history has fewer instants than `tuning.groups`.
    """
    tuning = desk.settings.tuning
    data, own = training_data(desk, month), training_config(desk)
    sample = data.sample(horizon, own.barriers)
    check_sample(sample, month)
    splits = purged_splits(sample, groups=tuning.groups, tested=tuning.tested)
    tried: list[Mapping[str, Any]] = []
    values: dict[str, float] = {}

    def attempt(params: Params) -> None:
        config = replace(own, **params)
        score = cross_validate(sample, config, splits)
        _enter(desk, data, sample, config, params, score)
        tried.append(_row(len(tried), params, score))
        values[content_hash(dict(params))] = score.r2
        report(tried[-1])

    attempt({name: getattr(own, name) for name in _SPACE.axes})
    count = tuning.trials if trials is None else trials
    asked = search(
        _SPACE,
        "optuna",
        trials=count,
        seed=tuning.seed,
        batch=1,
        value_of=lambda params: values[content_hash(dict(params))],
    )
    for batch in asked:
        for params in batch:
            attempt(params)
    return _kept(desk, data, horizon, tuple(tried), tags or {})


def _row(number: int, params: Params, score: CrossValidated) -> Mapping[str, Any]:
    return {
        "number": number,
        "params": dict(params),
        "r2": score.r2,
        "r2_spread": score.r2_spread,
        "r2_paths": list(score.paths),
        "sign_accuracy": score.sign_accuracy,
    }


def _enter(
    desk: Desk,
    data: TrainingData,
    sample: Sample,
    config: TrainingConfig,
    params: Params,
    score: CrossValidated,
) -> None:
    """Enter a trial in the ledger: the one place where tuning does."""
    enter_trial(
        desk.settings.data_root,
        family=FAMILY,
        identity={
            "code": code_version(),
            "horizon": sample.horizon,
            "features": [data.feature_set.name, data.feature_set.code_version],
            "symbols": sorted(data.tables),
            "params": config.all_params(sample.horizon),
        },
        ran_on={
            "dataset": data.dataset.version,
            "month": str(data.month),
            "splits": desk.settings.tuning.model_dump(include={"groups", "tested"}),
        },
        at=desk.clock.now(),
        purpose="tune",
        metrics={"cv.r2": score.r2, "cv.sign_accuracy": score.sign_accuracy},
        facts={"params": {name: str(value) for name, value in params.items()}},
    )


def _kept(
    desk: Desk,
    data: TrainingData,
    horizon: str,
    tried: tuple[Mapping[str, Any], ...],
    tags: Mapping[str, str],
) -> TunedModel:
    """Write the trials and the suggestion, and show them in MLflow."""
    best = max(range(len(tried)), key=lambda i: (tried[i]["r2"], -i))
    facts = {"horizon": horizon, "dataset": data.dataset.version, "trials": list(tried)}
    result_hash = content_hash(facts)
    folder = desk.settings.data_root / "tuning" / f"{horizon}-{data.month}-{result_hash[:16]}"
    files = {
        "trials.json": json_bytes(facts),
        SUGGESTION: _suggestion(data.month, horizon, tried, best).encode(),
    }
    folders.publish_folder(folder, files)
    tuned = TunedModel(data.month, horizon, tried, best, folder, result_hash, "")
    return replace(tuned, url=_logged(desk, data, tuned, tags))


def _suggestion(month: Month, horizon: str, tried: tuple[Mapping[str, Any], ...], best: int) -> str:
    found, own = tried[best], tried[0]
    lines = [
        f"# Best of {len(tried)} configurations of the {horizon} model for {month}, by purged",
        f"# cross-validation: R2 {found['r2']:+.6f}; that of the settings: {own['r2']:+.6f}.",
        "# The best of many is better on the data that chose it than on later data. Nothing reads",
        "# this file: copy what you want to trading_assets.toml, and train the month again.",
    ]
    if best == 0:
        return "\n".join([*lines, "# No other one was better: keep what you have.", ""])
    return "\n".join(
        [*lines, "[model]", *(f"{name} = {value}" for name, value in found["params"].items()), ""]
    )


def _logged(desk: Desk, data: TrainingData, tuned: TunedModel, tags: Mapping[str, str]) -> str:
    """Log the search once: a parent with its files, and a child per trial, best first."""
    identity = {"kind": "tuning", "result.hash": tuned.result_hash}
    known = desk.experiments.find_run(EXPERIMENT, identity)
    if known is not None:
        return known.url
    best, name = tuned.trials[tuned.best], f"tuning {tuned.horizon} for {tuned.month}"
    shared = {"trial_family": FAMILY, "data.hash": data.dataset.version, **tags}
    parent = desk.experiments.log_run(
        EXPERIMENT,
        f"{name} | {span(data.dataset.months)} | {len(tuned.trials)} trials | R2 {best['r2']:+.4f}",
        params={"horizon": tuned.horizon, "trials": len(tuned.trials), **best["params"]},
        metrics=_metrics(best),
        tags={**identity, "stage": "research", "seed": str(desk.settings.tuning.seed), **shared},
        artifacts={path.name: path for path in sorted(tuned.folder.iterdir())},
    )
    for trial in sorted(tuned.trials, key=lambda t: (-t["r2"], t["number"]))[:_MOST_CHILDREN]:
        desk.experiments.log_run(
            EXPERIMENT,
            f"{name} | trial {trial['number']}",
            params=trial["params"],
            metrics=_metrics(trial),
            tags={
                "mlflow.parentRunId": parent.run_id,
                "kind": "trial",
                "trial": str(trial["number"]),
                **shared,
            },
        )
    metrics = ["cv.r2", "cv.r2_spread", "cv.sign_accuracy"]
    url = desk.experiments.keep_trials_view(EXPERIMENT, parent, sorted(_SPACE.axes), metrics)
    note = linked(desk.settings, tags, f"[All trials, drawn]({url})")
    desk.experiments.add_to_run(parent, at=desk.clock.now(), tags=note)
    return parent.url


def _metrics(trial: Mapping[str, Any]) -> dict[str, float | None]:
    return {f"cv.{name}": trial[name] for name in ("r2", "r2_spread", "sign_accuracy")}
