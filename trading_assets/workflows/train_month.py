"""Train the models that may predict a month, from what was known before it began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, content_hash
from trading_assets.features.feature_set import CORE
from trading_assets.forecasting.booster import lightgbm_version
from trading_assets.forecasting.model_card import model_card, model_summary
from trading_assets.forecasting.sample import sample_from_tables
from trading_assets.forecasting.trainer import TrainingConfig, code_version, train
from trading_assets.storage.model_store import StoredModel
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.build_features import FEATURES
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_dataset import (
    Dataset,
    dataset_from_manifests,
    table_manifests,
)
from trading_assets.workflows.log_training import log_training
from trading_assets.workflows.market_tables import bars_table

_BARS = bars_table(Timeframe.M5)
_TABLES = tuple[pl.DataFrame, pl.DataFrame]


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

    All symbols are learned together, from every month of features before this one. A model whose
    data, code and configuration are those of the current one is not trained again.

    Args:
        desk: gives the tables, and keeps the models.
        month: first month the models may predict.
        tags: for the runs in MLflow, beside those that join them to data, code and result.

    Raises:
        DataError: if no earlier month has features, or those were made by other code.
        MissingPartition: if bars of a month with features are missing.
        CorruptFile: if a file of the tables or models is damaged.
    """
    features = _features_before(desk, month)
    bars = [desk.tables.require(_BARS, m.symbol, m.month) for m in features]
    dataset = dataset_from_manifests(f"forecast_model/{month}", [*features, *bars])
    config = _config(desk)
    models: dict[str, StoredModel] = {}
    urls: dict[str, str] = {}
    changed: list[str] = []
    tables: dict[str, _TABLES] = {}
    for horizon in desk.settings.model.horizons:
        inputs = _inputs_hash(month, horizon, dataset, config)
        model = desk.models.standing(month, horizon, inputs=inputs)
        if model is None:
            tables = tables or _read(desk, features, bars)
            model = _train(desk, month, horizon, tables, config, dataset, inputs)
            changed.append(horizon)
        models[horizon] = model
        urls[horizon] = log_training(desk, model, dataset, tags or {}).url
    return TrainedMonth(
        month=month,
        models=models,
        changed=tuple(changed),
        version=content_hash({horizon: model.model_id for horizon, model in models.items()}),
        dataset=dataset,
        urls=urls,
        metadata=_metadata(desk, models, urls, dataset),
    )


def _features_before(desk: Desk, month: Month) -> list[Manifest]:
    found = table_manifests(desk, FEATURES, before=month)
    features = [manifest for manifest in found if manifest.rows]  # not those of daily bars
    if not features:
        raise DataError(
            f"There is nothing to learn from before {month}",
            expected=f"{FEATURES} of at least one month before it, from "
            f"{desk.settings.first_month} on, of source {desk.settings.source}",
            found="none",
            fix=f"Materialise {FEATURES} of earlier months, or train a later month.",
        )
    old = [m.address for m in features if m.code_version != CORE.code_version]
    if old:
        raise DataError(
            f"Features before {month} were computed by other code",
            expected=f"code version {CORE.code_version[:16]} in all of them",
            found=f"another in {', '.join(old[:6])}{', ...' if len(old) > 6 else ''}",
            fix=f"Materialise {FEATURES} of these months again.",
        )
    return features


def _config(desk: Desk) -> TrainingConfig:
    model = desk.settings.model
    return TrainingConfig(
        rounds=model.rounds,
        num_leaves=model.num_leaves,
        learning_rate=model.learning_rate,
        min_data_in_leaf=model.min_data_in_leaf,
        seed=model.seed,
        threads=model.threads,
    )


def _inputs_hash(month: Month, horizon: str, dataset: Dataset, config: TrainingConfig) -> str:
    return content_hash(
        {
            "month": str(month),
            "horizon": horizon,
            "dataset": dataset.version,
            "features": [CORE.name, CORE.code_version],
            "params": {**config.booster_params(horizon), "rounds": config.rounds},
            "code": code_version(),
            "lightgbm": lightgbm_version(),
        }
    )


def _read(desk: Desk, features: list[Manifest], bars: list[Manifest]) -> dict[str, _TABLES]:
    """Read features and bars of each symbol over all months."""
    parts: dict[str, list[tuple[Manifest, Manifest]]] = {}
    for pair in zip(features, bars, strict=True):
        parts.setdefault(str(pair[0].symbol), []).append(pair)
    read = desk.tables.read_manifest
    return {
        symbol: (
            pl.concat([read(rows) for rows, _ in pairs]),
            pl.concat([read(prices).select("ts", "close") for _, prices in pairs]),
        )
        for symbol, pairs in parts.items()
    }


def _train(
    desk: Desk,
    month: Month,
    horizon: str,
    tables: Mapping[str, _TABLES],
    config: TrainingConfig,
    dataset: Dataset,
    inputs: str,
) -> StoredModel:
    model = train(
        sample_from_tables(tables, CORE.columns, horizon, until=month.start),
        config,
        month=month,
        symbols=tuple(sorted(tables)),
        features_code_version=CORE.code_version,
        dataset=dataset.version,
    )
    stored, _ = desk.models.publish(
        model,
        inputs=inputs,
        parents=dataset.members,
        card=model_card(model),
        summary=model_summary(model),
    )
    return stored


def _metadata(
    desk: Desk, models: Mapping[str, StoredModel], urls: Mapping[str, str], dataset: Dataset
) -> dict[str, Any]:
    shown: dict[str, Any] = {"dataset": dataset.version, "partitions": len(dataset.members)}
    for horizon, model in models.items():
        summary = model.summary
        scores, confidence = summary["scores"], summary["confidence"]
        shown |= {
            f"{horizon} model_id": model.model_id,
            f"{horizon} rows": summary["rows"],
            f"{horizon} r2": scores.get("model", {}).get("r2"),
            f"{horizon} sign_accuracy": scores.get("model", {}).get("sign_accuracy"),
            f"{horizon} beats_baselines": summary["beats_baselines"],
            f"{horizon} confidence": confidence["reason"],
            f"{horizon} card": str(desk.models.path(model, model.card)),
            f"{horizon} mlflow": urls[horizon],
        }
    return shown
