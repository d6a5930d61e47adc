"""What strategies share that trade the break of a bar: prices on the grid, and the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    import polars as pl


def break_columns(
    frame: pl.DataFrame,
    *,
    rising: pl.Expr,
    falling: pl.Expr,
    high: pl.Expr,
    low: pl.Expr,
    tick: float,
    reward_risk: float,
    life: timedelta,
) -> pl.DataFrame:
    """Give the bracket columns of breaks of a range.

    An entry stands one tick beyond the range, the stop one tick beyond its other end, the target
    `reward_risk` times that distance away. All end at the close of the bar `life` later.

    Args:
        frame: bars with `ts`.
        rising: where a break of the high is bought.
        falling: where a break of the low is sold.
        high: of the range.
        low: of the range.
        tick: price step.
        reward_risk: distance of the target in units of the distance of the stop.
        life: time from a bar to its `valid_to`, a number of bars.
    """
    import polars as pl

    top, bottom = (high / tick).round() + 1, (low / tick).round() - 1
    reward = ((top - bottom) * reward_risk).round()
    return frame.select(
        "ts",
        long_entry=pl.when(rising).then(top * tick),
        short_entry=pl.when(falling).then(bottom * tick),
        sl_long=pl.when(rising).then(bottom * tick),
        sl_short=pl.when(falling).then(top * tick),
        tp_long=pl.when(rising).then((top + reward) * tick),
        tp_short=pl.when(falling).then((bottom - reward) * tick),
        valid_to=pl.when(rising | falling).then(
            (pl.col("ts") + life).dt.epoch("us").cast(pl.Float64)
        ),
    )
