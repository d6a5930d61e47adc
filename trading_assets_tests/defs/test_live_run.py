"""The live job under Dagster: how it stops, what it tells, and when it lets another trade."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from trading_assets.defs.jobs import live_trading
from trading_assets.defs.live_run import live_run_key

PROGRAM = Path(__file__).with_name("live_job.py")
KEY = live_run_key("paper")

Spawn = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    children: list[subprocess.Popen[str]] = []

    def start(what: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(tmp_path), what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def observations(home: Path) -> list[dict[str, object]]:
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        records = instance.fetch_observations(KEY, limit=10).records
    metadata = [r.asset_observation.metadata for r in reversed(records) if r.asset_observation]
    return [{name: value.value for name, value in one.items()} for one in metadata]


def summary(home: Path) -> dict[str, object]:
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        event = instance.get_latest_materialization_event(KEY)
    assert event is not None
    assert event.asset_materialization is not None
    return {n: v.value for n, v in event.asset_materialization.metadata.items()}


@pytest.mark.slow
def test_a_terminated_run_stops_cleanly_whatever_signals_follow(
    spawn: Spawn, tmp_path: Path
) -> None:
    child = spawn("trade")
    assert child.stdout is not None
    assert child.stdout.readline() == "trading paper\n"
    child.send_signal(signal.SIGINT)  # what Terminate in the UI sends
    assert child.stdout.readline() == "stopping\n"
    for number in (signal.SIGINT, signal.SIGTERM):
        child.send_signal(number)
    out, _ = child.communicate("go on\n", timeout=60)

    assert out == "success True\n"
    assert [one["state"] for one in observations(tmp_path)] == ["trading", "stopped"]
    assert summary(tmp_path)["reason"] == "stopped"
    assert summary(tmp_path)["seq"] == 9


@pytest.mark.slow
def test_a_run_that_finds_another_at_work_says_who_and_ends(spawn: Spawn, tmp_path: Path) -> None:
    out, _ = spawn("attached").communicate(timeout=60)
    assert out == "success True\n"
    (told,) = observations(tmp_path)
    assert "process 4711" in str(told["attached_to"])


@pytest.mark.slow
def test_a_run_that_cannot_go_on_fails_and_tells_no_secret(
    spawn: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TA_BINANCE_API_KEY", "TA_BINANCE_API_SECRET"):
        monkeypatch.setenv(name, "canary-4711")
    out, _ = spawn("broken").communicate(timeout=60)
    assert out == "success False\n"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"the venue is gone" in path.read_bytes() for path in files)
    assert not [path for path in files if b"canary-4711" in path.read_bytes()]


def test_the_job_has_no_retries_no_time_limit_and_one_process() -> None:
    assert live_trading.tags["dagster/max_retries"] == "0"
    assert not [tag for tag in live_trading.tags if "max_runtime" in tag]
    assert live_trading.executor_def is dg.in_process_executor


def test_its_configuration_is_the_name_of_a_book_and_nothing_else() -> None:
    op = live_trading.graph.node_named("trade").definition
    fields = op.config_schema.config_type.fields  # type: ignore[union-attr]
    assert set(fields) == {"book"}


@pytest.mark.slow
def test_a_run_that_no_code_server_can_reach_stops_when_it_is_terminated(
    spawn: Spawn, tmp_path: Path
) -> None:
    child = spawn("trade")
    assert child.stdout is not None
    assert child.stdout.readline() == "trading paper\n"
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        (run,) = instance.get_runs()
        instance.report_run_canceling(run)
    assert child.stdout.readline() == "stopping\n"
    child.communicate("go on\n", timeout=60)
    assert child.returncode == 0
