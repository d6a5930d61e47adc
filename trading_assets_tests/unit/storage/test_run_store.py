import json

import pytest

from trading_assets.domain.errors import (
    ConfigurationError,
    CorruptFile,
    DataError,
    MissingPartition,
)
from trading_assets.storage.run_store import RunStore


def files(result="h1", extra=b"x"):
    return {
        "manifest.json": json.dumps({"result_hash": result}).encode(),
        "metrics.json": b'{"all": {"num_trades": 3}}',
        "checks.json": b'[{"name": "bars", "passed": true, "detail": ""}]',
        "table.csv": extra,
    }


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


def test_a_run_is_stored_whole_and_becomes_the_current_one(store):
    run, reproduction = store.publish("ema", "abc1", files())
    assert reproduction is None
    assert store.current("ema") == run
    assert run.result_hash == "h1"
    assert run.metrics["all"]["num_trades"] == 3
    assert run.checks[0]["name"] == "bars"
    assert run.file("table.csv") == b"x"
    assert run.evidence()["table.csv"].startswith("runs/ema/abc1/table.csv#")
    assert store.specs() == ("ema",)


def test_the_same_inputs_again_are_compared_and_recorded_once(store):
    store.publish("ema", "abc1", files())
    for _ in range(3):
        _, reproduction = store.publish("ema", "abc1", files())
        assert reproduction.is_equal
    assert len(store.reproductions("ema", "abc1")) == 1
    assert store.history("ema") == ("abc1",)


def test_other_bytes_from_the_same_inputs_are_recorded_and_change_nothing(store):
    store.publish("ema", "abc1", files())
    run, reproduction = store.publish("ema", "abc1", files(extra=b"y"))
    assert reproduction.differing == ("table.csv",)
    assert run.file("table.csv") == b"x"
    assert [r.is_equal for r in store.reproductions("ema", "abc1")] == [False]


def test_the_ledger_keeps_the_order_of_runs(store):
    for run_id in ("abc1", "abc2", "abc1"):
        store.publish("ema", run_id, files())
    assert store.history("ema") == ("abc1", "abc2", "abc1")
    assert store.current("ema").run_id == "abc1"


def test_a_damaged_run_is_found_before_it_is_compared(store):
    run, _ = store.publish("ema", "abc1", files())
    (run.folder / "table.csv").write_bytes(b"z")
    assert store.current("ema").run_id == "abc1"
    with pytest.raises(CorruptFile):
        store.publish("ema", "abc1", files())
    with pytest.raises(CorruptFile):
        store.verify()


def test_what_is_not_there_is_said_and_names_cannot_leave_the_store(store):
    assert store.current("ema") is None
    assert store.specs() == ()
    with pytest.raises(MissingPartition, match="backtest run ema"):
        store.get("ema", "abc1")
    with pytest.raises(ConfigurationError):
        store.current("../ema")
    with pytest.raises(DataError):
        store.get("ema", "../abc1")
