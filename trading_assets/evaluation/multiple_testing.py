"""P-values and Sharpe ratios of many trials, corrected for their number."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.return_samples import Floats, return_series

Correction = Literal["bonferroni", "holm", "bhy"]

_NORMAL = NormalDist()
_LEAST_P = 1e-300
"""Below it the normal quantile has no digits left; a Sharpe ratio 37 errors above zero."""


def adjusted_p_values(p_values: ArrayLike, correction: Correction) -> Floats:
    """Give what each p-value becomes when it is one of N, at most 1; shape (N,), order kept.

    `bonferroni` N p and `holm` (N + 1 - k) p, k the rank from below, keep the probability of one
    false discovery; `bhy` N (1 + 1/2 + ... + 1/N) p / k keeps their expected share, however the
    trials depend on each other. Steps are made monotone. Holm, Scandinavian Journal of Statistics
    6, 1979; Benjamini and Yekutieli, Annals of Statistics 29(4), 2001.

    Raises:
        DataError: for no p-values, or one outside 0 to 1.
    """
    found = return_series(p_values, "No adjusted p-values", rows=1)
    if found.min() < 0.0 or found.max() > 1.0:
        raise DataError(
            "No adjusted p-values",
            expected="probabilities, 0 to 1",
            found=f"{found.min()} to {found.max()}",
        )
    count, order = found.size, np.argsort(found, kind="stable")
    ranks = np.arange(1, count + 1)
    if correction == "bonferroni":
        steps = count * found[order]
    elif correction == "holm":
        steps = np.maximum.accumulate((count + 1 - ranks) * found[order])
    else:
        harmonic = float(np.sum(1.0 / ranks))
        steps = np.minimum.accumulate((count * harmonic / ranks * found[order])[::-1])[::-1]
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(1.0, steps)
    return adjusted


def haircut_sharpe_ratios(sharpe_ratios: ArrayLike, periods: int, correction: Correction) -> Floats:
    """Give the Sharpe ratios, per period, that single trials with the adjusted p-values would have.

    The two-sided p-value of SR sqrt(T) is adjusted over all trials and turned back. C. R. Harvey
    and Y. Liu, Backtesting, Journal of Portfolio Management 42(1), 2015; there the trials that
    nobody reported are simulated, here all are known, and the normal law stands for Student's t.

    Args:
        sharpe_ratios: of all trials, shape (N,), per period, of the same T returns.
        periods: T, two or more.
        correction: see `adjusted_p_values`.

    Returns:
        Shape (N,), signs and order kept, none further from 0 than before.

    Raises:
        DataError: for no trials, one that is NaN or infinite, or fewer than two periods.
    """
    ratios = return_series(sharpe_ratios, "No haircut Sharpe ratios", rows=1)
    if periods < 2:
        raise DataError(
            "No haircut Sharpe ratios", expected="two periods or more", found=str(periods)
        )
    root = math.sqrt(periods)
    p_values = [max(_LEAST_P, math.erfc(abs(ratio) * root / math.sqrt(2.0))) for ratio in ratios]
    errors = [-_NORMAL.inv_cdf(p / 2.0) for p in adjusted_p_values(p_values, correction)]
    return np.sign(ratios) * np.minimum(np.abs(ratios), np.array(errors) / root)
