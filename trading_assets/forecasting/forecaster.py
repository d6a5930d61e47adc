"""Predictions of a frozen model: the same bits in batch, live and after loading."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from trading_assets.domain.errors import CorruptFile, DataError
from trading_assets.domain.ids import sha256_hex
from trading_assets.forecasting.booster import Booster
from trading_assets.forecasting.bundle import ModelBundle
from trading_assets.forecasting.horizons import horizon_bars
from trading_assets.forecasting.scores import Floats

FORECAST_SCHEMA = pl.Schema(
    {
        "ts": pl.Datetime("us", "UTC"),
        "symbol": pl.String(),
        "horizon": pl.String(),
        "prediction": pl.Float64(),
        "confidence": pl.Float64(),
        "model_id": pl.String(),
        "model_version": pl.String(),
        "forecast_id": pl.String(),
    }
)
"""Columns of `forecasts`: the return expected from the row's close over the horizon, the
probability that its sign is right (null when the model has no such opinion), and their origin."""


class Forecaster:
    """One model, ready to predict."""

    def __init__(self, bundle: ModelBundle, booster: Booster) -> None:
        self.bundle = bundle
        self._booster = booster

    @classmethod
    def from_model_text(cls, document: bytes, booster_text: str) -> Forecaster:
        """Put document and trees together.

        Raises:
            CorruptFile: if they do not belong together, or are not what they should be; the trees
                are hashed before they are parsed.
        """
        bundle = ModelBundle.from_document(document)
        found = sha256_hex(booster_text.encode())
        if found != bundle.booster_sha256:
            raise CorruptFile(
                f"Trees of model {bundle.model_id[:16]} are not its own",
                expected=f"sha256 {bundle.booster_sha256}",
                found=f"sha256 {found}",
            )
        booster = Booster(booster_text)
        if booster.features != bundle.features:
            raise CorruptFile(
                f"Model {bundle.model_id[:16]} disagrees with its trees about the features",
                expected=", ".join(bundle.features),
                found=", ".join(booster.features),
            )
        return cls(bundle, booster)

    @property
    def model_id(self) -> str:
        """Hash of everything a prediction depends on."""
        return self.bundle.model_id

    @property
    def horizon(self) -> str:
        """How far ahead it looks."""
        return self.bundle.horizon

    def predict(self, features: pl.DataFrame) -> pl.DataFrame:
        """Forecast every row whose features are complete.

        Args:
            features: `ts`, `symbol` and exactly the features of the model, in its order.

        Returns:
            FORECAST_SCHEMA, in the order of the rows; rows with a null feature are left out.

        Raises:
            DataError: if a feature is missing, superfluous or in another place, or not finite.
        """
        self._check_columns(features)
        rows = features.drop_nulls(list(self.bundle.features))
        x = rows.select(self.bundle.features).to_numpy()
        if not np.isfinite(x).all():
            bad = next(n for n in self.bundle.features if not rows[n].is_finite().all())
            raise DataError(
                f"Feature {bad} is not finite", expected="finite values or null", found="NaN or inf"
            )
        score = self._booster.predict(x)
        scale = rows[self.bundle.scale].to_numpy() * math.sqrt(horizon_bars(self.horizon))
        stem = f"{self.model_id[:16]}.{self.horizon}."
        ts = pl.col("ts").dt.epoch("us").cast(pl.String)
        return rows.select(
            "ts",
            "symbol",
            pl.lit(self.horizon).alias("horizon"),
            pl.Series("prediction", self.bundle.shrinkage * score * scale),
            pl.Series("confidence", self._confidence(score), dtype=pl.Float64),
            pl.lit(self.model_id).alias("model_id"),
            pl.lit(self.bundle.model_version).alias("model_version"),
            pl.concat_str(pl.lit(stem), "symbol", pl.lit("."), ts).alias("forecast_id"),
        )

    def _confidence(self, score: Floats) -> Floats | list[None]:
        calibration = self.bundle.calibration
        return [None] * len(score) if calibration is None else calibration.confidence(score)

    def _check_columns(self, features: pl.DataFrame) -> None:
        found = tuple(name for name in features.columns if name not in {"ts", "symbol"})
        if found == self.bundle.features:
            return
        missing = [name for name in self.bundle.features if name not in found]
        if missing:
            what = f"lacks {', '.join(missing)}"
        elif len(found) > len(self.bundle.features):
            what = "has more columns than the model"
        else:
            pairs = zip(self.bundle.features, found, strict=True)
            what = next(f"has {other} in place of {own}" for own, other in pairs if own != other)
        raise DataError(
            f"The feature table does not fit model {self.model_id[:16]}: it {what}",
            expected=", ".join(self.bundle.features),
            found=", ".join(found),
            fix="Use the feature set that the model was trained on.",
        )
