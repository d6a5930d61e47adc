"""How good forecasts were: errors, directions, ranks and probabilities, against the plain ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def forecast_scores(predicted: Floats, realised: Floats, *, horizon_bars: int) -> dict[str, float]:
    """Score predictions of returns that are known by now.

    Labels of neighbouring rows overlap, so the errors stated are those of `rows / horizon_bars`
    independent ones.

    Args:
        predicted: returns as fractions, without NaN.
        realised: what they became, row by row.
        horizon_bars: rows that one label spans.

    Returns:
        `rows`; `rmse`; `r2` against the zero forecast (1 is perfect, negative is worse than
        saying nothing); `sign_accuracy` of the rows where a direction was said (0.5 when there
        is none) and its standard error; `ic`, the rank correlation. No rows give `rows` alone.
    """
    rows = len(predicted)
    if rows == 0:
        return {"rows": 0.0}
    error = float(np.mean((realised - predicted) ** 2))
    level = float(np.mean(realised**2))
    said = predicted != 0
    accuracy = float(np.mean(hits(predicted, realised)[said])) if said.any() else 0.5
    return {
        "rows": float(rows),
        "rmse": error**0.5,
        "r2": 1.0 - error / level if level > 0 else 0.0,
        "sign_accuracy": accuracy,
        "sign_accuracy_se": (accuracy * (1 - accuracy) * horizon_bars / (int(said.sum()) or rows))
        ** 0.5,
        "ic": _correlation(_ranks(predicted), _ranks(realised)),
    }


def hits(predicted: Floats, realised: Floats) -> NDArray[np.bool_]:
    """Tell which directions were right; a return of zero is never right."""
    return predicted * realised > 0


def brier_score(probability: Floats | float, outcome: NDArray[np.bool_]) -> float:
    """Give the mean squared distance of probabilities from what happened (Brier 1950)."""
    return float(np.mean((probability - outcome) ** 2))


def _ranks(values: Floats) -> Floats:
    """Give ranks from 0, ties sharing their mean."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray(last - (count + 1) / 2, dtype=np.float64)[place]


def _correlation(left: Floats, right: Floats) -> float:
    left, right = left - left.mean(), right - right.mean()
    norm = float(np.sqrt(np.sum(left**2) * np.sum(right**2)))
    return float(np.sum(left * right)) / norm if norm > 0 else 0.0
