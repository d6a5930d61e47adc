"""Whether the best of many trials beats a benchmark, and which do: the tests SPA and StepM.

Both take RETURNS, larger is better; what counts is the difference of a trial's return from the
benchmark's, period by period. They bootstrap all trials by the same rows, so correlation among them
needs no correction: a thousand copies of one trial are one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.bootstrap import optimal_block, stationary_bootstrap
from trading_assets.evaluation.return_samples import (
    Floats,
    is_constant,
    return_matrix,
    return_series,
    same_length,
)
from trading_assets.evaluation.serial_correlation import autocovariances

_DRAWS_AT_ONCE = 256
_COLUMNS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Spa:
    """P-values of the hypothesis that no trial is better than the benchmark, and what they rest on.

    Attributes:
        lower: only trials at least as good as the benchmark count; too small in small samples.
        consistent: those count that are not clearly worse; the one to use.
        upper: all count, as in White's Reality Check; bad trials make it larger.
        statistic: the largest difference in mean return, studentised when asked; at least 0.
        best: column of the trial that has it; None when no trial is better.
        block: mean block length in periods that was used.
    """

    lower: float
    consistent: float
    upper: float
    statistic: float
    best: int | None
    block: float


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Mean differences of the trials that differ from the benchmark, and their resamples.

    Attributes:
        columns: numbers of those trials.
        means: their mean differences, studentised when asked.
        is_near: whether each is not clearly worse than the benchmark.
        drawn: the same differences in the resamples, shape (draws, trials).
        block: mean block length in periods that was used.
    """

    columns: NDArray[np.int64]
    means: Floats
    is_near: NDArray[np.bool_]
    drawn: Floats
    block: float


def superior_predictive_ability(
    models: ArrayLike,
    benchmark: ArrayLike,
    *,
    rng: np.random.Generator,
    draws: int,
    block: float | None = None,
    studentise: bool = True,
) -> Spa:
    """Test whether the best trial is better than the benchmark, given that the best was picked.

    P. R. Hansen, A Test for Superior Predictive Ability, Journal of Business & Economic Statistics
    23(4), 2005. The statistic is max(0, max over k of sqrt(T) d_k / omega_k), with omega^2 the
    variance that the stationary bootstrap itself implies; a p-value is the share of resamples whose
    statistic is as large. It is 1 when no trial has a better mean. `arch.bootstrap.SPA` is not
    studentised (8.0.0) and does not stop at 0.

    Args:
        models: returns, shape (T, N), a column per trial.
        benchmark: returns, shape (T,), of the same periods; zeros for cash.
        rng: seeded by the caller.
        draws: resamples, 1,000 or more for a p-value near 0.05.
        block: mean block length in periods; None takes the mean of `optimal_block` of the
            differences.
        studentise: divide each mean difference by its standard deviation, as Hansen advises.

    Raises:
        DataError: with fewer than 12 rows, a NaN, lengths that differ, or a trial whose difference
            from the benchmark is constant and not 0. A trial equal to the benchmark is left out.
    """
    found = _compare(models, benchmark, rng, draws, block, studentise)
    if not found.columns.size or found.means.max() <= 0.0:
        return Spa(1.0, 1.0, 1.0, 0.0, None, found.block)
    statistic = float(found.means.max())
    lower, consistent, upper = (
        float(np.mean((found.drawn - centre).max(axis=1) >= statistic))
        for centre in (
            np.maximum(found.means, 0.0),
            np.where(found.is_near, found.means, 0.0),
            found.means,
        )
    )
    best = int(found.columns[found.means.argmax()])
    return Spa(lower, consistent, upper, statistic, best, found.block)


