"""How published forecasts turned out, once the returns they spoke of are known."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Micros
from trading_assets.forecasting.bundle import ModelBundle
from trading_assets.forecasting.horizons import BASE, horizon_bars, horizon_micros
from trading_assets.forecasting.labels import forward_returns, label_column
from trading_assets.forecasting.reliability import Reliability, reliability
from trading_assets.forecasting.scores import brier_score, forecast_scores, hits
from trading_assets.market.bar_frame import TS, between

OUTCOME_SCHEMA = pl.Schema(
    {
        "ts": TS,
        "symbol": pl.String(),
        "horizon": pl.String(),
        "rows": pl.Int64(),
        "rmse": pl.Float64(),
        "r2": pl.Float64(),
        "sign_accuracy": pl.Float64(),
        "ic": pl.Float64(),
        "mean_confidence": pl.Float64(),
        "brier": pl.Float64(),
        "brier_constant": pl.Float64(),
        "ece": pl.Float64(),
    }
)
"""One row per UTC day and horizon: how the forecasts turned out whose returns became known on it.
The last four are null where the models stated no confidence."""


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


def known_outcomes(
    forecasts: pl.DataFrame,
    bars: pl.DataFrame,
    horizon: str,
    base_rates: Mapping[str, float],
    *,
    start: Micros,
    end: Micros,
) -> pl.DataFrame:
    """Give the forecasts of one symbol and horizon whose returns became known in [start, end).

    Args:
        forecasts: FORECAST_SCHEMA, ascending; of any horizons and models.
        bars: base bars, ascending, from one horizon before `start` on.
        horizon: such as `1h`.
        base_rates: how often signs were right when it was trained, by id of each calibrated model.
        start: first instant (us, UTC).
        end: first instant after it.

    Returns:
        `ts` (start of the UTC day on which the return was known), `symbol`, `prediction`,
        `confidence`, `constant` (the confidence to beat, null without one), `came`, `is_right`.
    """
    delay = BASE.micros + horizon_micros(horizon)
    came = forward_returns(bars, [horizon]).rename({label_column(horizon): "came"})
    wanted = (pl.col("horizon") == horizon) & between(start - delay, end - delay)
    known = forecasts.filter(wanted).join(came, on="ts", maintain_order="left").drop_nulls("came")
    at = pl.col("ts").dt.epoch("us") + delay
    return known.select(
        (at // DAY * DAY).cast(TS).alias("ts"),
        "symbol",
        "prediction",
        "confidence",
        pl.col("model_id")
        .replace_strict(dict(base_rates), default=None, return_dtype=pl.Float64)
        .alias("constant"),
        "came",
        (pl.col("prediction") * pl.col("came") > 0).alias("is_right"),
    )


def daily_scores(known: pl.DataFrame, horizon: str) -> pl.DataFrame:
    """Score what `known_outcomes` gives, day by day, as OUTCOME_SCHEMA."""
    rows = []
    for (ts,), day in known.group_by("ts", maintain_order=True):
        said, came = day["prediction"].to_numpy(), day["came"].to_numpy()
        scores = forecast_scores(said, came, horizon_bars=horizon_bars(horizon))
        curve, constant = confidence_curve(day)
        rows.append(
            {
                "ts": ts,
                "symbol": day["symbol"][0],
                "horizon": horizon,
                "rows": day.height,
                **{name: scores[name] for name in ("rmse", "r2", "sign_accuracy", "ic")},
                "mean_confidence": day["confidence"].mean(),
                "brier": None if curve is None else curve.brier,
                "brier_constant": constant,
                "ece": None if curve is None else curve.ece,
            }
        )
    return pl.DataFrame(rows, schema=OUTCOME_SCHEMA)


def confidence_curve(known: pl.DataFrame) -> tuple[Reliability | None, float | None]:
    """Compare stated confidences with what came.

    Returns:
        The curve and the Brier score of the constant confidence on the same forecasts; None, None
        when none of them has a confidence.
    """
    stated = known.drop_nulls(["confidence", "constant"])
    right = stated["is_right"].to_numpy()
    curve = reliability(stated["confidence"].to_numpy(), right)
    return curve, None if curve is None else brier_score(stated["constant"].to_numpy(), right)
