"""Proof that rows do not depend on later rows: cut the future off, change it, demand equal bits."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from trading_assets.domain.errors import DataError

MIN_CUTS = 12


_MOVED = ("open", "high", "low", "close", "volume", "quote_volume", "prediction")
_COUNTED = ("n_trades",)
_TAIL = 288
"""Rows of a changed future: enough to fill any unfinished hour or day of 5m bars."""

_HOLE = 12
"""Rows that are missing at the start of every other changed future: that a bar comes is future."""


@dataclass(frozen=True, slots=True)
class Leak:
    """One column that knew the future, at the cut where most of its rows give it away.

    Attributes:
        cut: open time of the last bar that is the same in both computations.
        ts: open time of the last row, up to the cut, that differs.
        rows: rows up to the cut that differ.
        value: that row with the bars that really came after the cut.
        otherwise: the same row when no bars, or other bars, come after the cut.
    """

    column: str
    cut: datetime
    ts: datetime
    rows: int
    value: Any
    otherwise: Any

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.column}: {self.rows} rows up to {self.cut:%F %H:%M} depend on bars after it, "
            f"such as {self.ts:%F %H:%M}: {self.value!r}, otherwise {self.otherwise!r}"
        )


def find_look_ahead(
    compute: Callable[[pl.DataFrame], pl.DataFrame],
    frame: pl.DataFrame,
    *,
    cuts: int = MIN_CUTS,
    seed: int = 0,
) -> tuple[Leak, ...]:
    """Compute `frame` whole, cut, and with another future, and compare bit by bit up to the cut.

    Works for features and for signals alike. One cut is drawn from each of `cuts` equal stretches
    of the frame, so that all of it is covered and cuts fall at any time of day; and it is cut at
    the edges of its newest month and of a day, inside that day, and before the last bar. At each,
    the bars after the cut are left out, and then replaced by bars at three times, or at a third of,
    their prices and amounts, the former without their first 12: a leak that shows only in extremes
    (the high of the day) cannot hide behind a quiet future, nor one that shows only where bars are
    missing. All rows up to the cut are compared: one that rewrites the distant past is found too.

    Args:
        compute: gives one row per row of its argument, in the same order.
        frame: has a column `ts`; long enough for every prefix to be computed.
        cuts: number of random cuts, at least MIN_CUTS; those at edges come on top.
        seed: decides the cuts.

    Returns:
        One leak per column that has any, in column order; nothing when all is causal.

    Raises:
        DataError: if the frame is too short to cut, or `compute` loses or adds rows.
    """
    if cuts < MIN_CUTS or frame.height < 2 * cuts:
        raise DataError(
            "The look-ahead check has too little to go by",
            expected=f"at least {MIN_CUTS} cuts and two rows for each",
            found=f"{cuts} cuts of {frame.height} rows",
        )
    full = _whole(compute, frame)
    full_bits = _bits(full)
    worst: dict[str, Leak] = {}
    for number, height in enumerate(cut_heights(frame["ts"], cuts, seed)):
        past = frame.head(height)
        future = _other(frame.slice(height, _TAIL), larger=bool(number % 2))
        for other in (past, past.vstack(future)):
            computed = _whole(compute, other).head(height)
            if _bits(computed).equals(full_bits.head(height)):
                continue  # as is the rule; row by row it takes many times as long
            for leak in _leaks(past["ts"], full.head(height), computed):
                known = worst.get(leak.column)
                if known is None or leak.rows > known.rows:
                    worst[leak.column] = leak
    return tuple(worst[name] for name in full.columns if name in worst)


def differing_rows(left: pl.Series, right: pl.Series) -> pl.Series:
    """Mark rows whose values are not the same bits; null equals null, NaN equals NaN."""
    if left.dtype != right.dtype:
        return pl.repeat(value=True, n=len(left), eager=True)
    if left.dtype != pl.Float64:
        return left.ne_missing(right)
    bits = [series.to_numpy().view(np.uint64) for series in (left, right)]  # null becomes NaN
    different = bits[0] != bits[1]
    if different.any():  # perhaps NaN of another making
        nan = [np.isnan(b.view(np.float64)) for b in bits]
        different &= ~(nan[0] & nan[1])
    if left.null_count() or right.null_count():
        different |= (left.is_null() != right.is_null()).to_numpy()
    return pl.Series(different)


def cut_heights(ts: pl.Series, cuts: int, seed: int) -> list[int]:
    """Give the rows that are kept at each cut; none is the whole frame.

    One is drawn from each of `cuts` equal stretches. Then come the edges, as far as they are not
    among them: the last bar before the newest month and its first, the same of a day late in the
    frame, that day's noon, and all but the last bar.
    """
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    stretches = [1 + i * (len(ts) - 1) // cuts for i in range(cuts + 1)]
    drawn = [draw.randrange(low, high) for low, high in itertools.pairwise(stretches)]
    month = ts.dt.truncate("1mo")[-1]
    day = ts.dt.truncate("1d")[len(ts) * 3 // 4]
    noon = day + timedelta(hours=12)
    before = [int(ts.search_sorted(instant, side="left")) for instant in (month, day, noon)]
    edges = {*before, before[0] + 1, before[1] + 1, len(ts) - 1}
    return drawn + sorted(height for height in edges - set(drawn) if 0 < height < len(ts))


def _other(future: pl.DataFrame, *, larger: bool) -> pl.DataFrame:
    """Give another future of the same shape: other prices, amounts and forecasts, or a hole."""
    factor = 3.0 if larger else 1 / 3
    counts = [(pl.col(n) * 2 + 1).cast(future[n].dtype) for n in _COUNTED if n in future.columns]
    other = future.with_columns(
        *(pl.col(n) * factor for n in _MOVED if n in future.columns), *counts
    )
    return other.slice(_HOLE) if larger else other


def _whole(compute: Callable[[pl.DataFrame], pl.DataFrame], frame: pl.DataFrame) -> pl.DataFrame:
    result = compute(frame)
    if result.height != frame.height:
        raise DataError(
            "The look-ahead check needs one row per bar",
            expected=f"{frame.height} rows",
            found=f"{result.height} rows",
            fix="Compute null where there is no value, instead of leaving the row out.",
        )
    return result


def _bits(frame: pl.DataFrame) -> pl.DataFrame:
    """Give floats as the integers that have their bits: -0.0 is not 0.0 then."""
    return frame.with_columns(pl.col(pl.Float64).reinterpret(dtype=pl.UInt64))


def _leaks(ts: pl.Series, full: pl.DataFrame, other: pl.DataFrame) -> list[Leak]:
    leaks = []
    for name in full.columns:
        if name not in other.columns:
            leaks.append(Leak(name, ts[-1], ts[-1], len(ts), full[name][-1], None))
            continue
        rows = differing_rows(full[name], other[name]).arg_true()
        if len(rows):
            row = rows[-1]
            leaks.append(Leak(name, ts[-1], ts[row], len(rows), full[name][row], other[name][row]))
    return leaks
