"""Drift: how far a column has moved from where it was learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from trading_assets.domain.errors import DataError

MOVED = 0.25
"""An index above it says that a column has moved."""

FLOOR = 1e-4
"""Share that an empty bin counts as, so that its logarithm is finite."""

_UNKNOWN = "The stability of a column cannot be measured"


def population_stability_index(
    reference: ArrayLike | pl.Series, current: ArrayLike | pl.Series, *, bins: int = 10
) -> float:
    """Give the population stability index: sum over bins of (c - r) * ln(c / r).

    Bins are cut at the quantiles 1/bins, 2/bins, ... of the known reference values; a value that
    fills a bin alone (a spike, such as 0 where nothing happened) is a bin of its own. Null
    and NaN are one bin more. `r` and `c` are the shares of all rows in a bin, at least FLOOR.

    Below 0.1 is usually called stable, above 0.25 moved (Siddiqi 2006, Credit Risk Scorecards).
    It is an effect size, not a test: rows of one day hang together, so that months of a slow
    column differ much without anything being wrong.

    Args:
        reference: values that count as normal, numbers; null or NaN is unknown.
        current: values to compare with them.
        bins: of the known values, at least 2.

    Returns:
        At least 0; 0 for equal shares.

    Raises:
        DataError: if one side has no rows, or fewer than 2 bins are asked for.
    """
    before, now = (_floats(values) for values in (reference, current))
    if bins < 2:
        raise DataError(_UNKNOWN, expected="at least 2 bins", found=str(bins))
    if not len(before) or not len(now):
        found = f"{len(before)} of reference, {len(now)} current"
        raise DataError(_UNKNOWN, expected="rows on both sides", found=found)
    edges = _edges(before[~np.isnan(before)], bins)
    r, c = (np.maximum(_shares(values, edges), FLOOR) for values in (before, now))
    return float(np.sum((c - r) * np.log(c / r)))


def _floats(values: ArrayLike | pl.Series) -> NDArray[np.float64]:
    """Give values as floats, null as NaN."""
    if isinstance(values, pl.Series):
        return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.asarray(values, dtype=np.float64).ravel()


def _edges(known: NDArray[np.float64], bins: int) -> NDArray[Any]:
    """Give the largest value of every bin but the last; two edges around a spike."""
    if not len(known):
        return np.empty(0)
    cuts = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf"))
    spikes = [cut for cut in cuts if np.mean(known == cut) >= 1 / bins]
    return np.unique([*cuts, *np.nextafter(spikes, -np.inf)])


def _shares(values: NDArray[np.float64], edges: NDArray[Any]) -> NDArray[np.float64]:
    """Give the share of all rows in each bin, the unknown ones last."""
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return np.append(counts, len(values) - len(known)) / len(values)
