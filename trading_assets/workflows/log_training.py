"""Show a trained model in MLflow: its run, its card, its file, its place in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trading_assets.domain.ids import content_hash
from trading_assets.evaluation.labels import span
from trading_assets.forecasting.horizons import BASE
from trading_assets.storage.experiments import LoggedRun, RegisteredVersion
from trading_assets.storage.mlflow_writing import DatasetInput
from trading_assets.storage.model_store import StoredModel
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import model_set
from trading_assets.workflows.freeze_dataset import Dataset
from trading_assets.workflows.run_links import linked

EXPERIMENT = "ta/forecast/train"
_CHALLENGER = "challenger"


def log_training(
    desk: Desk, model: StoredModel, dataset: Dataset, tags: Mapping[str, str]
) -> LoggedRun:
    """Log a stored model once, register it, and let `challenger` name the newest month's.

    Args:
        desk: gives the experiments.
        model: as it stands in the store.
        dataset: what it learned from.
        tags: of the caller.
    """
    identity = {"model_id": model.model_id}
    tags = linked(desk.settings, tags)
    logged = desk.experiments.find_run(EXPERIMENT, identity)
    if logged is None:
        logged = _log(desk, model, dataset, {**tags, **identity})
    elif tags:
        desk.experiments.add_to_run(logged, at=desk.clock.now(), tags=tags)
    _register(desk, model, logged)
    return logged


def registered_name(horizon: str) -> str:
    """Name the registered model of a horizon."""
    return f"ta.forecast_{horizon}.spot"


def _log(desk: Desk, model: StoredModel, dataset: Dataset, tags: Mapping[str, str]) -> LoggedRun:
    summary, table = model.summary, model_set(desk.settings).table
    names = {"card.md": model.card, "model.txt": model.booster, "model.json": model.document}
    names |= {
        f"{stem}.{name.rpartition('.')[2]}": name
        for name in model.files
        if (stem := name.partition("-")[0]) in {"card", "baselines"} and name != model.card
    }
    return desk.experiments.log_run(
        EXPERIMENT,
        _run_name(model, dataset),
        params={
            "month": str(model.month),
            "horizon": model.horizon,
            "symbols": ",".join(summary["symbols"]),
            "bar_size": BASE.value,
            "trained_on": span(dataset.months),
            "rows": summary["rows"],
            **summary["params"],
        },
        metrics=_metrics(summary),
        tags={
            "strategy.id": f"forecast_{model.horizon}",
            "trial_family": "forecast",
            "stage": "train",
            "data.hash": dataset.version,
            "config.hash": model.inputs,
            "code.hash": summary["code_version"],
            "features.hash": summary["features_code_version"],
            "features.set": " ".join(map(str, summary.get("feature_set", ()))),
            "seed": str(summary["params"]["seed"]),
            "confidence": summary["confidence"]["reason"],
            **tags,
        },
        artifacts={name: desk.models.path(model, file) for name, file in names.items()},
        curves={
            f"wf.{name}": [
                (step, stretch[name])
                for step, stretch in enumerate(summary["stretches"])
                if name in stretch
            ]
            for name in ("r2", "sign_accuracy", "ic")
        },
        datasets=[
            DatasetInput(
                f"{table} {span(dataset.months)}",
                dataset.version,
                desk.tables.folder(table, None, None),
                "train",
            ),
            DatasetInput(
                f"{table} {span(dataset.months)}, stretches that were judged",
                content_hash([dataset.version, "judged"]),
                desk.tables.folder(table, None, None),
                "validation",
            ),
        ],
    )


def _register(desk: Desk, model: StoredModel, run: LoggedRun) -> RegisteredVersion:
    name, tags = registered_name(model.horizon), {"model_id": model.model_id}
    version = desk.experiments.find_version(name, tags)
    if version is None:
        address = desk.experiments.log_model(
            run,
            desk.models.read(model, model.booster).decode(),
            model.summary["features"],
            name=f"forecast_{model.horizon}_{str(model.month).replace('-', '_')}",
            metadata=tags,
        )
        version = desk.experiments.register(
            name,
            run,
            source=address,
            tags={
                **tags,
                "month": str(model.month),
                "data.hash": model.summary["dataset"],
                "booster_sha256": model.summary["booster_sha256"],
            },
        )
    holder = desk.experiments.alias(name, _CHALLENGER)
    if holder is None or (
        holder.version != version.version and holder.tags.get("month", "") <= str(model.month)
    ):
        desk.experiments.move_alias(name, _CHALLENGER, version.version)
    return version


def _run_name(model: StoredModel, dataset: Dataset) -> str:
    summary = model.summary
    scores = summary["scores"].get("model", {})
    brier = "confidence" if summary["confidence"]["published"] else "no confidence"
    return " | ".join(
        [
            f"forecast {model.horizon} for {model.month}",
            f"{len(summary['symbols'])} symbols {BASE.value}",
            span(dataset.months),
            f"R2 {scores.get('r2', 0.0):+.4f}",
            f"sign {scores.get('sign_accuracy', 0.5):.3f}",
            brier,
        ]
    )


def _metrics(summary: Mapping[str, Any]) -> dict[str, float | None]:
    confidence = summary["confidence"]
    metrics: dict[str, float | None] = {
        "oos.brier": confidence["brier"],
        "oos.brier_constant": confidence["brier_constant"],
        "shrinkage": summary["shrinkage"],
        **{f"oos.brier.{method}": brier for method, brier in confidence["briers"].items()},
    }
    for name in ("ece", "reliability", "resolution"):
        metrics[f"oos.{name}"] = (confidence["curve"] or {}).get(name)
    for forecast, scores in summary["scores"].items():
        prefix = "oos" if forecast == "model" else f"oos.{forecast}"
        metrics |= {f"{prefix}.{name}": value for name, value in scores.items()}
    return metrics
