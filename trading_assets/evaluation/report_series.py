"""Long series made short enough to look at, without losing an extreme.

A series is cut into at most `POINTS` stretches of equally many rows. A stretch of prices keeps its
highest high, lowest low and last close; one of equity its lowest and its highest value in the order
of time; one of drawdown its deepest. So no peak and no trough of the whole run is missing from a
picture; only what lies between two of its points is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

POINTS = 3000
"""More than a screen has pixels across."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def milliseconds(ts: Ints) -> list[int]:
    """Give instants as charts take them."""
    times: list[int] = (ts // 1000).tolist()
    return times


def short_prices(
    ts: Ints, high: Floats, low: Floats, close: Floats, points: int = POINTS
) -> tuple[list[int], list[float], list[float], list[float]]:
    """Give time of the last bar, high, low and close of every stretch; bars without a price go."""
    known = ~np.isnan(close)
    ts, high, low, close = ts[known], high[known], low[known], close[known]
    starts = _starts(len(ts), points)
    if not len(starts):
        return [], [], [], []
    ends = np.append(starts[1:], len(ts)) - 1
    highs, lows = np.maximum.reduceat(high, starts), np.minimum.reduceat(low, starts)
    return milliseconds(ts[ends]), highs.tolist(), lows.tolist(), close[ends].tolist()


def short_line(ts: Ints, values: Floats, points: int = POINTS) -> tuple[list[int], list[float]]:
    """Give the lowest and the highest value of every stretch, in their order, and both ends."""
    size = len(values)
    if size <= 2 * points:
        return milliseconds(ts), _rounded(values)
    starts = _starts(size, points)
    ends = np.append(starts[1:], size)
    picked = {0, size - 1}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        part = values[start:end]
        picked |= {start + int(part.argmin()), start + int(part.argmax())}
    at = np.array(sorted(picked))
    return milliseconds(ts[at]), _rounded(values[at])


def short_depth(ts: Ints, drawdown: Floats, points: int = POINTS) -> tuple[list[int], list[float]]:
    """Give the deepest drawdown of every stretch, as a negative percentage, at its own time."""
    starts = _starts(len(drawdown), points)
    ends = np.append(starts[1:], len(drawdown))
    at = np.array(
        [
            s + int(drawdown[s:e].argmax())
            for s, e in zip(starts.tolist(), ends.tolist(), strict=True)
        ],
        dtype=np.int64,
    )
    return milliseconds(ts[at]), _rounded(-100.0 * drawdown[at] + 0.0, 4)


def monthly_returns(daily: pl.DataFrame, opening_equity: float) -> list[dict[str, Any]]:
    """Give the return of every UTC month in percent, from the last equity of the one before.

    Args:
        daily: `ts_utc` and `equity`, the last of every UTC day.
        opening_equity: before the first day.

    Returns:
        Per year: `year`, `months` (twelve numbers, None where there is no day), `total`.
    """
    months = daily.group_by(
        year=pl.col("ts_utc").dt.year(), month=pl.col("ts_utc").dt.month(), maintain_order=True
    ).agg(pl.col("equity").last())
    rows: dict[int, dict[str, Any]] = {}
    before = opening_equity
    for year, month, equity in months.iter_rows():
        row = rows.setdefault(
            year, {"year": year, "months": [None] * 12, "opening": before, "total": 0.0}
        )
        row["months"][month - 1] = _change(equity, before)
        row["total"] = _change(equity, row["opening"])
        before = equity
    return [{name: row[name] for name in ("year", "months", "total")} for row in rows.values()]


def _change(now: float, before: float) -> float | None:
    return (now / before - 1.0) * 100.0 if before > 0 else None


def _starts(size: int, points: int) -> Ints:
    """Give where stretches of equal length begin."""
    return np.arange(0, size, max(1, -(-size // points)), dtype=np.int64)


def _rounded(values: Floats | Sequence[float], digits: int = 2) -> list[float]:
    rounded: list[float] = np.round(values, digits).tolist()
    return rounded
