"""How much of a Sharpe ratio is luck: what its length, its moments and the trials before it say.

Every Sharpe ratio here is per period, never annualised, unless a name says `annual`; kurtosis is
the plain fourth moment, 3 for normal returns.

Trials are counted as they were run: N is the count of the ledger, and the gate uses it. Where all
trials are correlated with rho, the spread of their Sharpe ratios that is seen shrinks by
sqrt(1 - rho), and so does their expected maximum: N with the variance that is seen is right as it
is. `effective_trials` with that variance would count the correlation twice; it is reported beside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.return_samples import is_constant, return_matrix, return_series

_NORMAL = NormalDist()
_EULER_GAMMA = float(np.euler_gamma)


@dataclass(frozen=True, slots=True)
class SharpeMoments:
    """What the formulas below need of a series of returns.

    Attributes:
        sharpe: mean over sample standard deviation (n - 1), per period.
        periods: number of returns.
        skew: third standardised moment, of the population (n).
        kurtosis: fourth one, 3 for normal returns.
    """

    sharpe: float
    periods: int
    skew: float = 0.0
    kurtosis: float = 3.0


def sharpe_moments(returns: ArrayLike) -> SharpeMoments:
    """Give the moments of simple returns, shape (T,), excess returns where a rate is to be beaten.

    Raises:
        DataError: with fewer than three returns, one that is NaN or infinite, or no variance.
    """
    series = return_series(returns, "No moments of the returns")
    if is_constant(series):
        raise DataError(
            "No moments of the returns",
            expected="returns that vary",
            found=f"{series.size} times {series[0]}",
            fix="A strategy that never traded has no Sharpe ratio.",
        )
    mean = float(series.mean())
    centred = series - mean
    spread = math.sqrt(float(np.mean(centred**2)))
    return SharpeMoments(
        sharpe=mean / float(np.std(series, ddof=1)),
        periods=series.size,
        skew=float(np.mean((centred / spread) ** 3)),
        kurtosis=float(np.mean((centred / spread) ** 4)),
    )


def probabilistic_sharpe_ratio(
    sharpe: float, periods: int, *, benchmark: float = 0.0, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Give the probability that the true Sharpe ratio is above a benchmark.

    Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 15(2), 2012.

    Args:
        sharpe: of the returns seen, per period, not annualised.
        periods: number of returns.
        benchmark: the Sharpe ratio to be above, per period.
        skew: third standardised moment of the returns.
        kurtosis: fourth one, 3 for normal returns.

    Raises:
        DataError: with fewer than two returns, or moments that no returns can have together.
    """
    moments = SharpeMoments(sharpe, periods, skew, kurtosis)
    spread = _spread(moments, "No probabilistic Sharpe ratio")
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt(periods - 1) / math.sqrt(spread))


def deflated_sharpe_ratio(moments: SharpeMoments, *, trials: float, trial_variance: float) -> float:
    """Give the probability that the best of several trials has a true Sharpe ratio above zero.

    PSR(SR0) with SR0 = sqrt(trial_variance) * E[max of `trials`]. One trial gives PSR(0). Bailey
    and Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5), 2014.

    Args:
        moments: of the trial that was chosen.
        trials: how many there were, 1 or more; need not be whole.
        trial_variance: variance of the Sharpe ratios, per period, over all trials.

    Raises:
        DataError: see `probabilistic_sharpe_ratio`, `expected_maximum`; a variance below 0.
    """
    if not 0.0 <= trial_variance < math.inf:
        raise DataError(
            "No deflated Sharpe ratio",
            expected="a variance of the trials' Sharpe ratios of 0 or more",
            found=str(trial_variance),
        )
    return probabilistic_sharpe_ratio(
        moments.sharpe,
        moments.periods,
        benchmark=math.sqrt(trial_variance) * expected_maximum(trials),
        skew=moments.skew,
        kurtosis=moments.kurtosis,
    )


