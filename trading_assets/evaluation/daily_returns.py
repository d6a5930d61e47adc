"""Daily returns and how profit is spread: what the gate's statistics are computed from."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Micros
from trading_assets.evaluation.gates import ProfitShares, Returns
from trading_assets.evaluation.metrics import daily_returns, day_ends
from trading_assets.market.bar_frame import instant


def returns_since(
    ts: NDArray[np.int64],
    equity: NDArray[np.float64],
    *,
    opening: float,
    start: Micros,
    per_year: float,
) -> Returns:
    """Give the returns of UTC days from `start` on, each over the last equity of the day before.

    Args:
        ts: int64 (T,), open times of bars, microseconds UTC, ascending.
        equity: float64 (T,), quote, at their closes.
        opening: equity before the first bar, quote.
        start: first instant that counts; the equity before it is what its day begins with.
        per_year: days of a year that have a return.
    """
    last = day_ends(ts)
    days = ts[last] // DAY * DAY
    values = daily_returns(equity[last], opening)
    counted = days >= start // DAY * DAY
    return Returns(days[counted], values[counted], per_year)


def returns_of_table(
    equity: pl.DataFrame, *, opening: float, start: Micros, per_year: float
) -> Returns:
    """Give the same from a table with `ts_utc` and `equity`."""
    return returns_since(
        equity["ts_utc"].to_physical().to_numpy(),
        equity["equity"].to_numpy(),
        opening=opening,
        start=start,
        per_year=per_year,
    )


def on_common_days(one: Returns, other: Returns) -> tuple[Returns, Returns]:
    """Cut both to the days that they share."""
    _, mine, theirs = np.intersect1d(one.days, other.days, return_indices=True)
    return (
        Returns(one.days[mine], one.values[mine], one.per_year),
        Returns(other.days[theirs], other.values[theirs], other.per_year),
    )


def profit_shares(round_trips: pl.DataFrame, start: Micros) -> ProfitShares | None:
    """Give how much of the profit of trades entered since `start` hangs on a few.

    None without a trade, or without a net profit to share. Trades are counted by what was won: a
    share of the net profit would be above 1 for every strategy whose edge is small beside the noise
    of a trade, however many trades it has.

    Args:
        round_trips: with `entry_ts_utc`, `exit_ts_utc`, `symbol` and `pnl` (net, quote).
        start: first instant out of sample.
    """
    trips = round_trips.filter(pl.col("entry_ts_utc") >= instant(start)).select(
        pl.col("pnl").cast(pl.Float64), "symbol", month=pl.col("exit_ts_utc").dt.strftime("%Y-%m")
    )
    total = math.fsum(trips["pnl"])
    if trips.is_empty() or total <= 0:
        return None
    gains = trips["pnl"].clip(lower_bound=0.0)
    symbols = _largest(trips, "symbol") if trips["symbol"].n_unique() > 1 else None
    return ProfitShares(
        winners=math.fsum(gains) ** 2 / math.fsum(gains**2),
        month=_largest(trips, "month") / total,
        symbol=None if symbols is None else symbols / total,
    )


def _largest(trips: pl.DataFrame, column: str) -> float:
    """Give the largest sum of a group, exactly rounded: threads add up in any order."""
    groups = trips.group_by(column).agg("pnl")["pnl"]
    return max(math.fsum(group) for group in groups)
