"""Vendor rows become bars: what was dropped and why, what is missing, and when it is too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import polars as pl

from trading_assets.domain.bar import MINUTE, Gap, Timeframe, minute_text
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.bar_frame import (
    BAR_SCHEMA,
    between,
    instant,
    on_grid,
    row_text,
    validate_bars,
)
from trading_assets.market.gaps import gaps
from trading_assets.market.oddities import (
    EarlyClose,
    Jump,
    Silence,
    early_closes,
    jumps,
    silences,
)
from trading_assets.market.outages import unexplained
from trading_assets.market.sessions import Sessions

_LISTED = 100  # rows of a kind that a manifest names; it counts them all
DEFAULT_JUMP_FACTOR = 50.0


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What the vendor's rows were like: `received` = rows + duplicates + off_grid + unfinished.

    Attributes:
        received: rows that the vendor sent.
        rows: bars that are left.
        duplicates: rows that repeated another one exactly; one of each is kept.
        off_grid: open times that are no whole minutes, or where no bar of the source's size
            begins; these rows are left out.
        unfinished: bars that had not ended when they were fetched; left out.
        silent: bars without a trade; they are rows, not gaps.
        gaps: what is missing between the first and the last expected minute.
        early_closes: bars whose close time is odd, where the vendor gives one.
        silences: stretches of bars without a trade.
        jumps: moves beyond `jump_factor` times the month's median move.
    """

    received: int
    rows: int
    duplicates: int = 0
    off_grid: tuple[Micros, ...] = ()
    unfinished: int = 0
    silent: int = 0
    gaps: tuple[Gap, ...] = ()
    early_closes: tuple[EarlyClose, ...] = ()
    silences: tuple[Silence, ...] = ()
    jumps: tuple[Jump, ...] = ()
    jump_factor: float = DEFAULT_JUMP_FACTOR

    @property
    def missing_minutes(self) -> int:
        """Minutes inside all gaps."""
        return sum(gap.minutes for gap in self.gaps)

    def facts(self) -> dict[str, Any]:
        """Give everything but rows and gaps as plain values, for a manifest.

        Of odd rows it counts all and names a hundred: early closes as [ts, close_ts], silences
        (those beside a gap and the longest) as [start, end, minutes, beside_gap], jumps (the
        farthest) as [ts, kind, move, times].
        """
        quiet = sorted(self.silences, key=lambda s: (not s.beside_gap, -s.minutes))[:_LISTED]
        far = sorted(self.jumps, key=lambda jump: -jump.times)[:_LISTED]
        return {
            "received": self.received,
            "duplicates": self.duplicates,
            "off_grid": list(self.off_grid),
            "unfinished": self.unfinished,
            "silent": self.silent,
            "early_closes": _counted(self.early_closes, self.early_closes[:_LISTED]),
            "silences": _counted(self.silences, sorted(quiet, key=lambda s: s.start)),
            "jumps": _counted(self.jumps, sorted(far, key=lambda j: j.ts)),
            "jump_factor": self.jump_factor,
        }


def clean_bars(
    rows: pl.DataFrame,
    symbol: Symbol,
    source: str,
    *,
    month: Month,
    start: Micros | None,
    end: Micros,
    jump_factor: float = DEFAULT_JUMP_FACTOR,
    sessions: Sessions | None = None,
    longest_silence_minutes: int = 0,
) -> tuple[pl.DataFrame, QualityReport]:
    """Make canonical one-minute bars from a vendor's rows of one month.

    Nothing is invented and no value is changed: rows are only put in order and left out.

    Args:
        rows: DECODED_SCHEMA, in any order; with the vendor's close times if it gives them.
        symbol: whose they are.
        source: value of the column `source`.
        month: which month they are of.
        start: first expected minute; None means that the first row decides.
        end: bars that end after it are unfinished; bars up to it are expected.
        jump_factor: moves beyond so many times the month's median move are listed.
        sessions: when minutes are expected; None for a market that never closes.
        longest_silence_minutes: an absence up to this is silence and no gap, for sources that have
            no bar for a minute without a trade.

    Returns:
        BAR_SCHEMA, valid and strictly increasing, and what was found.

    Raises:
        DataError: if rows lie outside the month, two rows of one minute differ, or a bar is not
            a possible one; naming the first rows.
    """
    frame = month_frame(rows, symbol, source, month)
    aligned, finished = on_grid(Timeframe.M1), pl.col("ts") <= instant(end - MINUTE)
    off_grid = frame.filter(~aligned)
    unfinished = frame.filter(aligned & ~finished)
    frame = frame.filter(aligned & finished)
    unique = in_order(frame, symbol)
    validate_bars(unique, symbol)
    missing = gaps(
        unique,
        _first_expected(unique, start, end),
        end,
        sessions=sessions,
        longest_silence_minutes=longest_silence_minutes,
    )
    report = QualityReport(
        received=rows.height,
        rows=unique.height,
        duplicates=frame.height - unique.height,
        off_grid=tuple(off_grid["ts"].to_physical().to_list()),
        unfinished=unfinished.height,
        silent=unique.filter(pl.col("n_trades") == 0).height,
        gaps=missing,
        early_closes=early_closes(rows.filter(aligned & finished)),
        silences=silences(unique, missing),
        jumps=jumps(unique, jump_factor),
        jump_factor=jump_factor,
    )
    return unique, report