def step_m(
    models: ArrayLike,
    benchmark: ArrayLike,
    *,
    rng: np.random.Generator,
    draws: int,
    block: float | None = None,
    size: float = 0.05,
    studentise: bool = True,
) -> tuple[int, ...]:
    """Give the columns of the trials that are better than the benchmark, ascending.

    With a probability of at most `size` one of them is not. J. P. Romano and M. Wolf, Stepwise
    Multiple Testing as Formalized Data Snooping, Econometrica 73(4), 2005: those above the critical
    value are taken out and the rest is tested again, until none is above. Differences are centred
    as for the consistent p-value of SPA, like `arch.bootstrap.StepM`.

    Other arguments and errors as `superior_predictive_ability`; a DataError for another size.
    """
    if not 0.0 < size < 1.0:
        raise DataError("No StepM", expected="a size between 0 and 1", found=str(size))
    found = _compare(models, benchmark, rng, draws, block, studentise)
    noise = found.drawn - np.where(found.is_near, found.means, 0.0)
    is_left = np.ones(found.means.size, dtype=np.bool_)
    while is_left.any():
        critical = max(0.0, float(np.quantile(noise[:, is_left].max(axis=1), 1.0 - size)))
        is_better = is_left & (found.means > critical)
        if not is_better.any():
            break
        is_left &= ~is_better
    return tuple(int(column) for column in np.sort(found.columns[~is_left]))


def _compare(
    models: ArrayLike,
    benchmark: ArrayLike,
    rng: np.random.Generator,
    draws: int,
    block: float | None,
    studentise: bool,
) -> _Comparison:
    what = "No test of superior ability"
    returns = return_matrix(models, what, rows=12)
    against = return_series(benchmark, what, rows=12)
    same_length(returns, against, what)
    differences = returns - against[:, None]
    columns = _that_differ(differences, what)
    differences = differences[:, columns]
    if block is None:
        block = float(np.mean([optimal_block(column) for column in differences.T] or [1.0]))
    rows = differences.shape[0]
    drawn = _resampled_means(differences, rng, draws, block)
    means = differences.mean(axis=0)
    deviation = np.sqrt(_variance_of_mean(differences, block))
    scale = deviation if studentise else np.ones_like(deviation)
    is_near = means >= -deviation * math.sqrt(2.0 * math.log(math.log(rows)))
    return _Comparison(columns, means / scale, is_near, drawn / scale, block)


def _that_differ(differences: Floats, what: str) -> NDArray[np.int64]:
    constant = is_constant(differences)
    shifted = np.flatnonzero(constant & (differences[0] != 0.0))
    if shifted.size:
        raise DataError(
            what,
            expected="trials that differ from the benchmark by more than a constant",
            found=f"column {shifted[0]}: {differences[0, shifted[0]]} in every period",
        )
    return np.flatnonzero(~constant)


def _resampled_means(
    differences: Floats, rng: np.random.Generator, draws: int, block: float
) -> Floats:
    """Give the mean of each column in each resample, shape (draws, N).

    How often each row was drawn, times the rows: a matrix product instead of copies of the sample.
    """
    rows = differences.shape[0]
    resamples = stationary_bootstrap(rows, rng=rng, draws=draws, block=block)
    means = np.empty((draws, differences.shape[1]))
    for first in range(0, draws, _DRAWS_AT_ONCE):
        times = [
            np.bincount(drawn, minlength=rows)
            for _, drawn in zip(range(min(_DRAWS_AT_ONCE, draws - first)), resamples, strict=False)
        ]
        means[first : first + len(times)] = np.array(times, dtype=np.float64) @ differences / rows
    return means


def _variance_of_mean(differences: Floats, block: float) -> Floats:
    """Give the variance of the mean of each column under the stationary bootstrap, shape (N,).

    (1/T) (c_0 + 2 sum of kernel_i c_i), kernel_i = (1 - i/T) (1 - p)^i + (i/T) (1 - p)^(T - i),
    p = 1 / block. Politis and Romano 1994, lemma 1; Hansen 2005.
    """
    rows = differences.shape[0]
    lag = np.arange(1, rows)
    stay = 1.0 - 1.0 / block
    kernel = (1.0 - lag / rows) * stay**lag + (lag / rows) * stay ** (rows - lag)
    weights = np.concatenate(([1.0], 2.0 * kernel)) / rows
    parts = [
        weights @ autocovariances(differences[:, first : first + _COLUMNS_AT_ONCE], rows - 1)
        for first in range(0, differences.shape[1], _COLUMNS_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.empty(0)
