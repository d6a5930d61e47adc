"""Bars of a span for other programs: as a file of their choice, with their spelling of columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError, DataError, MissingPartition
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.market.bar_frame import between
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_tables import bars_table
from trading_assets.workflows.native_tables import require_bars_of

Case = Literal["lower", "upper"]

_UPPER = {name: name.capitalize() for name in ("open", "high", "low", "close", "volume")}
_INDEX = "ts_utc"


def bars_of_span(
    desk: Desk,
    symbol: Symbol,
    timeframe: Timeframe,
    start: Micros,
    end: Micros,
    *,
    as_of: Micros | None = None,
) -> pl.DataFrame:
    """Give the published bars with open time in [start, end); every file is hashed first.

    Args:
        desk: whose tables.
        symbol: whose bars.
        timeframe: their size.
        start: first instant, inclusive.
        end: last instant, exclusive.
        as_of: as they were at this instant; the current ones if None.

    Raises:
        MissingPartition: if a month of the span was not published (then); a span is given whole.
        CorruptFile: if a file is damaged.
        DataError: if the span is empty, or the source gives larger bars only.
    """
    if end <= start:
        raise DataError("The span is empty", expected="an end after the start", found=f"{end}")
    found = _manifests(desk, bars_table(timeframe), symbol, start, end, as_of)
    manifests = [require_bars_of(manifest, timeframe) for manifest in found]
    return pl.concat(map(desk.tables.read_manifest, manifests)).filter(between(start, end))


def as_exported(frame: pl.DataFrame, case: Case) -> pl.DataFrame:
    """Spell columns for other programs: the index `ts_utc` first, `Open..Volume` on request."""
    renamed = frame.rename({"ts": _INDEX} | (_UPPER if case == "upper" else {}))
    return renamed.select(_INDEX, pl.exclude(_INDEX))


def write_export(frame: pl.DataFrame, path: Path) -> None:
    """Write a CSV (times in ISO 8601 with Z) or a Parquet file, by the ending of its name.

    Raises:
        ConfigurationError: if the ending is another, or the file is there already.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigurationError(
            f"{path} says no format", expected="a name that ends in .csv or .parquet"
        )
    try:
        with path.open("xb") as file:
            if path.suffix == ".csv":
                frame.write_csv(file, datetime_format="%Y-%m-%dT%H:%M:%SZ")
            else:
                frame.write_parquet(file, compression="zstd", statistics=True)
    except FileExistsError:
        raise ConfigurationError(
            f"{path} is there already", expected="a new name", fix="Nothing was overwritten."
        ) from None


def _manifests(
    desk: Desk, table: str, symbol: Symbol, start: Micros, end: Micros, as_of: Micros | None
) -> Iterator[Manifest]:
    for month in months_between(Month.of(start), Month.of(end - 1)):
        if as_of is None:
            yield desk.tables.require(table, symbol, month)
        elif (found := desk.tables.as_of(table, symbol, month, as_of)) is not None:
            yield found
        else:
            raise MissingPartition(
                f"{table}/{symbol}/{month} was not published then",
                expected="a version from before that instant",
                found="none",
                fix="`trading-assets data show` lists when its versions were published.",
            )
