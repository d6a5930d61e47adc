"""Publish a partition only where it does not stand already, made by this code of these parents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from trading_assets.domain.bar import Gap
from trading_assets.domain.ids import Month, Symbol
from trading_assets.storage.partition_store import Manifest, PartitionStore


def publish_once(
    tables: PartitionStore,
    table: str,
    symbol: Symbol | None,
    month: Month | None,
    make: Callable[[], tuple[pl.DataFrame, Mapping[str, Any]]],
    *,
    code_version: str,
    parents: Mapping[str, str],
    gaps: tuple[Gap, ...] = (),
) -> tuple[Manifest, bool]:
    """Give a partition as it stands, or make it.

    Args:
        tables: where it is.
        table: whose partition it is.
        symbol: of the partition; None in tables without symbols.
        month: of the partition; None in tables without months.
        make: gives its rows, and what its manifest says beside them; asked only when they are
            needed.
        code_version: of what makes it.
        parents: version of everything it is made of, by address.
        gaps: of its rows, which may be explained anew while all rows stay.

    Returns:
        The current manifest, and whether it is new.

    Raises:
        ConflictError, CorruptFile, DataError: as `PartitionStore.publish`; and what `make` raises.
    """
    manifest = tables.standing(table, symbol, month, code_version=code_version, parents=parents)
    if manifest is not None and manifest.gaps == gaps:
        return manifest, False
    rows, extra = make()
    return tables.publish(
        table,
        symbol,
        month,
        rows,
        code_version=code_version,
        parents=parents,
        gaps=gaps,
        extra=extra,
    )
