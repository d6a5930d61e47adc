"""Whole lots."""

import numpy as np
import pytest

from trading_assets.risk import sizing

whole_lots = sizing.whole_lots.py_func


@pytest.mark.parametrize(
    ("quantity", "lot", "lots"),
    [
        (0.1 + 0.2, 0.1, 3),
        (3 * 0.2, 0.2, 3),
        (0.29999999, 0.1, 2),
        (1.0, 0.00001, 100_000),
        (100_000 * 0.00001, 0.00001, 100_000),
        (0.0, 0.001, 0),
        (0.0009999, 0.001, 0),
        (435 * 0.01, 0.01, 435),  # whose quotient is 434.99999999999994
        (1e-8, 1e-8, 1),
    ],
)
def test_a_quotient_that_falls_just_short_is_looked_at_twice(quantity, lot, lots):
    assert whole_lots(quantity, lot) == lots


def test_there_is_no_epsilon():
    """A computed size below a whole number of lots stays below it, by however little."""
    assert whole_lots(0.3, 0.1) == 2  # the float 0.3 is less than three times the float 0.1
    assert whole_lots(np.nextafter(5.0, 0.0), 1.0) == 4
