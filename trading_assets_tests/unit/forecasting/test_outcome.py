from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.forecasting.booster import Booster
from trading_assets.forecasting.forecaster import Forecaster
from trading_assets.forecasting.outcome import (
    OUTCOME_SCHEMA,
    confidence_curve,
    daily_scores,
    known_outcomes,
    score_outcome,
)
from trading_assets.market.bar_frame import TS


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


def _overconfident(days: int = 20, excess: float = 0.15):
    """Forecasts of 5m bars that are right with a chance of `confidence - excess`."""
    draw = np.random.default_rng(5)
    n = days * 288
    ts = pl.Series("ts", np.arange(n) * 5 * MINUTE).cast(TS)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 1e-3, n)))
    came = np.r_[close[12:] / close[:-12] - 1, np.zeros(12)]
    confidence = draw.uniform(0.6, 0.9, n)
    right = draw.random(n) < confidence - excess
    forecasts = pl.DataFrame(
        {
            "ts": ts,
            "symbol": ["SOLUSDT"] * n,
            "horizon": ["1h"] * n,
            "prediction": np.where(right, came, -came),
            "confidence": confidence,
            "model_id": ["m"] * n,
        }
    )
    return forecasts, pl.DataFrame({"ts": ts, "close": close})


@pytest.mark.parametrize("excess", [0.0, 0.05, 0.15])
def test_a_known_overconfidence_is_found_in_what_came(excess):
    forecasts, bars = _overconfident(excess=excess)
    known = known_outcomes(forecasts, bars, "1h", {"m": 0.6}, start=0, end=20 * DAY)
    curve, constant = confidence_curve(known)
    assert curve.ece == pytest.approx(excess, abs=0.02)
    assert np.average(
        np.array(curve.stated) - np.array(curve.observed), weights=curve.counts
    ) == pytest.approx(excess, abs=0.02)
    assert constant == pytest.approx(np.mean((0.6 - known["is_right"].to_numpy()) ** 2))


def test_every_forecast_is_scored_on_the_day_its_return_is_known():
    forecasts, bars = _overconfident(days=3)
    parts = [
        known_outcomes(forecasts, bars, "1h", {}, start=day * DAY, end=(day + 1) * DAY)
        for day in range(3)
    ]
    # A bar's forecast is made 5 minutes after its open and known an hour later.
    assert [part.height for part in parts] == [288 - 13, 288, 288]
    for day, part in enumerate(parts):
        assert set(part["ts"].dt.epoch("us")) == {day * DAY}
    late = known_outcomes(forecasts, bars[:-20], "1h", {}, start=2 * DAY, end=3 * DAY)
    assert late.height == 288 - 19  # what is not known yet is left out


def test_days_are_scored_each_by_itself():
    forecasts, bars = _overconfident(days=3)
    known = known_outcomes(forecasts, bars, "1h", {"m": 0.6}, start=0, end=3 * DAY)
    days = daily_scores(known, "1h")
    assert days.schema == OUTCOME_SCHEMA
    assert days["rows"].to_list() == [288 - 13, 288, 288]
    second = known.filter(pl.col("ts").dt.epoch("us") == DAY)
    brier = ((second["confidence"] - second["is_right"].cast(pl.Float64)) ** 2).mean()
    assert days["brier"][1] == pytest.approx(brier)
    bare = forecasts.with_columns(confidence=pl.lit(None, pl.Float64))
    silent = known_outcomes(bare, bars, "1h", {}, start=0, end=3 * DAY)
    assert confidence_curve(silent) == (None, None)
    assert daily_scores(silent, "1h")["brier"].null_count() == 3
    assert daily_scores(silent, "1h")["sign_accuracy"].equals(days["sign_accuracy"])
