"""Larger bars from one-minute bars: what is missing stays missing."""

from __future__ import annotations

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import UNITS_PER_ASSET
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA, instant

_AMOUNTS = ("volume", "quote_volume")


def resample(
    frame: pl.DataFrame, timeframe: Timeframe, *, now: Micros | None = None
) -> pl.DataFrame:
    """Build the bars of a larger size for markets that never close (calendar 24/7).

    A bucket starts at a multiple of the bar size in UTC and is labelled with that open time. One
    without a single minute has no row, and nothing is carried forward.

    Args:
        frame: one symbol, sorted by `ts`: one-minute bars, or bars made by this function, of a
            size that divides `timeframe` (so resampling in two steps gives the same bars).
        timeframe: size of the result.
        now: leave out buckets that end after this instant. None keeps the last one, which is then
            incomplete when its minutes have not all come.

    Returns:
        RESAMPLED_SCHEMA; `n_minutes` counts the minutes inside, `complete` says that there are as
        many as the size has.

    Raises:
        DataError: if `frame` is not sorted, or holds more than one symbol.
    """
    if not frame["ts"].is_sorted():
        raise DataError("Bars to resample are not in order", expected="rows sorted by ts")
    if frame["symbol"].n_unique() > 1:
        raise DataError(
            "Bars to resample hold more than one symbol",
            expected="one symbol",
            found=", ".join(frame["symbol"].unique().sort().head(5)),
        )
    minutes = pl.col("n_minutes").sum() if "n_minutes" in frame.columns else pl.len()
    buckets = frame.group_by_dynamic(
        "ts", every=f"{timeframe.minutes}m", closed="left", label="left", start_by="window"
    ).agg(
        pl.col("symbol", "open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        _sum_of_units(*_AMOUNTS),
        pl.col("n_trades").sum(),
        pl.col("source").first(),
        minutes.cast(pl.Int32).alias("n_minutes"),
    )
    if now is not None:
        buckets = buckets.filter(pl.col("ts") <= instant(now - timeframe.micros))
    amounts = [_amounts_from_units(buckets[name]) for name in _AMOUNTS]
    complete = pl.col("n_minutes") == timeframe.minutes
    return buckets.with_columns(*amounts, complete.alias("complete")).select(
        pl.col(name).cast(dtype) for name, dtype in RESAMPLED_SCHEMA.items()
    )


def _sum_of_units(*names: str) -> pl.Expr:
    """Add amounts as whole 1e-8 units, so that order and steps cannot change a bit of the sum."""
    return (pl.col(*names) * UNITS_PER_ASSET).round().cast(pl.Int128).sum()


def _amounts_from_units(units: pl.Series) -> pl.Series:
    """Give the floats nearest to the decimal sums.

    Python divides integers with one rounding; polars multiplies by a rounded reciprocal.
    """
    amounts = [count / UNITS_PER_ASSET for count in units.to_list()]
    return pl.Series(units.name, amounts, dtype=pl.Float64)
