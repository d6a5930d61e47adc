import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.forecasting.calibration import METHODS, Calibration, fit_calibration


def _sample(slope: float, n: int = 20_000, seed: int = 0):
    draw = np.random.default_rng(seed)
    scores = draw.normal(size=n)
    chance = 1 / (1 + np.exp(-slope * np.abs(scores)))
    return scores, draw.random(n) < chance


@pytest.mark.parametrize("method", METHODS)
def test_stated_probabilities_come_true(method):
    scores, right = _sample(1.0)
    calibration = fit_calibration(scores, right, overlap=1, method=method)
    stated = calibration.confidence(scores)
    for low, high in ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.95)):
        rows = (stated >= low) & (stated < high)
        assert right[rows].mean() == pytest.approx(stated[rows].mean(), abs=0.02)
    assert calibration.base_rate == pytest.approx(right.mean(), abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_confidence_never_falls_with_strength_and_ignores_the_sign(method):
    calibration = fit_calibration(*_sample(0.5), overlap=1, method=method)
    assert list(calibration.probabilities) == sorted(calibration.probabilities)
    assert list(calibration.strengths) == sorted(calibration.strengths)
    grid = np.linspace(0, 10, 200)
    assert (np.diff(calibration.confidence(grid)) >= 0).all()
    assert (calibration.confidence(-grid) == calibration.confidence(grid)).all()


@pytest.mark.parametrize("method", METHODS)
def test_strength_that_misleads_leaves_the_base_rate(method):
    scores, right = _sample(-1.0)
    calibration = fit_calibration(scores, right, overlap=1, method=method)
    assert calibration.probabilities == pytest.approx(
        [calibration.base_rate] * len(calibration.probabilities), abs=1e-6
    )


def test_an_isotonic_curve_never_says_certain():
    """Even where a group was always right: each step starts with outcomes at the base rate."""
    strength = np.linspace(0.0, 1.0, 1_000)
    curve = fit_calibration(strength, strength > 0.5, overlap=1, method="isotonic")
    assert 0.0 < min(curve.probabilities) < 0.1
    assert 0.9 < max(curve.probabilities) < 1.0


@pytest.mark.parametrize("method", METHODS)
def test_overlapping_labels_count_less(method):
    scores, right = _sample(1.0, n=600)
    spread = [
        float(np.ptp(fit_calibration(scores, right, overlap=o, method=method).probabilities))
        for o in (1, 12, 48, 288)
    ]
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] < spread[0] / 2


def test_there_is_nothing_to_learn_from_few_or_equal_outcomes():
    scores, right = _sample(1.0, n=99)
    assert fit_calibration(scores, right, overlap=1) is None
    assert fit_calibration(np.ones(500), np.ones(500, dtype=bool), overlap=1) is None
    equal = fit_calibration(np.ones(500), np.arange(500) % 2 == 0, overlap=1)
    assert equal.confidence(np.array([1.0, 7.0])) == pytest.approx([0.5, 0.5])


@given(st.floats(0, 20), st.integers(1, 50))
def test_one_row_and_many_give_the_same_bits(strength, n):
    calibration = Calibration((0.1, 0.5, 2.0), (0.51, 0.55, 0.7), 0.53)
    alone = calibration.confidence(np.array([strength]))
    among = calibration.confidence(np.r_[np.linspace(0, 3, n), strength])
    assert alone[0] == among[-1]
