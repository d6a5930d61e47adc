from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.forecasting.forecaster import FORECAST_SCHEMA
from trading_assets.forecasting.outcome import OUTCOME_SCHEMA
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.workflows.forecast_month import FORECASTS, forecast_month
from trading_assets.workflows.score_forecasts import OUTCOMES, outcomes_picture, score_forecasts
from trading_assets.workflows.train_month import train_month

_JANUARY, _FEBRUARY = Month(2024, 1), Month(2024, 2)
_SOL = Symbol("SOLUSDT")


@pytest.fixture(scope="module")
def model(desk):
    found = train_month(desk, _FEBRUARY).models["1h"]
    forecast_month(desk, _SOL, _FEBRUARY)
    return found


def test_a_month_is_scored_day_by_day(desk, model):
    made = score_forecasts(desk, _SOL, _FEBRUARY)
    rows = desk.tables.read(OUTCOMES, _SOL, _FEBRUARY)
    assert rows.schema == OUTCOME_SCHEMA
    assert rows["ts"].dt.day().to_list() == list(range(1, 30))
    # The first 13 bars' worth was made in January, which has no forecasts.
    assert rows["rows"].to_list() == [288 - 13, *[288] * 28]
    assert set(made.parents) == {
        "forecasts/SOLUSDT/2024-02", "bars_5m/SOLUSDT/2024-01", "bars_5m/SOLUSDT/2024-02",
    }  # fmt: skip
    if model.summary["confidence"]["published"]:
        known = rows.drop_nulls("brier")
        weighted = (known["brier"] * known["rows"]).sum() / known["rows"].sum()
        assert made.metadata["1h brier"] == pytest.approx(weighted)
        assert outcomes_picture(desk, _SOL, _FEBRUARY).startswith(b"\x89PNG")
    else:
        assert made.metadata["1h confidence"] == "none was stated"
        assert outcomes_picture(desk, _SOL, _FEBRUARY) is None


def test_the_same_inputs_score_nothing_again(desk, model):
    first = score_forecasts(desk, _SOL, _FEBRUARY)
    again = score_forecasts(desk, _SOL, _FEBRUARY)
    assert (again.changed, again.version) == (False, first.version)


def test_a_month_in_which_nothing_could_be_said_has_no_outcomes(
    desk, model, publish_bars, tmp_path
):
    """No row of a symbol's first month need have its features, and so a forecast."""
    bare = replace(desk, tables=PartitionStore(tmp_path))
    publish_bars(bare, _SOL, _FEBRUARY)
    silent = pl.DataFrame(schema=FORECAST_SCHEMA)
    models = {"models": {"1h": model.model_id}}
    bare.tables.publish(
        FORECASTS, _SOL, _FEBRUARY, silent, code_version="1", parents={}, extra=models
    )
    made = score_forecasts(bare, _SOL, _FEBRUARY)
    assert (made.rows, made.metadata["1h confidence"]) == (0, "none was stated")
    assert bare.tables.read(OUTCOMES, _SOL, _FEBRUARY).schema == OUTCOME_SCHEMA
    assert outcomes_picture(bare, _SOL, _FEBRUARY) is None


def test_months_without_forecasts_are_named(desk):
    with pytest.raises(MissingPartition, match="forecasts/SOLUSDT/2024-01"):
        score_forecasts(desk, _SOL, _JANUARY)
    with pytest.raises(MissingPartition, match="forecast_outcomes/SOLUSDT/2024-01"):
        outcomes_picture(desk, _SOL, _JANUARY)


def test_what_the_table_says_of_a_day_is_what_its_forecasts_did(desk, model):
    score_forecasts(desk, _SOL, _FEBRUARY)
    days = desk.tables.read(OUTCOMES, _SOL, _FEBRUARY)
    (row,) = days.filter(pl.col("ts").dt.day() == 9).to_dicts()
    said = desk.tables.read("forecasts", _SOL, _FEBRUARY)
    bars = desk.tables.read("bars_5m", _SOL, _FEBRUARY)
    came = bars["close"].shift(-12) / bars["close"] - 1
    known = (said["ts"] + timedelta(minutes=65)).dt.day() == 9
    right = (said["prediction"] * came > 0).filter(known)
    assert row["rows"] == right.len() == 288
    assert row["sign_accuracy"] == pytest.approx(right.mean())
