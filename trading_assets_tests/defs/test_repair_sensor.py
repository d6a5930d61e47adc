"""Gaps are asked for by themselves: once for each set, over restarts and failures."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from dagster._core.test_utils import create_run_for_test

from trading_assets.definitions import defs
from trading_assets.defs import repair_sensor
from trading_assets.defs.assets.market_data import bars_1m, raw_klines
from trading_assets.defs.jobs import GAPS_TAG, repair_bars
from trading_assets.defs.repair_sensor import RUNS_AT_ONCE, repair_gaps
from trading_assets.domain.ids import Month

KEY, OTHER = "2024-03|BTCUSDT", "2024-03|ETHUSDT"
MARCH = Month(2024, 3)
DONE, FAILED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
AT_WORK = dg.DagsterRunStatus.STARTED


def materialised(
    instance: dg.DagsterInstance, key: str, gaps: str, table: dg.AssetsDefinition = bars_1m
) -> None:
    instance.report_runless_asset_event(
        dg.AssetMaterialization(table.key, partition=key, metadata={"unconfirmed_set": gaps})
    )


class Daemon:
    """Ticks the sensor and keeps its cursor; a restart keeps nothing else."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> list[dg.RunRequest]:
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, repository_def=defs.get_repository_def()
        ) as context:
            data = repair_gaps.evaluate_tick(context)
        self.cursor = data.cursor
        return list(data.run_requests or [])

    def launch(self, status: dg.DagsterRunStatus) -> list[str | None]:
        requests = self.tick()
        for request in requests:
            tags = dict(request.tags)
            create_run_for_test(self.instance, job_name=repair_bars.name, status=status, tags=tags)
        return [request.run_key for request in requests]


@pytest.fixture
def daemon(instance: dg.DagsterInstance) -> Daemon:
    return Daemon(instance)


def test_months_without_open_gaps_are_left_alone(daemon: Daemon) -> None:
    assert daemon.tick() == []
    materialised(daemon.instance, KEY, "")
    assert daemon.tick() == []


def test_a_set_of_gaps_is_asked_for_once(daemon: Daemon) -> None:
    materialised(daemon.instance, KEY, "g1")
    (request,) = daemon.tick()
    assert request.run_key == f"repair:{KEY}:g1:1"
    assert request.tags["dagster/asset_partition_range_start"] == KEY
    assert request.tags["dagster/asset_partition_range_end"] == KEY
    create_run_for_test(
        daemon.instance, job_name=repair_bars.name, status=DONE, tags=dict(request.tags)
    )
    assert [daemon.tick() for _ in range(3)] == [[], [], []]
    materialised(daemon.instance, KEY, "g1")  # the month is built again, the gaps are the same
    assert daemon.tick() == []


def test_other_gaps_are_another_question(daemon: Daemon) -> None:
    materialised(daemon.instance, KEY, "g1")
    daemon.launch(DONE)
    materialised(daemon.instance, KEY, "g2")
    assert daemon.launch(DONE) == [f"repair:{KEY}:g2:1"]


def test_gaps_that_were_closed_meanwhile_are_not_asked_for(daemon: Daemon) -> None:
    materialised(daemon.instance, KEY, "g1")
    materialised(daemon.instance, KEY, "")
    assert daemon.tick() == []


def test_a_month_that_could_not_be_published_is_asked_for_by_what_its_bytes_lack(
    daemon: Daemon,
) -> None:
    materialised(daemon.instance, KEY, "g1", raw_klines)
    assert daemon.launch(FAILED) == [f"repair:{KEY}:g1:1"]
    materialised(daemon.instance, KEY, "", raw_klines)  # the vendor has confirmed the gap
    assert [daemon.tick() for _ in range(3)] == [[], [], []]


def test_events_of_both_tables_are_read_in_order_whatever_their_number(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair_sensor, "EVENTS_AT_ONCE", 2)
    for gaps in ("g1", "g1", ""):
        materialised(daemon.instance, KEY, gaps, raw_klines)
    materialised(daemon.instance, OTHER, "g2", bars_1m)
    ticks = [[request.run_key for request in daemon.tick()] for _ in range(3)]
    assert ticks == [[f"repair:{KEY}:g1:1"], *[[f"repair:{OTHER}:g2:1"]] * 2]


def test_a_run_that_fails_is_tried_three_times_in_all(daemon: Daemon) -> None:
    materialised(daemon.instance, KEY, "g1")
    tried = [daemon.launch(FAILED) for _ in range(5)]
    assert tried == [[f"repair:{KEY}:g1:{n}"] for n in (1, 2, 3)] + [[], []]


def test_a_run_at_work_is_waited_for_and_its_failure_noticed(daemon: Daemon) -> None:
    materialised(daemon.instance, KEY, "g1")
    daemon.launch(AT_WORK)
    assert daemon.tick() == []
    (run,) = daemon.instance.get_runs()
    daemon.instance.report_run_failed(run)
    assert daemon.launch(DONE) == [f"repair:{KEY}:g1:2"]
    assert daemon.tick() == []


def test_a_restart_that_lost_the_cursor_repeats_nothing(daemon: Daemon) -> None:
    materialised(daemon.instance, KEY, "g1")
    materialised(daemon.instance, OTHER, "g2")
    assert daemon.launch(DONE) == [f"repair:{KEY}:g1:1", f"repair:{OTHER}:g2:1"]
    assert Daemon(daemon.instance).tick() == []


