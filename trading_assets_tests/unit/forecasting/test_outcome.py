from dataclasses import replace

import numpy as np
import pytest

from trading_assets.forecasting.booster import Booster
from trading_assets.forecasting.forecaster import Forecaster
from trading_assets.forecasting.outcome import score_outcome


@pytest.fixture(scope="module")
def market(make_tables):
    return make_tables(days=6, seed=3)["SOLUSDT"]


def test_forecasts_are_scored_against_what_came(model, market):
    features, bars = market
    forecasts = model.forecaster().predict(features)
    scores = score_outcome(forecasts, bars, model.bundle)
    assert scores["rows"] == 6 * 288 - 12
    assert scores["r2"] > 0.05
    assert scores["brier"] < scores["brier_constant"]
    came = (bars["close"].shift(-12) / bars["close"] - 1).to_numpy()[:-12]
    right = forecasts["prediction"].to_numpy()[:-12] * came > 0
    assert scores["sign_accuracy"] == pytest.approx(right.mean())
    stated = forecasts["confidence"].to_numpy()[:-12]
    assert scores["brier"] == pytest.approx(np.mean((stated - right) ** 2))


def test_what_is_not_known_yet_is_left_out(model, market):
    features, bars = market
    forecasts = model.forecaster().predict(features)
    assert score_outcome(forecasts, bars.head(100), model.bundle)["rows"] == 88
    assert score_outcome(forecasts, bars.head(10), model.bundle) == {"rows": 0.0}


def test_without_confidence_there_is_no_brier_score(model, market):
    features, bars = market
    bundle = replace(model.bundle, calibration=None)
    forecasts = Forecaster(bundle, Booster(model.booster_text)).predict(features)
    assert "brier" not in score_outcome(forecasts, bars, bundle)
