"""A source's own larger bars become rows to trust: in order, unique, ended, on their grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA, validate_bars
from trading_assets.market.native_grid import NativeGrid, native_grid
from trading_assets.market.oddities import jumps, silences
from trading_assets.market.quality import (
    DEFAULT_JUMP_FACTOR,
    QualityReport,
    in_order,
    month_frame,
)
from trading_assets.market.resample import resample
from trading_assets.market.sessions import Sessions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def clean_native_bars(
    rows: pl.DataFrame,
    symbol: Symbol,
    source: str,
    *,
    timeframe: Timeframe,
    month: Month,
    start: Micros | None,
    end: Micros,
    jump_factor: float = DEFAULT_JUMP_FACTOR,
    sessions: Sessions | None = None,
    longest_silence_minutes: int = 0,
) -> tuple[pl.DataFrame, QualityReport]:
    """Make canonical bars of a source's own size from its rows of one month.

    What `clean_bars` does for minutes. A bar that lies outside of all sessions (before the open, on
    a holiday) stays, and is not expected; one that begins elsewhere than its grid is left out.

    Args:
        rows: DECODED_SCHEMA, in any order.
        symbol: whose they are.
        source: value of the column `source`.
        timeframe: size of its bars.
        month: which month they are of.
        start: first instant at which bars are expected; None means that the first row decides.
        end: bars that end after it are unfinished; those that end by it are expected.
        jump_factor: moves beyond so many times the month's median move are listed.
        sessions: of the symbol's calendar; None for a market that never closes.
        longest_silence_minutes: an absence up to this is silence, for sources that have no bar for
            a stretch without a trade.

    Returns:
        BAR_SCHEMA, valid and strictly increasing, and what was found; gaps are in minutes of
        trading, see `NativeGrid.missing`.

    Raises:
        DataError: if rows lie outside the month, two rows of one time differ, or a bar is not a
            possible one; naming the first rows.
    """
    frame = month_frame(rows, symbol, source, month)
    ts = frame["ts"].to_physical().to_numpy()
    whole = native_grid(timeframe, month.start, month.end, sessions)
    aligned, ends = _placed(ts, whole, timeframe, sessions)
    finished = pl.Series(aligned & (ends <= end))
    kept = frame.filter(finished)
    unique = in_order(kept, symbol)
    validate_bars(unique, symbol)
    there = unique["ts"].to_physical().to_numpy()
    first = start if start is not None else int(there[0]) if len(there) else end
    owed = native_grid(timeframe, max(first, month.start), end, sessions)
    missing = owed.missing(there, longest_silence_minutes=longest_silence_minutes)
    report = QualityReport(
        received=rows.height,
        rows=unique.height,
        duplicates=kept.height - unique.height,
        off_grid=tuple(ts[~aligned].tolist()),
        unfinished=int((aligned & (ends > end)).sum()),
        silent=unique.filter(pl.col("n_trades") == 0).height,
        gaps=missing,
        silences=silences(unique, missing, timeframe),
        jumps=jumps(unique, jump_factor, timeframe),
        jump_factor=jump_factor,
    )
    return unique, report


def bars_of_native(
    frame: pl.DataFrame,
    symbol: Symbol,
    native: Timeframe,
    timeframe: Timeframe,
    grid: NativeGrid,
    *,
    end: Micros,
    sessions: Sessions | None = None,
    longest_silence_minutes: int = 0,
) -> pl.DataFrame:
    """Build bars of the native size or a larger one.

    Args:
        frame: native bars as `clean_native_bars` gives them, of one or more months.
        symbol: whose they are.
        native: their size.
        timeframe: that of the result, not smaller.
        grid: the bars that are expected from before the first bucket to `end`; others are left out.
        end: leave out buckets that end after this instant.
        sessions: of the symbol's calendar; None for 24/7.
        longest_silence_minutes: an absence up to this is silence.

    Returns:
        RESAMPLED_SCHEMA: `n_minutes` is null, since nobody knows the minutes; `complete` says that
        no native bar is missing inside.
    """
    expected = frame.filter(pl.Series(grid.holds(frame["ts"].to_physical().to_numpy())))
    if timeframe is native:
        bars = expected.with_columns(pl.lit(value=True).alias("complete"))
    else:
        there = expected["ts"].to_physical().to_numpy()
        holes = grid.missing(there, longest_silence_minutes=longest_silence_minutes)
        bars = resample(expected, timeframe, now=end, sessions=sessions, holes=holes)
    unknown = pl.lit(None, dtype=pl.Int32).alias("n_minutes")
    bars = bars.with_columns(unknown).select(RESAMPLED_SCHEMA.names())
    validate_bars(bars, symbol, timeframe, grid=None if sessions is None else Timeframe.M1)
    return bars


def _placed(
    ts: NDArray[np.int64], whole: NativeGrid, timeframe: Timeframe, sessions: Sessions | None
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tell of each open time whether a bar may begin there, and when that bar ends.

    Args:
        ts: open times.
        whole: every bar of the month.
        timeframe: their size.
        sessions: None where every bar is expected.
    """
    import numpy as np

    size = timeframe.micros
    expected = whole.holds(ts)
    ends = ts + size
    at = np.searchsorted(whole.ts, ts[expected])
    ends[expected] = whole.end[at]
    if sessions is None:
        return expected, ends
    if timeframe is Timeframe.D1:
        return expected | (ts % size == 0), ends
    # Before the open, or after the close: it must not reach into what is expected.
    last = np.searchsorted(whole.start, ts + size) - 1
    reaches = (last >= 0) & (np.r_[whole.end, 0][last] > ts)
    return expected | (~reaches & (ts % MINUTE == 0)), ends
