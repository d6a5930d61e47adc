"""Known miscalibration is found, to its size; the parts of the score add up to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.forecasting.reliability import reliability


def _forecasts(n: int, truth, seed: int = 0):
    draw = np.random.default_rng(seed)
    stated = draw.uniform(0.5, 0.9, n)
    return stated, draw.random(n) < truth(stated)


@pytest.mark.parametrize(
    ("truth", "error"),
    [
        (lambda p: p, 0.0),
        (lambda p: p - 0.1, 0.1),  # overconfident by a tenth everywhere
        (lambda p: p + 0.08, 0.08),
        (lambda p: 0.5 + 0.5 * (p - 0.5), 0.1),  # half of what it says: 0 to 0.2
        (lambda p: np.full_like(p, 0.7), 0.1),  # a number without meaning
    ],
)
def test_a_known_miscalibration_is_found(truth, error):
    stated, right = _forecasts(200_000, truth)
    found = reliability(stated, right)
    assert found.ece == pytest.approx(error, abs=0.005)
    expected = np.mean((stated - truth(stated)) ** 2)
    # the curve has ten dots, so it misses what happens inside a bin
    assert found.reliability == pytest.approx(expected, abs=0.0006)
    assert found.rows == 200_000


def test_the_curve_is_that_of_scikit_learn():
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import brier_score_loss

    stated, right = _forecasts(5_000, lambda p: p - 0.1)
    found = reliability(stated, right)
    observed, mean = calibration_curve(right, stated, n_bins=10, strategy="quantile")
    assert found.stated == pytest.approx(mean, abs=2e-4)
    assert found.observed == pytest.approx(observed, abs=2e-3)
    assert found.brier == pytest.approx(brier_score_loss(right, stated), abs=1e-12)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.3, 0.5, 0.55, 0.8, 1.0]), st.booleans()),
        min_size=1,
        max_size=80,
    ),
    st.integers(1, 12),
)
def test_the_parts_add_up_and_equal_forecasts_stay_together(forecasts, bins):
    stated, right = (np.array(column) for column in zip(*forecasts, strict=True))
    found = reliability(stated.astype(float), right, bins=bins)
    parts = found.reliability - found.resolution + found.uncertainty + found.within_bins
    assert found.brier == pytest.approx(parts, abs=1e-12)
    assert found.rows == len(forecasts)
    assert len(found.counts) <= bins
    assert sorted(found.stated) == list(found.stated)
    assert found.ece**2 <= found.reliability + 1e-12


def test_without_forecasts_there_is_no_curve():
    assert reliability(np.empty(0), np.empty(0, dtype=bool)) is None
