"""Technical indicators as polars expressions: causal, and the same bits on every prefix.

An indicator is null until its first full window (its warm-up). Windows count rows, not time: a
hole in the bars is stepped over, as everywhere in technical analysis. Conventions are those of
Skender's Stock.Indicators: an EMA starts as the plain mean of its first window, Wilder's smoothing
too, Bollinger bands use the population deviation.

Smoothed indicators never forget entirely: their first value weighs `(1 - alpha) ** k` after k more
rows. `smoothing_warm_up` says after how many rows that is below what anybody can see.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

FORGOTTEN = 1e-11
"""Weight of the past below which a smoothed value counts as warmed up."""

_FLAT = 1e-9
"""A deviation below this part of the level is rounding noise of a flat window, not a deviation."""


def smoothing_warm_up(alpha: float) -> int:
    """Give the rows after which a smoothing with weight `alpha` has forgotten its seed."""
    return math.ceil(math.log(FORGOTTEN) / math.log1p(-alpha))


def ema_warm_up(span: int) -> int:
    """Give the rows before an EMA of this span depends on its span alone, seed included."""
    return span + smoothing_warm_up(2 / (span + 1))


def wilder_warm_up(length: int) -> int:
    """Give the same for Wilder's smoothing."""
    return length + smoothing_warm_up(1 / length)


def sma(values: pl.Expr, length: int) -> pl.Expr:
    """Give the plain mean of the last `length` rows."""
    return values.rolling_mean(length)


def ema(values: pl.Expr, span: int) -> pl.Expr:
    """Give the exponential mean with weight 2 / (span + 1), seeded with the first plain mean."""
    return _smoothed(values, span, alpha=2 / (span + 1))


def wilder(values: pl.Expr, length: int) -> pl.Expr:
    """Give Wilder's smoothing: weight 1 / length, seeded with the first plain mean."""
    return _smoothed(values, length, alpha=1 / length)


def rate_of_change(close: pl.Expr, length: int) -> pl.Expr:
    """Give the change over `length` rows as a fraction."""
    return close / close.shift(length) - 1.0


def log_return(close: pl.Expr, length: int = 1) -> pl.Expr:
    """Give the logarithmic return over `length` rows."""
    return (close / close.shift(length)).log()


def rsi(close: pl.Expr, length: int) -> pl.Expr:
    """Give Wilder's relative strength index, 0 to 100; 100 when nothing fell."""
    import polars as pl

    change = close.diff()
    gain = wilder(change.clip(lower_bound=0.0), length)
    loss = wilder((-change).clip(lower_bound=0.0), length)
    return (
        pl.when(loss > 0)
        .then(100.0 - 100.0 / (1.0 + gain / loss))
        .when(loss.is_not_null())
        .then(100.0)
    )


def true_range(high: pl.Expr, low: pl.Expr, close: pl.Expr) -> pl.Expr:
    """Give the range of a row together with its gap from the close before; null on row one."""
    import polars as pl

    before = close.shift(1)
    widest = pl.max_horizontal(high - low, (high - before).abs(), (low - before).abs())
    return pl.when(before.is_not_null()).then(widest)


def atr(high: pl.Expr, low: pl.Expr, close: pl.Expr, length: int) -> pl.Expr:
    """Give the average true range in price units, smoothed as Wilder did."""
    return wilder(true_range(high, low, close), length)


def macd(close: pl.Expr, fast: int, slow: int) -> pl.Expr:
    """Give the fast EMA less the slow one; its signal line is an `ema` of it."""
    return ema(close, fast) - ema(close, slow)


def bollinger(close: pl.Expr, length: int, width: float) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Give lower band, middle and upper band: the mean and `width` population deviations."""
    middle = sma(close, length)
    distance = width * close.rolling_std(length, ddof=0)
    return middle - distance, middle, middle + distance


def z_score(values: pl.Expr, length: int) -> pl.Expr:
    """Give the distance from the mean in sample deviations of the last `length` rows; 0 if flat."""
    mean = values.rolling_mean(length)
    deviation = values.rolling_std(length)
    moves = values.rolling_max(length) > values.rolling_min(length)
    return _quotient(values - mean, deviation, moves & (deviation > _FLAT * mean.abs()))


def realised_volatility(close: pl.Expr, length: int) -> pl.Expr:
    """Give the root mean square of the last `length` one-row log returns (per row, no drift)."""
    return _root_mean(log_return(close) ** 2, length)


def parkinson_volatility(high: pl.Expr, low: pl.Expr, length: int) -> pl.Expr:
    """Give the volatility per row estimated from ranges (Parkinson 1980)."""
    return _root_mean((high / low).log() ** 2, length) / math.sqrt(4 * math.log(2))


def range_position(high: pl.Expr, low: pl.Expr, close: pl.Expr, length: int) -> pl.Expr:
    """Give where the close stands between lowest low (0) and highest high (1); 0.5 if flat."""
    top = high.rolling_max(length)
    bottom = low.rolling_min(length)
    return _quotient(close - bottom, top - bottom, top > bottom, otherwise=0.5)


def efficiency_ratio(close: pl.Expr, length: int) -> pl.Expr:
    """Give net change over path length, -1 to 1 (Kaufman's, with its sign); 0 if flat."""
    path = close.diff().abs().rolling_sum(length)
    change = close - close.shift(length)
    return _quotient(change, path, path > _FLAT * close)


def ratio(value: pl.Expr, base: pl.Expr, *, otherwise: float) -> pl.Expr:
    """Divide, and give `otherwise` where the base is not positive; null stays null."""
    return _quotient(value, base, base > 0, otherwise=otherwise)


def share(part: pl.Expr, whole: pl.Expr, length: int) -> pl.Expr:
    """Give the sum of `part` over that of `whole` in the last `length` rows; 0 if all are zero.

    `whole` is nowhere negative.
    """
    quotient = part.rolling_sum(length) / whole.rolling_sum(length)
    return _quotient_of(quotient, whole.rolling_max(length) > 0)


def _root_mean(squares: pl.Expr, length: int) -> pl.Expr:
    """Give the root of the mean of what is nowhere negative; exactly 0 where all of it is zero.

    What leaves a running sum leaves rounding noise behind, which a market that stands still before
    an outage uncovers: it may be below zero.
    """
    import polars as pl

    mean = squares.rolling_mean(length)
    root = mean.clip(lower_bound=0.0).sqrt()
    return pl.when(squares.rolling_max(length) > 0).then(root).when(mean.is_not_null()).then(0.0)


def _quotient(value: pl.Expr, base: pl.Expr, usable: pl.Expr, *, otherwise: float = 0.0) -> pl.Expr:
    return _quotient_of(value / base, usable, otherwise=otherwise)


def _quotient_of(quotient: pl.Expr, usable: pl.Expr, *, otherwise: float = 0.0) -> pl.Expr:
    import polars as pl

    return pl.when(usable).then(quotient).when(quotient.is_not_null()).then(otherwise)


def _smoothed(values: pl.Expr, length: int, *, alpha: float) -> pl.Expr:
    """Smooth recursively from the plain mean of the first `length` known values."""
    import polars as pl

    known = values.is_not_null().cum_sum()
    seeded = (
        pl.when(known == length).then(values.rolling_mean(length)).when(known > length).then(values)
    )
    return seeded.ewm_mean(alpha=alpha, adjust=False, ignore_nulls=True)
