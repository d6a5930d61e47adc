"""The plain forecasts that a model must beat: nothing, the mean, and a straight line."""

from __future__ import annotations

import numpy as np

from trading_assets.forecasting.scores import Floats

_CLIP = 4.0
"""Standardised features beyond this are outliers, which a straight line follows too far."""

_PENALTY = 0.1
"""Ridge penalty per row."""


def baseline_forecasts(x: Floats, y: Floats, new_x: Floats) -> dict[str, Floats]:
    """Learn each baseline from rows and apply it to new ones.

    Args:
        x: float64[rows, features], finite; what the model may learn from.
        y: float64[rows]; the labels of these rows, in units of their scale.
        new_x: float64[n, features]; rows to forecast.

    Returns:
        float64[n] by name: `zero`; `mean`, the mean label; `ridge`, a penalised linear regression
        on the same features.
    """
    n = len(new_x)
    mean = float(y.mean())
    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    known, new = (np.clip((rows - centre) / spread, -_CLIP, _CLIP) for rows in (x, new_x))
    gram = known.T @ known + _PENALTY * len(x) * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, known.T @ (np.clip(y, -_CLIP, _CLIP) - mean))
    return {
        "zero": np.zeros(n),
        "mean": np.full(n, mean),
        "ridge": np.asarray(mean + new @ weights, dtype=np.float64),
    }
