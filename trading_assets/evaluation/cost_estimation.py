"""What fills have cost: half spread, impact and fees, by the model of price that the engine has.

A taker's price is worse than the price that its order touched by

    worse = half_spread + coefficient * x

in basis points, where x is what the engine multiplies `impact_bps` or `sqrt_impact` by
(`engine.costs`). Fills are few, their noise is what the market did between the touch and the
execution, and it has heavy tails and is shared by the fills of a day. So:

- The line is fitted by Huber's M-estimator (P. J. Huber, Robust Estimation of a Location Parameter,
  Annals of Mathematical Statistics 35(1), 1964) by iterated reweighting, with the scale of the
  residuals by their median absolute deviation. `TUNING` of 2.5 keeps 99 % of the efficiency of
  least squares at normal noise: a smaller one would cut the dear fills that costs are made of.
- The scale is at least `LEAST_SCALE`. On a calm book most fills are exactly at the touched price:
  their deviation is 0, and without a scale nothing tells an absurd fill from the others.
- Errors are by the jackknife that leaves out one UTC day after the other, with Student's t of
  days - 1 degrees of freedom: the cluster-robust variance CV3, which holds with few clusters where
  the usual sandwich is too narrow (J. G. MacKinnon, M. O. Nielsen and M. D. Webb, Cluster-robust
  inference: A guide to empirical practice, Journal of Econometrics 232(2), 2023).
- Intervals are of the line as it is, and may reach below zero. What an engine is to use is the fit
  with neither part below zero.

Where noise is skewed a robust line lies below the mean: `Line.tail_bps` says by how much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import DataError

Floats = NDArray[np.float64]

TUNING = 2.5
"""Residuals beyond so many scales weigh less, in proportion."""

LEAST_SCALE = 1.0
"""Basis points. A step of the grid of prices is about so much (0.01 of 100): who paid one step more
is no outlier, and an absurd fill counts as 2.5 basis points."""

_NORMAL_MAD = 1.4826
_MOST_STEPS, _SCALE_STEPS = 200, 20
_STEP = 1e-10
_NEVER_VARIES = 1e-9
_BPS = 10_000


@dataclass(frozen=True, slots=True)
class EstimationTerms:
    """When an estimate is one.

    Attributes:
        min_fills, min_days: with fewer orders, or UTC days of them, nothing is known.
        confidence: of the two-sided intervals.
    """

    min_fills: int
    min_days: int
    confidence: float


class Interval(NamedTuple):
    """An estimate with its standard error and two-sided interval, all in its own unit."""

    estimate: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """What the prices of fills say; None with a reason where they do not say it.

    Attributes:
        fills, days: orders, and UTC days with one.
        half_spread: in basis points, as fitted.
        impact: the coefficient, in the unit that x gives it.
        used: half spread and coefficient with neither below zero.
        mean_bps: plain mean of what prices were worse by; None without a fill.
        tail_bps: of that, what lies above the mean of the line.
        outliers: fills that weigh less than others.
        reason: why nothing is known, "" when something is.
        impact_reason: why the coefficient alone is not.
    """

    fills: int
    days: int
    half_spread: Interval | None = None
    impact: Interval | None = None
    used: tuple[float, float | None] | None = None
    mean_bps: float | None = None
    tail_bps: float | None = None
    outliers: int = 0
    reason: str = ""
    impact_reason: str = ""


def estimate_line(
    worse: Floats, x: Floats, days: NDArray[np.int64], terms: EstimationTerms
) -> Line:
    """Estimate half spread and impact from what the prices of orders were worse by.

    Args:
        worse: shape (N,), basis points; below zero is better than the touched price.
        x: shape (N,), what the coefficient is multiplied by.
        days: shape (N,), number of each order's UTC day.
        terms: what is asked of it.

    Raises:
        DataError: if shapes differ, or a value is NaN or infinite.
    """
    _require_sound(worse, x, days)
    clusters = np.unique(days)
    number = len(worse)
    mean = float(worse.mean()) if number else None
    reason = _too_few(number, len(clusters), terms)
    if reason:
        return Line(number, len(clusters), mean_bps=mean, reason=reason)
    varies = float(np.ptp(x)) > _NEVER_VARIES * max(float(np.abs(x).max()), _NEVER_VARIES)
    columns = np.column_stack([np.ones_like(x), x] if varies else [np.ones_like(x)])
    fit, scale, weights = _huber(columns, worse)
    without = _without_each(columns, worse, days, clusters, fit, scale)
    found = [
        _interval(estimate, left_out, len(clusters), terms.confidence)
        for estimate, left_out in zip(fit, without.T, strict=True)
    ]
    reach = float((columns @ fit).mean())
    return Line(
        number,
        len(clusters),
        half_spread=found[0],
        impact=found[1] if varies else None,
        used=_not_below_zero(columns, worse, fit),
        mean_bps=mean,
        tail_bps=float(worse.mean()) - reach,
        outliers=int((weights < 1.0).sum()),
        impact_reason=""
        if varies
        else "every order was the same share of the volume: what "
        "impact it had is in the half spread",
    )


def estimate_mean(
    values: Floats, days: NDArray[np.int64], terms: EstimationTerms
) -> Interval | None:
    """Estimate a mean by the same method; None where it is not known.

    Args:
        values: shape (N,), basis points, such as by how much prices were worse than modelled.
        days: shape (N,), number of each value's UTC day.
        terms: what is asked of it.

    Raises:
        DataError: as `estimate_line`.
    """
    return estimate_line(values, np.zeros_like(values), days, terms).half_spread


def paid_bps(fees: Iterable[tuple[Decimal, Decimal]]) -> Decimal | None:
    """Give what was paid in basis points of all that was traded, exactly; None for no trade.

    Args:
        fees: fee and notional of each fill, both in quote.
    """
    paid = traded = Decimal(0)
    for fee, notional in fees:
        paid, traded = paid + fee, traded + notional
    return paid / traded * _BPS if traded else None


def _require_sound(worse: Floats, x: Floats, days: NDArray[np.int64]) -> None:
    if not worse.shape == x.shape == days.shape or worse.ndim != 1:
        raise DataError(
            "Fills of different numbers",
            expected="one value of each kind per fill",
            found=f"{worse.shape}, {x.shape}, {days.shape}",
        )
    if not (np.isfinite(worse).all() and np.isfinite(x).all()):
        raise DataError(
            "A fill without a number", expected="finite values", found="NaN or infinity"
        )


def _too_few(fills: int, days: int, terms: EstimationTerms) -> str:
    if fills >= terms.min_fills and days >= terms.min_days:
        return ""
    return (
        f"{fills} orders on {days} days; at least {terms.min_fills} on {terms.min_days} are needed"
    )


def _huber(
    columns: Floats, values: Floats, scale: float | None = None, start: Floats | None = None
) -> tuple[Floats, float, Floats]:
    """Fit by iterated reweighting; give coefficients, scale and weights.

    The scale follows the residuals for some steps and then stands, so that the steps converge; one
    that is given stands from the first.
    """
    fit = _least_squares(columns, values, np.ones_like(values)) if start is None else start
    weights = np.ones_like(values)
    moves = scale is None
    scale = LEAST_SCALE if scale is None else scale
    for step in range(_MOST_STEPS):
        residuals = values - columns @ fit
        if moves and step < _SCALE_STEPS:
            scale = _scale(residuals - np.median(residuals))
        reach = TUNING * scale
        weights = reach / np.maximum(np.abs(residuals), reach)
        found = _least_squares(columns, values, weights)
        moved = float(np.abs(found - fit).max())
        fit = found
        if moved <= _STEP * (1.0 + float(np.abs(fit).max())) and step >= _SCALE_STEPS * moves:
            break
    return fit, scale, weights


def _scale(residuals: Floats) -> float:
    """Give the deviation of normal noise around 0 with this median size; not below the least."""
    return max(_NORMAL_MAD * float(np.median(np.abs(residuals))), LEAST_SCALE)


def _least_squares(columns: Floats, values: Floats, weights: Floats) -> Floats:
    """Solve for a constant, and a slope when there is a second column, by weighted moments."""
    total = weights.sum()
    mean = float((weights * values).sum() / total)
    if columns.shape[1] == 1:
        return np.array([mean])
    x = columns[:, 1]
    centre = float((weights * x).sum() / total)
    spread = float((weights * (x - centre) ** 2).sum())
    slope = float((weights * (x - centre) * (values - mean)).sum()) / spread if spread else 0.0
    return np.array([mean - slope * centre, slope])


def _without_each(
    columns: Floats, values: Floats, days: NDArray[np.int64], clusters: NDArray[np.int64],
    fit: Floats, scale: float,
) -> Floats:  # fmt: skip
    """Fit again without each day, shape (days, coefficients)."""
    rests = (days != day for day in clusters)
    return np.array([_huber(columns[rest], values[rest], scale, fit)[0] for rest in rests])


def _interval(estimate: float, left_out: Floats, days: int, confidence: float) -> Interval:
    from scipy.special import stdtrit

    error = float(np.sqrt((days - 1) / days * ((left_out - estimate) ** 2).sum()))
    reach = float(stdtrit(days - 1, 0.5 + confidence / 2)) * error
    return Interval(float(estimate), error, float(estimate) - reach, float(estimate) + reach)


def _not_below_zero(columns: Floats, values: Floats, fit: Floats) -> tuple[float, float | None]:
    """Fit with neither part below zero: where the free fit is, it is this one."""
    if len(fit) == 1:
        return max(float(fit[0]), 0.0), None
    spread, slope = float(fit[0]), float(fit[1])
    if slope < 0.0:
        return max(float(_huber(columns[:, :1], values)[0][0]), 0.0), 0.0
    if spread < 0.0:
        return 0.0, _through_zero(columns[:, 1], values)
    return spread, slope


def _through_zero(x: Floats, values: Floats) -> float:
    """Fit the slope alone: the mean of value / x, weighted by its square."""
    slope = float((x * values).sum() / (x * x).sum())
    for _ in range(_MOST_STEPS):
        residuals = values - slope * x
        reach = TUNING * _scale(residuals)
        weights = reach / np.maximum(np.abs(residuals), reach)
        found = float((weights * x * values).sum() / (weights * x * x).sum())
        moved, slope = abs(found - slope), found
        if moved <= _STEP * (1.0 + abs(slope)):
            break
    return max(slope, 0.0)
