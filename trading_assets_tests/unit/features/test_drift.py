"""The population stability index, against distributions whose shares are known."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.errors import DataError
from trading_assets.features.drift import FLOOR, population_stability_index

_EVEN = np.arange(1000) / 1000


def _normal_shares(edges, mean):
    def cdf(x):
        return 0.5 * (1 + math.erf((x - mean) / math.sqrt(2)))

    return np.diff([0.0, *(cdf(edge) for edge in edges), 1.0])


def test_equal_shares_are_stable_whatever_the_order_and_the_count():
    shuffled = np.random.default_rng(1).permutation(np.tile(_EVEN, 3))
    assert population_stability_index(_EVEN, shuffled) == 0.0


def test_two_bins_by_hand():
    """Half and half becomes a fifth and four fifths."""
    current = [0.1] * 2 + [0.9] * 8
    by_hand = (0.2 - 0.5) * math.log(0.2 / 0.5) + (0.8 - 0.5) * math.log(0.8 / 0.5)
    assert population_stability_index([0.1, 0.9] * 5, current, bins=2) == pytest.approx(by_hand)


@pytest.mark.parametrize("shift", [0.1, 0.25, 0.5, 1.0])
def test_a_shifted_normal_has_the_index_of_its_shares(shift):
    draw = np.random.default_rng(3)
    reference, current = draw.normal(size=400_000), draw.normal(shift, size=400_000)
    edges = np.quantile(reference, np.arange(1, 10) / 10)
    r, c = _normal_shares(edges, 0.0), _normal_shares(edges, shift)
    exact = float(np.sum((c - r) * np.log(c / r)))
    assert population_stability_index(reference, current) == pytest.approx(
        exact, rel=0.03, abs=1e-3
    )
    assert exact == pytest.approx(shift**2, rel=0.12)  # both directions of Kullback and Leibler


def test_nulls_are_a_bin_of_their_own():
    reference = pl.Series([*_EVEN, *[None] * 1000])
    assert population_stability_index(reference, pl.Series([*_EVEN, *[None] * 1000])) == 0.0
    half_as_many = pl.Series([*np.tile(_EVEN, 3), *[None] * 1000])
    by_hand = (0.75 - 0.5) * math.log(0.75 / 0.5) + (0.25 - 0.5) * math.log(0.25 / 0.5)
    assert population_stability_index(reference, half_as_many) == pytest.approx(by_hand)
    assert population_stability_index(_EVEN, [math.nan] * 9) > 5
    assert population_stability_index([None] * 9, [math.nan] * 4) == 0.0


def test_an_empty_bin_counts_as_the_floor():
    found = population_stability_index([0.1, 0.9] * 5, [0.9] * 4, bins=2)
    by_hand = (FLOOR - 0.5) * math.log(FLOOR / 0.5) + 0.5 * math.log(2.0)
    assert found == pytest.approx(by_hand)


def test_a_constant_column_that_moves_either_way_is_seen():
    for moved in (0.99, 1.01):
        assert population_stability_index([1.0] * 50, [moved] * 50) > 9
    assert population_stability_index([1.0] * 50, [1.0] * 7) == 0.0


def test_a_spike_does_not_hide_in_its_neighbours():
    """Half of the rows are 0; then they spread over the bin above."""
    reference = np.r_[np.zeros(500), _EVEN[1:501]]
    current = np.r_[np.full(500, 1e-9), _EVEN[1:501]]
    assert population_stability_index(reference, current) > 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-5, 5)), min_size=1, max_size=60),
    st.lists(st.one_of(st.none(), st.floats(-5, 5)), min_size=1, max_size=60),
    st.integers(2, 12),
)
def test_it_is_never_negative_and_keeps_its_value_when_both_sides_are_scaled(left, right, bins):
    one, other = (pl.Series(side, dtype=pl.Float64) for side in (left, right))
    found = population_stability_index(one, other, bins=bins)
    assert found >= 0.0
    scaled = population_stability_index(one * 2.0, other * 2.0, bins=bins)
    assert scaled == pytest.approx(found)
    assert population_stability_index(one, one, bins=bins) == 0.0


@pytest.mark.parametrize("sides", [([], [1.0]), ([1.0], [])])
def test_a_side_without_rows_is_refused(sides):
    with pytest.raises(DataError, match="rows on both sides"):
        population_stability_index(*sides)


def test_one_bin_is_refused():
    with pytest.raises(DataError, match="at least 2 bins"):
        population_stability_index([1.0], [1.0], bins=1)
