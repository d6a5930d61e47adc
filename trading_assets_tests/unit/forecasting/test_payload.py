from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.forecasting.payload import FORECAST_TABLE, forecast_payloads, forecast_table


@pytest.fixture(scope="module")
def forecasts(model, features):
    return model.forecaster().predict(features.tail(3))


def test_the_table_is_that_of_readers(bundle, forecasts):
    table = forecast_table(forecasts, bundle)
    assert table.schema == FORECAST_TABLE
    assert set(table["asset"]) == {"SOLUSDT"}
    assert table["prediction"].equals(forecasts["prediction"])
    assert (table["timestamp"] - forecasts["ts"]).unique().to_list() == [timedelta(minutes=5)]
    assert set(table["features_hash"]) == {bundle.features_code_version}


def test_a_document_has_what_readers_expect_and_where_it_came_from(bundle, forecasts):
    (first, *_) = forecast_payloads(forecasts, bundle)
    assert list(first)[:5] == ["asset", "horizon", "prediction", "confidence", "timestamp"]
    assert first["timestamp"].endswith("Z")
    assert (first["model_id"], first["dataset_hash"]) == (bundle.model_id, "d" * 64)
    bare = forecasts.with_columns(confidence=pl.lit(None, pl.Float64))
    assert forecast_payloads(bare, bundle)[0]["confidence"] is None


def test_foreign_forecasts_and_long_names_are_refused(bundle, forecasts):
    with pytest.raises(DataError, match="not all of the model"):
        forecast_table(forecasts, replace(bundle, shrinkage=0.1))
    with pytest.raises(DataError, match="at most 20 characters"):
        forecast_table(forecasts.with_columns(symbol=pl.lit("X" * 21)), bundle)
