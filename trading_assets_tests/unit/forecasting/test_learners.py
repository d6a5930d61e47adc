import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.forecasting.learners import BoostedTrees, Rows, fitted, predictor_from_text

_ROWS = Rows(("a", "b", "c"), np.random.default_rng(0).normal(size=(1_000, 3)))


def test_trees_learn_from_their_columns_and_are_read_by_what_they_are():
    trees = BoostedTrees({"seed": 1}, 5, ("c", "a"), threads=1)
    model = fitted(trees, _ROWS, _ROWS.x[:, 2])
    assert predictor_from_text(model.text).features == ("c", "a")
    assert np.corrcoef(model.predict(_ROWS), _ROWS.x[:, 2])[0, 1] > 0.9


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(DataError, match="do not have"):
        _ROWS.select(("a", "z"))
