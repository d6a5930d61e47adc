"""Performance metrics: one definition each, with its formula and source.

Conventions. A return series holds simple returns of equal periods; annualising multiplies by
`periods_per_year` (365 daily periods for markets that never close, 252 for exchanges with
sessions). Standard deviations are sample ones (n - 1). A NaN return is a period without a value: it
counts as time that passed, and in nothing else (the convention of empyrical). What is not defined
(no trades, no variance) is None, never infinity or a made-up number. Fractions are plain (0.1 is
10 %); names that end in `_pct` are percent.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trading_assets.domain.bar import DAY

CRYPTO_DAYS_PER_YEAR = 365
SESSION_DAYS_PER_YEAR = 252


def simple_returns(values: ArrayLike) -> NDArray[np.float64]:
    """Give v[t] / v[t-1] - 1 of a value series; one element shorter than `values`."""
    series = np.asarray(values, dtype=np.float64)
    return series[1:] / series[:-1] - 1.0


def cumulative_return(returns: ArrayLike) -> float:
    """Give prod(1 + r) - 1; 0 for an empty series."""
    return float(np.prod(1.0 + _known(returns)) - 1.0)


def annual_return(returns: ArrayLike, periods_per_year: float) -> float | None:
    """Give the compound annual growth rate (CAGR).

    (1 + cumulative)^(periods_per_year / n) - 1, with n the number of periods including those
    without a value. Source: empyrical `annual_return`. -1 when everything is lost.
    """
    n = np.asarray(returns, dtype=np.float64).size
    return _annual_growth(cumulative_return(returns), n, periods_per_year)


def annual_volatility(returns: ArrayLike, periods_per_year: float) -> float | None:
    """Give std(r) * sqrt(periods_per_year). Source: empyrical `annual_volatility`, alpha 2."""
    known = _known(returns)
    if known.size < 2:
        return None
    return float(np.std(known, ddof=1) * math.sqrt(periods_per_year))


def sharpe_ratio(
    returns: ArrayLike, periods_per_year: float, *, risk_free_per_period: float = 0.0
) -> float | None:
    """Give mean(r - rf) / std(r - rf) * sqrt(periods_per_year).

    Source: W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 1994; annualised as by
    E. Chan, Quantitative Trading. `risk_free_per_period` is the annual rate over
    `periods_per_year`. Divide the result by sqrt(periods_per_year) for formulas that need the
    Sharpe ratio per period.
    """
    excess = _known(returns) - risk_free_per_period
    if excess.size < 2:
        return None
    return _annual_ratio(np.mean(excess), np.std(excess, ddof=1), periods_per_year)


def sortino_ratio(
    returns: ArrayLike, periods_per_year: float, *, required_per_period: float = 0.0
) -> float | None:
    """Give mean(r - q) / downside * sqrt(periods_per_year).

    downside = sqrt(mean(min(r - q, 0)^2)) over all periods, not only the losing ones. Source:
    F. Sortino and R. van der Meer 1991; empyrical `sortino_ratio`.
    """
    excess = _known(returns) - required_per_period
    if excess.size < 2:
        return None
    return _annual_ratio(np.mean(excess), _downside(excess), periods_per_year)


def drawdown_series(values: ArrayLike) -> NDArray[np.float64]:
    """Give v[t] / max(v[..t]) - 1: 0 at a peak, negative below; same length as `values`.

    Source: M. Magdon-Ismail and A. Atiya, "Maximum Drawdown", Risk Magazine 2004.
    """
    series = np.asarray(values, dtype=np.float64)
    if series.size == 0:
        return series
    return series / np.maximum.accumulate(series) - 1.0


def max_drawdown(returns: ArrayLike) -> float:
    """Give the deepest fall of the compounded curve below an earlier peak, as a number <= 0.

    The start counts as a peak. Source: empyrical `max_drawdown`.
    """
    curve = np.concatenate(([1.0], np.cumprod(1.0 + _known(returns))))
    return float(np.min(drawdown_series(curve)))


def longest_drawdown(values: ArrayLike) -> int:
    """Give the most consecutive periods spent below an earlier peak.

    Source: the time under water of M. Lopez de Prado, Advances in Financial Machine Learning,
    chapter 14, counted in periods that ended below.
    """
    below = drawdown_series(values) < 0
    longest = run = 0
    for under in below:
        run = run + 1 if under else 0
        longest = max(longest, run)
    return longest


def calmar_ratio(returns: ArrayLike, periods_per_year: float) -> float | None:
    """Give CAGR / |max drawdown|. Source: T. W. Young, "Calmar Ratio", Futures 1991."""
    return _per_depth(annual_return(returns, periods_per_year), max_drawdown(returns))


def performance_metrics(
    returns: ArrayLike, periods_per_year: float = CRYPTO_DAYS_PER_YEAR
) -> dict[str, float | None]:
    """Give what a return series alone can tell, by name; fractions, drawdown as a number <= 0.

    `cumulative_return`, `annual_return` (CAGR), `annual_volatility`, `sharpe`, `sortino`,
    `calmar`, `max_drawdown`; each as the function of that name defines it. What needs trades or
    costs (hit rate, average trade, turnover, fees) is in `evaluation.performance`. What several
    have in common is computed once.
    """
    n, known = np.asarray(returns, dtype=np.float64).size, _known(returns)
    cumulative, depth = cumulative_return(known), max_drawdown(known)
    growth = _annual_growth(cumulative, n, periods_per_year)
    volatility = sharpe = sortino = None
    if known.size >= 2:
        mean, deviation = np.mean(known), np.std(known, ddof=1)
        volatility = float(deviation * math.sqrt(periods_per_year))
        sharpe = _annual_ratio(mean, deviation, periods_per_year)
        sortino = _annual_ratio(mean, _downside(known), periods_per_year)
    return {
        "cumulative_return": cumulative,
        "annual_return": growth,
        "annual_volatility": volatility,
        "sharpe": sharpe,
        "sortino": sortino,
        "calmar": _per_depth(growth, depth),
        "max_drawdown": depth,
    }


def win_rate(pnl: ArrayLike) -> float | None:
    """Give the share of round trips with net PnL above 0; one that broke even is no win.

    Source: the hit ratio of M. Lopez de Prado, Advances in Financial Machine Learning, chapter 14.
    """
    values = np.asarray(pnl, dtype=np.float64)
    return float(np.mean(values > 0)) if values.size else None


def profit_factor(pnl: ArrayLike) -> float | None:
    """Give the sum of gains over the sum of losses; None when nothing was lost.

    Source: P. Kaufman, Trading Systems and Methods, gross profit over gross loss.
    """
    values = np.asarray(pnl, dtype=np.float64)
    losses = -float(values[values < 0].sum())
    return float(values[values > 0].sum()) / losses if losses > 0 else None


def payoff_ratio(pnl: ArrayLike) -> float | None:
    """Give the mean gain over the mean loss; None without a gain or without a loss.

    Source: P. Kaufman, Trading Systems and Methods; the b of J. Kelly's formula, 1956.
    """
    values = np.asarray(pnl, dtype=np.float64)
    gains, losses = values[values > 0], -values[values < 0]
    return float(gains.mean() / losses.mean()) if gains.size and losses.size else None


def mean_or_none(values: ArrayLike) -> float | None:
    """Give the mean; None of nothing."""
    series = np.asarray(values, dtype=np.float64)
    return float(series.mean()) if series.size else None


def day_ends(ts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the index of the last bar of each UTC day.

    Args:
        ts: int64 (T,), open times of bars, microseconds UTC, ascending.
    """
    if not len(ts):
        return np.empty(0, np.int64)
    return np.append(np.flatnonzero(np.diff(ts // DAY)), len(ts) - 1)


def daily_returns(daily: NDArray[np.float64], opening: float) -> NDArray[np.float64]:
    """Give the simple returns of days, the first against the opening equity.

    By way of percent, as the table of a run holds them, so that ratios have the same bits.

    Args:
        daily: float64 (D,), equity at the end of each day.
        opening: equity before the first one.
    """
    curve = np.concatenate(([opening], daily))
    returns: NDArray[np.float64] = np.diff(curve) / curve[:-1] * 100 / 100.0
    return returns


def _known(returns: ArrayLike) -> NDArray[np.float64]:
    series = np.asarray(returns, dtype=np.float64)
    unknown = np.isnan(series)
    return series[~unknown] if unknown.any() else series


def _annual_growth(cumulative: float, n: int, periods_per_year: float) -> float | None:
    if n == 0:
        return None
    growth = 1.0 + cumulative
    return -1.0 if growth <= 0 else float(growth ** (periods_per_year / n) - 1.0)


def _annual_ratio(
    mean: float | np.floating, risk: float | np.floating, periods_per_year: float
) -> float | None:
    return None if risk == 0.0 else float(mean) / float(risk) * math.sqrt(periods_per_year)


def _downside(excess: NDArray[np.float64]) -> float:
    return math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2)))


def _per_depth(growth: float | None, depth: float) -> float | None:
    return None if growth is None or depth == 0 else growth / -depth
