"""The catalog: runs, fills and decisions as DuckDB tables for ad-hoc SQL; rebuilt from the stores.

The connection is the caller's (Dagster's resource in a pool of one: a DuckDB writer blocks every
other process). Nothing here is the truth, so `rebuild` may always be called. Values reach SQL as
bound parameters or as registered frames, never as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import polars.selectors as cs

from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.ids import symbol_from_text, tag_from_text
from trading_assets.evaluation.decision import Decision
from trading_assets.storage.decision_store import DecisionStore
from trading_assets.storage.run_store import RunStore, StoredRun

Connection = duckdb.DuckDBPyConnection

_TABLES = {
    "runs": """
        run_id VARCHAR PRIMARY KEY, spec VARCHAR, strategy VARCHAR, label VARCHAR,
        spec_hash VARCHAR, data_hash VARCHAR, code_hash VARCHAR, result_hash VARCHAR,
        first_ts TIMESTAMPTZ, last_ts TIMESTAMPTZ, oos_start TIMESTAMPTZ, is_current BOOLEAN""",
    "metrics": "run_id VARCHAR, part VARCHAR, name VARCHAR, value DOUBLE",
    "fills": """
        run_id VARCHAR, ts_utc TIMESTAMPTZ, client_order_id VARCHAR, symbol VARCHAR, side VARCHAR,
        price DOUBLE, qty DECIMAL(38, 8), notional DECIMAL(38, 8), fee DECIMAL(38, 8),
        fee_ccy VARCHAR, maker BOOLEAN, reason VARCHAR, bar_ts_utc TIMESTAMPTZ""",
    "round_trips": """
        run_id VARCHAR, entry_ts_utc TIMESTAMPTZ, exit_ts_utc TIMESTAMPTZ, symbol VARCHAR,
        side VARCHAR, qty DECIMAL(38, 8), entry_price DOUBLE, exit_price DOUBLE,
        fees DECIMAL(38, 8), pnl DECIMAL(38, 8), return_pct DOUBLE, exit_reason VARCHAR""",
    "decisions": """
        decision_id VARCHAR PRIMARY KEY, book VARCHAR, verdict VARCHAR, basis VARCHAR,
        spec VARCHAR, run_id VARCHAR, as_of TIMESTAMPTZ, reason VARCHAR""",
    "decision_rules": """
        decision_id VARCHAR, position INTEGER, rule VARCHAR, value JSON, threshold JSON,
        passed BOOLEAN, on_fail VARCHAR, kind VARCHAR, note VARCHAR""",
}
_FILL_COLUMNS = (
    "ts_utc", "client_order_id", "symbol", "side", "price", "qty", "notional", "fee", "fee_ccy",
    "maker", "reason", "bar_ts_utc",
)  # fmt: skip
_TRIP_COLUMNS = (
    "entry_ts_utc", "exit_ts_utc", "symbol", "side", "qty", "entry_price", "exit_price", "fees",
    "pnl", "return_pct", "exit_reason",
)  # fmt: skip


def create_tables(connection: Connection) -> None:
    """Create the tables that are not there yet."""
    for name, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")


def write_run(connection: Connection, run: StoredRun, *, is_current: bool = True) -> None:
    """Write a run with its metrics, fills and round trips; rows of the same run are replaced.

    Args:
        connection: writable; the tables are created when missing.
        run: as the run store gives it; its files are proven while they are read.
        is_current: whether it is the newest run of its spec.
    """
    create_tables(connection)
    manifest = run.manifest
    with _transaction(connection):
        for table in ("runs", "metrics", "fills", "round_trips"):
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", [run.run_id])  # noqa: S608
        if is_current:
            connection.execute("UPDATE runs SET is_current = FALSE WHERE spec = ?", [run.spec])
        connection.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                run.run_id,
                run.spec,
                manifest["config"]["strategy"],
                manifest["label"],
                *(manifest[name] for name in ("spec_hash", "data_hash", "code_hash")),
                run.result_hash,
                *(_instant(manifest[name]) for name in ("first_ts", "last_ts", "oos_start")),
                is_current,
            ],
        )
        _insert(connection, "metrics", run.run_id, _metric_rows(run))
        _insert(connection, "fills", run.run_id, run.table("trades").select(_FILL_COLUMNS))
        _insert(
            connection, "round_trips", run.run_id, run.table("round_trips").select(_TRIP_COLUMNS)
        )


def write_decision(connection: Connection, decision: Decision) -> None:
    """Write a decision and its rules; rows of the same decision are replaced."""
    create_tables(connection)
    document, candidate = decision.document, decision.candidate or {}
    with _transaction(connection):
        for table in ("decisions", "decision_rules"):
            connection.execute(
                f"DELETE FROM {table} WHERE decision_id = ?",  # noqa: S608
                [decision.decision_id],
            )
        connection.execute(
            "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                decision.decision_id,
                decision.book,
                decision.verdict,
                document.get("basis", "gate"),  # decisions before schema 4 could waive rules
                candidate.get("spec"),
                candidate.get("run_id"),
                _instant(document["as_of"]),
                document["reason"],
            ],
        )
        for position, rule in enumerate(decision.rules):
            connection.execute(
                "INSERT INTO decision_rules VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    decision.decision_id,
                    position,
                    rule["rule"],
                    json.dumps(rule["value"]),
                    json.dumps(rule["threshold"]),
                    rule["passed"],
                    rule["on_fail"],
                    rule["kind"],
                    rule["note"],
                ],
            )


def rebuild(connection: Connection, runs: RunStore, decisions: DecisionStore | None = None) -> int:
    """Write the tables anew from the stores and give the number of runs.

    Raises:
        CorruptFile: if a file in a store is not what was published.
    """
    for name in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    create_tables(connection)
    count = 0
    for spec in runs.specs():
        history = runs.history(spec)
        for run_id in dict.fromkeys(history):
            write_run(connection, runs.get(spec, run_id), is_current=run_id == history[-1])
            count += 1
    for book in decisions.books() if decisions else ():
        for decision in decisions.history(book) if decisions else ():
            write_decision(connection, decision)
    return count


@contextmanager
def open_catalog(path: Path) -> Iterator[Connection]:
    """Open the catalog for reading, locked: no writes, no files, no network, no settings.

    Raises:
        MissingPartition: if it was never written.
        ConfigurationError: if another process writes it just now.
    """
    if not path.exists():
        raise MissingPartition(
            f"Catalog {path} does not exist",
            expected="a DuckDB file",
            found="none",
            fix="Materialise a backtest, or rebuild it with `trading-assets backtest catalog`.",
        )
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.IOException as error:
        raise ConfigurationError(
            f"Catalog {path} is in use by a writer", found=str(error), fix="Try again shortly."
        ) from None
    try:
        lock(connection)
        yield connection
    finally:
        connection.close()


def lock(connection: Connection) -> None:
    """Take files, network and settings away from a connection; queries on its tables remain."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def fills_of(connection: Connection, spec: str, symbol: str | None = None) -> pl.DataFrame:
    """Give the fills of the current run of a spec, of one symbol or of all.

    Raises:
        ConfigurationError: if the name is not one.
        UnknownSymbol: if the symbol is malformed.
    """
    query = (
        "SELECT f.* FROM fills f JOIN runs r USING (run_id)"
        " WHERE r.spec = $spec AND r.is_current AND (f.symbol = $symbol OR $symbol IS NULL)"
        " ORDER BY f.ts_utc, f.client_order_id"
    )
    values = {
        "spec": tag_from_text(spec),
        "symbol": None if symbol is None else symbol_from_text(symbol),
    }
    frame = pl.DataFrame(connection.sql(query, params=values).to_arrow_table())
    instants = cs.datetime(time_zone="*")
    return frame.with_columns(instants.dt.convert_time_zone("UTC"))


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _insert(connection: Connection, table: str, run_id: str, rows: pl.DataFrame) -> None:
    if rows.is_empty():
        return
    connection.register("incoming", rows.to_arrow())
    try:
        connection.execute(f"INSERT INTO {table} SELECT ?, * FROM incoming", [run_id])  # noqa: S608
    finally:
        connection.unregister("incoming")


def _metric_rows(run: StoredRun) -> pl.DataFrame:
    rows = [
        (part, name, None if value is None else float(value))
        for part in ("all", "oos")
        for name, value in (run.metrics[part] or {}).items()
    ]
    return pl.DataFrame(
        rows, schema={"part": pl.String, "name": pl.String, "value": pl.Float64}, orient="row"
    )


def _instant(micros: Any) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(micros / 1_000_000, tz=UTC)
