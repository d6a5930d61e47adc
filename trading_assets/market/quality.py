"""Vendor rows become bars: what was dropped and why, what is missing, and when it is too much."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from trading_assets.domain.bar import MINUTE, Gap, Timeframe
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


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What the vendor's rows were like.

    Attributes:
        rows: bars that are left.
        duplicates: rows that repeated another one exactly; one of each is kept.
        off_grid: open times that are not whole minutes; these rows are left out.
        unfinished: bars that had not ended when they were fetched; left out.
        silent: bars without a trade; they are rows, not gaps.
        gaps: what is missing between the first and the last expected minute.
    """

    rows: int
    duplicates: int
    off_grid: tuple[Micros, ...]
    unfinished: int
    silent: int
    gaps: tuple[Gap, ...]

    @property
    def missing_minutes(self) -> int:
        """Minutes inside all gaps."""
        return sum(gap.minutes for gap in self.gaps)


def clean_bars(
    rows: pl.DataFrame,
    symbol: Symbol,
    source: str,
    *,
    month: Month,
    start: Micros | None,
    end: Micros,
) -> tuple[pl.DataFrame, QualityReport]:
    """Make canonical one-minute bars from a vendor's rows of one month.

    Nothing is invented and no value is changed: rows are only put in order and left out.

    Args:
        rows: DECODED_SCHEMA, in any order.
        symbol: whose they are.
        source: value of the column `source`.
        month: which month they are of.
        start: first expected minute; None means that the first row decides.
        end: bars that end after it are unfinished; bars up to it are expected.

    Returns:
        BAR_SCHEMA, valid and strictly increasing, and what was found.

    Raises:
        DataError: if rows lie outside the month, two rows of one minute differ, or a bar is not
            a possible one; naming the first rows.
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
    aligned, finished = on_grid(Timeframe.M1), pl.col("ts") <= instant(end - MINUTE)
    off_grid = frame.filter(~aligned)
    unfinished = frame.filter(aligned & ~finished)
    frame = frame.filter(aligned & finished)
    unique = frame.unique(maintain_order=True).sort("ts")
    _require_no_conflict(unique, symbol)
    validate_bars(unique, symbol)
    report = QualityReport(
        rows=unique.height,
        duplicates=frame.height - unique.height,
        off_grid=tuple(off_grid["ts"].to_physical().to_list()),
        unfinished=unfinished.height,
        silent=unique.filter(pl.col("n_trades") == 0).height,
        gaps=gaps(unique, _first_expected(unique, start, end), end),
    )
    return unique, report


def require_tolerable(
    found: tuple[Gap, ...], max_gap_minutes: int, symbol: Symbol, month: Month
) -> None:
    """Refuse a month with an unexplained gap that is too long to work with.

    Raises:
        DataError: naming the longest gap and the setting.
    """
    unexplained = [gap for gap in found if gap.cause == "unexplained"]
    longest = max(unexplained, key=lambda gap: gap.minutes, default=None)
    if longest is None or longest.minutes <= max_gap_minutes:
        return
    first, last = (minute_text(ts) for ts in (longest.start, longest.end))
    raise DataError(
        f"Bars of {symbol} in {month} have a gap that is too long",
        expected=f"at most {max_gap_minutes} minutes (setting quality.max_gap_minutes)",
        found=f"{longest.minutes} minutes, from {first} to {last}",
        fix="Nothing was published. Get the missing files, or raise the setting.",
    )


def minute_text(ts: Micros) -> str:
    """Give an instant as `2018-02-08 00:28`, UTC."""
    text = pl.select(instant(ts).dt.strftime("%Y-%m-%d %H:%M")).item()
    return str(text)


def _first_expected(frame: pl.DataFrame, start: Micros | None, end: Micros) -> Micros:
    if start is not None:
        return start + -start % MINUTE
    first = frame["ts"].to_physical().min()
    return first if isinstance(first, int) else end


def _require_no_conflict(frame: pl.DataFrame, symbol: Symbol) -> None:
    conflicts = frame.filter(pl.col("ts").is_duplicated())
    if conflicts.height:
        raise DataError(
            f"Bars of {symbol}: the vendor gives different values for one minute",
            expected="one row per minute, or exact repetitions",
            found=f"{conflicts.height} rows: "
            + "; ".join(row_text(conflicts, i) for i in range(min(4, conflicts.height))),
            fix="Nothing was published. Ask the vendor which one holds, and remove the other file.",
        )
