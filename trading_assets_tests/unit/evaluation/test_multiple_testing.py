"""Adjusted p-values and haircut Sharpe ratios, with the example of Harvey and Liu."""

import math

import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.multiple_testing import adjusted_p_values, haircut_sharpe_ratios

SIX = [0.005, 0.009, 0.0128, 0.0135, 0.045, 0.06]
CORRECTIONS = ("bonferroni", "holm", "bhy")


@pytest.mark.parametrize(
    ("correction", "expected"),
    [
        ("bonferroni", [0.030, 0.054, 0.0768, 0.081, 0.270, 0.360]),
        ("holm", [0.030, 0.045, 0.0512, 0.0512, 0.090, 0.090]),
        ("bhy", [0.049613, 0.049613, 0.049613, 0.049613, 0.1323, 0.147]),
    ],
)
def test_six_strategies(correction, expected):
    assert adjusted_p_values(SIX, correction) == pytest.approx(expected, abs=5e-6)
    assert adjusted_p_values(SIX[::-1], correction) == pytest.approx(expected[::-1], abs=5e-6)


@pytest.mark.parametrize(
    ("correction", "theirs"), [("bonferroni", "bonferroni"), ("holm", "holm"), ("bhy", "fdr_by")]
)
def test_statsmodels_agrees(correction, theirs):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    for seed in range(10):
        rng = np.random.default_rng(seed)
        p_values = rng.uniform(size=int(rng.integers(1, 40))) ** 3
        expected = multitest.multipletests(p_values, method=theirs)[1]
        assert adjusted_p_values(p_values, correction) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_one_trial_has_no_haircut(correction):
    assert adjusted_p_values([0.03], correction) == pytest.approx([0.03])
    assert haircut_sharpe_ratios([0.1], 500, correction) == pytest.approx([0.1])


def test_the_haircut_is_large_for_the_poor_and_small_for_the_good():
    # Annual 0.4 and 1.6 over twenty years of months, among 50 trials that found nothing.
    before = np.array([0.4, 1.6, *[0.0] * 50]) / math.sqrt(12)
    after = haircut_sharpe_ratios(before, 240, "bonferroni")
    cut = 1 - after[:2] / before[:2]
    assert cut[0] == 1.0
    assert 0.05 < cut[1] < 0.2


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_signs_and_order_stay_and_nothing_grows(correction):
    before = np.random.default_rng(0).normal(0.0, 0.2, size=30)
    after = haircut_sharpe_ratios(before, 250, correction)
    assert (np.abs(after) <= np.abs(before)).all()
    assert (np.sign(after) * np.sign(before) >= 0).all()
    assert (np.diff(after[np.argsort(before)]) >= 0).all()
    assert after.any()


def test_a_sharpe_ratio_beyond_all_quantiles_stays_finite():
    assert haircut_sharpe_ratios([9.0], 10_000, "holm") == pytest.approx([0.37], abs=0.01)


@pytest.mark.parametrize("p_values", [[], [-0.1], [1.1], [math.nan]])
def test_what_is_no_probability_is_refused(p_values):
    with pytest.raises(DataError, match="No adjusted p-values"):
        adjusted_p_values(p_values, "holm")


def test_a_haircut_needs_returns():
    with pytest.raises(DataError, match="two periods or more"):
        haircut_sharpe_ratios([0.1], 1, "holm")
    with pytest.raises(DataError, match="1 of 2 that are NaN"):
        haircut_sharpe_ratios([0.1, math.nan], 9, "holm")
