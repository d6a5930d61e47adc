"""skfolio's combinatorial purged cross-validation gives the same splits and the same paths."""

import numpy as np
import pytest

from trading_assets.forecasting.cross_validation import (
    combinatorial_purged,
    num_paths,
    path_numbers,
)

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def judge():
    return pytest.importorskip("skfolio.model_selection").CombinatorialPurgedCV


def test_six_groups_of_which_two_are_tested_make_fifteen_splits_and_five_paths(judge):
    """O16."""
    decided = np.arange(240)
    splits = combinatorial_purged(decided, decided + 1, groups=6, tested=2, embargo=0)
    theirs = judge(n_folds=6, n_test_folds=2)
    assert (len(splits), num_paths(6, 2)) == (15, 5) == (theirs.n_splits, theirs.n_test_paths)


@pytest.mark.parametrize(("groups", "tested"), [(6, 2), (5, 3), (8, 2), (10, 8)])
@pytest.mark.parametrize(("span", "embargo"), [(1, 0), (4, 0), (3, 5), (13, 2)])
def test_the_same_rows_are_learned_from_and_tested(judge, groups, tested, span, embargo):
    """One row per instant: a label that spans n rows purges n - 1 of them on either side."""
    n = 60 * groups
    decided = np.arange(n)
    ours = combinatorial_purged(
        decided, decided + span, groups=groups, tested=tested, embargo=embargo
    )
    theirs = judge(n_folds=groups, n_test_folds=tested, purged_size=span - 1, embargo_size=embargo)
    found = list(theirs.split(np.zeros((n, 1))))
    assert len(found) == len(ours)
    for split, (train, test) in zip(ours, found, strict=True):
        assert split.train.tolist() == sorted(train.tolist())
        assert split.test.tolist() == sorted(np.concatenate(test).tolist())
    paths = theirs.get_path_ids()
    assert [list(of.values()) for of in path_numbers(ours)] == paths.tolist()
