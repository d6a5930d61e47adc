"""The quick look at columns of bars sees what a look at each row sees, in whatever block it is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.records.sound_bars import (
    BLOCK,
    are_amounts,
    are_ascending,
    are_whole,
    smallest_step,
)

numbers = st.one_of(
    st.sampled_from([0.0, -0.0, -1.0, math.nan, math.inf, -math.inf, 1.0, 2.0]), st.floats()
)
places = st.sampled_from([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1])


@given(places, st.tuples(numbers, numbers, numbers, numbers))
def test_a_bar_is_whole_where_its_row_is(place, bar):
    columns = [np.full(2 * BLOCK, value) for value in (2.0, 3.0, 1.0, 2.0)]
    for column, value in zip(columns, bar, strict=True):
        column[place] = value
    first, high, low, last = bar

    assert are_whole(*columns) == (0.0 < low <= first <= high < math.inf and low <= last <= high)


@given(places, numbers)
def test_an_amount_is_finite_and_no_debt(place, value):
    amounts = np.zeros(2 * BLOCK)
    amounts[place] = value

    assert are_amounts(amounts) == (0.0 <= value < math.inf)


@given(places, st.integers(-2, 2))
def test_a_step_back_is_seen_in_the_middle_and_between_blocks(place, moved):
    ts = np.arange(0, 20 * BLOCK, 10, dtype=np.int64)
    ts[place] += 5 * moved

    assert smallest_step(ts) == np.diff(ts).min()
    assert are_ascending(ts) == (smallest_step(ts) > 0)


@pytest.mark.parametrize("size", [0, 1])
def test_no_bar_and_one_bar_are_sound(size):
    one = np.ones(size)

    assert are_whole(one, one, one, one)
    assert are_amounts(one)
    assert are_ascending(np.arange(size))
    assert smallest_step(np.arange(size)) == 0
