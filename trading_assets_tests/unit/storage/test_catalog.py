import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from trading_assets.domain.errors import ConfigurationError, MissingPartition, UnknownSymbol
from trading_assets.evaluation.decision import Decision
from trading_assets.evaluation.run_tables import FILLS, ROUND_TRIPS
from trading_assets.storage.catalog import (
    fills_of,
    open_catalog,
    rebuild,
    write_decision,
    write_run,
)
from trading_assets.storage.decision_store import DecisionStore
from trading_assets.storage.run_store import RunStore

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def parquet(frame):
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def run_files(symbols=("SOLUSDT", "BTCUSDT")):
    manifest = {
        "result_hash": "h",
        "config": {"strategy": "ema_trend"},
        "label": "ET • 3 trades",
        "spec_hash": "s",
        "data_hash": "d",
        "code_hash": "c",
        "first_ts": 1_704_067_200_000_000,
        "last_ts": 1_711_929_300_000_000,
        "oos_start": None,
    }
    blank = dict.fromkeys(FILLS)
    fills = [
        {**blank, "ts_utc": NOON, "symbol": s, "price": 1.5, "qty": Decimal(2), "side": "BUY"}
        for s in symbols
    ]
    return {
        "manifest.json": json.dumps(manifest).encode(),
        "metrics.json": b'{"all": {"sharpe": 1.5, "calmar": null}, "oos": null}',
        "checks.json": b"[]",
        "trades.parquet": parquet(pl.DataFrame(fills, schema=FILLS)),
        "round_trips.parquet": parquet(pl.DataFrame(schema=ROUND_TRIPS)),
    }


def decision(reason="no evidence"):
    rule = {
        "rule": "min_trades",
        "value": {"a": 1},
        "threshold": 100,
        "passed": None,
        "on_fail": "hold",
        "kind": "performance",
        "note": "",
    }
    return Decision(
        {
            "schema": 1,
            "book": "paper",
            "verdict": "hold",
            "basis": "gate",
            "candidate": None,
            "rules": [rule],
            "reason": reason,
            "as_of": 1_711_929_300_000_000,
        }
    )


@pytest.fixture
def runs(tmp_path):
    store = RunStore(tmp_path / "runs")
    store.publish("ema", "r1", run_files())
    return store


@pytest.fixture
def connection(tmp_path):
    with duckdb.connect(str(tmp_path / "catalog.duckdb")) as connection:
        yield connection


def rows(connection, query):
    return connection.execute(query).fetchall()


def test_a_run_is_found_with_its_metrics_and_fills(connection, runs):
    write_run(connection, runs.current("ema"))
    assert rows(connection, "SELECT run_id, spec, is_current FROM runs") == [("r1", "ema", True)]
    metrics = rows(connection, "SELECT part, name, value FROM metrics ORDER BY name")
    assert metrics == [("all", "calmar", None), ("all", "sharpe", 1.5)]
    found = fills_of(connection, "ema")
    assert sorted(found["symbol"]) == ["BTCUSDT", "SOLUSDT"]
    assert found["ts_utc"].to_list() == [NOON, NOON]
    assert found["qty"].to_list() == [Decimal(2), Decimal(2)]
    assert fills_of(connection, "ema", "SOLUSDT").height == 1


def test_writing_again_replaces_and_a_newer_run_takes_over(connection, runs):
    write_run(connection, runs.current("ema"))
    write_run(connection, runs.current("ema"))
    runs.publish("ema", "r2", run_files(("SOLUSDT",)))
    write_run(connection, runs.current("ema"))
    current = rows(connection, "SELECT run_id, is_current FROM runs ORDER BY run_id")
    assert current == [("r1", False), ("r2", True)]
    assert rows(connection, "SELECT count(*) FROM fills") == [(3,)]
    assert fills_of(connection, "ema").height == 1


def test_the_catalog_is_rebuilt_from_the_stores(connection, runs, tmp_path):
    decisions = DecisionStore(tmp_path / "releases")
    decisions.record(decision())
    runs.publish("ema", "r2", run_files())
    write_decision(connection, decision("stray"))
    assert rebuild(connection, runs, decisions) == 2
    assert rows(connection, "SELECT reason FROM decisions") == [("no evidence",)]
    found = rows(connection, "SELECT rule, value, threshold, passed FROM decision_rules")
    assert found == [("min_trades", '{"a": 1}', "100", None)]
    assert rows(connection, "SELECT run_id FROM runs WHERE is_current") == [("r2",)]


def test_readers_can_neither_write_nor_reach_files(connection, runs, tmp_path):
    write_run(connection, runs.current("ema"))
    connection.close()
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with open_catalog(tmp_path / "catalog.duckdb") as reader:
        assert fills_of(reader, "ema").height == 2
        for query in (
            "DELETE FROM runs",
            f"SELECT * FROM read_csv('{secret}')",  # noqa: S608
            f"SELECT * FROM '{secret}'",  # noqa: S608
            f"COPY runs TO '{tmp_path / 'out.csv'}'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
            f"ATTACH '{tmp_path / 'other.duckdb'}'",
        ):
            with pytest.raises(duckdb.Error):
                reader.execute(query)


@pytest.mark.parametrize("symbol", ["SOL'; DROP TABLE runs; --", "sol", ""])
def test_symbols_are_validated_before_they_are_asked_for(connection, runs, symbol):
    write_run(connection, runs.current("ema"))
    with pytest.raises(UnknownSymbol):
        fills_of(connection, "ema", symbol)
    with pytest.raises(ConfigurationError):
        fills_of(connection, "ema' OR 1=1")


def test_a_catalog_that_was_never_written_is_named(tmp_path):
    with pytest.raises(MissingPartition, match="catalog"), open_catalog(tmp_path / "none.duckdb"):
        pass
