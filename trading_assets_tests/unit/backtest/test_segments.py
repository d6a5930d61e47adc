"""Holes in the data."""

import pytest

from trading_assets.backtest.segments import Hole, holes
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import DataError


def test_a_hole_is_measured_by_the_time_that_is_missing(bars_at):
    bars = bars_at([10, 15, 20, 35, 40])  # 25 and 30 are missing: ten minutes

    assert holes(bars, 10 * MINUTE) == ()
    assert holes(bars, 10 * MINUTE - 1) == (Hole(0, 2, 25 * MINUTE, 35 * MINUTE),)


def test_each_symbol_is_looked_at_alone(bars_at):
    bars = bars_at([5, 10, 15, 20, 25], missing=((), (10, 15, 20)))

    assert holes(bars, 5 * MINUTE) == (Hole(1, 0, 10 * MINUTE, 25 * MINUTE),)


def test_a_late_start_and_an_early_end_are_no_holes(bars_at):
    bars = bars_at([5, 10, 15, 20, 25], missing=((), (5, 10, 20, 25)))

    assert holes(bars, 0) == ()


def test_holes_come_in_the_order_of_their_rows(bars_at):
    bars = bars_at([5, 10, 15, 20, 25, 30], missing=((20,), (10,)))

    assert [(h.row, h.symbol_index) for h in holes(bars, 0)] == [(0, 1), (2, 0)]


def test_one_bar_has_no_size(bars_at):
    assert holes(bars_at([5]), 0) == ()


def test_a_negative_hole_makes_no_sense(bars_at):
    with pytest.raises(DataError, match="max_hole"):
        holes(bars_at([5]), -1)
