"""CSCV: splits, ties, trials that did not trade, and what has to leave the result as it is."""

from itertools import combinations

import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.cscv import _VALUES_AT_ONCE, cscv


def noise(rows=240, trials=12, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, trials)) / 100


def by_hand(matrix, blocks):
    """Say the definition slowly: logits, Sharpe ratios in and out of sample, per split."""
    rows, trials = matrix.shape
    parts = np.split(matrix[rows % blocks :], blocks)
    found = []
    for chosen in combinations(range(blocks), blocks // 2):
        halves = [
            np.vstack([part for k, part in enumerate(parts) if (k in chosen) == inside])
            for inside in (True, False)
        ]
        inside, outside = (half.mean(axis=0) / half.std(axis=0, ddof=1) for half in halves)
        best = inside.argmax()
        share = (outside <= outside[best]).sum() / (trials + 1)
        found.append((np.log(share / (1 - share)), inside[best], outside[best]))
    return np.array(found).T


@pytest.mark.parametrize(("rows", "blocks"), [(240, 6), (245, 6), (101, 8), (40, 2)])
def test_the_definition(rows, blocks):
    matrix = noise(rows)
    found = cscv(matrix, blocks)
    logits, inside, outside = by_hand(matrix, blocks)
    np.testing.assert_allclose(found.logits, logits, rtol=1e-12)
    np.testing.assert_allclose(found.in_sample, inside, rtol=1e-9)
    np.testing.assert_allclose(found.out_of_sample, outside, rtol=1e-9)
    assert found.pbo == np.mean(logits <= 0)
    assert found.loss_probability == np.mean(outside < 0)
    assert found.slope == pytest.approx(np.polyfit(inside, outside, 1)[0])
    assert found.rows == rows - rows % blocks


@pytest.mark.parametrize(("blocks", "splits"), [(16, 12_870), (10, 252), (8, 70), (2, 2)])
def test_every_split_is_judged(blocks, splits):
    assert cscv(noise(), blocks).logits.shape == (splits,)


def test_parts_in_memory_change_nothing(monkeypatch):
    whole = cscv(noise(), 8)
    monkeypatch.setattr("trading_assets.evaluation.cscv._VALUES_AT_ONCE", 1)
    assert _VALUES_AT_ONCE > 1
    for name in ("logits", "in_sample", "out_of_sample"):
        assert np.array_equal(getattr(cscv(noise(), 8), name), getattr(whole, name))


def test_the_order_of_the_trials_does_not_matter():
    matrix = noise(trials=40)
    matrix[:, 5] = matrix[:, 30]
    matrix[:120, 9] = 0.0
    shuffled = matrix[:, np.random.default_rng(3).permutation(40)]
    assert np.array_equal(cscv(matrix, 8).logits, cscv(shuffled, 8).logits)


@pytest.mark.parametrize("scale", [0.25, 3.0, 1e6])
def test_a_common_scale_does_not_matter(scale):
    found, scaled = cscv(noise(), 8), cscv(noise() * scale, 8)
    np.testing.assert_array_equal(found.logits, scaled.logits)
    assert found.slope == pytest.approx(scaled.slope)


def test_each_trial_may_have_its_own_scale():
    found, scaled = cscv(noise(), 8), cscv(noise() * np.geomspace(0.1, 10, 12), 8)
    np.testing.assert_array_equal(found.logits, scaled.logits)


def test_copies_of_one_trial_are_neither_good_nor_bad():
    found = cscv(np.repeat(noise(trials=1), 5, axis=1), 6)
    assert np.array_equal(found.logits, np.zeros(20))
    assert found.pbo == 1.0


def test_a_tie_of_the_best_counts_with_its_mean_rank():
    good = np.tile([0.02, 0.01], 20)
    fades = good * np.repeat([1.0, -1.0], 20)
    found = cscv(np.column_stack([good, fades, noise(40, 1)[:, 0]]), 2)
    # Both are best in the first half; in the second they are best and worst of three.
    assert found.logits[0] == 0.0
    assert found.out_of_sample[0] == 0.0
    # Chosen in the second half, the first is the best of the other, with a tie.
    assert found.logits[1] == pytest.approx(np.log(2.5 / 1.5))


def test_where_nothing_was_traded_the_sharpe_ratio_is_zero():
    losers = -np.abs(noise(trials=3)) - 0.001
    found = cscv(np.column_stack([losers, np.zeros(240)]), 6)
    assert not found.in_sample.any()
    assert not found.out_of_sample.any()
    assert found.slope is None
    assert found.pbo == found.loss_probability == 0.0


def test_the_histogram_holds_every_split():
    found = cscv(noise(), 8)
    counts, edges = found.histogram(7)
    assert (counts.sum(), counts.size, edges.size) == (70, 7, 8)


@pytest.mark.parametrize("blocks", [0, 1, 3, 22, -4])
def test_a_number_of_blocks_that_cannot_be_halved_or_ended_is_refused(blocks):
    with pytest.raises(DataError, match="even number of blocks from 2 to 20"):
        cscv(noise(), blocks)


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (noise(31), "32 rows or more .* found shape \\(31, 12\\)"),
        (noise(trials=1), "2 columns or more"),
        (noise()[:, 0], "found shape"),
        (np.where(noise() > 0.03, np.nan, noise()), "NaN or infinite"),
        (np.zeros((64, 4)), "a trial whose returns vary"),
    ],
)
def test_what_is_no_matrix_of_trials_is_refused(matrix, said):
    with pytest.raises(DataError, match=said):
        cscv(matrix)
