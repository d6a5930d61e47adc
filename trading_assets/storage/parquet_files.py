"""How a table lies in a Parquet file, and how a proven file becomes a table again."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from trading_assets.domain.errors import CorruptFile, DataError
from trading_assets.domain.ids import Micros
from trading_assets.market.bar_frame import schema_hash

ROWS_PER_GROUP = 10_080
"""A week of minutes. Measured over a year of one-minute bars in monthly files: against one group
per file the year is read in two thirds of the time (groups are decoded in parallel), and so is one
day inside a month (the statistics rule the other weeks out); files grow by 5 %. Groups near a day
make the year slower again, and files larger."""

_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


@dataclass(frozen=True, slots=True)
class Footer:
    """What a file says of itself, without its rows."""

    rows: int
    schema_hash: str


def encode(frame: pl.DataFrame, address: str) -> bytes:
    """Write a table as zstd-compressed Parquet with statistics, in groups of a week of minutes.

    Args:
        frame: sorted by `ts` if it has that column; several rows may share one instant.
        address: of the partition, for the message.

    Raises:
        DataError: if the rows are not in the order of `ts`, or some have none.
    """
    _require_sorted(frame, address)
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=True, row_group_size=ROWS_PER_GROUP)
    return buffer.getvalue()


def decode(data: bytes, where: Any) -> pl.DataFrame:
    """Read a table from the bytes of a file that has been proven.

    Args:
        data: the whole file.
        where: the file, for the message.

    Raises:
        CorruptFile: if it is no Parquet file. Its bytes are those that were written, so it was
            written wrongly; also a panic inside the decoder, which is no Exception, becomes this.
    """
    try:
        return pl.read_parquet(io.BytesIO(data))
    except _UNREADABLE as error:
        raise _undecodable(where, error) from None


def bound(frame: pl.DataFrame, side: Literal["min", "max"]) -> Micros | None:
    """Give the first or the last `ts`, None without rows or without such a column."""
    if "ts" not in frame.columns or frame.is_empty():
        return None
    ts = frame["ts"].to_physical()
    found = ts.min() if side == "min" else ts.max()
    return None if found is None else int(str(found))


def footer(data: bytes, where: Any) -> Footer:
    """Read what the file says of its rows and columns.

    Raises:
        CorruptFile: if it is no Parquet file.
    """
    try:
        columns = pl.read_parquet_schema(io.BytesIO(data))
        rows = int(pl.scan_parquet(io.BytesIO(data)).select(pl.len()).collect().item())
    except _UNREADABLE as error:
        raise _undecodable(where, error) from None
    return Footer(rows, schema_hash(pl.DataFrame(schema=columns)))


def check_footer(data: bytes, promised: Footer, where: Any) -> None:
    """Compare what a manifest says of a file with what the file says.

    Raises:
        CorruptFile: if they differ, or it is no Parquet file.
    """
    found = footer(data, where)
    if found != promised:
        raise CorruptFile(
            f"A manifest says something else than its file {where}",
            expected=f"{promised.rows} rows, columns {promised.schema_hash[:16]}",
            found=f"{found.rows} rows, columns {found.schema_hash[:16]}",
            fix="Materialise the partition again.",
        )


def _require_sorted(frame: pl.DataFrame, address: str) -> None:
    if "ts" not in frame.columns:
        return
    ts = frame["ts"]
    if ts.has_nulls() or not ts.is_sorted():
        raise DataError(
            f"Rows of {address} are not in the order of their time",
            expected="an ascending ts in every row",
            found="rows without one" if ts.has_nulls() else "an earlier ts after a later one",
            fix="Nothing was published. Sort the table by ts before.",
        )


def _undecodable(where: Any, error: BaseException) -> CorruptFile:
    return CorruptFile(
        f"File {where} cannot be decoded",
        expected="a Parquet file",
        found=f"{type(error).__name__}: {str(error)[:200]}",
        fix="Its bytes are as they were published, so they were written wrongly: materialise the "
        "partition again.",
    )
