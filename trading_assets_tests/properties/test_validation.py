"""No label window of a training row ever touches what it is tested on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.ids import Month, months_between
from trading_assets.forecasting.validation import equal_edges, month_edges, walk_forward

_instants = st.lists(st.integers(0, 10_000), min_size=1, max_size=200)


@given(
    decided=_instants,
    span=st.integers(1, 500),
    embargo=st.integers(0, 500),
    stretches=st.integers(1, 8),
    start=st.integers(-100, 5_000),
    length=st.integers(8, 6_000),
)
def test_no_label_window_of_a_training_row_touches_the_test_stretch(
    decided, span, embargo, stretches, start, length
):
    decided = np.array(sorted(decided))
    known = decided + span
    edges = equal_edges(start, start + length, stretches)
    folds = walk_forward(decided, known, edges, embargo=embargo)
    assert len(folds) == stretches
    for fold in folds:
        train, test = set(fold.train.tolist()), set(fold.test.tolist())
        assert not train & test
        for row in train:
            assert known[row] + embargo <= fold.start
        for row in test:
            assert fold.start <= decided[row] < fold.end
        purged = set(range(len(decided))) - train
        assert all(known[row] + embargo > fold.start for row in purged)
    tested = np.concatenate([fold.test for fold in folds])
    assert len(tested) == len(set(tested.tolist()))
    assert set(tested) == {i for i, t in enumerate(decided) if edges[0] <= t < edges[-1]}


@given(first=st.integers(0, 100), count=st.integers(1, 30))
def test_the_edges_of_months_meet(first, count):
    months = months_between(Month(2020, 1).shift(first), Month(2020, 1).shift(first + count - 1))
    edges = month_edges(months)
    assert edges == (*(month.start for month in months), months[-1].end)
    assert month_edges(()) == ()


def test_a_month_is_tested_by_what_earlier_months_knew():
    months = months_between(Month(2024, 1), Month(2024, 4))
    decided = np.arange(months[0].start, months[-1].end, 3_600_000_000)
    known = decided + 4 * 3_600_000_000
    folds = walk_forward(decided, known, month_edges(months)[1:], embargo=0)
    assert [len(fold.test) for fold in folds] == [29 * 24, 31 * 24, 30 * 24]
    assert [len(fold.train) for fold in folds] == [31 * 24 - 3, 60 * 24 - 3, 91 * 24 - 3]
