"""Real one-minute archives: found under a folder, checked, and read into whole numbers.

Accepted are files whose name begins with the symbol and `1m` (`BTCUSDT-1m-2024-12.zip`,
`BTCUSDT_1m_2022.parquet`): zips and CSV files in the layout of Binance's archive (12 columns, with
or without a header), and CSV or Parquet files with named columns `open_time, open, high, low,
close, volume` and, if they have them, `quote_volume, count, taker_buy_volume,
taker_buy_quote_volume`. Times are milliseconds or microseconds, told apart by their size. Daily
files win over monthly ones. A `.CHECKSUM` beside a file must hold.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

import numpy as np

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.market.noise import IntArray

if TYPE_CHECKING:
    import polars as pl

UNITS = 100_000_000
MICROS_FROM = 10**13
"""Times of this size and above are microseconds."""

_MINUTE_MS = 60_000
_NAME = re.compile(r"([A-Z0-9]{5,20})[-_]1m(?![a-z]).*\.(zip|csv|parquet)")
_DAILY = re.compile(r"\d{4}-\d{2}-\d{2}\.")
_BINANCE = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_PRICES = ("open", "high", "low", "close")
_OPTIONAL = ("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume")


@dataclass(frozen=True, slots=True)
class ArchiveBars:
    """Bars of one symbol as its files have them; every array is int64 of one length.

    Attributes:
        minute: open time, minutes since 1970, increasing.
        prices: open, high, low and close in 1e-8: int64[4, n].
        volume: in 1e-8 of the base asset.
        quote_volume: in 1e-8 of the quote asset; None if the files do not say. So with `count`
            (number of trades), `taker_volume` and `taker_quote_volume`.
        digest: SHA-256 over the files, in order of their names.
    """

    minute: IntArray
    prices: IntArray
    volume: IntArray
    quote_volume: IntArray | None
    count: IntArray | None
    taker_volume: IntArray | None
    taker_quote_volume: IntArray | None
    digest: str


def archives_in(folder: Path) -> dict[str, list[Path]]:
    """Find the one-minute files under a folder, by symbol; monthly files first.

    Raises:
        ConfigurationError: if there are none.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*"), key=lambda p: (bool(_DAILY.search(p.name)), str(p))):
        named = _NAME.fullmatch(path.name)
        if named and path.is_file():
            found.setdefault(named[1], []).append(path)
    if not found:
        raise ConfigurationError(
            f"Nothing to replay in {folder}",
            expected="one-minute archives such as BTCUSDT-1m-2024-12.zip",
            found="none" if folder.is_dir() else "no such folder",
            fix="Name the folder that holds them; sub-folders are searched.",
        )
    return found


def read_archives(paths: list[Path]) -> ArchiveBars:
    """Read the files of one symbol; later files win where minutes repeat.

    Raises:
        ConfigurationError: if a file is damaged or is not of one-minute bars.
    """
    import polars as pl

    tables, hashed = [], hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        _check_sum(path, digest)
        hashed.update(f"{path.name} {digest}\n".encode())
        tables.append(_whole_numbers(path, _table(path, content)))
    table = pl.concat(tables, how="diagonal").unique("minute", keep="last").sort("minute")

    def optional(name: str) -> IntArray | None:
        has = name in table.columns and table[name].null_count() == 0
        return table[name].to_numpy().astype(np.int64) if has else None

    return ArchiveBars(
        minute=table["minute"].to_numpy().astype(np.int64),
        prices=np.stack([table[name].to_numpy() for name in _PRICES]).astype(np.int64),
        volume=table["volume"].to_numpy().astype(np.int64),
        quote_volume=optional("quote_volume"),
        count=optional("count"),
        taker_volume=optional("taker_buy_volume"),
        taker_quote_volume=optional("taker_buy_quote_volume"),
        digest=hashed.hexdigest(),
    )


def _check_sum(path: Path, digest: str) -> None:
    beside = path.with_name(path.name + ".CHECKSUM")
    if beside.is_file() and beside.read_text().split()[0] != digest:
        raise ConfigurationError(
            f"{path} does not match its CHECKSUM",
            expected=beside.read_text().split()[0],
            found=digest,
            fix="Fetch the file again.",
        )


def _table(path: Path, content: bytes) -> pl.DataFrame:
    """Read one file as it is: text columns from CSV, typed ones from Parquet."""
    import polars as pl

    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(BytesIO(content))
        if path.suffix == ".zip":
            with ZipFile(BytesIO(content)) as archive:
                content = b"".join(archive.read(name) for name in archive.namelist()[:1])
        bare = content[:1].isdigit()
        table = pl.read_csv(BytesIO(content), has_header=not bare, infer_schema=False)
    except (BadZipFile, pl.exceptions.PolarsError) as error:
        raise _bad_file(path, "a readable zip, CSV or Parquet file", str(error)) from error
    if bare:
        if table.width != len(_BINANCE):
            raise _bad_file(path, f"{len(_BINANCE)} columns", f"{table.width}")
        table.columns = list(_BINANCE)
    return table


def _whole_numbers(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    """Turn times into minutes, and amounts into 1e-8."""
    import polars as pl

    needed = ("open_time", *_PRICES, "volume")
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise _bad_file(path, f"columns {', '.join(needed)}", f"no {', '.join(missing)}")
    names = [name for name in (*_PRICES, "volume", *_OPTIONAL) if name in table.columns]
    try:
        result = table.select(
            _milliseconds(table.schema["open_time"]).alias("ms"),
            *(_units(name, table.schema[name]) for name in names),
        )
    except pl.exceptions.PolarsError as error:
        raise _bad_file(path, "numbers in every column", str(error)) from error
    odd = result.filter((pl.col("ms") % _MINUTE_MS != 0) | (pl.col("volume") < 0))
    unsound = result.filter(
        (pl.col("low") <= 0)
        | (pl.col("low") > pl.min_horizontal("open", "close"))
        | (pl.col("high") < pl.max_horizontal("open", "close"))
    )
    for bad in (odd, unsound):
        if bad.height:
            expected = "open times on full minutes, and low <= open, close <= high"
            raise _bad_file(path, expected, f"{bad.height} other rows, first {bad.row(0)}")
    return result.select((pl.col("ms") // _MINUTE_MS).alias("minute"), *names)


def _milliseconds(kind: pl.DataType) -> pl.Expr:
    import polars as pl

    time = pl.col("open_time")
    if kind.is_temporal():
        return time.dt.timestamp("ms")
    number = time.cast(pl.Int64)
    return pl.when(number >= MICROS_FROM).then(number // 1_000).otherwise(number)


def _units(name: str, kind: pl.DataType) -> pl.Expr:
    """Give a column in 1e-8: exactly from text, to the nearest from binary floats."""
    import polars as pl

    column = pl.col(name)
    if name == "count":
        return column.cast(pl.Int64)
    if kind == pl.String:
        whole = column.str.extract(r"^(\d+)", 1).cast(pl.Int64)
        digits = column.str.extract(r"\.(\d{1,8})\d*$", 1).fill_null("").str.pad_end(8, "0")
        return (whole * UNITS + digits.cast(pl.Int64)).alias(name)
    return (column.cast(pl.Float64) * UNITS).round().cast(pl.Int64).alias(name)


def _bad_file(path: Path, expected: str, found: str) -> ConfigurationError:
    return ConfigurationError(
        f"Cannot replay {path}", expected=expected, found=found, fix="Take the file away."
    )
