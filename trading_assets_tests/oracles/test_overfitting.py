"""Figures of the papers on overfitting, and two other libraries, for the Sharpe statistics."""

import math

import numpy as np
import pytest

from trading_assets.evaluation.overfitting import (
    SharpeMoments,
    deflated_sharpe_ratio,
    expected_maximum,
    minimum_backtest_years,
    minimum_track_record,
    probabilistic_sharpe_ratio,
    sharpe_moments,
)

DAYS = 250
"""Per year, in the example of the paper on the deflated Sharpe ratio."""
CRASHES = SharpeMoments(2.5 / math.sqrt(DAYS), 1250, skew=-3.0, kurtosis=10.0)
NORMAL = SharpeMoments(2.5 / math.sqrt(DAYS), 1250)
VARIANCE = 0.5 / DAYS
"""Of the Sharpe ratios per day: 0.5 of the annual ones."""


def test_the_benchmark_of_100_trials():
    assert math.sqrt(VARIANCE) * expected_maximum(100) == pytest.approx(0.113172, abs=5e-7)


@pytest.mark.parametrize(
    ("moments", "trials", "expected"),
    [
        (CRASHES, 100, 0.900397),
        (CRASHES, 46, 0.950502),
        (NORMAL, 88, 0.950491),
        (CRASHES, 10, 0.993880),
        (CRASHES, 45, 0.951607),
    ],
)
def test_deflated_sharpe_ratio(moments, trials, expected):
    found = deflated_sharpe_ratio(moments, trials=trials, trial_variance=VARIANCE)
    assert found == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("skew", "kurtosis", "expected"), [(0.0, 3.0, 0.981675), (-2.448, 10.164, 0.913361)]
)
def test_probabilistic_sharpe_ratio_of_hedge_funds(skew, kurtosis, expected):
    found = probabilistic_sharpe_ratio(0.458, 24, skew=skew, kurtosis=kurtosis)
    assert found == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("per_year", "skew", "kurtosis", "years"),
    [(250, 0, 3, 2.7312), (52, 0, 3, 2.8288), (12, 0, 3, 3.2398), (12, -0.72, 5.78, 4.9913)],
)
def test_minimum_track_record_of_two_against_one(per_year, skew, kurtosis, years):
    moments = SharpeMoments(2 / math.sqrt(per_year), 100, skew, kurtosis)
    found = minimum_track_record(moments, benchmark=1 / math.sqrt(per_year))
    assert found / per_year == pytest.approx(years, abs=5e-5)


@pytest.mark.parametrize(
    ("trials", "expected"),
    [(7, 1.38677), (10, 1.57460), (45, 2.23564), (100, 2.53060), (1000, 3.25512)],
)
def test_expected_maximum(trials, expected):
    assert expected_maximum(trials) == pytest.approx(expected, abs=5e-6)


def test_with_five_years_no_more_than_45_trials():
    assert minimum_backtest_years(45, 1.0) == pytest.approx(4.998, abs=5e-4)
    assert minimum_backtest_years(46, 1.0) > 5.0


@pytest.fixture(params=range(20))
def trials(request):
    """Give daily returns of some trials with fat tails, the last of them skewed."""
    rng = np.random.default_rng(request.param)
    found = rng.standard_t(5, size=(int(rng.integers(50, 900)), int(rng.integers(2, 60)))) / 100
    found[:, -1] = np.exp(found[:, -1] * 20) / 100 - 0.009
    return found


def test_skfolio_agrees_on_probabilities(trials):
    measures = pytest.importorskip("skfolio.measures")
    best = trials[:, -1]
    found = sharpe_moments(best)
    assert probabilistic_sharpe_ratio(
        found.sharpe,
        found.periods,
        benchmark=0.03,
        skew=found.skew,
        kurtosis=found.kurtosis,
    ) == pytest.approx(measures.probabilistic_sharpe_ratio(best, 0.03), abs=1e-9)
    ratios = np.array([sharpe_moments(column).sharpe for column in trials.T])
    assert deflated_sharpe_ratio(
        found, trials=ratios.size, trial_variance=float(ratios.var(ddof=1))
    ) == pytest.approx(measures.deflated_sharpe_ratio(best, ratios), abs=1e-9)


@pytest.mark.parametrize("count", [1, 1.3, 2, 7.4, 45, 1e3, 1e6])
def test_skfolio_agrees_on_the_expected_maximum(count):
    measures = pytest.importorskip("skfolio.measures")
    theirs = measures.expected_max_sharpe_ratio(count, 1.0)
    assert expected_maximum(count) == pytest.approx(theirs, abs=1e-9)


def test_empyrical_agrees_on_the_sharpe_ratio(trials):
    empyrical = pytest.importorskip("empyrical")
    theirs = empyrical.sharpe_ratio(trials[:, 0], annualization=1)
    assert sharpe_moments(trials[:, 0]).sharpe == pytest.approx(theirs, abs=1e-9)
