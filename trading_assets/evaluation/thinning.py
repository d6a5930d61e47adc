"""Fewer rows of a long table for a picture, with no extreme of any column left out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def kept_rows(columns: Sequence[NDArray[np.float64]], points: int) -> NDArray[np.int64]:
    """Choose rows: of every stretch of equally many the extremes of each column, and both ends.

    Args:
        columns: float64 (n,) each, without NaN.
        points: rows at most; too few for both ends and the extremes, the ends alone.

    Returns:
        int64, ascending; all rows where they are few enough.
    """
    size = len(columns[0])
    if size <= points:
        return np.arange(size, dtype=np.int64)
    stretches = (points - 2) // (2 * len(columns))
    if stretches < 1:
        return np.array([0, size - 1])
    bounds = [*range(0, size, -(-size // stretches)), size]
    picked = {0, size - 1}
    for start, end in pairwise(bounds):
        for column in columns:
            part = column[start:end]
            picked |= {start + int(part.argmin()), start + int(part.argmax())}
    return np.array(sorted(picked), dtype=np.int64)