def test_a_symbol_that_left_the_settings_is_not_asked_for(daemon: Daemon) -> None:
    materialised(daemon.instance, "2024-03|LUNAUSDT", "g1")
    assert daemon.tick() == []


def test_many_months_are_asked_for_a_few_at_a_time(daemon: Daemon) -> None:
    months = [f"2024-{month:02d}|BTCUSDT" for month in range(1, 10)]
    for key in months:
        materialised(daemon.instance, key, "g1")
    first, second = daemon.launch(DONE), daemon.launch(DONE)
    assert (len(first), len(second)) == (RUNS_AT_ONCE, len(months) - RUNS_AT_ONCE)
    assert daemon.tick() == []


# One round on a real instance, with the real job


def put(root: Path, period: str, minutes: pl.Series) -> None:
    kind = "monthly" if len(period) == len("2024-03") else "daily"
    folder = root / kind / "klines/BTCUSDT/1m"
    folder.mkdir(parents=True, exist_ok=True)
    opens = MARCH.start // 1000 + minutes * 60_000
    values = [pl.lit(x).alias(f"v{i}") for i, x in enumerate((1.5, 2.0, 1.0, 1.25, 3.0))]
    rest = [pl.lit(x).alias(f"r{i}") for i, x in enumerate((4.5, 7, 1.0, 1.5, 0))]
    frame = pl.DataFrame({"open": opens}).select(
        "open", *values, (pl.col("open") + 59_999).alias("close"), *rest
    )
    name = f"BTCUSDT-1m-{period}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.csv", frame.write_csv(include_header=False))
    (folder / f"{name}.zip").write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    (folder / f"{name}.zip.CHECKSUM").write_text(f"{digest}  {name}.zip\n")


def run(
    instance: dg.DagsterInstance, tags: dict[str, str], config: dict[str, Any], *, ends: bool = True
) -> None:
    job = defs.resolve_job_def(repair_bars.name)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    result = job.execute_in_process(
        instance=instance, tags=tags, run_config={**config, **quiet}, raise_on_error=False
    )
    assert result.success is ends


def unconfirmed(instance: dg.DagsterInstance) -> int:
    records = instance.fetch_materializations(bars_1m.key, limit=1).records
    materialization = records[0].asset_materialization
    assert materialization is not None
    return int(str(materialization.metadata["unconfirmed_gaps"].value))


@pytest.mark.slow
def test_on_a_real_instance_a_hole_is_asked_for_once_and_then_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = pl.int_range(31 * 1440, eager=True)
    put(tmp_path / "mirror", "2024-03", minutes.filter((minutes < 100) | (minutes > 129)))
    put(tmp_path / "mirror", "2024-03-01", pl.int_range(120, eager=True))
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("TA_SOURCE", "archive")
    monkeypatch.setenv("TA_ARCHIVE_ROOT", str(tmp_path / "mirror"))
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "instance")) as instance:
        span = {f"dagster/asset_partition_range_{end}": KEY for end in ("start", "end")}
        run(instance, span, {})
        assert unconfirmed(instance) == 1
        daemon = Daemon(instance)
        (request,) = daemon.tick()
        run(instance, dict(request.tags), dict(request.run_config))
        assert unconfirmed(instance) == 0  # 20 minutes came, 10 are confirmed
        assert daemon.tick() == []
        assert [run.tags[GAPS_TAG] for run in instance.get_runs(limit=1)] == [
            request.tags[GAPS_TAG]
        ]
        (sensor,) = [s for s in defs.sensors or () if s.name == "repair_gaps"]
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


@pytest.mark.slow
@pytest.mark.parametrize("has_them", [True, False], ids=["has them", "has them not"])
def test_on_a_real_instance_a_blocked_month_is_asked_for_until_the_vendor_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_them: bool
) -> None:
    minutes = pl.int_range(31 * 1440, eager=True)
    put(tmp_path / "mirror", "2024-03", minutes.filter((minutes < 100) | (minutes > 129)))
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("TA_SOURCE", "archive")
    monkeypatch.setenv("TA_ARCHIVE_ROOT", str(tmp_path / "mirror"))
    monkeypatch.setenv("TA_QUALITY__MAX_GAP_MINUTES", "29")
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "instance")) as instance:
        span = {f"dagster/asset_partition_range_{end}": KEY for end in ("start", "end")}
        run(instance, span, {}, ends=False)
        assert not instance.get_materialized_partitions(bars_1m.key)
        (record,) = instance.fetch_materializations(raw_klines.key, limit=1).records
        assert record.asset_materialization is not None
        told = record.asset_materialization.metadata
        assert (told["longest_gap_minutes"].value, told["unconfirmed_gaps"].value) == (30, 1)
        assert "![coverage]" in str(told["coverage"].value)
        if has_them:
            put(tmp_path / "mirror", "2024-03-01", pl.int_range(1440, eager=True))
        daemon = Daemon(instance)
        (request,) = daemon.tick()
        run(instance, dict(request.tags), dict(request.run_config), ends=has_them)
        assert [daemon.tick() for _ in range(3)] == [[], [], []]
        assert bool(instance.get_materialized_partitions(bars_1m.key)) is has_them
