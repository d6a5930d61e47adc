"""The probability of backtest overfitting (PBO) by combinatorially symmetric cross-validation.

Bailey, Borwein, Lopez de Prado and Zhu, The Probability of Backtest Overfitting, Journal of
Computational Finance 20(4), 2017. The rows of a matrix of returns, a column per trial, are cut into
S blocks. For each choice of S/2 of them, the trial that is best in them is looked up in the others:
where it ranks in the lower half there, choosing by backtest was no help.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.return_samples import Floats, is_constant, return_matrix

MOST_BLOCKS = 20
"""184,756 splits; each two more blocks make it four times as many."""

_VALUES_AT_ONCE = 1 << 20
"""Sharpe ratios of one half that are in memory at a time: 8 MB each of some ten arrays."""

_NO_VARIANCE = 1e-12
"""A variance below this share of the mean square is what rounding left of zero."""


@dataclass(frozen=True, slots=True)
class Cscv:
    """What all splits together say; arrays have one element per split.

    Attributes:
        pbo: share of splits whose logit is 0 or less.
        slope: of a line through (in_sample, out_of_sample); None when the first does not vary.
        loss_probability: share of splits in which the chosen trial lost out of sample.
        logits: ln(w / (1 - w)), w = rank of the chosen trial out of sample / (N + 1), 1 the worst.
        in_sample: Sharpe ratio of the chosen trial where it was chosen, per period.
        out_of_sample: its Sharpe ratio in the other half.
        rows: how many rows were used: the oldest T mod S are left out.
    """

    pbo: float
    slope: float | None
    loss_probability: float
    logits: Floats
    in_sample: Floats
    out_of_sample: Floats
    rows: int

    def histogram(self, bins: int = 40) -> tuple[NDArray[np.int64], Floats]:
        """Give how many logits are in each of `bins` equal intervals, and their bins + 1 edges."""
        counts, edges = np.histogram(self.logits, bins=bins)
        return counts.astype(np.int64), edges.astype(np.float64)


def cscv(matrix: ArrayLike, blocks: int = 16) -> Cscv:
    """Give the probability of overfitting and what goes with it, by Sharpe ratios (n - 1).

    In a half in which a trial does not vary its Sharpe ratio is 0: it did not trade there. Trials
    that are equal in a half are one trial: among the best, their mean rank and Sharpe ratio out of
    sample count; in a rank, each tie counts half. So the order of the columns does not matter, to
    the bit. On noise PBO is about one half with a wide spread: one value below it proves nothing.

    Args:
        matrix: returns of shape (T, N), oldest first, of the same periods for all trials.
        blocks: S, even, 2 to 20; C(S, S/2) splits.

    Raises:
        DataError: with fewer than two rows in a block or two columns, a value that is NaN or
            infinite, no column that varies, or another number of blocks.
    """
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise DataError(
            "No probability of overfitting",
            expected=f"an even number of blocks from 2 to {MOST_BLOCKS}",
            found=str(blocks),
        )
    what = "No probability of overfitting"
    returns = return_matrix(matrix, what, rows=2 * blocks, columns=2)
    if is_constant(returns).all():
        raise DataError(what, expected="a trial whose returns vary", found="none")
    inside, outside, rank = _all_splits(returns, blocks)
    share = rank / (returns.shape[1] + 1.0)
    logits = np.log(share / (1.0 - share))
    return Cscv(
        pbo=float(np.mean(logits <= 0.0)),
        slope=_slope(inside, outside),
        loss_probability=float(np.mean(outside < 0.0)),
        logits=logits,
        in_sample=inside,
        out_of_sample=outside,
        rows=blocks * (returns.shape[0] // blocks),
    )


def _all_splits(returns: Floats, blocks: int) -> tuple[Floats, Floats, Floats]:
    """Give, per split, the chosen trial's Sharpe ratio in and out of sample and its rank there."""
    forward, backward = [], []
    for first, second in _halves(returns, blocks):
        forward.append(_chosen(first, second))
        backward.append(_chosen(second, first))
    # In the order of combinations the k-th split from the end is the k-th with halves exchanged.
    inside, outside, rank = np.concatenate(
        [np.concatenate(forward, axis=1), np.concatenate(backward, axis=1)[:, ::-1]], axis=1
    )
    return inside, outside, rank


def _halves(returns: Floats, blocks: int) -> Iterator[tuple[Floats, Floats]]:
    """Give the Sharpe ratios in both halves of the splits whose first half has the first block.

    Each pair is of shape (some splits, N); the order is that of `itertools.combinations`.
    """
    height, trials = returns.shape[0] // blocks, returns.shape[1]
    used = returns[returns.shape[0] - blocks * height :].reshape(blocks, height, trials)
    sums, squares = used.sum(axis=1), (used**2).sum(axis=1)
    splits = combinations(range(1, blocks), blocks // 2 - 1)
    at_once = max(1, _VALUES_AT_ONCE // trials)
    while some := list(islice(splits, at_once)):
        first = np.array([(0, *others) for others in some])
        is_second = np.ones((len(some), blocks), dtype=np.bool_)
        np.put_along_axis(is_second, first, False, axis=1)
        second = np.nonzero(is_second)[1].reshape(first.shape)
        rows = height * (blocks // 2)
        yield _sharpe(sums, squares, first, rows), _sharpe(sums, squares, second, rows)


def _sharpe(sums: Floats, squares: Floats, half: NDArray[np.int64], rows: int) -> Floats:
    """Give the Sharpe ratios of shape (splits, N) over the blocks of each row of `half`.

    The blocks are added one after the other and not by a matrix product, whose bits may depend on a
    column's position: trials that are equal must tie.
    """
    total, square = sums[half[:, 0]], squares[half[:, 0]]
    for block in half.T[1:]:
        total += sums[block]
        square += squares[block]
    mean = total / rows
    variance = (square - total * mean) / (rows - 1)
    flat = variance <= _NO_VARIANCE * square / rows
    ratio: Floats = np.where(flat, 0.0, mean / np.sqrt(np.where(flat, 1.0, variance)))
    return ratio


def _chosen(inside: Floats, outside: Floats) -> Floats:
    """Give of the best trial of each row of `inside`: its ratio, the one outside, its rank there.

    Shape (3, splits). Ranks are 1 to N; ties share the mean of theirs.
    """
    rows = np.arange(inside.shape[0])
    best = inside.max(axis=1)
    there = outside[rows, inside.argmax(axis=1)]
    rank = _rank(outside, there)
    for row in np.flatnonzero((inside == best[:, None]).sum(axis=1) > 1):
        equals = np.sort(outside[row, inside[row] == best[row]])
        there[row] = equals.mean()
        rank[row] = np.mean([_rank(outside[row][None], value[None])[0] for value in equals])
    return np.stack([best, there, rank])


def _rank(values: Floats, value: Floats) -> Floats:
    """Give the rank of `value`, one per row, among its row of `values`."""
    below = np.count_nonzero(values < value[:, None], axis=1)
    equal = np.count_nonzero(values == value[:, None], axis=1)
    return np.asarray(below + (equal + 1) / 2.0, dtype=np.float64)


def _slope(inside: Floats, outside: Floats) -> float | None:
    """Give the slope of the least squares line; None when `inside` does not vary."""
    if np.ptp(inside) == 0.0:
        return None
    centred = inside - inside.mean()
    return float(np.dot(centred, outside - outside.mean()) / np.dot(centred, centred))
