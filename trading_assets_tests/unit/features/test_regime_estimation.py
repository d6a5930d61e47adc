import numpy as np
import pytest

from trading_assets.features.regime import filtered_probabilities
from trading_assets.features.regime_estimation import estimate_regimes

_P = np.array([[0.98, 0.02], [0.05, 0.95]])
_SIGMA = np.array([0.004, 0.012])


def _planted(n, seed=1, p=_P, sigma=_SIGMA):
    draw = np.random.default_rng(seed)
    states = [0]
    for _ in range(n - 1):
        states.append(draw.choice(len(sigma), p=p[states[-1]]))
    return draw.normal(size=n) * sigma[states], np.array(states)


def test_planted_regimes_are_recovered_and_told_apart():
    returns, _ = _planted(4320)
    found = estimate_regimes(returns, 2, least=1440)
    assert found.reason == ""
    assert np.sqrt(found.parameters.variances) == pytest.approx(_SIGMA, rel=0.1)
    assert np.array(found.parameters.transition) == pytest.approx(_P, abs=0.03)
    assert found.bic_gain > 100
    later, states = _planted(2000, seed=2)
    seen = filtered_probabilities(later.tolist(), [1] * 2000, found.parameters).argmax(axis=1)
    assert (seen == states).mean() > 0.9


def test_equal_returns_give_equal_parameters():
    returns, _ = _planted(2000)
    assert estimate_regimes(returns, 2, least=1) == estimate_regimes(returns.copy(), 2, least=1)


@pytest.mark.slow
@pytest.mark.long
def test_three_planted_regimes_are_recovered():
    p = np.array([[0.97, 0.02, 0.01], [0.02, 0.96, 0.02], [0.02, 0.03, 0.95]])
    sigma = np.array([0.002, 0.005, 0.012])
    returns, _ = _planted(6000, p=p, sigma=sigma)
    found = estimate_regimes(returns, 3, least=1440)
    assert np.sqrt(found.parameters.variances) == pytest.approx(sigma, rel=0.15)
    assert min(found.parameters.durations) > 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_has_no_regimes(seed):
    draw = np.random.default_rng(seed)
    normal = estimate_regimes(draw.normal(size=3000) * 0.004, 2, least=1440)
    fat = estimate_regimes(draw.standard_t(4, size=3000) * 0.004, 2, least=1440)
    assert normal.parameters is fat.parameters is None
    assert "one variance" in normal.reason
    assert "fat tails" in fat.reason


def test_what_cannot_be_estimated_says_why():
    few = estimate_regimes(np.full(100, 0.01), 2, least=1440)
    assert (few.parameters, few.returns) == (None, 100)
    assert "100 hourly returns before it, of at least 1440" in few.reason
    assert "did not move" in estimate_regimes(np.zeros(2000), 2, least=1440).reason
    assert estimate_regimes(np.empty(0), 2, least=1440).returns == 0
