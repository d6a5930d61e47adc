"""Months held out: nothing is learned from them, and nobody is told how forecasts turned out."""

from dataclasses import replace

import pytest

from trading_assets.domain.ids import Month, Symbol
from trading_assets.storage.model_store import ModelStore
from trading_assets.workflows.build_features import build_features
from trading_assets.workflows.forecast_month import FORECASTS, forecast_month
from trading_assets.workflows.score_forecasts import OUTCOMES, outcomes_picture, score_forecasts
from trading_assets.workflows.train_month import train_month
from trading_assets.workflows.training_data import training_data

FEBRUARY, MARCH = Month(2024, 2), Month(2024, 3)
SOL = Symbol("SOLUSDT")


@pytest.fixture(scope="module")
def desk(tmp_path_factory, make_filled_desk):
    made = make_filled_desk(tmp_path_factory.mktemp("held_out"))
    return holding_out(made, "2024-02")


def holding_out(desk, month):
    holdout = desk.settings.holdout.model_copy(update={"first": month, "last": month})
    return replace(desk, settings=desk.settings.model_copy(update={"holdout": holdout}))


def test_models_of_later_months_learn_from_what_is_before_it(desk, publish_bars, tmp_path):
    trained = train_month(desk, MARCH)
    assert {address[-7:] for address in trained.dataset.members} == {"2024-01"}
    assert training_data(desk, MARCH).sample("1h", None).known.max() <= FEBRUARY.start
    assert trained.metadata["held_out"].startswith("held out: 2024-02")
    for symbol in desk.settings.symbols:
        publish_bars(desk, symbol, FEBRUARY, seed=99)
        build_features(desk, symbol, FEBRUARY)
    anew = replace(desk, models=ModelStore(tmp_path / "models"))
    assert train_month(anew, MARCH).version == trained.version


def test_forecasts_of_it_are_made_and_scored_only_once_it_is_released(desk):
    train_month(desk, FEBRUARY)
    made = forecast_month(desk, SOL, FEBRUARY)
    outcomes = score_forecasts(desk, SOL, FEBRUARY)
    assert made.rows > 0
    assert desk.tables.require(FORECASTS, SOL, FEBRUARY).extra["outcome"] == {}
    assert (outcomes.rows, outcomes_picture(desk, SOL, FEBRUARY)) == (0, None)
    assert outcomes.metadata["held out"].startswith("held out: 2024-02")
    released = holding_out(desk, "2024-03")
    assert forecast_month(released, SOL, FEBRUARY).version == made.version
    assert desk.tables.require(FORECASTS, SOL, FEBRUARY).extra["outcome"]["1h"]
    assert score_forecasts(released, SOL, FEBRUARY).rows == 29
    assert desk.tables.require(OUTCOMES, SOL, FEBRUARY).extra["curves"].keys() == {"1h"}
