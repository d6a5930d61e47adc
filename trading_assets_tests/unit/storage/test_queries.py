"""A query sees its tables, and there is no way from it to anything else."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.storage.queries import Answer, answer, lock_to

Ask = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two months of a table, one file that no manifest names, and a catalog."""
    root = tmp_path / "bars/symbol=X'Y/month=2024-01"
    root.mkdir(parents=True)
    for number in (1, 2, 3):
        ts = pl.Series("ts", [datetime(2024, number, 1, tzinfo=UTC)]).dt.cast_time_unit("us")
        pl.DataFrame({"ts": ts, "close": [float(number)]}).write_parquet(root / f"{number}.parquet")
    with duckdb.connect(str(tmp_path / "catalog.duckdb")) as connection:
        connection.execute("CREATE TABLE runs AS SELECT 'ema' AS spec")
    return root


@pytest.fixture
def ask(folder: Path, tmp_path: Path) -> Ask:
    """Ask over months 1 and 2 and the catalog."""

    def asked(statement: str, **options: object) -> Answer:
        files = [folder / "1.parquet", folder / "2.parquet"]
        catalog = tmp_path / "catalog.duckdb"
        return answer(statement, {"bars": lambda: files}, catalog=catalog, **options)  # type: ignore[arg-type]

    return asked


def test_a_table_is_the_rows_of_its_files_and_of_no_other(ask: Ask) -> None:
    found = ask("SELECT * FROM bars ORDER BY ts DESC")
    assert found.columns == ("ts", "close")
    assert found.rows == [
        (datetime(2024, 2, 1, tzinfo=UTC), 2.0),
        (datetime(2024, 1, 1, tzinfo=UTC), 1.0),
    ]


def test_tables_and_catalog_can_be_joined_and_listed(ask: Ask) -> None:
    assert ask("SELECT spec, close FROM bars, runs ORDER BY 2").rows == [("ema", 1.0), ("ema", 2.0)]
    assert ask("SHOW TABLES").rows == [("bars",), ("runs",)]
    assert ask("DESCRIBE bars").rows[0][:2] == ("ts", "TIMESTAMP WITH TIME ZONE")


def test_values_are_bound_and_never_part_of_the_text(ask: Ask) -> None:
    assert ask("FROM bars WHERE ts >= $t", values={"t": "2024-02-01"}).rows[0][1] == 2.0
    evil = "x' OR 1=1 --"
    assert ask("SELECT * FROM runs WHERE spec = $s", values={"s": evil}).rows == []
    with pytest.raises(ConfigurationError, match="cannot be answered"):
        ask("SELECT $s")


def test_a_limit_says_that_there_was_more(ask: Ask) -> None:
    assert ask("FROM bars", limit=1).is_cut
    assert len(ask("FROM bars", limit=1).rows) == 1
    assert not ask("FROM bars", limit=2).is_cut


def test_files_are_resolved_only_for_the_tables_that_a_query_names(folder: Path) -> None:
    def refuse() -> list[Path]:
        raise AssertionError("nobody asked for it")

    files_of = {"bars": lambda: [folder / "1.parquet"], "other": refuse}
    assert answer("SELECT count(*) FROM bars", files_of).rows == [(1,)]
    with pytest.raises(AssertionError):
        answer("SELECT count(*) FROM bars, other", files_of)


def test_months_with_other_columns_are_joined_by_name(tmp_path: Path) -> None:
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(old)
    pl.DataFrame({"b": [2], "a": [3]}).write_parquet(new)
    assert answer("SELECT a, b FROM t ORDER BY a", {"t": lambda: [old, new]}).rows == [
        (1, None),
        (3, 2),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM '{folder}/3.parquet'",
        "SELECT * FROM '{folder}/*.parquet'",
        "SELECT * FROM read_parquet(['{folder}/1.parquet', '{folder}/3.parquet'])",
        "SELECT * FROM parquet_metadata('{folder}/3.parquet')",
        "SELECT * FROM '{folder}/../month=2024-01/3.parquet'",
        "SELECT * FROM 'https://example.org/x.parquet'",
        "SELECT * FROM 's3://bucket/x.parquet'",
        "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
        "SELECT * FROM duckdb_secrets()",
    ],
)
def test_what_is_not_a_table_cannot_be_read(ask: Ask, folder: Path, statement: str) -> None:
    with pytest.raises(ConfigurationError, match=r"reaches for something|cannot be answered"):
        ask(statement.format(folder=str(folder).replace("'", "''")))


@pytest.mark.parametrize(
    "statement",
    [
        "COPY bars TO '{folder}/out.csv'",
        "COPY bars TO '{folder}/1.parquet' (FORMAT parquet)",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/out.duckdb'",
        "CREATE TABLE t AS SELECT 1",
        "INSERT INTO runs VALUES ('x')",
        "DELETE FROM runs",
        "DROP VIEW bars",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET allowed_paths",
        "SET threads = 1",
        "PRAGMA enable_profiling",
        "CALL pragma_version()",
        "EXPLAIN ANALYZE DELETE FROM runs",
        "SELECT 1; SELECT 2",
        "SELECT 1; SET threads = 1",
        "",
        "-- nothing",
    ],
)
def test_only_one_select_is_let_in_and_nothing_is_written(
    ask: Ask, folder: Path, tmp_path: Path, statement: str
) -> None:
    before = sorted(path for path in tmp_path.rglob("*"))
    with pytest.raises(ConfigurationError, match="Only one SELECT") as caught:
        ask(statement.format(folder=str(folder).replace("'", "''")))
    assert "show tables" in str(caught.value.fix)
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_the_lock_holds_without_the_rule_that_only_a_select_is_let_in(folder: Path) -> None:
    """Two walls: what the rule might overlook, DuckDB itself refuses."""
    with duckdb.connect(":memory:") as connection:
        lock_to(connection, [folder / "1.parquet"])
        for statement in (
            "ATTACH '/tmp/never.duckdb'",
            "COPY (SELECT 1) TO '/tmp/never.csv'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "SET allowed_paths = ['/etc/passwd']",
            "SET lock_configuration = false",
        ):
            with pytest.raises(duckdb.Error, match=r"(?i)disabled|locked"):
                connection.execute(statement)


def test_variables_of_the_program_are_no_tables(ask: Ask) -> None:
    frame = pl.DataFrame({"a": [1]})
    assert frame.height == 1
    with pytest.raises(ConfigurationError, match="cannot be answered"):
        ask("SELECT * FROM frame")


def test_a_catalog_that_is_being_written_is_said_to_be_so(ask: Ask, tmp_path: Path) -> None:
    program = (
        "import duckdb, sys\n"
        "with duckdb.connect(sys.argv[1]):\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    path = str(tmp_path / "catalog.duckdb")
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
        with pytest.raises(ConfigurationError, match="in use by a writer"):
            ask("SELECT * FROM runs")
        assert ask("SELECT count(*) FROM bars").rows == [(2,)]
    assert ask("SELECT * FROM runs").rows == [("ema",)]


def test_what_is_no_sql_is_said_to_be_none(ask: Ask) -> None:
    with pytest.raises(ConfigurationError, match="not SQL"):
        ask("SELEC * FROM bars")
