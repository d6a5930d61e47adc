"""Estimation of volatility regimes: offline, and from the past only.

Maximum likelihood of a Markov-switching variance without a mean (Hamilton 1990: EM, then a
quasi-Newton search from there), by `statsmodels.tsa.MarkovRegression`. It starts from the same
place every time, so that equal returns give equal parameters on one machine and its libraries.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from trading_assets.features.regime import RegimeParameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EM_STEPS, _SEARCH_STEPS = 30, 60
_SHORTEST_HOURS = 2.0
"""States that last less on average are fat tails, not regimes."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the past says about regimes.

    Attributes:
        parameters: None where there are no regimes to speak of.
        reason: why there are none; "" when there are.
        returns: how many were looked at.
        log_likelihood: of the returns; 0.0 where nothing was estimated.
        bic_gain: how much better Bayes's information criterion (Schwarz 1978) is than with one
            variance; regimes need more than 0.
    """

    parameters: RegimeParameters | None
    reason: str
    returns: int
    log_likelihood: float = 0.0
    bic_gain: float = 0.0


def estimate_regimes(returns: NDArray[np.float64], states: int, *, least: int) -> Estimate:
    """Estimate a Markov-switching variance.

    Args:
        returns: float64 (n,), hourly log returns in order, finite; where hours are missing the
            neighbours count as such.
        states: 2 or 3.
        least: fewer returns are too few.

    Returns:
        Parameters, with states ordered by variance, or the reason why there are none.
    """
    count = len(returns)
    scale = math.sqrt(float(np.mean(returns * returns))) if count else 0.0
    if count < least:
        return Estimate(None, f"{count} hourly returns before it, of at least {least}", count)
    if scale == 0.0:
        return Estimate(None, "prices did not move", count)
    try:
        variances, transition, likelihood = _fitted(returns / scale, states)
    except (np.linalg.LinAlgError, ValueError) as error:
        return Estimate(None, f"no estimate: {type(error).__name__}: {error}"[:200], count)
    single = -0.5 * count * (math.log(2 * math.pi) + 1)  # of returns whose mean square is 1
    more = states - 1 + states * (states - 1)
    gain = 2 * (likelihood - single) - more * math.log(count)
    parameters, reason = _judged(variances * scale * scale, transition, gain)
    return Estimate(parameters, reason, count, likelihood - count * math.log(scale), gain)


def _judged(
    variances: NDArray[np.float64], transition: NDArray[np.float64], gain: float
) -> tuple[RegimeParameters | None, str]:
    """Give the states by their variance, or why they are no regimes."""
    if not gain > 0:
        return None, "one variance explains the returns as well"
    order = np.argsort(variances)
    ordered = variances[order]
    if not (ordered[0] > 0.0 and np.all(np.diff(ordered) > 0.0)):
        return None, "two states have one variance, or none"
    rows = np.clip(transition[np.ix_(order, order)], 0.0, 1.0)
    rows /= rows.sum(axis=1, keepdims=True)
    parameters = RegimeParameters(
        tuple(map(float, ordered)), tuple(tuple(map(float, row)) for row in rows)
    )
    shortest = min(parameters.durations)
    if shortest < _SHORTEST_HOURS:
        return None, f"a state lasts {shortest:.1f} hours: fat tails, no regimes"
    return parameters, ""


def _fitted(
    returns: NDArray[np.float64], states: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Give variances, transition (from row to column) and log likelihood of scaled returns."""
    # By name: statsmodels has no types, and loads for seconds.
    switching = import_module("statsmodels.tsa.regime_switching.markov_regression")
    model = switching.MarkovRegression(
        returns, k_regimes=states, trend="n", switching_variance=True
    )
    with warnings.catch_warnings():
        # A search that ends early is judged by what it found, like any other.
        warnings.simplefilter("ignore")
        fitted = model.fit(
            em_iter=_EM_STEPS, maxiter=_SEARCH_STEPS, search_reps=0, disp=False, cov_type="none"
        )
    parameters = np.asarray(fitted.params, dtype=np.float64)
    transition = model.regime_transition_matrix(parameters)[:, :, 0].T
    return parameters[-states:], np.array(transition), float(fitted.llf)
