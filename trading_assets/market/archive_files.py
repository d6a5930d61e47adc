"""The vendor's bytes become rows: zips of CSV and pages of JSON, units and header found out."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from trading_assets.domain.errors import CorruptFile
from trading_assets.market.bar_frame import TS, row_text
from trading_assets.market.oddities import CLOSE_TS

DECODED_SCHEMA = pl.Schema(
    {
        "ts": TS,
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
        "quote_volume": pl.Float64(),
        "n_trades": pl.Int64(),
    }
)
"""Rows as the vendor sent them: in its order, with its duplicates, off the grid where it was."""

_FIELDS = pl.Schema(
    {
        "ts": pl.Int64(),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
        CLOSE_TS: pl.Int64(),
        "quote_volume": pl.Float64(),
        "n_trades": pl.Int64(),
        "taker_volume": pl.Float64(),
        "taker_quote_volume": pl.Float64(),
        "unused": pl.String(),
    }
)
LARGEST_CSV = 512 * 1024 * 1024
"""Bytes of text beyond which a packed file is refused."""

_FIRST_MS = 10**12  # 2001 in milliseconds; seconds are smaller until the year 33658
_FIRST_US = 10**14  # 1973 in microseconds, 5138 in milliseconds


def decode_zip(data: bytes, name: str) -> pl.DataFrame:
    """Decode a zip with one CSV of Binance; see `decode_page`.

    Raises:
        CorruptFile: naming the object and what is wrong with it.
    """
    return _bars(_rows_from_csv(one_csv(data, name), name), name)


def decode_page(data: bytes, name: str) -> pl.DataFrame:
    """Decode a page of Binance's REST API.

    Binance writes 12 fields per bar. Times are milliseconds in some files and microseconds in
    others, so each row's magnitude decides; a header line is recognised by its first byte. The
    vendor's close time is handed on for reports only: it ends early before an outage.

    Args:
        data: the vendor's bytes.
        name: of the object, for messages.

    Returns:
        DECODED_SCHEMA and CLOSE_TS, every row of the object.

    Raises:
        CorruptFile: naming the object and what is wrong with it.
    """
    return _bars(_rows(data, name), name)


def check_zip(data: bytes, name: str) -> None:
    """Prove that a zip holds one whole CSV.

    Raises:
        CorruptFile: if it does not.
    """
    one_csv(data, name)


def check_table_of_zip(data: bytes, name: str) -> None:
    """Tell by its table of contents whether a zip holds one CSV; nothing is unpacked.

    Raises:
        CorruptFile: if it does not, or its end is not there.
    """
    with _opened_zip(data, name):
        pass


def check_page(data: bytes, name: str) -> None:
    """Tell by its ends whether this is a list.

    Raises:
        CorruptFile: if it is not.
    """
    if not (data[:1] == b"[" and data[-1:] == b"]"):
        raise CorruptFile(
            f"Object {name} is not a page of bars", expected="a JSON list", found=repr(data[:60])
        )


def _bars(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    rows = rows.select(*DECODED_SCHEMA, CLOSE_TS)
    holes = rows.filter(pl.any_horizontal(pl.exclude(CLOSE_TS).is_null()))
    if holes.height:
        raise _unreadable(name, f"{holes.height} rows with fields missing: {row_text(holes, 0)}")
    oldest = rows["ts"].min()
    if isinstance(oldest, int) and oldest < _FIRST_MS:
        raise CorruptFile(
            f"Object {name} has an open time that is neither milliseconds nor microseconds",
            expected=f"at least {_FIRST_MS}",
            found=str(oldest),
        )
    return rows.with_columns(_micros("ts"), _micros(CLOSE_TS))


def one_csv(data: bytes, name: str) -> bytes:
    """Give the one CSV inside a zip, after its CRC was checked.

    Raises:
        CorruptFile: if there is another number of them, or it cannot be opened.
    """
    with _opened_zip(data, name) as (archive, member):
        return archive.read(member)


@contextmanager
def _opened_zip(data: bytes, name: str) -> Iterator[tuple[zipfile.ZipFile, zipfile.ZipInfo]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".csv")]
            if len(members) != 1 or members[0].file_size > LARGEST_CSV:
                raise CorruptFile(
                    f"Zip {name} does not hold one CSV",
                    expected=f"one .csv of at most {LARGEST_CSV} bytes",
                    found=", ".join(f"{m.filename} ({m.file_size})" for m in archive.infolist()),
                )
            yield archive, members[0]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise CorruptFile(
            f"Zip {name} cannot be opened",
            expected="a whole zip file",
            found=f"{len(data)} bytes: {error}",
            fix="Get the file from the vendor again.",
        ) from None


def _rows_from_csv(text: bytes, name: str) -> pl.DataFrame:
    if not text.strip():
        return pl.DataFrame(schema=_FIELDS)
    first_line = text.partition(b"\n")[0]
    has_header = first_line.startswith(b"open")
    if not (has_header or first_line[:1].isdigit()):
        raise _unreadable(name, f"a first line that is neither a bar nor a header: {first_line!r}")
    try:
        return pl.read_csv(
            io.BytesIO(text),
            has_header=False,
            skip_rows=int(has_header),
            schema=_FIELDS,
            truncate_ragged_lines=False,
        )
    except pl.exceptions.PolarsError as error:
        raise _unreadable(name, str(error)) from None


def _rows(data: bytes, name: str) -> pl.DataFrame:
    try:
        page = json.loads(data)
        if not isinstance(page, list):
            raise _unreadable(name, f"not a list of bars: {str(page)[:60]}")
        columns = list(zip(*page, strict=True)) or [()] * len(_FIELDS)
        raw = dict(zip(_FIELDS, columns, strict=True))
        return pl.DataFrame(raw, strict=True).cast(_FIELDS)
    except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
        raise _unreadable(name, str(error)) from None


def _micros(name: str) -> pl.Expr:
    """Read times of either unit; the instant keeps the name."""
    times = pl.col(name)
    return pl.when(times < _FIRST_US).then(times * 1000).otherwise(times).cast(TS).alias(name)


def _unreadable(name: str, reason: str) -> CorruptFile:
    return CorruptFile(
        f"Object {name} cannot be read as bars",
        expected=f"{len(_FIELDS)} fields per bar, as Binance documents them",
        found=reason.splitlines()[0][:200] if reason else "nothing readable",
        fix="Get it from the vendor again; if it comes back the same, the vendor changed a format.",
    )
