"""How far stated confidences are from what came, without what chance adds, and for certain.

The mean distance between the curve of `forecasting.reliability` and the diagonal is never zero: in
ten bins of finitely many outcomes even a perfect confidence is off by chance (Kumar, Liang and Ma
2019, Verified Uncertainty Calibration), the more the fewer are independent. Here the side on which
a bin is off is taken from other times than those on which it is measured:

| figure | formula |
|---|---|
| distance of a row | side of its bin x (confidence - 1 if it came true, else 0) |
| side of a bin | sign of the mean of confidence - outcome, over the blocks of other folds |
| error | mean distance; its mean is 0 for a perfect confidence, and never above the true error |
| least error | error - what chance alone reaches: a quantile over draws that flip whole blocks |

A draw is the same statistic on what is left of each block when the error of each bin is taken out,
with a sign per block by chance (a wild bootstrap, Wu 1986). Blocks are of a day, or of five
horizons where those are longer: overlapping returns, and days that are alike, fall into one. Folds
are five spans of time; blocks beside a fold give no side in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Micros
from trading_assets.forecasting.scores import Floats

_BINS = 10
_FOLDS = 5
_HORIZONS = 5
_LEAST_BLOCKS = 20
"""Of fewer, nobody can tell chance."""

_DRAWS = 1_000
_SEED = 7
"""The same outcomes give the same error."""


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """A mean distance between confidence and hit rate, 0 to 1.

    Attributes:
        error: without what chance adds; 0 where chance explains it all.
        least: one-sided lower bound of the true error.
        rows: forecasts.
        blocks: of time, nearly independent of each other.
    """

    error: float
    least: float
    rows: int
    blocks: int


def calibration_error(
    days: NDArray[np.int64],
    stated: Floats,
    right: NDArray[np.bool_],
    *,
    horizon: Micros,
    confidence: float,
) -> CalibrationError | None:
    """Measure it on outcomes.

    Args:
        days: int64[n], start of the UTC day on which each outcome was known, microseconds.
        stated: float64[n], confidences, 0 to 1.
        right: whether each direction came true.
        horizon: of the forecasts.
        confidence: that the true error is at least `least`, above 0.5.

    Returns:
        None with fewer than 20 blocks: then nothing is known.
    """
    length = -(-max(DAY, _HORIZONS * horizon) // DAY) * DAY
    _, block = np.unique(days // length, return_inverse=True)
    blocks = int(block.max()) + 1 if len(block) else 0
    if blocks < _LEAST_BLOCKS:
        return None
    edges = np.unique(np.quantile(stated, np.linspace(0.0, 1.0, _BINS + 1)[1:-1], method="higher"))
    bins = len(edges) + 1
    cell = block * bins + np.searchsorted(edges, stated, side="right")
    apart = np.bincount(cell, stated - right, minlength=blocks * bins).astype(np.float64)
    apart = apart.reshape(blocks, bins)
    counts = np.bincount(cell, minlength=blocks * bins).reshape(blocks, bins)
    rows = len(stated)
    error = float(_distances(apart, np.ones((1, blocks)))[0]) / rows
    left = apart - counts * (apart.sum(axis=0) / np.maximum(counts.sum(axis=0), 1))
    signs = np.random.default_rng(_SEED).choice((-1.0, 1.0), size=(_DRAWS, blocks))
    chance = float(np.quantile(_distances(left, signs), confidence)) / rows
    return CalibrationError(max(error, 0.0), max(error - chance, 0.0), rows, blocks)


def _distances(apart: Floats, signs: Floats) -> Floats:
    """Sum distances over all rows, once for each row of signs.

    Args:
        apart: float64[blocks, bins], sums of confidence less outcome.
        signs: float64[draws, blocks].
    """
    blocks = len(apart)
    total = np.zeros(len(signs))
    for fold in np.array_split(np.arange(blocks), _FOLDS):
        beyond = np.r_[0 : max(fold[0] - 1, 0), min(fold[-1] + 2, blocks) : blocks]
        sides = np.sign(_summed(signs[:, beyond], apart[beyond]))
        total += np.sum(sides * _summed(signs[:, fold], apart[fold]), axis=1)
    return total


def _summed(signs: Floats, apart: Floats) -> Floats:
    """Sum over blocks; no linear algebra library, whose bits depend on its threads."""
    return np.asarray(np.einsum("db,bk->dk", signs, apart))
