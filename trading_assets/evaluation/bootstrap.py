"""Resampling of returns in blocks, which keeps their dependence: intervals and predicted bands.

D. N. Politis and J. P. Romano, The Stationary Bootstrap, Journal of the American Statistical
Association 89, 1994: blocks of random length (geometric, `block` rows in the mean) that start
anywhere and go round the end. The generator comes from the caller; the same seed gives the same
numbers, and the same rows as `arch.bootstrap.StationaryBootstrap`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.return_samples import (
    Floats,
    is_constant,
    return_series,
    same_length,
)
from trading_assets.evaluation.serial_correlation import autocovariances

_FEWEST_ROWS_FOR_A_BLOCK = 12
_LAGS_IN_A_ROW = 5
"""K_N of Politis and White: autocorrelations below the band one after the other end the search."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the percentile interval of its bootstrap distribution.

    Attributes:
        confidence: share of the distribution between `low` and `high`, as much below as above.
        block: mean block length in periods that was used.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    block: float


@dataclass(frozen=True, slots=True)
class PredictedReturn:
    """What the compound return over the next periods may be, if they are like those seen.

    Attributes:
        periods: how many are ahead.
        outcomes: compound returns as fractions, ascending, one per draw.
        block: mean block length in periods that was used.
    """

    periods: int
    outcomes: Floats
    block: float

    def quantile(self, share: float) -> float:
        """Give the return that a share of the outcomes, 0 to 1, does not exceed."""
        return float(np.quantile(self.outcomes, share))

    def share_below(self, seen: float) -> float:
        """Give the share of outcomes below a return that was seen; ties count half."""
        below = int(np.searchsorted(self.outcomes, seen, side="left"))
        not_above = int(np.searchsorted(self.outcomes, seen, side="right"))
        return (below + not_above) / (2.0 * self.outcomes.size)


