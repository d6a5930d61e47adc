"""Whether columns of bars are sound, looked at block by block: no step leaves the cache."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCK = 1 << 13
"""Bars that are looked at together: a column of them is 64 KiB."""


def smallest_step(ts: NDArray[np.int64]) -> int:
    """Give the smallest difference of neighbours in int64 (T,), 0 with fewer than two."""
    starts = range(0, len(ts) - 1, BLOCK)
    return min((int(np.diff(ts[at : at + BLOCK + 1]).min()) for at in starts), default=0)


def are_ascending(ts: NDArray[np.int64]) -> bool:
    """Tell whether times, int64 (T,), strictly increase."""
    return len(ts) < 2 or smallest_step(ts) > 0


def are_whole(open_: Floats, high: Floats, low: Floats, close: Floats) -> bool:
    """Tell whether 0 < low <= open, close <= high < infinity in each bar of float64 (T,).

    A bar that is absent (NaN) is not whole.
    """
    for begin in range(0, len(close), BLOCK):
        block = slice(begin, begin + BLOCK)
        lowest, highest, first, last = low[block], high[block], open_[block], close[block]
        # Smallest and largest are NaN where anything is, and nothing compares with NaN.
        within = (np.minimum(first, last) >= lowest) & (np.maximum(first, last) <= highest)
        if not (within.all() and lowest.min() > 0.0 and highest.max() < np.inf):
            return False
    return True


def are_amounts(values: Floats) -> bool:
    """Tell whether each of float64 (T,) is a finite number of 0 or more."""
    for begin in range(0, len(values), BLOCK):
        part = values[begin : begin + BLOCK]
        if not ((part >= 0.0) & (part < np.inf)).all():
            return False
    return True
