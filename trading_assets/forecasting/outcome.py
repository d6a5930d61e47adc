"""How published forecasts turned out, once the returns they spoke of are known."""

from __future__ import annotations

import polars as pl

from trading_assets.forecasting.bundle import ModelBundle
from trading_assets.forecasting.horizons import horizon_bars
from trading_assets.forecasting.labels import forward_returns, label_column
from trading_assets.forecasting.scores import brier_score, forecast_scores, hits


def score_outcome(
    forecasts: pl.DataFrame, bars: pl.DataFrame, bundle: ModelBundle
) -> dict[str, float]:
    """Score one symbol's forecasts of one horizon against what came.

    Args:
        forecasts: FORECAST_SCHEMA, of this model.
        bars: base bars of the symbol; forecasts whose return they do not show are left out.
        bundle: of the model; its calibration gives the constant forecast to beat.

    Returns:
        What `forecast_scores` gives, and with a confidence `brier` and `brier_constant`: of the
        stated probabilities, and of the rate known when the model was trained.
    """
    label = label_column(bundle.horizon)
    known = forecasts.join(forward_returns(bars, [bundle.horizon]), on="ts").drop_nulls(label)
    said, came = known["prediction"].to_numpy(), known[label].to_numpy()
    scores = forecast_scores(said, came, horizon_bars=horizon_bars(bundle.horizon))
    if bundle.calibration is not None and known.height:
        right = hits(said, came)
        scores["brier"] = brier_score(known["confidence"].to_numpy(), right)
        scores["brier_constant"] = brier_score(bundle.calibration.base_rate, right)
    return scores
