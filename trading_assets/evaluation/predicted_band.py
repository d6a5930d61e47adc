"""Whether what some days returned lies in the band that earlier days predict."""

from __future__ import annotations

from typing import Any

import numpy as np

from trading_assets.evaluation.bootstrap import predicted_return
from trading_assets.evaluation.gates import Returns


def against_band(
    seen: float, days: int, predicted: Returns, *, quantile: float, draws: int, seed: int
) -> tuple[dict[str, Any], bool]:
    """Compare a compound return with what as many days, resampled in blocks, would have given.

    Stationary bootstrap of the predicting days (Politis and Romano 1994).

    Args:
        seen: simple return over all of the days, 0.01 for one percent.
        days: how many they are, 1 or more.
        predicted: days that predict, net of costs.
        quantile: of the band; what is below it was not predicted.
        draws: outcomes of the bootstrap.
        seed: of the bootstrap.

    Returns:
        The band and the return as plain values, in percent, and whether the return is in it.

    Raises:
        DataError: if the days are too few to predict anything.
    """
    rng = np.random.default_rng(seed)
    band = predicted_return(predicted.values, days, rng=rng, draws=draws)
    lowest = band.quantile(quantile)
    value = {
        "days": days,
        "return_pct": seen * 100.0,
        "lowest_pct": lowest * 100.0,
        "median_pct": band.quantile(0.5) * 100.0,
        "share_below": band.share_below(seen),
    }
    return value, seen >= lowest
