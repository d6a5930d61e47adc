"""Forecasts as others read them: one JSON document each, or rows of the table `Forecast`."""

from __future__ import annotations

from typing import Any

import polars as pl

from trading_assets.domain.errors import DataError
from trading_assets.forecasting.bundle import ModelBundle
from trading_assets.forecasting.horizons import BASE

ASSET_LENGTH, HORIZON_LENGTH = 20, 10

FORECAST_TABLE = pl.Schema(
    {
        "asset": pl.String(),
        "horizon": pl.String(),
        "prediction": pl.Float64(),
        "confidence": pl.Float64(),
        "timestamp": pl.Datetime("us", "UTC"),
        "forecast_id": pl.String(),
        "model_version": pl.String(),
        "model_id": pl.String(),
        "features_hash": pl.String(),
        "dataset_hash": pl.String(),
    }
)
"""Columns that readers outside expect. `timestamp` is the instant at which the forecast is made,
the close of its bar; in our own table `ts` is the bar's open. The hashes are SHA-256."""


def forecast_table(forecasts: pl.DataFrame, bundle: ModelBundle) -> pl.DataFrame:
    """Give the forecasts of one model as FORECAST_TABLE, in their order.

    Args:
        forecasts: FORECAST_SCHEMA.
        bundle: of the model that made all of them.

    Raises:
        DataError: if some are of another model, or a name does not fit the columns of readers.
    """
    foreign = set(forecasts["model_id"]) - {bundle.model_id}
    if foreign:
        raise DataError(
            "These forecasts are not all of the model that is named",
            expected=bundle.model_id,
            found=", ".join(sorted(foreign)[:3]),
        )
    for name, length in (("symbol", ASSET_LENGTH), ("horizon", HORIZON_LENGTH)):
        long = [value for value in forecasts[name].unique() if len(value) > length]
        if long:
            raise DataError(
                f"A {name} is too long for readers of forecasts",
                expected=f"at most {length} characters",
                found=long[0],
            )
    return forecasts.select(
        pl.col("symbol").alias("asset"),
        "horizon",
        "prediction",
        "confidence",
        (pl.col("ts") + pl.duration(microseconds=BASE.micros)).alias("timestamp"),
        "forecast_id",
        "model_version",
        "model_id",
        pl.lit(bundle.features_code_version).alias("features_hash"),
        pl.lit(bundle.dataset).alias("dataset_hash"),
    )


def forecast_payloads(forecasts: pl.DataFrame, bundle: ModelBundle) -> list[dict[str, Any]]:
    """Give the forecasts of one model as JSON documents, in their order.

    The fields are those of FORECAST_TABLE, such as `{"asset": "BTCUSDT", "horizon": "4h",
    "prediction": 0.0082, "confidence": 0.76, "timestamp": "2025-04-05T12:00:00Z", ...}`. The
    confidence is null where the model has none that is better than a constant.

    Raises:
        DataError: as `forecast_table`.
    """
    table = forecast_table(forecasts, bundle)
    written = pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return table.with_columns(written).to_dicts()
