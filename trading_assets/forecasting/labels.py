"""What a forecast is about: the return over a horizon of time, plain and in units of volatility.

No strategy, feature or engine may import this room's labels: they know the future, on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from trading_assets.forecasting.horizons import horizon_bars, horizon_micros
from trading_assets.forecasting.scores import Floats

_CLIP = 5.0
"""Scaled labels beyond this are clipped: one crash must not shape every tree."""


def label_column(horizon: str) -> str:
    """Name the label of a horizon: `forward_return_1h`."""
    return f"forward_return_{horizon}"


def forward_returns(bars: pl.DataFrame, horizons: Sequence[str]) -> pl.DataFrame:
    """Give each bar's return from its own close to the close one horizon later.

    It is a matter of time, not of rows: close of the bar that opens exactly one horizon later,
    over this close, less one. The label is null where a bar in between is missing, and where the
    data end first. The row is decided when its bar closes, and its label is known one horizon
    after that.

    Args:
        bars: one symbol's base bars, ascending, with `ts` and `close`.
        horizons: such as `1h`.

    Returns:
        `ts` and one Float64 column per horizon, one row per bar.
    """
    labels = []
    for horizon in horizons:
        steps = horizon_bars(horizon)
        later = pl.col("ts").shift(-steps).dt.epoch("us") - pl.col("ts").dt.epoch("us")
        change = pl.col("close").shift(-steps) / pl.col("close") - 1.0
        labels.append(
            pl.when(later == horizon_micros(horizon)).then(change).alias(label_column(horizon))
        )
    return bars.select("ts", *labels)


def volatility_scaled(returns: Floats, scale: Floats) -> Floats:
    """Give returns in units of their usual size, clipped to five of them.

    Args:
        returns: float64[n], fractions.
        scale: float64[n], positive; usual size of a return over the same horizon.
    """
    return np.clip(returns / scale, -_CLIP, _CLIP)
