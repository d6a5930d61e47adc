"""What has to hold of the statistics of luck whatever the returns are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.evaluation.bootstrap import mean_interval, predicted_return
from trading_assets.evaluation.cscv import cscv
from trading_assets.evaluation.overfitting import (
    deflated_sharpe_ratio,
    effective_trials,
    expected_maximum,
    minimum_track_record,
    probabilistic_sharpe_ratio,
    sharpe_moments,
)
from trading_assets.evaluation.superior_ability import step_m, superior_predictive_ability

BOUNDED = settings(max_examples=40, deadline=None, derandomize=True)
SEEDS = st.integers(0, 10**6)
COUNTS = st.floats(1.0, 1e6)
VARIANCES = st.floats(0.0, 0.05)
SCALES = st.floats(1e-3, 1e3)


def returns(seed, rows=120):
    """Give returns with fat tails and a mean that may be on either side of zero."""
    rng = np.random.default_rng(seed)
    return rng.standard_t(4, size=rows) / 100 + rng.normal(0.0, 0.002)


def family(seed, rows=96, trials=9):
    """Give returns of trials that share a market; two of them are equal, one rests at times."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(rows, trials)) / 100 + rng.normal(size=(rows, 1)) / 150
    found[:, 1] = found[:, 4]
    found[: rows // 2, 2] = 0.0
    return found


def probability(moments, benchmark=0.0):
    return probabilistic_sharpe_ratio(
        moments.sharpe,
        moments.periods,
        benchmark=benchmark,
        skew=moments.skew,
        kurtosis=moments.kurtosis,
    )


@BOUNDED
@given(SEEDS, COUNTS, COUNTS, VARIANCES, VARIANCES)
def test_more_trials_and_more_spread_deflate_more(seed, few, many, narrow, wide):
    few, many = sorted((few, many))
    narrow, wide = sorted((narrow, wide))
    moments = sharpe_moments(returns(seed))
    least = deflated_sharpe_ratio(moments, trials=many, trial_variance=wide)
    assert least <= deflated_sharpe_ratio(moments, trials=few, trial_variance=wide)
    assert least <= deflated_sharpe_ratio(moments, trials=many, trial_variance=narrow)
    assert least <= probability(moments)
    assert expected_maximum(few) <= expected_maximum(many)


@BOUNDED
@given(SEEDS, SCALES)
def test_the_unit_of_returns_does_not_matter(seed, scale):
    series = returns(seed)
    assert probability(sharpe_moments(series * scale)) == pytest.approx(
        probability(sharpe_moments(series)), abs=1e-9
    )


@BOUNDED
@given(SEEDS)
def test_gains_turned_into_losses_turn_the_probability(seed):
    series = returns(seed)
    ours, turned = probability(sharpe_moments(series)), probability(sharpe_moments(-series))
    assert ours + turned == pytest.approx(1.0, abs=1e-9)


@BOUNDED
@given(SEEDS, st.floats(0.6, 0.999), st.floats(0.6, 0.999))
def test_more_confidence_needs_a_longer_record(seed, less, more):
    less, more = sorted((less, more))
    moments = sharpe_moments(returns(seed))
    short, long = (minimum_track_record(moments, confidence=value) for value in (less, more))
    if moments.sharpe > 0:
        assert 1.0 <= short <= long
        assert (probability(moments) >= less) == (moments.periods >= short)
    else:
        assert short is long is None


@BOUNDED
@given(SEEDS)
def test_effective_trials_are_between_one_and_all(seed):
    matrix = family(seed)
    order = np.random.default_rng(seed).permutation(matrix.shape[1])
    found = effective_trials(matrix)
    assert 1.0 <= found <= matrix.shape[1]
    assert effective_trials(matrix[:, order]) == pytest.approx(found)
    assert effective_trials(matrix * np.geomspace(1, 50, matrix.shape[1])) == pytest.approx(found)


@BOUNDED
@given(SEEDS, st.sampled_from([2, 4, 6, 8]), SCALES)
def test_overfitting_knows_neither_order_nor_unit(seed, blocks, scale):
    matrix = family(seed)
    order = np.random.default_rng(seed).permutation(matrix.shape[1])
    found = cscv(matrix, blocks)
    np.testing.assert_array_equal(cscv(matrix[:, order], blocks).logits, found.logits)
    np.testing.assert_allclose(
        cscv(matrix * 2.0 ** round(np.log2(scale)), blocks).logits, found.logits
    )
    assert found.pbo == np.mean(found.logits <= 0.0)
    assert 0.0 <= found.loss_probability <= 1.0


@BOUNDED
@given(SEEDS, st.floats(1.0, 20.0), st.floats(0.1, 0.99), st.floats(-0.1, 0.1))
def test_an_interval_moves_with_its_returns(seed, block, confidence, shift):
    series = returns(seed)
    found, moved = (
        mean_interval(
            values,
            confidence=confidence,
            rng=np.random.default_rng(seed),
            draws=60,
            block=block,
        )
        for values in (series, series + shift)
    )
    assert series.min() <= found.low <= found.high <= series.max()
    assert moved.low == pytest.approx(found.low + shift, abs=1e-12)
    assert moved.high == pytest.approx(found.high + shift, abs=1e-12)


@BOUNDED
@given(SEEDS, st.integers(1, 40))
def test_the_band_holds_what_can_happen(seed, days):
    series = np.clip(returns(seed), -0.9, None)
    found = predicted_return(series, days, rng=np.random.default_rng(seed), draws=50)
    assert (1 + series.min()) ** days - 1 - 1e-9 <= found.quantile(0.0)
    assert found.quantile(1.0) <= (1 + series.max()) ** days - 1 + 1e-9
    assert found.quantile(0.1) <= found.quantile(0.9)


@BOUNDED
@given(SEEDS, st.floats(0.0, 0.004), st.floats(0.0, 0.004))
def test_a_larger_edge_never_looks_less_able(seed, smaller, larger):
    smaller, larger = sorted((smaller, larger))
    edge = np.zeros(9)
    edge[7] = 1.0
    how = {"draws": 60, "block": 3.0}
    less, more = (
        family(seed) - family(seed).mean(axis=0) + edge * size for size in (smaller, larger)
    )
    found, better = (
        superior_predictive_ability(models, np.zeros(96), rng=np.random.default_rng(seed), **how)
        for models in (less, more)
    )
    assert better.consistent <= found.consistent
    assert found.lower <= found.consistent <= found.upper
    sets = [
        set(step_m(models, np.zeros(96), rng=np.random.default_rng(seed), **how))
        for models in (less, more)
    ]
    assert sets[0] & {7} <= sets[1]
