"""Samples of returns as the statistics of luck accept them: finite, long enough, of one length."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trading_assets.domain.errors import DataError

Floats = NDArray[np.float64]

_ROUNDING = 1e-12
"""Of the largest value; what lies closer together is one number that was computed twice."""


def return_series(returns: ArrayLike, what: str, *, rows: int = 3) -> Floats:
    """Give returns as float64 of shape (T,).

    Args:
        returns: simple returns of equal periods, oldest first.
        what: the statistic that is lost when they will not do; the start of the error.
        rows: the least number of them.

    Raises:
        DataError: when they are not one-dimensional, too few, or one is NaN or infinite.
    """
    return _accepted(returns, what, f"one series of {rows} values or more", (rows,))


def return_matrix(returns: ArrayLike, what: str, *, rows: int = 3, columns: int = 1) -> Floats:
    """Give returns as float64 of shape (T, N), a column per trial.

    Raises:
        DataError: when they are not two-dimensional, too few, or one is NaN or infinite.
    """
    expected = f"{rows} rows or more (periods) and {columns} columns or more (trials)"
    return _accepted(returns, what, expected, (rows, columns))


def same_length(first: Floats, second: Floats, what: str) -> None:
    """Refuse samples of different numbers of periods.

    Raises:
        DataError: when they differ.
    """
    if first.shape[0] != second.shape[0]:
        raise DataError(
            what,
            expected="returns of the same periods on both sides",
            found=f"{first.shape[0]} and {second.shape[0]} of them",
            fix="Keep the periods that both have.",
        )


def is_constant(columns: Floats) -> NDArray[np.bool_]:
    """Tell of each column (or of one series) whether its rows are equal, but for rounding.

    A variance would not do: of equal numbers it is rarely 0.
    """
    largest = np.abs(columns).max(axis=0)
    constant: NDArray[np.bool_] = np.asarray(np.ptp(columns, axis=0) <= _ROUNDING * largest)
    return constant


def _accepted(returns: ArrayLike, what: str, expected: str, least: tuple[int, ...]) -> Floats:
    sample = np.asarray(returns, dtype=np.float64)
    if sample.ndim != len(least) or any(n < m for n, m in zip(sample.shape, least, strict=True)):
        raise DataError(what, expected=expected, found=f"shape {sample.shape}")
    unknown = sample.size - int(np.count_nonzero(np.isfinite(sample)))
    if unknown:
        raise DataError(
            what,
            expected="finite values",
            found=f"{unknown} of {sample.size} that are NaN or infinite",
            fix="Leave out the periods in which a value is unknown, for all trials alike.",
        )
    return sample
