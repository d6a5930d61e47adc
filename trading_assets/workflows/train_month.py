"""Train the models that may predict a month, from what was known before it began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trading_assets.domain.ids import Month, content_hash
from trading_assets.forecasting.booster import lightgbm_version
from trading_assets.forecasting.model_card import model_card, model_summary
from trading_assets.forecasting.trainer import TrainingConfig, code_version, train
from trading_assets.storage.model_store import StoredModel
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_dataset import Dataset
from trading_assets.workflows.held_out import closed_text
from trading_assets.workflows.log_training import log_training
from trading_assets.workflows.training_data import TrainingData, training_config, training_data


@dataclass(frozen=True, slots=True)
class TrainedMonth:
    """The models of a month as they stand after the call.

    Attributes:
        models: by horizon.
        changed: horizons that were trained now; the others stood already.
        version: one hash of all model ids.
        dataset: what they learned from.
        urls: pages in MLflow, by horizon.
        metadata: plain values worth showing to a person.
    """

    month: Month
    models: Mapping[str, StoredModel]
    changed: tuple[str, ...]
    version: str
    dataset: Dataset
    urls: Mapping[str, str]
    metadata: Mapping[str, Any] = field(default_factory=dict)


def train_month(desk: Desk, month: Month, *, tags: Mapping[str, str] | None = None) -> TrainedMonth:
    """Train one model per horizon of settings, and log it to MLflow.

    All symbols are learned together, from every month of features before this one that research may
    look at (`held_out`). A model whose data, code and configuration are those of the current one is
    not trained again.

    Args:
        desk: gives the tables, and keeps the models.
        month: first month the models may predict.
        tags: for the runs in MLflow, beside those that join them to data, code and result.

    Raises:
        DataError: if no earlier month has features, or those were made by other code.
        MissingPartition: if bars of a month with features are missing.
        CorruptFile: if a file of the tables or models is damaged.
    """
    data = training_data(desk, month)
    config = training_config(desk)
    models: dict[str, StoredModel] = {}
    urls: dict[str, str] = {}
    changed: list[str] = []
    for horizon in desk.settings.model.horizons:
        inputs = _inputs_hash(horizon, data, config)
        model = desk.models.standing(month, horizon, inputs=inputs)
        if model is None:
            model = _train(horizon, data, config, inputs)
            changed.append(horizon)
        models[horizon] = model
        urls[horizon] = log_training(desk, model, data.dataset, tags or {}).url
    return TrainedMonth(
        month=month,
        models=models,
        changed=tuple(changed),
        version=content_hash({horizon: model.model_id for horizon, model in models.items()}),
        dataset=data.dataset,
        urls=urls,
        metadata=_metadata(desk, models, urls, data),
    )


def _inputs_hash(horizon: str, data: TrainingData, config: TrainingConfig) -> str:
    chosen = data.feature_set
    return content_hash(
        {
            "month": str(data.month),
            "horizon": horizon,
            "dataset": data.dataset.version,
            "features": [chosen.name, chosen.version, chosen.code_version],
            "params": config.all_params(horizon),
            "code": code_version(),
            "lightgbm": lightgbm_version(),
        }
    )


def _train(horizon: str, data: TrainingData, config: TrainingConfig, inputs: str) -> StoredModel:
    chosen = data.feature_set
    model = train(
        data.sample(horizon, config.barriers),
        config,
        month=data.month,
        symbols=tuple(sorted(data.tables)),
        features_code_version=chosen.code_version,
        dataset=data.dataset.version,
    )
    stored, _ = data.desk.models.publish(
        model,
        inputs=inputs,
        parents=data.dataset.members,
        card=model_card(model),
        summary={**model_summary(model), "feature_set": [chosen.name, chosen.version]},
    )
    return stored


def _metadata(
    desk: Desk, models: Mapping[str, StoredModel], urls: Mapping[str, str], data: TrainingData
) -> dict[str, Any]:
    dataset = data.dataset
    shown: dict[str, Any] = {"dataset": dataset.version, "partitions": len(dataset.members)}
    if data.until < data.month:
        shown["held_out"] = closed_text(desk.settings)
    for horizon, model in models.items():
        summary = model.summary
        scores, confidence = summary["scores"], summary["confidence"]
        shown |= {
            f"{horizon} model_id": model.model_id,
            f"{horizon} rows": summary["rows"],
            f"{horizon} feature_set": " ".join(map(str, summary.get("feature_set", ()))),
            f"{horizon} r2": scores.get("model", {}).get("r2"),
            f"{horizon} sign_accuracy": scores.get("model", {}).get("sign_accuracy"),
            f"{horizon} beats_baselines": summary["beats_baselines"],
            f"{horizon} confidence": confidence["reason"],
            f"{horizon} card": str(desk.models.path(model, model.card)),
            f"{horizon} mlflow": urls[horizon],
        }
    return shown