def stationary_bootstrap(
    rows: int, *, rng: np.random.Generator, draws: int, block: float, length: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """Give, draw by draw, the numbers of the rows of a resample.

    Args:
        rows: of the sample.
        rng: seeded by the caller; moved on by two calls per draw.
        draws: how many resamples.
        block: mean length of a block in rows, 1 or more; 1 resamples rows by themselves.
        length: rows of a resample; as many as the sample has by default.

    Raises:
        DataError: for no rows, no draws, or a block shorter than one row.
    """
    size = rows if length is None else length
    if min(rows, size, draws) < 1 or not 1.0 <= block < math.inf:
        raise DataError(
            "No bootstrap",
            expected="a row, a draw and a mean block of one row, or more of each",
            found=f"{rows} rows, {size} to draw, {draws} draws, block {block}",
        )
    return (_resample(rows, size, block, rng) for _ in range(draws))


def optimal_block(returns: ArrayLike) -> float:
    """Give the mean block length, 1 or more, that suits the serial correlation of a series.

    (2 g^2 / d)^(1/3) T^(1/3), at most min(3 sqrt(T), T/3): D. N. Politis and H. White, Econometric
    Reviews 23(1), 2004, with the correction of A. Patton, D. N. Politis and H. White, 28(4), 2009;
    1 for a constant series.

    Raises:
        DataError: with fewer than 12 returns, or one that is NaN or infinite.
    """
    series = return_series(returns, "No block length", rows=_FEWEST_ROWS_FOR_A_BLOCK)
    if is_constant(series):
        return 1.0
    rows = series.size
    most_lags = math.ceil(math.sqrt(rows)) + _LAGS_IN_A_ROW
    covariances = autocovariances(series, most_lags)
    lags = min(most_lags, 2 * _first_quiet_lag(covariances, rows))
    lag = np.arange(1, lags + 1)
    flat_top = np.minimum(1.0, 2.0 * (1.0 - lag / lags)) * covariances[1 : lags + 1]
    slope = 2.0 * float(np.dot(flat_top, lag))
    spectrum = float(covariances[0] + 2.0 * flat_top.sum())
    longest = float(math.ceil(min(3.0 * math.sqrt(rows), rows / 3.0)))
    if spectrum == 0.0:
        return longest
    return min(longest, max(1.0, math.cbrt((slope / spectrum) ** 2 * rows)))


def mean_interval(
    returns: ArrayLike,
    *,
    confidence: float,
    rng: np.random.Generator,
    draws: int,
    block: float | None = None,
) -> Interval:
    """Give the mean return per period with its interval.

    Args:
        returns: simple returns, shape (T,).
        confidence: between 0 and 1, two-sided.
        rng: seeded by the caller.
        draws: resamples; 1,000 or more for a tail of 5 %.
        block: mean block length in periods; None takes `optimal_block`.

    Raises:
        DataError: with fewer than three returns (12 without a block), one that is NaN or infinite.
    """
    series = return_series(returns, "No interval of the mean return")
    return _interval(series, _mean, confidence, rng, draws, block)


def sharpe_interval(
    returns: ArrayLike,
    *,
    confidence: float,
    rng: np.random.Generator,
    draws: int,
    block: float | None = None,
) -> Interval:
    """Give the Sharpe ratio (n - 1) per period with its interval; arguments as `mean_interval`.

    A resample that does not vary counts as 0.

    Raises:
        DataError: as `mean_interval`; returns that do not vary.
    """
    series = return_series(returns, "No interval of the Sharpe ratio")
    if is_constant(series):
        raise DataError(
            "No interval of the Sharpe ratio",
            expected="returns that vary",
            found=f"{series.size} equal ones",
        )
    return _interval(series, _sharpe, confidence, rng, draws, block)


def mean_difference_interval(
    a: ArrayLike,
    b: ArrayLike,
    *,
    confidence: float,
    rng: np.random.Generator,
    draws: int,
    block: float | None = None,
) -> Interval:
    """Give the mean of a - b per period with its interval; paired: the same periods on both sides.

    Other arguments and errors as `mean_interval`; a DataError also when the lengths differ.
    """
    what = "No interval of the difference in return"
    first, second = return_series(a, what), return_series(b, what)
    same_length(first, second, what)
    return _interval(first - second, _mean, confidence, rng, draws, block)


def predicted_return(
    returns: ArrayLike,
    periods: int,
    *,
    rng: np.random.Generator,
    draws: int,
    block: float | None = None,
) -> PredictedReturn:
    """Give the distribution of the compound return over the next periods.

    Args:
        returns: simple returns, shape (T,), of periods as long as those ahead.
        periods: how many are ahead, 1 or more; more than T are allowed, and say less.
        rng: seeded by the caller.
        draws: outcomes; 10,000 or more for a quantile of 1 %.
        block: mean block length in periods; None takes `optimal_block`.

    Raises:
        DataError: as `mean_interval`; no period ahead.
    """
    series = return_series(returns, "No predicted return")
    used = optimal_block(series) if block is None else block
    resamples = stationary_bootstrap(series.size, rng=rng, draws=draws, block=used, length=periods)
    outcomes = np.array([np.prod(1.0 + series[rows]) for rows in resamples]) - 1.0
    return PredictedReturn(periods, np.sort(outcomes), used)


def _resample(rows: int, length: int, block: float, rng: np.random.Generator) -> NDArray[np.int64]:
    starts = rng.integers(rows, size=length)
    begins = rng.random(length) <= 1.0 / block
    at = np.arange(length)
    # The row that began the block each is in; the first row of all begins one anyway.
    since = np.maximum.accumulate(np.where(begins, at, 0))
    return (starts[since] + at - since) % rows


def _first_quiet_lag(covariances: Floats, rows: int) -> int:
    """Give the first lag from which a run of autocorrelations is within the band of noise."""
    band = 2.0 * math.sqrt(math.log10(rows) / rows)
    quiet = np.abs(covariances[1:-1] / covariances[0]) < band
    runs = np.flatnonzero(sliding_window_view(quiet, _LAGS_IN_A_ROW).all(axis=1))
    return int(runs[0]) + 1 if runs.size else covariances.size - 1


def _interval(
    series: Floats,
    statistic: Callable[[Floats], float],
    confidence: float,
    rng: np.random.Generator,
    draws: int,
    block: float | None,
) -> Interval:
    if not 0.0 < confidence < 1.0:
        raise DataError(
            "No interval", expected="a confidence between 0 and 1", found=str(confidence)
        )
    used = optimal_block(series) if block is None else block
    resamples = stationary_bootstrap(series.size, rng=rng, draws=draws, block=used)
    found = np.array([statistic(series[rows]) for rows in resamples])
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(found, (tail, 1.0 - tail))
    return Interval(statistic(series), float(low), float(high), confidence, used)


def _mean(sample: Floats) -> float:
    return float(sample.mean())


def _sharpe(sample: Floats) -> float:
    return 0.0 if is_constant(sample) else float(sample.mean() / sample.std(ddof=1))
