"""Forecast a month with the models that knew nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.forecasting.forecaster import Forecaster
from trading_assets.forecasting.outcome import score_outcome
from trading_assets.forecasting.payload import forecast_payloads
from trading_assets.forecasting.trainer import code_version
from trading_assets.storage.model_store import StoredModel
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import model_set
from trading_assets.workflows.held_out import closed_text, is_open, version_when
from trading_assets.workflows.listing import require_traded
from trading_assets.workflows.market_tables import bars_table, published_from_manifest
from trading_assets.workflows.publish_once import publish_once
from trading_assets.workflows.published import Published

FORECASTS = "forecasts"


def forecast_month(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Publish the forecasts of one symbol and month, and how they turned out as far as is known.

    Every horizon of settings is predicted by the current model of the month, which was trained on
    earlier months only. How forecasts of months held out turned out is not looked at.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month.
        MissingPartition: if the models, the features or the bars of the month are not there.
        DataError: if the features were made by other code than those the models learned from.
        CorruptFile: if a file is damaged.
    """
    require_traded(desk.settings, symbol, month)
    models: dict[str, StoredModel] = {
        h: desk.models.require(month, h) for h in desk.settings.model.horizons
    }
    features = desk.tables.require(model_set(desk.settings).table, symbol, month)
    bars = desk.tables.require(bars_table(Timeframe.M5), symbol, month)
    parents = {
        features.address: features.version,
        bars.address: bars.version,
        **{model.address: model.model_id for model in models.values()},
    }

    scored = is_open(desk.settings, month)

    def make() -> tuple[pl.DataFrame, dict[str, Any]]:
        prices = desk.tables.read_manifest(bars) if scored else None
        rows, scores = _predict(desk, models, features, prices)
        return rows, {
            "source": features.extra.get("source", desk.settings.source_of(symbol)),
            "models": {horizon: model.model_id for horizon, model in models.items()},
            "outcome": scores,
        }

    manifest, changed = publish_once(
        desk.tables,
        FORECASTS,
        symbol,
        month,
        make,
        code_version=version_when(code_version(), is_scored=scored),
        parents=parents,
        gaps=features.gaps,
    )
    return published_from_manifest(
        desk.tables,
        manifest,
        changed=changed,
        **_shown(manifest.extra["outcome"], models),
        **({} if scored else {"held out": closed_text(desk.settings)}),
    )


def published_forecasts(
    desk: Desk, symbol: Symbol, month: Month, horizon: str, *, last: int
) -> list[dict[str, Any]]:
    """Give the newest published forecasts of a month as JSON documents, oldest first.

    Raises:
        MissingPartition: if the month has no forecasts of the horizon.
        CorruptFile: if a file is damaged.
    """
    manifest = desk.tables.require(FORECASTS, symbol, month)
    models: Mapping[str, str] = manifest.extra["models"]
    if horizon not in models:
        raise MissingPartition(
            f"There are no {horizon} forecasts of {symbol} in {month}",
            expected=f"one of {', '.join(models)}",
            found=horizon,
            fix="Add the horizon to model.horizons, and train and forecast the month.",
        )
    bundle = desk.models.bundle(desk.models.get(models[horizon]))
    rows = desk.tables.read_manifest(manifest).filter(pl.col("horizon") == horizon)
    return forecast_payloads(rows.tail(last), bundle)


def _predict(
    desk: Desk, models: Mapping[str, StoredModel], features: Manifest, prices: pl.DataFrame | None
) -> tuple[pl.DataFrame, dict[str, dict[str, float]]]:
    """Predict, and score what came of it where prices are given."""
    table = desk.tables.read_manifest(features)
    parts, scores = [], {}
    for horizon, model in models.items():
        forecaster = desk.models.load(model)
        check_features(forecaster, features.code_version, features.address)
        forecasts = forecaster.predict(table)
        if prices is not None:
            scores[horizon] = score_outcome(forecasts, prices, forecaster.bundle)
        parts.append(forecasts)
    return pl.concat(parts).sort("ts", "horizon"), scores


def check_features(forecaster: Forecaster, code_version: str, name: str) -> None:
    """Refuse features of other code than those that a model learned from.

    Raises:
        DataError: with `name`, which says whose features they are.
    """
    bundle = forecaster.bundle
    if code_version != bundle.features_code_version:
        raise DataError(
            f"{name} and model {bundle.model_id[:16]} are of different feature code",
            expected=f"code version {bundle.features_code_version[:16]}, which it learned from",
            found=code_version[:16],
            fix=f"Materialise features of all months, then forecast_model for {bundle.month}.",
        )


def _shown(
    outcome: Mapping[str, Mapping[str, float]], models: Mapping[str, StoredModel]
) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for horizon, scores in outcome.items():
        shown[f"{horizon} model_id"] = models[horizon].model_id
        shown |= {f"{horizon} {name}": value for name, value in scores.items()}
    return shown
