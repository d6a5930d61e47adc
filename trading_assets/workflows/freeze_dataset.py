"""Data sets: the partitions that something learned from, as one list with one hash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month, Symbol, content_hash
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_tables import is_of_own_source


@dataclass(frozen=True, slots=True)
class Dataset:
    """Partitions of one or more tables, frozen by version.

    Attributes:
        version: Merkle hash: of the hashes of each table and symbol, which are of its months.
        members: version by address of the partition.
        rows: in all of them together.
        months: that occur, in order.
    """

    name: str
    version: str
    members: Mapping[str, str]
    rows: int
    months: tuple[Month, ...]


def freeze_dataset(desk: Desk, name: str) -> Dataset:
    """Freeze the current partitions of the table `name`, of the symbols and source in settings.

    Raises:
        MissingPartition: if there is none.
    """
    manifests = table_manifests(desk, name)
    if not manifests:
        raise MissingPartition(
            f"Data set {name} has no partition",
            expected=f"{name} of {', '.join(desk.settings.symbols)} from "
            f"{desk.settings.first_month} on, of source {desk.settings.source}",
            found="none",
            fix=f"Materialise {name} first.",
        )
    return dataset_from_manifests(name, manifests)


def dataset_from_manifests(name: str, manifests: Iterable[Manifest]) -> Dataset:
    """Freeze these partitions."""
    listed = sorted(manifests, key=lambda manifest: manifest.address)
    branches: dict[str, dict[str, str]] = {}
    for manifest in listed:
        branch = branches.setdefault(f"{manifest.table}/{manifest.symbol}", {})
        branch[str(manifest.month)] = manifest.version
    return Dataset(
        name=name,
        version=content_hash({branch: content_hash(leaves) for branch, leaves in branches.items()}),
        members={manifest.address: manifest.version for manifest in listed},
        rows=sum(manifest.rows for manifest in listed),
        months=tuple(sorted({m.month for m in listed if m.month is not None})),
    )


def table_manifests(desk: Desk, table: str, *, before: Month | None = None) -> list[Manifest]:
    """List the current partitions of a table, of the symbols, months and source in settings.

    A table without symbols has its months alone.
    """
    symbols: tuple[Symbol | None, ...] = desk.settings.symbols
    if not desk.tables.symbols(table):
        symbols = (None,)
    found = [
        desk.tables.require(table, symbol, month)
        for symbol in symbols
        for month in desk.tables.months(table, symbol)
        if month >= desk.settings.first_month and (before is None or month < before)
    ]
    return [manifest for manifest in found if is_of_own_source(desk.settings, manifest)]
