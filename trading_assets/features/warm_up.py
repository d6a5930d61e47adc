"""Proof that a warm-up is long enough: twice as much of it changes nothing that can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.features.look_ahead import differing_rows
from trading_assets.market.bar_frame import instant

TOLERANCE = 1e-9
"""Largest difference, relative to the value or to the column's median size, whichever is larger."""


@dataclass(frozen=True, slots=True)
class ShortWarmUp:
    """One column whose values depend on bars older than its warm-up.

    Attributes:
        ts: the row that differs most (for floats), or the first one.
        once, twice: its value with the stated warm-up, and with twice as much.
    """

    column: str
    ts: datetime
    rows: int
    once: Any
    twice: Any

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.column}: {self.rows} rows change with twice the warm-up, most of all "
            f"{self.ts:%F %H:%M}: {self.once!r} becomes {self.twice!r}"
        )


def find_short_warm_up(
    compute: Callable[[pl.DataFrame], pl.DataFrame],
    frame: pl.DataFrame,
    *,
    start: Micros,
    warm_up: timedelta,
    signs: tuple[str, ...] = (),
) -> tuple[ShortWarmUp, ...]:
    """Compute the rows from `start` on with the warm-up and with twice the warm-up, and compare.

    A value that is there only with the longer history counts as changed, unless holes have left
    the row with fewer bars before it than the warm-up has: such rows are null by design.

    Args:
        compute: gives one row per row of its argument.
        frame: bars with a column `ts`, from `start` less twice the warm-up on, or earlier.
        start: first row that is compared.
        warm_up: what is claimed; both frames begin on a UTC day, as anchors do.
        signs: columns that decide a direction; not one sign may change, however small the value.

    Raises:
        DataError: if the frame does not reach back twice the warm-up, or ends before `start`.
    """
    length = warm_up // timedelta(microseconds=1)
    first, second = ((start - n * length) // DAY * DAY for n in (1, 2))
    old, new = pl.col("ts") < instant(second + DAY), pl.col("ts") >= instant(start)
    if frame.filter(old).is_empty() or frame.filter(new).is_empty():
        raise DataError(
            "The warm-up check needs bars before and after its start",
            expected=f"bars from {datetime.fromtimestamp(second / 1e6, tz=UTC):%F} on",
            found=f"{frame.height} bars from {frame['ts'].min()!r} to {frame['ts'].max()!r}",
        )
    short = frame.filter(pl.col("ts") >= instant(first))
    step = int(np.median(np.diff(short["ts"].to_physical().to_numpy())))
    once = compute(short).with_columns(ts=short["ts"], _bars=pl.int_range(pl.len()))
    twice = compute(frame.filter(pl.col("ts") >= instant(second))).tail(short.height)
    compared = short.select(new).to_series()
    once, twice = once.filter(compared), twice.filter(compared)
    excused = (once["_bars"] < length // step).to_numpy()
    found = (
        _compared(name, once["ts"], once[name], twice[name], excused, sign=name in signs)
        for name in twice.columns
        if name != "ts"
    )
    return tuple(defect for defect in found if defect is not None)


def _compared(
    name: str,
    ts: pl.Series,
    once: pl.Series,
    twice: pl.Series,
    excused: NDArray[np.bool_],
    *,
    sign: bool,
) -> ShortWarmUp | None:
    if once.dtype == pl.Float64:
        excess = _excess(once, twice, sign=sign)
    else:
        excess = differing_rows(once, twice).to_numpy().astype(np.float64)
    excess[excused & once.is_null().to_numpy()] = 0.0
    rows = int((excess > 0).sum())
    row = int(excess.argmax()) if rows else 0
    return ShortWarmUp(name, ts[row], rows, once[row], twice[row]) if rows else None


def _excess(once: pl.Series, twice: pl.Series, *, sign: bool) -> NDArray[np.float64]:
    """Give by how much each row differs beyond the tolerance; 0 where it does not."""
    a, b = (s.fill_null(float("nan")).to_numpy() for s in (once, twice))
    known = ~np.isnan(a) & ~np.isnan(b)
    size = np.maximum(np.abs(a), np.abs(b))
    typical = float(np.median(size[known])) if known.any() else 0.0
    difference = np.abs(a - b) - TOLERANCE * np.maximum(size, typical)
    excess = np.where(known, np.maximum(difference, 0.0), 0.0)
    excess[np.isnan(a) != np.isnan(b)] = np.inf
    if sign:
        excess[known & (np.sign(a) != np.sign(b))] = np.inf
    return excess
