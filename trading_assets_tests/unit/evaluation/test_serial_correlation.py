"""Autocovariances by their definition, and Lo's factor by the closed form for AR(1)."""

import math

import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.serial_correlation import (
    annualisation_factor,
    autocorrelations,
    autocovariances,
    lo_factor,
)


def ar1(rho, rows=4000, seed=0):
    steps = np.random.default_rng(seed).normal(size=rows)
    for t in range(1, rows):
        steps[t] += rho * steps[t - 1]
    return steps


def test_autocovariances_by_their_definition():
    columns = np.random.default_rng(0).normal(2.0, 0.1, size=(37, 3))
    centred = columns - columns.mean(axis=0)
    slow = [(centred[lag:] * centred[: 37 - lag]).sum(axis=0) / 37 for lag in range(37)]
    np.testing.assert_allclose(autocovariances(columns, 36), slow, atol=1e-15)
    np.testing.assert_allclose(autocovariances(columns[:, 1], 4), np.array(slow)[:5, 1], atol=1e-15)


def test_all_lags_sum_to_minus_one_half():
    assert autocorrelations(ar1(0.5, 50), 49).sum() == pytest.approx(-0.5)


def test_without_serial_correlation_it_is_the_square_root():
    assert lo_factor([], 365) == pytest.approx(math.sqrt(365))
    assert lo_factor(np.zeros(9), 12) == pytest.approx(math.sqrt(12))
    assert lo_factor([0.5], 1) == 1.0


@pytest.mark.parametrize("rho", [-0.3, 0.2, 0.9])
@pytest.mark.parametrize("q", [2, 12, 252])
def test_the_closed_form_for_ar1(rho, q):
    sums = 1 + 2 * rho / (1 - rho) * (1 - (1 - rho**q) / (q * (1 - rho)))
    found = lo_factor(rho ** np.arange(1, q + 10), q)
    assert found == pytest.approx(math.sqrt(q / sums))


def test_a_trend_in_returns_makes_the_year_less_good():
    assert annualisation_factor(ar1(0.3), 365) == pytest.approx(
        lo_factor(0.3 ** np.arange(1, 40), 365), rel=0.1
    )
    assert annualisation_factor(ar1(-0.3), 365) > math.sqrt(365)


def test_the_number_of_lags_can_be_said():
    series = ar1(0.3, 200)
    assert annualisation_factor(series, 365, lags=0) == lo_factor([], 365)
    assert annualisation_factor(series, 365) == annualisation_factor(series, 365, lags=4)
    assert annualisation_factor(series, 365, lags=1) == lo_factor(autocorrelations(series, 1), 365)


@pytest.mark.parametrize(("correlations", "periods"), [([-0.9], 12), ([math.nan], 12), ([0.1], 0)])
def test_correlations_that_leave_no_variance_are_refused(correlations, periods):
    with pytest.raises(DataError, match="Use fewer lags"):
        lo_factor(correlations, periods)


def test_returns_without_correlation_are_refused():
    with pytest.raises(DataError, match="4 values or more"):
        autocorrelations([0.1, 0.2, 0.1], 3)
    with pytest.raises(DataError, match="5 equal ones"):
        autocorrelations(np.full(5, 0.1), 3)
