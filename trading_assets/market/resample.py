"""Larger bars from one-minute bars: cut by sessions, and what is missing stays missing."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from trading_assets.domain.bar import DAY, MINUTE, Gap, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import UNITS_PER_ASSET
from trading_assets.market.bar_frame import AMOUNTS, RESAMPLED_SCHEMA, TS, instant, row_text
from trading_assets.market.sessions import Sessions

_FLOATS = ("volume", "quote_volume")
_EXACT = 2**53  # whole numbers up to it are floats
_START, _END, _EXPECTED = "_start", "_end", "_expected"


def resample(
    frame: pl.DataFrame,
    timeframe: Timeframe,
    *,
    now: Micros | None = None,
    sessions: Sessions | None = None,
    holes: Sequence[Gap] | None = None,
) -> pl.DataFrame:
    """Build the bars of a larger size.

    A bucket without a single minute has no row, and nothing is carried forward. Where the market
    never closes, a bucket starts at a multiple of the bar size in UTC. Else buckets count from the
    session's open, start again after its break, and end with it: the last one may be shorter. A
    daily bar is one session; its `ts` is the midnight (UTC) of the session's label, and it is
    known a day after that at the latest. Minutes outside of the sessions are left out.

    Args:
        frame: one symbol, sorted by `ts`: one-minute bars, or bars made by this function, of a
            size that divides `timeframe` (so resampling in two steps gives the same bars). Daily
            bars of sessions cannot be resampled again.
        timeframe: size of the result.
        now: leave out buckets that end after this instant. None keeps the last one, which is then
            incomplete when its minutes have not all come.
        sessions: of the symbol's calendar; None for 24/7.
        holes: where minutes are missing (as `gaps` lists them); what else is absent is silence.
            None when every absent minute is missing.

    Returns:
        RESAMPLED_SCHEMA; `n_minutes` counts the minutes inside, `complete` says that none of those
        expected is missing. An amount that any of its bars lacks is null.

    Raises:
        DataError: if `frame` is not sorted, or holds more than one symbol, or larger bars of
            other sessions; or if the sessions do not know the span.
    """
    _require_one_sorted_symbol(frame)
    minutes = pl.col("n_minutes").sum() if "n_minutes" in frame.columns else pl.len()
    bars = [
        pl.col("symbol", "open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        *_sums_of_units(frame),
        pl.col("source").first(),
        minutes.cast(pl.Int32).alias("n_minutes"),
    ]
    if sessions is None or sessions.never_closes:
        buckets = _buckets_of_utc(frame, timeframe, bars)
    else:
        buckets = _buckets_of_sessions(frame, timeframe, bars, sessions)
    if now is not None:
        buckets = buckets.filter(pl.col(_END) <= instant(now))
    amounts = [_amounts_from_units(buckets[name]) for name in _FLOATS]
    if holes is None:
        complete = buckets["n_minutes"] == buckets[_EXPECTED]
    else:
        complete = ~_touched(buckets, holes)
    return buckets.with_columns(*amounts, complete.alias("complete")).select(
        pl.col(name).cast(dtype) for name, dtype in RESAMPLED_SCHEMA.items()
    )


def _require_one_sorted_symbol(frame: pl.DataFrame) -> None:
    if not frame["ts"].is_sorted():
        raise DataError("Bars to resample are not in order", expected="rows sorted by ts")
    if frame["symbol"].n_unique() > 1:
        raise DataError(
            "Bars to resample hold more than one symbol",
            expected="one symbol",
            found=", ".join(frame["symbol"].unique().sort().head(5)),
        )


def _buckets_of_utc(
    frame: pl.DataFrame, timeframe: Timeframe, bars: Sequence[pl.Expr]
) -> pl.DataFrame:
    return (
        frame.group_by_dynamic(
            "ts", every=f"{timeframe.minutes}m", closed="left", label="left", start_by="window"
        )
        .agg(*bars)
        .with_columns(
            pl.col("ts").alias(_START),
            (pl.col("ts") + pl.duration(minutes=timeframe.minutes)).alias(_END),
            pl.lit(timeframe.minutes).alias(_EXPECTED),
        )
    )


def _buckets_of_sessions(
    frame: pl.DataFrame, timeframe: Timeframe, bars: Sequence[pl.Expr], sessions: Sessions
) -> pl.DataFrame:
    import numpy as np

    ts = frame["ts"].to_physical().to_numpy()
    if len(ts):
        sessions.require_known(int(ts[0]), int(ts[-1]) + MINUTE)
    at = sessions.stretch_of(ts)
    inside = at >= 0
    if "n_minutes" in frame.columns and not inside.all():
        raise DataError(
            f"A bar to resample does not start inside a session of {sessions.calendar}",
            expected="bars of less than a day, cut by the same sessions",
            found=row_text(frame, int(np.flatnonzero(~inside)[0])),
        )
    ts, at = ts[inside], at[inside]
    cuts = sessions.stretches
    if timeframe is Timeframe.D1:
        days = sessions.frame[cuts.row[at]]
        label = days["session"].to_physical().cast(pl.Int64).to_numpy() * DAY
        start, end = (days[name].to_physical().to_numpy() for name in ("open", "close"))
        lengths = np.bincount(cuts.row, cuts.end - cuts.start, sessions.frame.height)
        expected = lengths[cuts.row[at]].astype(np.int64) // MINUTE
    else:
        label = start = ts - (ts - cuts.start[at]) % timeframe.micros
        end = np.minimum(start + timeframe.micros, cuts.end[at])
        expected = (end - start) // MINUTE
    return (
        frame.filter(pl.Series(inside))
        .with_columns(
            pl.Series("ts", label).cast(TS),
            pl.Series(_START, start).cast(TS),
            pl.Series(_END, end).cast(TS),
            pl.Series(_EXPECTED, expected),
        )
        .group_by("ts", maintain_order=True)
        .agg(*bars, pl.col(_START, _END, _EXPECTED).first())
    )


def _touched(buckets: pl.DataFrame, holes: Sequence[Gap]) -> pl.Series:
    """Tell for each bucket whether a hole reaches into it."""
    import numpy as np

    ordered = sorted(holes)
    start = np.array([hole.start for hole in ordered], dtype=np.int64)
    end = np.array([hole.end + MINUTE for hole in ordered], dtype=np.int64)
    opens, closes = (buckets[name].to_physical().to_numpy() for name in (_START, _END))
    at = np.searchsorted(end, opens, side="right")
    return pl.Series(np.concatenate([start, [np.iinfo(np.int64).max]])[at] < closes)


def _sums_of_units(frame: pl.DataFrame) -> list[pl.Expr]:
    """Add amounts as whole 1e-8 units, so that order and steps cannot change a bit of the sum.

    A sum over something unknown is unknown.
    """
    sums = []
    for name in AMOUNTS:
        units = (pl.col(name) * UNITS_PER_ASSET).round().cast(pl.Int128)
        total = (units if name in _FLOATS else pl.col(name)).sum()
        known = pl.col(name).null_count() == 0
        sums.append(pl.when(known).then(total) if frame[name].has_nulls() else total)
    return sums


def _amounts_from_units(units: pl.Series) -> pl.Series:
    """Give the floats nearest to the decimal sums.

    A division of two exact floats rounds once, and so does Python's of larger integers; polars
    multiplies by a rounded reciprocal.
    """
    largest = units.abs().max()
    if isinstance(largest, int) and largest <= _EXACT and not units.has_nulls():
        exact = units.cast(pl.Int64).to_numpy().astype(float)
        return pl.Series(units.name, exact / UNITS_PER_ASSET)
    amounts = [None if count is None else count / UNITS_PER_ASSET for count in units.to_list()]
    return pl.Series(units.name, amounts, dtype=pl.Float64)
