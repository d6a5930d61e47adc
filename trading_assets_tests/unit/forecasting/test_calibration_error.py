"""Calibration errors that are known are found; those that chance alone makes are not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.forecasting.calibration_error import calibration_error
from trading_assets.forecasting.reliability import reliability

BAR = 5 * MINUTE
MAX_ERROR = 0.05
_ERF = np.vectorize(math.erf, otypes=[float])


def _outcomes(seed, *, days, overlap, off=lambda chance: 0.0 * chance):
    """Draw forecasts every five minutes whose outcomes overlap, and a stated confidence.

    The chance of each wanders between a half and two thirds; outcome after outcome shares all but
    one bar of its return, as labels do.
    """
    dice = np.random.default_rng(seed)
    rows = days * 288
    steps = np.cumsum(np.r_[0.0, dice.standard_normal(rows + overlap)])
    summed = (steps[overlap:-1] - steps[: -overlap - 1]) / math.sqrt(overlap)
    chance = 0.58 + 0.08 * np.sin(np.cumsum(dice.standard_normal(rows)) / 40)
    right = 0.5 * (1 + _ERF(summed / math.sqrt(2))) < chance
    at = np.arange(rows, dtype=np.int64) * BAR // DAY * DAY
    return at, np.clip(chance + off(chance), 0.0, 1.0), right


def _measured(outcomes, overlap):
    days, stated, right = outcomes
    return calibration_error(days, stated, right, horizon=overlap * BAR, confidence=0.95)


@pytest.mark.parametrize(
    ("off", "error"),
    [
        (lambda chance: chance * 0 + 0.10, 0.10),
        (lambda chance: chance * 0 - 0.10, 0.10),
        (lambda chance: np.where(chance > 0.58, 0.12, -0.12), 0.12),
        (lambda chance: chance * 0, 0.0),
    ],
)
def test_an_error_that_is_known_is_measured(off, error):
    """Of some 4300 outcomes that do not overlap, to two hundredths."""
    found = _measured(_outcomes(3, days=180, overlap=12, off=off), 12)
    assert found.error == pytest.approx(error, abs=0.02)
    assert found.least <= error
    assert (found.least > MAX_ERROR) == (error > MAX_ERROR)
    assert (found.rows, found.blocks) == (180 * 288, 180)


@pytest.mark.parametrize(("overlap", "days", "plain"), [(12, 30, 0), (48, 60, 10), (288, 180, 20)])
def test_a_confidence_that_is_right_hardly_ever_counts_as_off(overlap, days, plain):
    """Of forty, chance alone lifts the plain mean distance above the threshold that often."""
    drawn = [_outcomes(seed, days=days, overlap=overlap) for seed in range(40)]
    found = [_measured(each, overlap) for each in drawn]
    curves = [reliability(stated, right) for _, stated, right in drawn]
    assert sum(curve.ece > MAX_ERROR for curve in curves) >= plain
    assert sum(each.least > MAX_ERROR for each in found) <= 1
    assert sum(each.least > 0.0 for each in found) <= 6  # one in twenty is meant
    assert np.mean([each.error for each in found]) < np.mean([c.ece for c in curves]) / 2


def test_too_little_to_tell_is_not_known():
    outcomes = _outcomes(1, days=19, overlap=12)
    assert _measured(outcomes, 12) is None
    assert _measured(_outcomes(1, days=99, overlap=288), 288) is not None
    assert _measured(_outcomes(1, days=90, overlap=288), 288) is None
    empty = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool))
    assert _measured(empty, 12) is None
