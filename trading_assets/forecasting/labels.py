"""What a forecast is about: the return over a horizon of time, and when it is known."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros

BASE = Timeframe.M5
"""Bar size of features, labels and forecasts."""

_HORIZON_MINUTES = {"1h": 60, "4h": 240, "1d": 1440}


def horizon_micros(horizon: str) -> Micros:
    """Give the length of a horizon.

    Raises:
        ConfigurationError: if there is no such horizon.
    """
    if horizon not in _HORIZON_MINUTES:
        raise ConfigurationError(
            "Not a horizon", expected=" or ".join(_HORIZON_MINUTES), found=repr(horizon)[:40]
        )
    return _HORIZON_MINUTES[horizon] * MINUTE


def horizon_bars(horizon: str) -> int:
    """Give the number of base bars in a horizon."""
    return horizon_micros(horizon) // BASE.micros


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