def require_tolerable(
    found: tuple[Gap, ...], max_gap_minutes: int, symbol: Symbol, month: Month
) -> None:
    """Refuse a month with an unexplained gap that is too long to work with.

    Raises:
        DataError: naming the longest gap and the setting.
    """
    longest = max(unexplained(found), key=lambda gap: gap.minutes, default=None)
    if longest is None or longest.minutes <= max_gap_minutes:
        return
    first, last = (minute_text(ts) for ts in (longest.start, longest.end))
    raise DataError(
        f"Bars of {symbol} in {month} have a gap that is too long",
        expected=f"at most {max_gap_minutes} minutes (setting quality.max_gap_minutes)",
        found=f"{longest.minutes} minutes, from {first} to {last}",
        fix="Nothing was published. Get the missing files, or raise the setting.",
    )


def _counted(everything: Sequence[Any], listed: Sequence[Any]) -> dict[str, Any]:
    return {"count": len(everything), "rows": [list(astuple(item)) for item in listed]}


def _first_expected(frame: pl.DataFrame, start: Micros | None, end: Micros) -> Micros:
    if start is not None:
        return start + -start % MINUTE
    first = frame["ts"].to_physical().min()
    return first if isinstance(first, int) else end


def in_order(frame: pl.DataFrame, symbol: Symbol) -> pl.DataFrame:
    """Sort the rows and keep one of each; most files are in order, and then nothing is alike.

    Raises:
        DataError: if two rows of one open time differ.
    """
    import numpy as np

    ts = frame["ts"]
    if not ts.has_nulls() and (np.diff(ts.to_physical().to_numpy()) > 0).all():
        return frame
    unique = frame.unique(maintain_order=True).sort("ts")
    _require_no_conflict(unique, symbol)
    return unique


def month_frame(rows: pl.DataFrame, symbol: Symbol, source: str, month: Month) -> pl.DataFrame:
    """Give a vendor's rows (DECODED_SCHEMA) the columns of BAR_SCHEMA, in the order they have.

    Raises:
        DataError: if rows lie outside the month.
    """
    symbol_column, source_column = pl.lit(symbol).alias("symbol"), pl.lit(source).alias("source")
    frame = rows.with_columns(symbol_column, source_column).select(
        pl.col(name).cast(dtype) for name, dtype in BAR_SCHEMA.items()
    )
    outside = frame.filter(~between(month.start, month.end))
    if outside.height:
        raise DataError(
            f"{outside.height} bars of {symbol} do not belong to {month}",
            expected=f"open times inside {month}",
            found=row_text(outside, 0),
            fix="Check the vendor's file; its name and its content disagree.",
        )
    return frame


def _require_no_conflict(frame: pl.DataFrame, symbol: Symbol) -> None:
    conflicts = frame.filter(pl.col("ts").is_duplicated())
    if conflicts.height:
        raise DataError(
            f"Bars of {symbol}: the vendor gives different values for one open time",
            expected="one row for each, or exact repetitions",
            found=f"{conflicts.height} rows: "
            + "; ".join(row_text(conflicts, i) for i in range(min(4, conflicts.height))),
            fix="Nothing was published. Ask the vendor which one holds, and remove the other file.",
        )
