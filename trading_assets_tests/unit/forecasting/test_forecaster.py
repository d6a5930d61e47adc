from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.errors import CorruptFile, DataError
from trading_assets.forecasting.booster import Booster
from trading_assets.forecasting.forecaster import FORECAST_SCHEMA, Forecaster


@pytest.fixture(scope="module")
def forecaster(model) -> Forecaster:
    return model.forecaster()


def test_a_prediction_is_a_return_with_its_origin(forecaster, features):
    said = forecaster.predict(features)
    assert said.schema == FORECAST_SCHEMA
    assert said["ts"].equals(features["ts"])
    assert said["prediction"].is_finite().all()
    assert said["prediction"].abs().max() < 0.05
    assert said["confidence"].is_between(0.4, 1.0).all()
    assert set(said["model_id"]) == {forecaster.model_id}
    assert said["forecast_id"].n_unique() == said.height
    row = said.row(0, named=True)
    ts = said["ts"].dt.epoch("us")[0]
    assert row["forecast_id"] == f"{forecaster.model_id[:16]}.1h.SOLUSDT.{ts}"


def test_loaded_batch_and_live_give_the_same_bits(forecaster, model, features):
    loaded = Forecaster.from_model_text(model.bundle.document, model.booster_text)
    batch = forecaster.predict(features)
    assert loaded.predict(features).equals(batch)
    for row in range(0, 200, 7):
        assert loaded.predict(features.slice(row, 1)).equals(batch.slice(row, 1))


def test_the_forecast_leans_the_way_the_market_does(forecaster, make_tables):
    rows, bars = make_tables(seed=5)["SOLUSDT"]
    said = forecaster.predict(rows)["prediction"].to_numpy()
    came = (bars["close"].shift(-12) / bars["close"] - 1).to_numpy()
    known = ~np.isnan(came)
    assert np.corrcoef(said[known], came[known])[0, 1] > 0.3


def test_rows_that_are_not_warm_get_no_forecast(forecaster, features):
    cold = features.with_columns(noise=pl.when(pl.int_range(pl.len()) >= 10).then("noise"))
    assert forecaster.predict(cold).equals(forecaster.predict(features).slice(10))
    assert forecaster.predict(features.head(0)).schema == FORECAST_SCHEMA


def test_columns_in_another_order_or_missing_are_refused(forecaster, features):
    turned = features.select("ts", "symbol", "volatility_1d", "noise", "lean")
    with pytest.raises(DataError, match="noise in place of lean"):
        forecaster.predict(turned)
    with pytest.raises(DataError, match="lacks lean"):
        forecaster.predict(features.drop("lean"))
    with pytest.raises(DataError, match="more columns"):
        forecaster.predict(features.with_columns(more=1.0))


def test_values_that_are_not_finite_are_refused(forecaster, features):
    with pytest.raises(DataError, match="Feature lean is not finite"):
        forecaster.predict(features.with_columns(lean=pl.lit(float("nan"))))


def test_without_calibration_there_is_no_confidence(model, features):
    bundle = replace(model.bundle, calibration=None)
    said = Forecaster(bundle, Booster(model.booster_text)).predict(features)
    assert said["confidence"].null_count() == said.height
    assert said.schema == FORECAST_SCHEMA


def test_trees_of_another_model_are_refused(model):
    other = model.booster_text.replace("shrinkage=0.1", "shrinkage=0.2", 1)
    assert other != model.booster_text
    with pytest.raises(CorruptFile, match="not its own"):
        Forecaster.from_model_text(model.bundle.document, other)


def test_trees_that_name_other_features_are_refused(model):
    bundle = replace(model.bundle, features=("lean", "volatility_1d", "noise"))
    with pytest.raises(CorruptFile, match="disagrees"):
        Forecaster.from_model_text(bundle.document, model.booster_text)
