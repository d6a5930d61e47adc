"""Every kind of vendor object and how it is read: one table, so that a new kind is one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from trading_assets.market.archive_files import check_page, check_zip, decode_page, decode_zip
from trading_assets.market.history import ObjectKind
from trading_assets.market.vendor_json import (
    check_eodhd,
    check_polygon,
    decode_eodhd,
    decode_polygon,
)


class _Kind(NamedTuple):
    decode: Callable[[bytes, str], pl.DataFrame]
    check: Callable[[bytes, str], object]


_KINDS: Mapping[ObjectKind, _Kind] = MappingProxyType(
    {
        "zip_csv": _Kind(decode_zip, check_zip),
        "klines_json": _Kind(decode_page, check_page),
        "eodhd_json": _Kind(decode_eodhd, check_eodhd),
        "polygon_json": _Kind(decode_polygon, check_polygon),
    }
)


def decode(kind: ObjectKind, data: bytes, name: str) -> pl.DataFrame:
    """Decode one vendor object.

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


def check_container(kind: ObjectKind, data: bytes, name: str) -> None:
    """Prove that an object can be opened before it is stored: cheap, rows are not read.

    Raises:
        CorruptFile: if it is not what its kind says.
    """
    _KINDS[kind].check(data, name)
