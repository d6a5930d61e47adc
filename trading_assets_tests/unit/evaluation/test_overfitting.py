"""Statistics of a Sharpe ratio and of the trials before it, with the examples of their papers."""

import math

import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.overfitting import (
    SharpeMoments,
    deflated_sharpe_ratio,
    effective_trials,
    expected_maximum,
    minimum_backtest_years,
    minimum_track_record,
    sharpe_moments,
)
from trading_assets.evaluation.overfitting import probabilistic_sharpe_ratio as psr

NORMAL = SharpeMoments(sharpe=0.1, periods=1000)


def test_the_papers_example():
    assert psr(0.458, 24) == pytest.approx(0.981675, abs=5e-7)
    assert psr(0.458, 24, skew=-2.448, kurtosis=10.164) == pytest.approx(0.913361, abs=5e-7)


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


def test_moments_by_hand():
    found = sharpe_moments([0.0, 0.0, 0.0, 4.0])
    assert found.periods == 4
    assert found.sharpe == pytest.approx(0.5)
    assert found.skew == pytest.approx(2 / math.sqrt(3))
    assert found.kurtosis == pytest.approx(7 / 3)


@pytest.mark.parametrize(
    ("returns", "said"),
    [
        ([0.1, 0.2], "found shape \\(2,\\)"),
        ([[0.1, 0.2, 0.3]], "found shape"),
        ([0.1, math.nan, 0.3, math.inf], "found 2 of 4"),
        ([0.1, 0.1, 0.1], "expected returns that vary; found 3 times 0.1"),
        (np.full(1000, 0.1) * 1.1, "expected returns that vary"),
    ],
)
def test_returns_without_moments_are_refused(returns, said):
    with pytest.raises(DataError, match=said):
        sharpe_moments(returns)


def test_one_trial_is_not_deflated():
    assert deflated_sharpe_ratio(NORMAL, trials=1, trial_variance=0.5) == psr(0.1, 1000)


def test_trials_without_spread_deflate_nothing():
    assert deflated_sharpe_ratio(NORMAL, trials=99, trial_variance=0.0) == psr(0.1, 1000)


@pytest.mark.parametrize("variance", [-1e-9, math.nan, math.inf])
def test_a_variance_that_is_none_is_refused(variance):
    with pytest.raises(DataError, match="variance of the trials"):
        deflated_sharpe_ratio(NORMAL, trials=9, trial_variance=variance)


@pytest.mark.parametrize("trials", [0, 0.99, -3, math.nan, math.inf])
def test_less_than_one_trial_is_refused(trials):
    with pytest.raises(DataError, match="one trial or more"):
        expected_maximum(trials)


def test_the_expected_maximum_is_never_below_that_of_one_trial():
    assert expected_maximum(1) == 0.0
    found = [expected_maximum(n) for n in np.linspace(1.0, 3.0, 201)]
    assert found == sorted(found)
    assert found[0] == found[10] == 0.0 < found[30]


def test_the_track_record_is_the_length_at_which_psr_is_convinced():
    moments = SharpeMoments(0.08, 50, skew=-0.7, kurtosis=6.0)
    needed = minimum_track_record(moments, benchmark=0.02, confidence=0.99)
    before, after = (
        psr(0.08, n, benchmark=0.02, skew=-0.7, kurtosis=6.0)
        for n in (math.floor(needed), math.ceil(needed))
    )
    assert before < 0.99 <= after


def test_no_length_proves_what_is_not_there():
    assert minimum_track_record(NORMAL, benchmark=0.1) is None
    assert minimum_track_record(SharpeMoments(-0.1, 1000)) is None


@pytest.mark.parametrize("confidence", [0.5, 1.0, math.nan])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(DataError, match="above one half"):
        minimum_track_record(NORMAL, confidence=confidence)


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan])
def test_a_backtest_without_a_target_is_refused(target):
    with pytest.raises(DataError, match="annual Sharpe ratio above 0"):
        minimum_backtest_years(10, target)


def test_copies_are_one_trial_and_strangers_many():
    rng = np.random.default_rng(1)
    one = rng.normal(size=(500, 1))
    assert effective_trials(np.hstack([one] * 7)) == pytest.approx(1.0)
    assert effective_trials(rng.normal(size=(20_000, 7))) == pytest.approx(7.0, abs=0.1)
    assert effective_trials(one) == 1.0


def test_opposites_are_not_more_than_they_are():
    one = np.random.default_rng(1).normal(size=(500, 1))
    assert effective_trials(np.hstack([one, -one])) == 2.0


def test_the_average_correlation_is_that_of_pairs():
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(60, 1)) + rng.normal(size=(60, 5))
    pairs = np.corrcoef(matrix, rowvar=False)[np.triu_indices(5, 1)]
    assert effective_trials(matrix) == pytest.approx(pairs.mean() + (1 - pairs.mean()) * 5)


def test_trials_that_never_traded_are_counted_each():
    idle = np.zeros((500, 3))
    one = np.random.default_rng(1).normal(size=(500, 1))
    assert effective_trials(idle) == 3.0
    # Of the ten pairs one is correlated.
    assert effective_trials(np.hstack([idle, one, one])) == pytest.approx(0.1 + 0.9 * 5)


def test_unequal_lengths_have_no_matrix():
    with pytest.raises(DataError, match="rows or more"):
        effective_trials([0.1, 0.2])