def minimum_track_record(
    moments: SharpeMoments, *, benchmark: float = 0.0, confidence: float = 0.95
) -> float | None:
    """Give how many returns prove a Sharpe ratio above a benchmark; None when no number would.

    MinTRL = 1 + (1 - skew SR + (kurtosis - 1) / 4 SR^2) (z / (SR - benchmark))^2, in periods, with
    z the normal quantile of `confidence`: the length at which PSR reaches it. Bailey and Lopez de
    Prado 2012.

    Args:
        moments: of the returns; their number is not used.
        benchmark: the Sharpe ratio to be above, per period.
        confidence: above one half, below one.

    Raises:
        DataError: for moments that no returns can have together, or another confidence.
    """
    if not 0.5 < confidence < 1.0:
        raise DataError(
            "No minimum track record",
            expected="a confidence above one half and below 1",
            found=str(confidence),
        )
    spread = _spread(moments, "No minimum track record")
    edge = moments.sharpe - benchmark
    return 1.0 + spread * (_NORMAL.inv_cdf(confidence) / edge) ** 2 if edge > 0.0 else None


def expected_maximum(trials: float) -> float:
    """Give the expected maximum of N independent standard normal values, N >= 1 and real.

    (1 - g) z(1 - 1/N) + g z(1 - 1/(N e)), g the Euler-Mascheroni constant and z the normal
    quantile: an approximation, 1 % too high at N = 100 and 8 % too low at N = 2. It is negative
    below N = 1.2 where the true one is not: there it is 0, as for one trial. Bailey, Borwein, Lopez
    de Prado and Zhu, Pseudo-Mathematics and Financial Charlatanism, Notices of the AMS 61(5), 2014.

    Raises:
        DataError: for fewer than one trial.
    """
    if not 1.0 <= trials < math.inf:
        raise DataError("No expected maximum", expected="one trial or more", found=str(trials))
    if trials == 1.0:
        return 0.0
    # By symmetry z(1 - p) = -z(p); small p keeps its digits where 1 - p has lost them.
    typical = -_NORMAL.inv_cdf(1.0 / trials)
    extreme = -_NORMAL.inv_cdf(1.0 / (trials * math.e))
    return max(0.0, (1.0 - _EULER_GAMMA) * typical + _EULER_GAMMA * extreme)


def minimum_backtest_years(trials: float, target_annual_sharpe: float) -> float:
    """Give the years below which the best of N worthless trials is expected to show a Sharpe ratio.

    MinBTL = (E[max of N] / annual Sharpe ratio)^2, below 2 ln(N) / SR^2. Bailey, Borwein, Lopez de
    Prado and Zhu 2014.

    Raises:
        DataError: for fewer than one trial, or a Sharpe ratio that is not above 0.
    """
    if not 0.0 < target_annual_sharpe < math.inf:
        raise DataError(
            "No minimum backtest length",
            expected="an annual Sharpe ratio above 0",
            found=str(target_annual_sharpe),
        )
    return (expected_maximum(trials) / target_annual_sharpe) ** 2


def effective_trials(returns_matrix: ArrayLike) -> float:
    """Give the number of independent trials that correlated ones are worth, from 1 to N.

    rho + (1 - rho) N, with rho the average correlation of different columns, at least 0. A column
    that never varies is a trial of its own, correlated with none. No clusters are counted: their
    number depends on a threshold that a researcher may turn, and neighbours on a fine grid are
    chained into one. Source: Bailey and Lopez de Prado 2014, appendix on the number of independent
    trials.

    Args:
        returns_matrix: shape (T, N), returns of the same periods, a column per trial.

    Raises:
        DataError: with fewer than two rows, no column, or a value that is NaN or infinite.
    """
    matrix = return_matrix(returns_matrix, "No effective number of trials", rows=2)
    count = int(matrix.shape[1])
    varied = matrix[:, ~is_constant(matrix)]
    if varied.shape[1] < 2:
        return float(count)
    scores = (varied - varied.mean(axis=0)) / varied.std(axis=0)
    # The sum of all correlations is the variance of the sum of the scores.
    together = float(np.mean(scores.sum(axis=1) ** 2) - scores.shape[1])
    rho = min(1.0, max(0.0, together / (count * (count - 1))))
    return rho + (1.0 - rho) * count


def _spread(moments: SharpeMoments, what: str) -> float:
    """Give (T - 1) times the variance of the estimated Sharpe ratio (Mertens 2002)."""
    sharpe, kurtosis = moments.sharpe, moments.kurtosis
    spread = 1.0 - moments.skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if moments.periods < 2 or not 0.0 < spread < math.inf:
        raise DataError(
            what,
            expected="two returns or more, and moments that belong together",
            found=f"{moments.periods} returns, Sharpe {sharpe}, skew {moments.skew}, "
            f"kurtosis {kurtosis}",
        )
    return spread
