"""`trading-assets sql`, as a person uses it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result
from typer.testing import CliRunner

from trading_assets import bootstrap
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import ConfigurationError, CorruptFile, DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.interfaces.cli import sql
from trading_assets.settings import load_settings
from trading_assets.storage.partition_store import Manifest

Run = Callable[..., Result]
BTC, MARCH = Symbol("BTCUSDT"), Month(2024, 3)


def publish(close: float) -> Manifest:
    tables = bootstrap.desk(load_settings().settings).tables
    ts = pl.Series("ts", [MARCH.start, MARCH.start + MINUTE]).cast(pl.Datetime("us", "UTC"))
    frame = pl.DataFrame({"ts": ts, "symbol": [BTC] * 2, "close": [close, close + 1]})
    return tables.publish("bars_1m", BTC, MARCH, frame, code_version="1", parents={})[0]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Ask in a desk of its own; errors come through as they are."""
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")

    def command(*words: str) -> Result:
        result = CliRunner().invoke(sql.app, list(words))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return command


def test_rows_are_printed_for_people_and_for_programs(run: Run) -> None:
    publish(10.0)
    query = "select ts, close from bars_1m where symbol = $s order by ts"
    rows = [
        {"ts": "2024-03-01T00:00:00+00:00", "close": 10.0},
        {"ts": "2024-03-01T00:01:00+00:00", "close": 11.0},
    ]
    bound = ("--param", "s=BTCUSDT")
    assert json.loads(run(query, "--format", "json", *bound).stdout) == rows
    assert run(query, "--format", "csv", *bound).stdout.splitlines() == [
        "ts,close",
        "2024-03-01T00:00:00+00:00,10.0",
        "2024-03-01T00:01:00+00:00,11.0",
    ]
    assert "2024-03-01T00:01:00+00:00  11.0" in run(query, *bound).stdout
    cut = run(query, *bound, "--limit", "1")
    assert "00:01:00" not in cut.stdout
    assert "more than 1 rows" in cut.stderr


def test_only_the_current_version_is_seen_unless_an_instant_is_named(run: Run) -> None:
    first = publish(10.0).published_at
    then = datetime.fromtimestamp(first / 1_000_000 + 1e-6, tz=UTC)
    publish(20.0)
    query = ("select min(close) low from bars_1m", "--format", "json")
    assert json.loads(run(*query).stdout) == [{"low": 20.0}]
    past = run(*query, "--as-of", then.isoformat())
    assert json.loads(past.stdout) == [{"low": 10.0}]
    with pytest.raises(DataError, match="had no partition then"):
        run(*query, "--as-of", (then - timedelta(days=1)).isoformat())
    with pytest.raises(DataError, match="Not an instant"):
        run(*query, "--as-of", "yesterday")


def test_a_flipped_bit_is_found_before_a_row_is_read(run: Run, tmp_path: Path) -> None:
    publish(10.0)
    (path,) = tmp_path.rglob("part-*.parquet")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(CorruptFile, match="is damaged"):
        run("select * from bars_1m")


def test_a_parameter_has_a_name(run: Run) -> None:
    with pytest.raises(ConfigurationError, match="Not a parameter"):
        run("select 1", "--param", "BTCUSDT")


def test_help_shows_an_example(run: Run) -> None:
    assert "select * from bars_1d" in run("--help").stdout
