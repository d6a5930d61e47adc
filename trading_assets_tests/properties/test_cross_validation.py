"""No label window of a training row meets that of a tested one, and every row is tested equally."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.errors import ConfigurationError
from trading_assets.forecasting.cross_validation import (
    assemble_paths,
    combinatorial_purged,
    num_paths,
    path_numbers,
    purged_k_fold,
    time_groups,
)


@st.composite
def _rows(draw):
    """Rows of a few symbols at shared instants, each with a label window of its own length."""
    instants = draw(st.lists(st.integers(0, 3_000), min_size=6, max_size=80, unique=True))
    each = draw(st.integers(1, 3))
    decided = np.repeat(np.array(sorted(instants)), each)
    spans = draw(st.lists(st.integers(1, 400), min_size=len(decided), max_size=len(decided)))
    return decided, decided + np.array(spans)


_shapes = st.tuples(st.integers(2, 6), st.integers(1, 5)).filter(lambda shape: shape[1] < shape[0])


@given(rows=_rows(), shape=_shapes, embargo=st.integers(0, 300))
def test_windows_never_meet_and_every_row_is_tested_equally_often(rows, shape, embargo):
    (decided, known), (groups, tested) = rows, shape
    splits = combinatorial_purged(decided, known, groups=groups, tested=tested, embargo=embargo)
    assert len(splits) == math.comb(groups, tested)
    times = np.zeros(len(decided), dtype=int)
    number = time_groups(decided, groups)
    for split in splits:
        times[split.test] += 1
        assert set(number[split.test]) == set(split.groups)
        apart = (known[split.train][:, None] <= decided[split.test]) | (
            decided[split.train][:, None] >= known[split.test]
        )
        assert apart.all()
        for group in split.groups:
            end = known[number == group].max()
            late = decided[split.train] >= decided[number == group].min()
            assert (decided[split.train][late] >= end + embargo).all()
    assert (times == num_paths(groups, tested)).all()


@given(rows=_rows(), folds=st.integers(2, 6), embargoes=st.tuples(*[st.integers(0, 500)] * 2))
def test_a_longer_embargo_leaves_out_more_and_never_lets_in(rows, folds, embargoes):
    decided, known = rows
    short, long = (
        purged_k_fold(decided, known, folds=folds, embargo=embargo) for embargo in sorted(embargoes)
    )
    for less, more in zip(long, short, strict=True):
        assert set(less.train) <= set(more.train)
        assert (less.test == more.test).all()


@given(rows=_rows(), folds=st.integers(2, 6))
def test_nothing_is_purged_without_cause(rows, folds):
    """Every row that is left out is tested, or its window reaches into the tested stretch."""
    decided, known = rows
    for split in purged_k_fold(decided, known, folds=folds, embargo=0):
        start, end = decided[split.test].min(), known[split.test].max()
        out = np.setdiff1d(np.arange(len(decided)), np.union1d(split.train, split.test))
        assert ((known[out] > start) & (decided[out] < end)).all()


@given(rows=_rows(), shape=_shapes)
def test_paths_are_whole_histories_and_use_every_test_once(rows, shape):
    (decided, known), (groups, tested) = rows, shape
    splits = combinatorial_purged(decided, known, groups=groups, tested=tested, embargo=0)
    said = [split.test + 1_000.0 * i for i, split in enumerate(splits)]
    paths = assemble_paths(decided, splits, said)
    assert paths.shape == (num_paths(groups, tested), len(decided))
    assert (paths % 1_000 == np.arange(len(decided))).all()
    used = {(i, group) for i, to_path in enumerate(path_numbers(splits)) for group in to_path}
    assert len(used) == num_paths(groups, tested) * groups
    for row in range(len(decided)):
        assert len(set(paths[:, row])) == num_paths(groups, tested)


def test_rows_of_one_instant_stay_together():
    assert time_groups(np.repeat(np.arange(7), 3), 3).tolist() == [0] * 9 + [1] * 6 + [2] * 6


def test_shapes_without_a_test_or_a_training_are_refused():
    decided = np.arange(10)
    for shape in ((4, 0), (4, 4)):
        with pytest.raises(ConfigurationError, match="learned from"):
            combinatorial_purged(decided, decided + 1, groups=shape[0], tested=shape[1], embargo=0)
    with pytest.raises(ConfigurationError, match="2 to 10 groups"):
        purged_k_fold(decided, decided + 1, folds=11, embargo=0)
