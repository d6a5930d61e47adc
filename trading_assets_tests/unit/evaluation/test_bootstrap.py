"""The stationary bootstrap: resamples, block length, intervals and the predicted band."""

import math

import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.bootstrap import (
    mean_difference_interval,
    mean_interval,
    optimal_block,
    predicted_return,
    sharpe_interval,
    stationary_bootstrap,
)

DRAWS = 400


def rng(seed=0):
    return np.random.default_rng(seed)


def returns(rows=300, seed=1):
    return rng(seed).normal(0.001, 0.01, size=rows)


def resamples(rows=50, draws=DRAWS, block=5.0, **more):
    return np.array(list(stationary_bootstrap(rows, rng=rng(), draws=draws, block=block, **more)))


def test_rows_follow_each_other_until_a_block_ends():
    drawn = resamples()
    follows = (drawn[:, 1:] - drawn[:, :-1]) % 50 == 1
    # One in five begins a block, and one in fifty of those goes on by chance.
    assert follows.mean() == pytest.approx(1 - 1 / 5 * 49 / 50, abs=0.01)
    assert (drawn.min(), drawn.max()) == (0, 49)


def test_every_row_is_as_likely():
    drawn = resamples(draws=4000)
    assert np.bincount(drawn.ravel()) / 4000 == pytest.approx(np.ones(50), abs=0.12)


def test_a_block_of_one_row_keeps_no_order():
    drawn = resamples(block=1)
    assert ((drawn[:, 1:] - drawn[:, :-1]) % 50 == 1).mean() == pytest.approx(0.02, abs=0.005)


def test_a_block_without_end_is_the_sample_turned():
    drawn = resamples(block=1e12, draws=9)
    assert (np.diff(drawn, axis=1) % 50 == 1).all()


def test_resamples_may_be_longer_or_shorter_than_the_sample():
    assert resamples(length=7).shape == (DRAWS, 7)
    assert resamples(length=120).shape == (DRAWS, 120)


@pytest.mark.parametrize(
    "wrong", [{"rows": 0}, {"draws": 0}, {"length": 0}, {"block": 0.9}, {"block": math.nan}]
)
def test_no_bootstrap_of_nothing(wrong):
    with pytest.raises(DataError, match="No bootstrap"):
        resamples(**wrong)


def test_dependence_asks_for_longer_blocks():
    steps = rng().normal(size=2000)
    trend = np.convolve(steps, np.ones(10), mode="valid")
    assert 1.0 <= optimal_block(steps) < 5.0 < optimal_block(trend)


def test_a_block_is_at_least_a_row_and_at_most_a_share_of_the_sample():
    assert optimal_block(np.zeros(20)) == 1.0
    assert optimal_block(np.arange(900.0)) <= 90.0
    assert optimal_block(np.tile([1.0, -1.0], 30)) <= 20.0


def test_too_few_rows_for_a_block_length():
    with pytest.raises(DataError, match="12 values or more"):
        optimal_block(np.arange(11.0))


def test_the_interval_of_independent_returns_is_that_of_the_normal_law():
    sample = returns(2000)
    found = mean_interval(sample, confidence=0.9, rng=rng(), draws=2000, block=1)
    half = 1.645 * sample.std() / math.sqrt(2000)
    assert found.estimate == sample.mean()
    assert found.low == pytest.approx(sample.mean() - half, abs=half / 10)
    assert found.high == pytest.approx(sample.mean() + half, abs=half / 10)
    assert (found.confidence, found.block) == (0.9, 1)


def test_dependence_widens_the_interval():
    trend = np.convolve(rng().normal(size=2000), np.ones(10) / 10, mode="valid")
    narrow = mean_interval(trend, confidence=0.9, rng=rng(), draws=DRAWS, block=1)
    wide = mean_interval(trend, confidence=0.9, rng=rng(), draws=DRAWS)
    assert wide.block > 9
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_a_constant_series_has_an_interval_of_no_width():
    found = mean_interval(np.full(30, 0.5), confidence=0.9, rng=rng(), draws=DRAWS)
    assert (found.low, found.estimate, found.high) == (0.5, 0.5, 0.5)


def test_the_same_seed_gives_the_same_interval():
    first, again = (
        sharpe_interval(returns(), confidence=0.9, rng=rng(7), draws=DRAWS) for _ in range(2)
    )
    assert first == again


def test_the_sharpe_ratio_is_in_its_interval_and_needs_no_scale():
    sample = returns()
    found = sharpe_interval(sample, confidence=0.9, rng=rng(), draws=DRAWS, block=3)
    scaled = sharpe_interval(sample * 4, confidence=0.9, rng=rng(), draws=DRAWS, block=3)
    assert found.low < found.estimate == sample.mean() / sample.std(ddof=1) < found.high
    assert scaled == found


def test_a_rare_trader_may_be_idle_in_a_resample():
    sample = np.zeros(40)
    sample[3] = 0.1
    found = sharpe_interval(sample, confidence=0.9, rng=rng(), draws=DRAWS, block=2)
    assert found.low == 0.0 < found.high


def test_pairs_share_their_days():
    market = returns(400, seed=2) * 5
    better = market + 0.001 + returns(400, seed=3) / 10
    found = mean_difference_interval(
        better, market, confidence=0.9, rng=rng(), draws=DRAWS, block=None
    )
    assert 0.0 < found.low < found.estimate == pytest.approx((better - market).mean())
    assert found.high - found.low < 0.001


@pytest.mark.parametrize("confidence", [0.0, 1.0, math.nan])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(DataError, match="confidence between 0 and 1"):
        mean_interval(returns(), confidence=confidence, rng=rng(), draws=9)


def test_samples_that_do_not_match_are_refused():
    with pytest.raises(DataError, match="found 300 and 299 of them"):
        mean_difference_interval(
            returns(), returns(299), confidence=0.9, rng=rng(), draws=9, block=1
        )
    with pytest.raises(DataError, match="returns that vary"):
        sharpe_interval(np.zeros(20), confidence=0.9, rng=rng(), draws=9)
    with pytest.raises(DataError, match="1 of 3 that are NaN"):
        mean_interval([0.1, math.nan, 0.2], confidence=0.9, rng=rng(), draws=9, block=1)


def test_the_predicted_band_has_the_moments_of_compounding():
    sample = returns(1000)
    found = predicted_return(sample, 14, rng=rng(), draws=4000, block=1)
    assert found.outcomes.shape == (4000,)
    assert found.quantile(0.5) == pytest.approx(14 * sample.mean(), abs=0.004)
    spread = found.quantile(0.975) - found.quantile(0.025)
    assert spread == pytest.approx(2 * 1.96 * sample.std() * math.sqrt(14), rel=0.06)


def test_where_a_seen_return_lies_in_the_band():
    found = predicted_return(returns(), 14, rng=rng(), draws=101)
    assert found.share_below(-1.0) == 0.0
    assert found.share_below(9.0) == 1.0
    assert found.share_below(found.quantile(0.5)) == 0.5


def test_a_constant_series_has_one_outcome():
    found = predicted_return(np.full(20, 0.01), 3, rng=rng(), draws=9)
    assert found.outcomes == pytest.approx(np.full(9, 1.01**3 - 1))


def test_no_band_of_no_days():
    with pytest.raises(DataError, match="0 to draw"):
        predicted_return(returns(), 0, rng=rng(), draws=9)
