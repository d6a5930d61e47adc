"""One SQL query over tables and catalog, in a DuckDB that can reach nothing else.

The tables are views over explicit lists of Parquet files, which the caller resolved through
manifests. Before the query is read, DuckDB may open only those files, loads no extension and takes
no settings; only a SELECT is let in. Values are bound, never written into the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from trading_assets.domain.errors import ConfigurationError

Files = Sequence[Path]
Value = str | int | float

_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
_FIX = 'One SELECT over the tables that `trading-assets sql "show tables"` lists.'


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a query.

    Attributes:
        columns: their names, in order.
        rows: plain values; instants are aware datetimes in UTC, exact numbers are Decimals.
        is_cut: whether there were more rows than the limit.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    is_cut: bool = False


def answer(
    statement: str,
    files_of: Mapping[str, Callable[[], Files]],
    *,
    catalog: Path | None = None,
    values: Mapping[str, Value] | None = None,
    limit: int | None = None,
) -> Answer:
    """Answer one SELECT.

    Args:
        statement: DuckDB's SQL with values as `$name`.
        files_of: what resolves the files of a table, by its name; asked for the tables that the
            statement names, or for all when it names none of them (`show tables`).
        catalog: DuckDB file whose tables are there, too. It is copied into memory, so that a long
            query does not keep its writer waiting.
        values: bound to the names.
        limit: give at most so many rows.

    Raises:
        ConfigurationError: if it is not one SELECT, reaches beyond the tables, or is wrong SQL.
        DataError: if the files of a table cannot be resolved.
    """
    _require_one_select(statement)
    named = _named_tables(statement)
    wanted = named & files_of.keys() if named and named <= files_of.keys() else files_of.keys()
    files = {name: tuple(files_of[name]()) for name in sorted(wanted)}
    with duckdb.connect(":memory:", config=_LOCKED) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if catalog is not None and catalog.exists() and not (named and named <= files.keys()):
            _copy_catalog(connection, catalog)
        for name, paths in files.items():
            _create_view(connection, name, paths)
        lock_to(connection, [path for paths in files.values() for path in paths])
        return _rows(connection, statement, values or {}, limit)


def lock_to(connection: duckdb.DuckDBPyConnection, files: Files) -> None:
    """Let a connection read these files, and take everything else outside of it away."""
    allowed = ", ".join(_quoted(str(path)) for path in files)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _require_one_select(statement: str) -> None:
    try:
        kinds = [parsed.type.name for parsed in duckdb.extract_statements(statement)]
    except duckdb.Error as error:
        raise _refusal("The query is not SQL", error) from None
    if kinds != ["SELECT"]:
        raise ConfigurationError(
            "Only one SELECT is answered",
            expected="SELECT, FROM, WITH, VALUES, DESCRIBE, SUMMARIZE or SHOW",
            found=", ".join(kinds) or "nothing",
            fix=_FIX,
        )


def _named_tables(statement: str) -> set[str]:
    """Give the tables that a statement names; none when only running it would tell."""
    with duckdb.connect(":memory:", config=_LOCKED) as connection:
        lock_to(connection, ())
        try:
            return connection.get_table_names(statement)
        except duckdb.Error:
            return set()


def _copy_catalog(connection: duckdb.DuckDBPyConnection, catalog: Path) -> None:
    try:
        connection.execute(f"ATTACH {_quoted(str(catalog))} AS catalog (READ_ONLY)")
    except duckdb.IOException as error:
        raise ConfigurationError(
            f"Catalog {catalog} is in use by a writer", found=str(error), fix="Try again shortly."
        ) from None
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'catalog'"
    )
    for (name,) in found.fetchall():
        table = _identifier(name)
        connection.execute(f"CREATE TABLE {table} AS FROM catalog.{table}")
    connection.execute("DETACH catalog")


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, files: Files) -> None:
    """Name the rows of all files; a column that some of them lack is null there."""
    listed = ", ".join(_quoted(str(path)) for path in files)
    source = f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
    try:
        connection.execute(f"CREATE OR REPLACE VIEW {_identifier(name)} AS FROM {source}")
    except duckdb.Error as error:
        raise _refusal(f"Table {name} cannot be opened", error) from None


def _rows(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    values: Mapping[str, Value],
    limit: int | None,
) -> Answer:
    try:
        found = connection.sql(statement, params=dict(values) or None)
        if limit is not None:
            found = found.limit(limit + 1)
        names, rows = tuple(found.columns), found.fetchall()
    except duckdb.PermissionException as error:
        raise _refusal("The query reaches for something outside of the tables", error) from None
    except duckdb.Error as error:
        raise _refusal("The query cannot be answered", error) from None
    cut = limit is not None and len(rows) > limit
    return Answer(names, rows[:limit] if cut else rows, cut)


def _refusal(what: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(what, found=str(error).splitlines()[0], fix=_FIX)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
