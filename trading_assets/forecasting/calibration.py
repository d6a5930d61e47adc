"""How sure a forecast may be: the probability that its direction is right, from past forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trading_assets.forecasting.scores import Floats

_KNOTS = 33
_MIN_ROWS = 100
_SLOPE_SD = 0.25
"""Standard deviation of the prior on the slope, in log-odds per mean strength. Scores in units of
their scale predict about 0.2 when they are worth their face value."""

_ROWS_PER_STEP = 50
"""Independent outcomes behind each step of an isotonic curve, at least."""

_PRIOR_ROWS = 4.0
"""Independent outcomes at the base rate that each step starts with: no curve says 0 or 1."""

Method = Literal["platt", "isotonic"]
METHODS: tuple[Method, ...] = ("platt", "isotonic")

_DECIMALS = 9
"""More would be digits of the processor's exponential function."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A table from strength of a forecast to the probability that its sign is right.

    It is read with straight lines between its knots and held flat outside them, so that any reader
    in any language gives the same numbers.

    Attributes:
        strengths: ascending absolute scores.
        probabilities: of the sign being right, never falling.
        base_rate: how often signs were right in the sample, whatever the strength.
        method: how it was fitted.
    """

    strengths: tuple[float, ...]
    probabilities: tuple[float, ...]
    base_rate: float
    method: Method = "platt"

    def confidence(self, scores: Floats) -> Floats:
        """Give the probability for signed scores (forecast in units of its own scale)."""
        return np.interp(np.abs(scores), self.strengths, self.probabilities)


def fit_calibration(
    scores: Floats, right: NDArray[np.bool_], *, overlap: int, method: Method = "platt"
) -> Calibration | None:
    """Fit a curve to past forecasts and tabulate it.

    `platt` is a logistic curve of two parameters with a prior on the slope (Platt 1999);
    `isotonic` the best curve of steps that never falls (Zadrozny and Elkan 2002), on groups of at
    least 50 independent outcomes. Each row counts as `1 / overlap`: labels overlap, so the sample
    is far smaller than it looks, and free steps would fit its noise. A logistic curve that falls,
    strong forecasts being right less often than weak ones, becomes the base rate.

    Args:
        scores: out-of-fold scores.
        right: whether each sign was right.
        overlap: rows that one label spans.
        method: which curve.

    Returns:
        None when there are too few rows, or all of them had the same outcome.
    """
    if len(scores) < _MIN_ROWS or right.all() or not right.any():
        return None
    strength, base_rate = np.abs(scores), float(right.mean())
    curve = _platt if method == "platt" else _isotonic
    knots, probabilities = curve(strength, right, base_rate, overlap)
    return Calibration(
        tuple(float(k) for k in knots),
        tuple(round(float(p), _DECIMALS) for p in probabilities),
        round(base_rate, _DECIMALS),
        method,
    )


def _platt(
    strength: Floats, right: NDArray[np.bool_], base_rate: float, overlap: int
) -> tuple[Floats, Floats]:
    unit = float(strength.mean()) or 1.0
    intercept, slope = _logistic_fit(strength / unit, right.astype(np.float64), 1 / overlap)
    knots = np.unique(np.quantile(strength, np.linspace(0.0, 1.0, _KNOTS)))
    if slope > 0:
        return knots, 1.0 / (1.0 + np.exp(-(intercept + slope * knots / unit)))
    return knots, np.full(len(knots), base_rate)


def _isotonic(
    strength: Floats, right: NDArray[np.bool_], base_rate: float, overlap: int
) -> tuple[Floats, Floats]:
    """Pool groups of neighbouring strengths; a knot is the mean strength of a group."""
    from sklearn.isotonic import isotonic_regression

    order = np.argsort(strength, kind="stable")
    groups = int(min(max(len(order) / overlap // _ROWS_PER_STEP, 1), _KNOTS))
    parts = np.array_split(order, groups)
    weights = np.array([len(part) / overlap for part in parts]) + _PRIOR_ROWS
    counted = [float(right[part].sum()) / overlap for part in parts]
    rates = (np.array(counted) + _PRIOR_ROWS * base_rate) / weights
    knots = np.array([float(strength[part].mean()) for part in parts])
    steps = np.asarray(isotonic_regression(rates, sample_weight=weights), dtype=np.float64)
    kept = np.r_[True, np.diff(knots) > 0]
    return knots[kept], steps[kept]


def _logistic_fit(x: Floats, y: Floats, weight: float) -> tuple[float, float]:
    """Fit P(y = 1) = 1 / (1 + exp(-(a + b x))) by Newton's method, with b ~ N(0, _SLOPE_SD).

    Plain sums, no linear algebra library: the bits must not depend on how many threads it has.
    """
    precision = 1 / (weight * _SLOPE_SD**2)
    a, b = float(np.log(y.mean() / (1 - y.mean()))), 0.0
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(a + b * x)))
        miss, curve = y - p, p * (1 - p)
        g0, g1 = float(miss.sum()), float((miss * x).sum()) - precision * b
        h00, h01, h11 = (float((curve * x**n).sum()) for n in range(3))
        h11 += precision
        determinant = h00 * h11 - h01 * h01
        step_a = (h11 * g0 - h01 * g1) / determinant
        step_b = (h00 * g1 - h01 * g0) / determinant
        a, b = a + step_a, b + step_b
        if max(abs(step_a), abs(step_b)) < 1e-10:
            break
    return a, b
