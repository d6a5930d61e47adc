"""Returns over the horizons before a bar: what a forecast from prices alone may look at."""

from __future__ import annotations

import polars as pl

from trading_assets.forecasting.horizons import horizon_bars, horizon_micros

PAST_COLUMNS = tuple(f"past_return_{k}" for k in range(1, 7))
"""The last six returns over a horizon, the newest first."""


def past_returns(bars: pl.DataFrame, horizon: str) -> pl.DataFrame:
    """Give each bar's returns over the horizons that end with its close, with the one before, ...

    A matter of time, not of rows, as labels are: null where a bar is missing in between, and where
    the data begin later.

    Args:
        bars: one symbol's base bars, ascending, with `ts` and `close`.
        horizon: such as `1h`.

    Returns:
        `ts` and one Float64 column per name of PAST_COLUMNS, fractions, one row per bar.
    """
    steps, span = horizon_bars(horizon), horizon_micros(horizon)
    at = pl.col("ts").dt.epoch("us")
    columns = []
    for k, name in enumerate(PAST_COLUMNS):
        near, far = pl.col("close").shift(k * steps), pl.col("close").shift((k + 1) * steps)
        is_whole = at - at.shift((k + 1) * steps) == (k + 1) * span
        columns.append(pl.when(is_whole).then(near / far - 1.0).alias(name))
    return bars.select("ts", *columns)
