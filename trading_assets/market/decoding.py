"""Every kind of vendor object and how it is read: one table, so that a new kind is one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month
from trading_assets.market.archive_files import (
    DECODED_SCHEMA,
    check_page,
    check_table_of_zip,
    check_zip,
    decode_page,
    decode_zip,
)
from trading_assets.market.bar_frame import between
from trading_assets.market.column_map import DecodedFiles, object_rows
from trading_assets.market.history import (
    PACKAGE_SUFFIXES,
    ObjectKind,
    SourceTraits,
    VendorObject,
)
from trading_assets.market.package_tables import check_package_file
from trading_assets.market.vendor_json import (
    check_eodhd,
    check_polygon,
    decode_eodhd,
    decode_polygon,
)


class _Kind(NamedTuple):
    decode: Callable[[bytes, str], pl.DataFrame]
    check: Callable[[bytes, str], object]
    glance: Callable[[bytes, str], object]
    """For bytes that are proven to be the vendor's: are they of this kind at all?"""


_KINDS: Mapping[ObjectKind, _Kind] = MappingProxyType(
    {
        "zip_csv": _Kind(decode_zip, check_zip, check_table_of_zip),
        "klines_json": _Kind(decode_page, check_page, check_page),
        "eodhd_json": _Kind(decode_eodhd, check_eodhd, check_eodhd),
        "polygon_json": _Kind(decode_polygon, check_polygon, check_polygon),
    }
)


def month_rows(
    objects: Iterable[tuple[VendorObject, bytes]],
    traits: SourceTraits,
    month: Month,
    decoded: DecodedFiles | None = None,
) -> pl.DataFrame:
    """Decode the objects of one month.

    A file of one local date may reach into another month of UTC; its rows there are left to it.

    Args:
        objects: what the vendor said of each, and its bytes.
        traits: of their source.
        month: whose rows are wanted.
        decoded: files of all history that were decoded for other months.

    Returns:
        DECODED_SCHEMA, object by object, each in the order of its file.

    Raises:
        CorruptFile: naming the object and what is wrong with it.
    """
    read = [decode_object(described, data, traits, decoded) for described, data in objects]
    rows = pl.concat(read, how="diagonal") if read else pl.DataFrame(schema=DECODED_SCHEMA)
    return rows if traits.package is None else rows.filter(between(month.start, month.end))


def decode_object(
    described: VendorObject,
    data: bytes,
    traits: SourceTraits,
    decoded: DecodedFiles | None = None,
) -> pl.DataFrame:
    """Decode one vendor object: as its kind says, or as its source declares.

    Raises:
        CorruptFile: naming the object and what is wrong with it.
        ConfigurationError: if it is a file of a package, and its source is none any more.
    """
    if described.kind not in PACKAGE_SUFFIXES:
        return decode(described.kind, data, described.name)
    if traits.package is None:
        raise ConfigurationError(
            f"Source {traits.name} does not say how {described.name} is read",
            expected='a declaration with kind = "package"',
            found="another kind",
            fix=f"Declare [sources.{traits.name}] as it was when the file was stored.",
        )
    return object_rows(traits.package, described, data, decoded)


def decode(kind: ObjectKind, data: bytes, name: str) -> pl.DataFrame:
    """Decode one vendor object whose kind says everything.

    Args:
        kind: says who wrote it, and how.
        data: the vendor's bytes.
        name: of the object, for messages.

    Returns:
        DECODED_SCHEMA, every row of the object that is a bar; with the vendor's close times
        (CLOSE_TS) where it gives them.

    Raises:
        CorruptFile: naming the object and what is wrong with it.
    """
    return _KINDS[kind].decode(data, name)


def check_container(kind: ObjectKind, data: bytes, name: str, *, proven: bool = False) -> None:
    """Prove that an object can be opened before it is stored: cheap, rows are not read.

    Args:
        kind: what it should be.
        data: its bytes.
        name: of the object, for messages.
        proven: a checksum has shown that these are the vendor's bytes. Then nothing is unpacked;
            the decoder does that, and refuses what the vendor itself has packed wrongly.

    Raises:
        CorruptFile: if it is not what its kind says.
    """
    if kind in PACKAGE_SUFFIXES:
        check_package_file(kind, data, name, proven=proven)
    elif proven:
        _KINDS[kind].glance(data, name)
    else:
        _KINDS[kind].check(data, name)
