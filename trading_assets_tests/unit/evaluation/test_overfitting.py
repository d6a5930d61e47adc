"""The probabilistic Sharpe ratio, with the example of its paper (24 months)."""

import math

import pytest

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.overfitting import probabilistic_sharpe_ratio as psr


def test_the_papers_example():
    assert psr(0.458, 24) == pytest.approx(0.98167, abs=5e-6)
    assert psr(0.458, 24, skew=-2.448, kurtosis=10.164) == pytest.approx(0.91336, abs=5e-6)


def test_at_the_benchmark_it_is_a_coin():
    assert psr(0.2, 50, benchmark=0.2, skew=-1.0, kurtosis=8.0) == 0.5
    assert psr(0.2, 500, benchmark=0.1) > psr(0.2, 50, benchmark=0.1) > 0.5


@pytest.mark.parametrize(
    "values", [(0.2, 1, {}), (2.0, 9, {"skew": 5.0, "kurtosis": 1.0}), (math.nan, 9, {})]
)
def test_moments_that_cannot_be_are_refused(values):
    sharpe, periods, moments = values
    with pytest.raises(DataError, match="belong together"):
        psr(sharpe, periods, **moments)
