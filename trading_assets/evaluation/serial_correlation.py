"""Returns that depend on those before: autocovariances, and a Sharpe ratio annualised by them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.return_samples import Floats, is_constant, return_series


def autocovariances(columns: Floats, lags: int) -> Floats:
    """Give the sample autocovariances of lags 0 to `lags`, over T at every lag.

    Args:
        columns: shape (T,) or (T, N), finite.
        lags: below T.

    Returns:
        Shape (lags + 1,) or (lags + 1, N).
    """
    rows = columns.shape[0]
    padded = 1 << (rows + lags).bit_length()
    spectrum = np.fft.rfft(columns - columns.mean(axis=0), n=padded, axis=0)
    found: Floats = np.fft.irfft(np.abs(spectrum) ** 2, n=padded, axis=0)[: lags + 1] / rows
    return found


def autocorrelations(returns: ArrayLike, lags: int) -> Floats:
    """Give the sample autocorrelations of lags 1 to `lags`, shape (lags,).

    Raises:
        DataError: with no more returns than lags, one that is NaN or infinite, or no variance.
    """
    what = "No serial correlation of the returns"
    series = return_series(returns, what, rows=max(3, lags + 1))
    if is_constant(series):
        raise DataError(what, expected="returns that vary", found=f"{series.size} equal ones")
    covariances = autocovariances(series, lags)
    return np.asarray(covariances[1:] / covariances[0])


def lo_factor(correlations: ArrayLike, periods: int) -> float:
    """Give eta(q), by which the Sharpe ratio per period becomes that of q periods together.

    eta(q) = q / sqrt(q + 2 sum over k < q of (q - k) rho_k): sqrt(q) without serial correlation,
    less when returns follow those before. A. W. Lo, The Statistics of Sharpe Ratios, Financial
    Analysts Journal 58(4), 2002, equation 20.

    Args:
        correlations: autocorrelations of lags 1, 2, ...; those that are not given are 0, those of
            lag q and more do not count.
        periods: q, periods per year when it is to be annualised.

    Raises:
        DataError: for correlations that no returns can have together, or q below 1.
    """
    rho = np.asarray(correlations, dtype=np.float64)[: max(0, periods - 1)]
    variance = periods + 2.0 * float(np.dot(periods - 1.0 - np.arange(rho.size), rho))
    if periods < 1 or not 0.0 < variance < math.inf:
        raise DataError(
            "No Sharpe ratio over several periods",
            expected="one period or more, and autocorrelations that leave their sum a variance",
            found=f"{periods} periods, {rho.size} autocorrelations, variance {variance}",
            fix="Use fewer lags.",
        )
    return periods / math.sqrt(variance)


def annualisation_factor(
    returns: ArrayLike, periods_per_year: int, *, lags: int | None = None
) -> float:
    """Give what a Sharpe ratio per period is multiplied by for a year, serial correlation and all.

    `lo_factor` of the autocorrelations that are seen in `returns`. All T - 1 of a sample always sum
    to -1/2, so only a few lags can be used.

    Args:
        returns: simple returns of equal periods, shape (T,).
        periods_per_year: 365 for days of markets that never close.
        lags: how many are estimated; by default floor(4 (T / 100)^(2/9)), the rule of Newey and
            West 1994.

    Raises:
        DataError: see `autocorrelations` and `lo_factor`.
    """
    if lags is None:
        lags = int(4.0 * (np.size(returns) / 100.0) ** (2.0 / 9.0))
    return lo_factor(autocorrelations(returns, lags), periods_per_year)
