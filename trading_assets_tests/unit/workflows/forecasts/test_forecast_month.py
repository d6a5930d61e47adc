import json
from dataclasses import replace

import polars as pl
import pytest

from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.features.anchor import anchor
from trading_assets.features.core import CORE
from trading_assets.forecasting.forecaster import FORECAST_SCHEMA
from trading_assets.market.bar_frame import between, instant
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.workflows.forecast_month import (
    FORECASTS,
    forecast_month,
    published_forecasts,
)
from trading_assets.workflows.train_month import train_month

_JANUARY, _FEBRUARY, _MARCH = Month(2024, 1), Month(2024, 2), Month(2024, 3)
_SOL = Symbol("SOLUSDT")


@pytest.fixture(scope="module")
def model(desk):
    return train_month(desk, _FEBRUARY).models["1h"]


def test_a_month_is_forecast_by_the_model_that_knew_nothing_of_it(desk, model):
    made = forecast_month(desk, _SOL, _FEBRUARY)
    assert made.parents == {
        "features_5m/SOLUSDT/2024-02": desk.tables.require("features_5m", _SOL, _FEBRUARY).version,
        "bars_5m/SOLUSDT/2024-02": desk.tables.require("bars_5m", _SOL, _FEBRUARY).version,
        "forecast_model/1h/2024-02": model.model_id,
    }
    assert all(not address.endswith("2024-02") for address in model.parents)
    rows = desk.tables.read(FORECASTS, _SOL, _FEBRUARY)
    assert rows.schema == FORECAST_SCHEMA
    assert rows.height == made.rows == 29 * 288
    assert rows["prediction"].is_finite().all()
    assert set(rows["model_id"]) == {model.model_id}
    assert rows["forecast_id"].n_unique() == rows.height


def test_how_it_turned_out_is_told(desk, model):
    shown = forecast_month(desk, _SOL, _FEBRUARY).metadata
    assert shown["1h rows"] == 29 * 288 - 12
    assert shown["1h r2"] > 0
    assert shown["1h sign_accuracy"] > 0.5
    published = model.summary["confidence"]["published"]
    rows = desk.tables.read(FORECASTS, _SOL, _FEBRUARY)
    assert (rows["confidence"].null_count() == 0) == published
    assert ("1h brier" in shown) == published


def test_forecasts_are_read_as_documents(desk, model):
    forecast_month(desk, _SOL, _FEBRUARY)
    older, newest = published_forecasts(desk, _SOL, _FEBRUARY, "1h", last=2)
    row = desk.tables.read(FORECASTS, _SOL, _FEBRUARY).tail(1).to_dicts()[0]
    assert (
        newest
        == {
            "asset": "SOLUSDT",
            "horizon": "1h",
            "prediction": row["prediction"],
            "confidence": row["confidence"],
            "timestamp": "2024-03-01T00:00:00Z",  # the close of the last bar of February
            "forecast_id": row["forecast_id"],
            "model_version": f"2024-02-{model.model_id[:8]}",
            "model_id": model.model_id,
            "features_hash": CORE.code_version,
            "dataset_hash": model.summary["dataset"],
        }
    )
    assert json.loads(json.dumps(newest)) == newest
    assert older["timestamp"] == "2024-02-29T23:55:00Z"
    with pytest.raises(MissingPartition, match="no 4h forecasts of SOLUSDT"):
        published_forecasts(desk, _SOL, _FEBRUARY, "4h", last=1)


def test_the_same_inputs_write_nothing(desk, model):
    assert forecast_month(desk, _SOL, _FEBRUARY).version
    assert not forecast_month(desk, _SOL, _FEBRUARY).changed


def test_live_predicts_the_bits_that_batch_published(desk, model):
    """Live computes the anchored frame up to now and predicts its last row with the same model."""
    forecast_month(desk, _SOL, _FEBRUARY)
    published = desk.tables.read(FORECASTS, _SOL, _FEBRUARY)
    start = anchor(_FEBRUARY, CORE.warm_up)
    frame = desk.tables.read_range("bars_5m", _SOL, start, _FEBRUARY.end)
    forecaster = desk.models.load(desk.models.get(model.model_id))
    for ts in range(_FEBRUARY.start, _FEBRUARY.end, 37 * 3_600_000_000):
        now = frame.filter(pl.col("ts") <= instant(ts))
        row = CORE.compute(now).tail(1)
        assert forecaster.predict(row).equals(published.filter(between(ts, ts + 1)))


def test_a_month_without_model_or_features_is_named(desk, model):
    with pytest.raises(MissingPartition, match="no 1h model of 2024-01"):
        forecast_month(desk, _SOL, _JANUARY)
    train_month(desk, _MARCH)
    with pytest.raises(MissingPartition, match="features_5m/SOLUSDT/2024-03"):
        forecast_month(desk, _SOL, _MARCH)


def test_features_of_other_code_than_the_models_are_refused(desk, model, monkeypatch):
    true = PartitionStore.require

    def older(store, table, symbol, month):
        manifest = true(store, table, symbol, month)
        return replace(manifest, code_version="0" * 64) if table == "features_5m" else manifest

    monkeypatch.setattr(PartitionStore, "require", older)
    monkeypatch.setattr(PartitionStore, "standing", lambda *_a, **_k: None)
    with pytest.raises(DataError, match="different feature code"):
        forecast_month(desk, _SOL, _FEBRUARY)
