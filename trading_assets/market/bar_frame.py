"""Tables of bars: their columns, what makes one valid, and the identity of its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Symbol, content_hash
from trading_assets.market import table_columns

TS = pl.Datetime("us", "UTC")

_TYPES = {
    table_columns.TIME: TS,
    table_columns.TEXT: pl.String(),
    table_columns.FLOAT: pl.Float64(),
    table_columns.INTEGER: pl.Int64(),
    table_columns.SMALL_INTEGER: pl.Int32(),
    table_columns.FLAG: pl.Boolean(),
}


def schema_of(columns: Mapping[str, str]) -> pl.Schema:
    """Give the polars schema of columns whose types are said in the words of `table_columns`."""
    return pl.Schema({name: _TYPES[said] for name, said in columns.items()})


BAR_SCHEMA = schema_of(table_columns.BAR_COLUMNS)
RESAMPLED_SCHEMA = schema_of(table_columns.RESAMPLED_COLUMNS)

RESAMPLED_ONLY = tuple(name for name in RESAMPLED_SCHEMA if name not in BAR_SCHEMA)
"""Columns that minutes do not have in their table."""

PRICES = ("open", "high", "low", "close")
AMOUNTS = ("volume", "quote_volume", "n_trades")
_MAY_MISS = (*AMOUNTS, "n_minutes")
_NAMED = 4  # rows that an error shows


def empty_bars() -> pl.DataFrame:
    """Give a one-minute table without rows."""
    return pl.DataFrame(schema=BAR_SCHEMA)


def with_minutes_inside(minutes: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that larger bars have: one minute is in every row, and none is missing."""
    one, whole = pl.lit(1, pl.Int32), pl.lit(value=True)
    return minutes.with_columns(n_minutes=one, complete=whole)


def instant(ts: Micros) -> pl.Expr:
    """Give an instant as a literal that compares with `ts` columns."""
    return pl.lit(ts, dtype=pl.Int64).cast(TS)


def between(start: Micros, end: Micros) -> pl.Expr:
    """Select rows with `ts` in [start, end)."""
    return (pl.col("ts") >= instant(start)) & (pl.col("ts") < instant(end))


def schema_hash(frame: pl.DataFrame) -> str:
    """Give the SHA-256 of the column names and types, in order."""
    return hashlib.sha256(_schema_bytes(frame)).hexdigest()


def row_content_hash(frame: pl.DataFrame) -> str:
    """Give the SHA-256 of the rows: columns, types, nulls and values, in order.

    It depends on values only, never on chunks, files, compression or the machine: integers,
    times and floats go in as little-endian bytes with one NaN, text as UTF-8 with its lengths.

    Raises:
        DataError: if a column has a type that no table here uses.
    """
    digest = hashlib.sha256(_schema_bytes(frame))
    digest.update(frame.height.to_bytes(8, "little"))
    for column in frame.iter_columns():
        digest.update(_bits(column.is_null()) if column.has_nulls() else b"\0")
        for part in _value_bytes(column):
            digest.update(part)
    return digest.hexdigest()


def version_of(frame: pl.DataFrame, stands_for: str = "") -> str:
    """Give the version of a partition: the hash of its rows, and of what they stand for."""
    own = row_content_hash(frame)
    return content_hash([own, stands_for]) if stands_for else own


