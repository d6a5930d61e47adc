"""CSCV where the answer is known: trials whose halves cancel, planted edges, pure noise."""

import numpy as np
import pytest

from trading_assets.evaluation.cscv import cscv


@pytest.mark.parametrize("seed", range(5))
def test_what_one_half_gains_the_other_loses(seed):
    matrix = np.random.default_rng(seed).normal(size=(500, 50))
    matrix = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    found = cscv(matrix, 10)
    assert found.pbo == found.loss_probability == 1.0
    assert found.slope == pytest.approx(-1.0, abs=0.15)


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_edge_is_no_overfitting(seed):
    matrix = np.random.default_rng(seed).normal(size=(1000, 200))
    matrix[:, :20] += 0.15
    found = cscv(matrix)
    assert found.logits.size == 12_870
    assert found.pbo <= 0.0014
    assert found.loss_probability < 0.01


def noise_pbo(seeds, rows, trials, blocks):
    return [
        cscv(np.random.default_rng(seed).normal(size=(rows, trials)), blocks).pbo
        for seed in range(seeds)
    ]


def test_on_noise_it_is_about_one_half_with_a_wide_spread():
    found = noise_pbo(200, 200, 20, 8)
    assert np.mean(found) == pytest.approx(0.475, abs=0.06)
    assert 0.1 < np.std(found) < 0.35


@pytest.mark.slow
@pytest.mark.long
def test_on_noise_at_the_size_of_the_paper():
    found = noise_pbo(60, 1000, 200, 16)
    assert np.mean(found) == pytest.approx(0.475, abs=0.06)
    assert np.std(found) == pytest.approx(0.137, abs=0.05)
