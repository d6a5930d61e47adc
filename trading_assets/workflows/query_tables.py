"""Ad-hoc SQL over the desk: the tables as their manifests stand, and the catalog of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Micros
from trading_assets.storage.partition_store import Manifest
from trading_assets.storage.pointers import check_file
from trading_assets.storage.queries import Answer, Value, answer
from trading_assets.workflows.desk import Desk

CATALOG = "catalog.duckdb"


def query_tables(
    desk: Desk,
    statement: str,
    *,
    values: Mapping[str, Value] | None = None,
    limit: int | None = None,
    as_of: Micros | None = None,
) -> Answer:
    """Answer one SELECT over all tables of the store, and the catalog's where there is one.

    A table is the list of its partitions' files, resolved through manifests. Files that a query
    names are hashed before they are read.

    Args:
        desk: whose tables.
        statement: DuckDB's SQL with values as `$name`.
        values: bound to the names.
        limit: give at most so many rows.
        as_of: see the tables as they were at this instant; the catalog, which has no past, is
            left out.

    Raises:
        ConfigurationError: if it is not one SELECT, reaches beyond the tables, is wrong
            SQL, or the tables lie in an object store.
        MissingPartition: if a table that it names had no partition at `as_of`.
        CorruptFile: if a file that it needs is damaged.
    """
    files_of = {name: partial(_sound_files, desk, name, as_of) for name in desk.tables.tables()}
    catalog = desk.settings.data_root / CATALOG if as_of is None else None
    return answer(statement, files_of, catalog=catalog, values=values, limit=limit)


def _sound_files(desk: Desk, table: str, as_of: Micros | None) -> list[Path]:
    files = []
    for manifest in _manifests(desk, table, as_of):
        files.append(path := desk.tables.local_path(manifest))
        check_file(path, manifest.file_sha256)
    if not files:
        raise MissingPartition(
            f"Table {table} had no partition then", expected="at least one", found="none"
        )
    return files


def _manifests(desk: Desk, table: str, as_of: Micros | None) -> Iterator[Manifest]:
    for symbol in desk.tables.symbols(table) or (None,):
        for month in desk.tables.months(table, symbol) or (None,):
            found = (
                desk.tables.current(table, symbol, month)
                if as_of is None
                else desk.tables.as_of(table, symbol, month, as_of)
            )
            if found is not None:
                yield found
