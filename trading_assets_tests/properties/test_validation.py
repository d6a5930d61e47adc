"""No label window of a training row ever touches what it is tested on."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.ids import Month, months_between
from trading_assets.forecasting.validation import month_edges, row_edges, walk_forward

_instants = st.lists(st.integers(0, 10_000), min_size=1, max_size=200)
_HOUR = 3_600_000_000


@given(
    decided=_instants,
    span=st.integers(1, 500),
    embargo=st.integers(0, 500),
    edges=st.lists(st.integers(-100, 11_000), min_size=2, max_size=9, unique=True).map(sorted),
)
def test_no_label_window_of_a_training_row_touches_the_test_stretch(decided, span, embargo, edges):
    decided = np.array(sorted(decided))
    known = decided + span
    folds = walk_forward(decided, known, edges, embargo=embargo)
    assert [(fold.start, fold.end) for fold in folds] == list(itertools.pairwise(edges))
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


@given(decided=_instants, stretches=st.integers(1, 8))
def test_stretches_of_rows_cover_all_rows_in_order(decided, stretches):
    decided = np.array(sorted(decided))
    end = int(decided[-1]) + 1
    edges = row_edges(decided, end, stretches=stretches)
    assert list(edges) == sorted(set(edges))
    assert (edges[0], edges[-1]) == (decided[0], end)
    if len(set(decided.tolist())) == len(decided) >= stretches:
        sizes = [((decided >= a) & (decided < b)).sum() for a, b in itertools.pairwise(edges)]
        assert max(sizes) - min(sizes) <= 1


def test_months_without_rows_make_no_stretch():
    starts = [Month(2018, 2).start, Month(2020, 2).start, Month(2020, 3).start]
    decided = np.concatenate([np.arange(start, start + 50 * _HOUR, _HOUR) for start in starts])
    assert month_edges(decided, Month(2024, 12).start) == (*starts, Month(2024, 12).start)


def test_a_month_is_tested_by_what_earlier_months_knew():
    months = months_between(Month(2024, 1), Month(2024, 4))
    decided = np.arange(months[0].start, months[-1].end, _HOUR)
    known = decided + 4 * _HOUR
    edges = month_edges(decided, months[-1].end)
    folds = walk_forward(decided, known, edges[1:], embargo=0)
    assert [len(fold.test) for fold in folds] == [29 * 24, 31 * 24, 30 * 24]
    assert [len(fold.train) for fold in folds] == [31 * 24 - 3, 60 * 24 - 3, 91 * 24 - 3]
