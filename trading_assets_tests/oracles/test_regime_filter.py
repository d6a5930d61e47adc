"""The filter of regimes against statsmodels' own, for the same parameters."""

import numpy as np
import pytest

from trading_assets.features.regime import RegimeParameters, filtered_probabilities

TWO = RegimeParameters((0.3, 2.4), ((0.98, 0.02), (0.05, 0.95)))
THREE = RegimeParameters(
    (0.1, 0.7, 4.0), ((0.97, 0.02, 0.01), (0.02, 0.96, 0.02), (0.01, 0.04, 0.95))
)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("parameters", [TWO, THREE])
def test_filtered_probabilities_are_those_of_statsmodels(parameters, seed):
    returns = np.random.default_rng(seed).standard_t(5, 1500)
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    k = len(parameters.variances)
    model = MarkovRegression(returns, k_regimes=k, trend="n", switching_variance=True)
    # statsmodels has p[i->j] of all j but the last, by j.
    transition = [row[j] for j in range(k - 1) for row in parameters.transition]
    theirs = model.filter([*transition, *parameters.variances])
    ours = filtered_probabilities(returns.tolist(), [1] * len(returns), parameters)
    assert np.abs(ours - theirs.filtered_marginal_probabilities).max() < 1e-9
    smoothed = model.smooth([*transition, *parameters.variances])
    assert np.abs(ours - smoothed.smoothed_marginal_probabilities).max() > 1e-2