def validate_bars(
    frame: pl.DataFrame,
    symbol: Symbol,
    timeframe: Timeframe = Timeframe.M1,
    *,
    grid: Timeframe | None = None,
) -> None:
    """Prove that a table holds bars of one symbol that anything downstream may trust.

    Checked in this order: columns and types, no nulls (amounts and `n_minutes` may be null in all
    rows together), symbol, time strictly increasing and on the grid, finite positive prices, high
    and low around open and close, no negative volume.

    Args:
        frame: the bars.
        symbol: whose they are.
        timeframe: their size; BAR_SCHEMA for one minute, RESAMPLED_SCHEMA for larger ones.
        grid: open times are multiples of it; None means of `timeframe`. Bars that count from the
            open of a session need not be on the grid of their size.

    Raises:
        DataError: naming the rule, how many rows break it, and the first ones.
    """
    expected = BAR_SCHEMA if timeframe is Timeframe.M1 else RESAMPLED_SCHEMA
    if frame.schema != expected:
        raise DataError(
            f"Bars of {symbol} have the wrong columns",
            expected=_schema_text(expected),
            found=_schema_text(frame.schema),
        )
    finite = pl.all_horizontal(pl.col(*PRICES).is_finite() & (pl.col(*PRICES) > 0))
    inside = pl.all_horizontal(
        (pl.col("low") <= pl.col("open", "close")) & (pl.col("open", "close") <= pl.col("high"))
    )
    amounts, unknown = pl.col(*AMOUNTS), pl.col(*(n for n in _MAY_MISS if n in expected)).is_null()
    as_in_the_first_row = unknown == unknown.first()
    rules: tuple[tuple[str, pl.Expr], ...] = (
        ("a value is missing", pl.all_horizontal(pl.exclude(*_MAY_MISS).is_not_null())),
        ("an amount is missing in some rows only", pl.all_horizontal(as_in_the_first_row)),
        (f"the symbol is not {symbol}", pl.col("symbol") == symbol),
        ("time does not increase", (pl.col("ts").diff() > pl.duration()).fill_null(value=True)),
        ("the open time is off the grid", on_grid(grid or timeframe)),
        ("a price is not positive and finite", finite),
        ("high or low do not enclose open and close", inside),
        (
            "a volume or count is negative or not finite",
            pl.all_horizontal((amounts.is_finite() & (amounts >= 0)) | amounts.is_null()),
        ),
    )
    verdicts = frame.select(ok.fill_null(value=False).alias(text) for text, ok in rules)
    for column in verdicts.iter_columns():
        if not column.all():
            bad = (~column).arg_true()
            raise DataError(
                f"Bars of {symbol}: {column.name}",
                found=f"{len(bad)} of {frame.height} rows: "
                + "; ".join(row_text(frame, i) for i in bad.head(_NAMED)),
                fix="Nothing was published. Check the vendor's file.",
            )


def row_text(frame: pl.DataFrame, index: int) -> str:
    """Describe one row for a message: `ts 2024-03-01 00:00:00+00:00, open 100.0, ...`."""
    return ", ".join(f"{name} {value}" for name, value in frame.row(index, named=True).items())


def on_grid(timeframe: Timeframe) -> pl.Expr:
    """Select rows whose open time is a multiple of the bar size."""
    return pl.col("ts").dt.epoch("us") % timeframe.micros == 0


def _schema_bytes(frame: pl.DataFrame) -> bytes:
    return _schema_text(frame.schema).encode()


def _schema_text(schema: pl.Schema) -> str:
    return ", ".join(f"{name}: {dtype}" for name, dtype in schema.items())


def _value_bytes(column: pl.Series) -> tuple[bytes, ...]:
    dtype = column.dtype
    if dtype == pl.String:
        text = column.fill_null("") if column.has_nulls() else column
        return _little_endian(text.str.len_bytes()), text.str.join("").item().encode()
    if dtype == pl.Boolean:
        return (_bits(column.fill_null(value=False) if column.has_nulls() else column),)
    if dtype.is_temporal():
        return (_little_endian(column.to_physical()),)
    if dtype.is_integer() or dtype.is_float():
        return (_little_endian(column),)
    raise DataError(
        f"Column {column.name} cannot be hashed",
        expected="integers, floats, text, booleans or times",
        found=str(dtype),
    )


# numpy is imported where it works: each process of Dagster loads this module as it starts.
def _bits(column: pl.Series) -> bytes:
    import numpy as np

    return np.packbits(column.to_numpy()).tobytes()


def _little_endian(column: pl.Series) -> bytes:
    import numpy as np

    values = (column.fill_null(0) if column.has_nulls() else column).to_numpy()
    if values.dtype.kind == "f" and np.isnan(values).any():
        values = np.where(np.isnan(values), values.dtype.type(np.nan), values)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
