"""Rank correlation: whether two figures put the same things in the same order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_FEWEST = 3


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Give Spearman's rho, -1 to 1; equal values share the mean of their ranks.

    Args:
        one: of each thing.
        other: of the same things, in the same order.

    Returns:
        None for fewer than three things, or when one of the figures never varies.
    """
    if len(one) < _FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)
