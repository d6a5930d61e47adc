"""Files of a package become tables: one column per declared field, text still text."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Mapping

import polars as pl

from trading_assets.declarations.packages import Column, Package
from trading_assets.domain.errors import CorruptFile
from trading_assets.market.archive_files import LARGEST_CSV, one_csv
from trading_assets.market.history import PACKAGE_SUFFIXES, ObjectKind, PackageKind


def package_kind(path: str) -> PackageKind:
    """Give the kind of a package's file by how its name ends."""
    return next(kind for kind, suffix in PACKAGE_SUFFIXES.items() if path.endswith(suffix))


def package_table(declared: Package, kind: ObjectKind, data: bytes, name: str) -> pl.DataFrame:
    """Read the declared columns of one file; all others are left alone.

    Args:
        declared: which columns, by name in any case, or by place.
        kind: what the file is.
        data: its bytes.
        name: of the file, for messages.

    Returns:
        Every row; columns are named by their fields. Text of a CSV stays text.

    Raises:
        CorruptFile: if it cannot be read, or a declared column is not there, or there twice.
    """
    fields = declared.columns.fields()
    if kind == "package_parquet":
        return _parquet(fields, data, name)
    return _csv(declared, fields, csv_text(kind, data, name), name)


def csv_text(kind: ObjectKind, data: bytes, name: str) -> bytes:
    """Give the CSV inside a file, whole.

    Raises:
        CorruptFile: if it cannot be unpacked.
    """
    if kind == "package_zip":
        return one_csv(data, name)
    if kind == "package_csv":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            text = packed.read(LARGEST_CSV + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise not_as_declared(name, found=f"{len(data)} bytes, not whole gzip: {error}") from None
    if len(text) > LARGEST_CSV:
        raise not_as_declared(name, found=f"more than {LARGEST_CSV} bytes of text")
    return text


def check_package_file(kind: ObjectKind, data: bytes, name: str, *, proven: bool = False) -> None:
    """Prove that a file can be opened before it is stored: cheap, rows are not read.

    With `proven` it is not unpacked: its source has decoded these very bytes to list them.

    Raises:
        CorruptFile: if it is not what its name says.
    """
    if kind != "package_parquet":
        if not proven:
            csv_text(kind, data, name)
    elif len(data) < 12 or not data[:4] == data[-4:] == b"PAR1":
        raise not_as_declared(name, expected="a Parquet file", found=repr(data[:20]))


def not_as_declared(name: str, *, found: str, expected: str = "a file as declared") -> CorruptFile:
    """Say what a file of a package is not."""
    return CorruptFile(
        f"File {name} is not as its source declares",
        expected=expected,
        found=found.splitlines()[0][:400] if found else "nothing readable",
        fix="Correct [sources.<name>], or get the file from the vendor again.",
    )


def _parquet(fields: Mapping[str, Column], data: bytes, name: str) -> pl.DataFrame:
    try:
        names = list(pl.read_parquet_schema(io.BytesIO(data)))
        places = _places(fields, names, name)
        frame = pl.read_parquet(io.BytesIO(data), columns=sorted(set(places.values())))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise not_as_declared(name, found=str(error)) from None
    return frame.select(pl.col(names[place]).alias(field) for field, place in places.items())


def _csv(declared: Package, fields: Mapping[str, Column], text: bytes, name: str) -> pl.DataFrame:
    names = _header(declared, text, name) if declared.header else None
    places = _places(fields, names, name)
    try:
        frame = pl.read_csv(
            io.BytesIO(text),
            has_header=False,
            skip_rows=int(declared.header),
            separator=declared.separator,
            infer_schema=False,
            truncate_ragged_lines=False,
        )
    except pl.exceptions.NoDataError:
        return pl.DataFrame(schema=dict.fromkeys(fields, pl.String()))
    except pl.exceptions.PolarsError as error:
        raise not_as_declared(name, found=str(error)) from None
    width = len(names) if names is not None else max(frame.width, 1 + max(places.values()))
    if frame.width != width:
        raise not_as_declared(
            name, expected=f"{width} fields per line", found=f"{frame.width} fields"
        )
    return pl.DataFrame({field: frame.to_series(place) for field, place in places.items()})


def _header(declared: Package, text: bytes, name: str) -> list[str]:
    try:
        first_line = text.partition(b"\n")[0].decode("utf-8-sig").rstrip("\r")
    except UnicodeDecodeError as error:
        raise not_as_declared(name, found=f"a first line that is not UTF-8: {error}") from None
    return next(csv.reader([first_line], delimiter=declared.separator), [])


def _places(fields: Mapping[str, Column], names: list[str] | None, name: str) -> dict[str, int]:
    """Find the declared columns among those of a file; names count in any case.

    Raises:
        CorruptFile: if one is missing, is there twice, or serves two fields.
    """
    places = {field: _place(column, names, name) for field, column in fields.items()}
    for field, place in places.items():
        others = [other for other in places if places[other] == place and other != field]
        if others:
            raise not_as_declared(
                name,
                expected="a column of its own for every field",
                found=f"column {place + 1} for {field} and {', '.join(others)}",
            )
    return places


def _place(column: Column, names: list[str] | None, name: str) -> int:
    if isinstance(column, int):
        if names is None or column <= len(names):
            return column - 1
        raise not_as_declared(name, expected=f"a column {column}", found=f"{len(names)} columns")
    known = names or []
    places = [i for i, text in enumerate(known) if text.strip().lower() == column.strip().lower()]
    if len(places) == 1:
        return places[0]
    raise not_as_declared(
        name,
        expected=f"one column {column!r}, in any case",
        found=f"{len(places) or 'none'} among {', '.join(map(repr, known))}",
    )
