"""How much of a Sharpe ratio is luck."""

from __future__ import annotations

import math
from statistics import NormalDist

from trading_assets.domain.errors import DataError


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
    spread = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if periods < 2 or not 0.0 < spread < math.inf:
        raise DataError(
            "No probabilistic Sharpe ratio",
            expected="two returns or more, and moments that belong together",
            found=f"{periods} returns, Sharpe {sharpe}, skew {skew}, kurtosis {kurtosis}",
        )
    return NormalDist().cdf((sharpe - benchmark) * math.sqrt(periods - 1) / math.sqrt(spread))
