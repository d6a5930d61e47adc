"""A book's alerts in Dagster: each change once, in order, whatever is cut off between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from trading_assets.defs import alert_sensor
from trading_assets.defs.alert_sensor import tell_alerts
from trading_assets.defs.assets.live import live_alert_checks
from trading_assets.defs.live_run import live_run_key
from trading_assets.defs.resources import DeskResource
from trading_assets.storage.alert_file import AlertFile

KEY = live_run_key("paper")
CHECK = dg.AssetCheckKey(KEY, "no_alerts")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AlertFile:
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    folder = tmp_path / "data" / "live" / "paper"
    folder.mkdir(parents=True)
    return AlertFile(folder)


class Daemon:
    """Ticks as Dagster's daemon does: the events are stored, and then the cursor."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None

    def tick(self, *, is_cut_off: bool = False) -> None:
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        result = tell_alerts(context)
        if not isinstance(result, dg.SensorResult):
            return
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        if not is_cut_off:
            self.cursor = result.cursor

    def told(self) -> list[str]:
        records = self.instance.fetch_observations(KEY, limit=1_000).records[::-1]
        found = [record.asset_observation for record in records]
        return [str(each.description) for each in found if each is not None]

    def is_well(self) -> bool:
        latest = self.instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECK])
        evaluation = latest[CHECK].evaluation
        assert isinstance(evaluation, dg.AssetCheckEvaluation)
        return evaluation.passed


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(instance)


def test_what_begins_and_ends_to_alert_is_observed_and_judged(
    file: AlertFile, daemon: Daemon
) -> None:
    daemon.tick()
    assert daemon.told() == []
    file.add("paper", "disk", "0.5 GiB free", 10, begins=True)
    file.add("paper", "clock", "600 ms apart", 20, begins=True)
    daemon.tick()
    daemon.tick()
    assert daemon.told() == ["disk: 0.5 GiB free", "clock: 600 ms apart"]
    assert not daemon.is_well()
    file.add("paper", "disk", "", 30, begins=False)
    file.add("paper", "clock", "", 40, begins=False)
    daemon.tick()
    assert daemon.told()[2:] == ["disk is over", "clock is over"]
    assert daemon.is_well()


def test_a_tick_that_was_cut_off_before_its_cursor_tells_nothing_twice(
    file: AlertFile, daemon: Daemon
) -> None:
    file.add("paper", "disk", "0.5 GiB free", 10, begins=True)
    daemon.tick(is_cut_off=True)
    file.add("paper", "disk", "", 30, begins=False)
    daemon.tick()
    assert daemon.told() == ["disk: 0.5 GiB free", "disk is over"]


def test_more_than_a_tick_holds_comes_with_the_next_ones(
    file: AlertFile, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_sensor, "MOST", 3)
    wanted = []
    for n in range(4):
        file.add("paper", "disk", f"{n} free", 10 * n, begins=True)
        file.add("paper", "disk", "", 10 * n + 5, begins=False)
        wanted += [f"disk: {n} free", "disk is over"]
    for _ in range(4):
        daemon.tick()
    assert daemon.told() == wanted


def test_a_journal_that_was_set_aside_is_told_to_its_end_and_a_new_one_from_its_start(
    file: AlertFile, daemon: Daemon
) -> None:
    file.add("paper", "disk", "old", 10, begins=True)
    daemon.tick()
    file.add("paper", "clock", "old", 20, begins=True)
    file.path.parent.rename(file.path.parent.with_name("paper.old-1"))
    file.path.parent.mkdir()
    file.add("paper", "drift", "new", 30, begins=True)
    daemon.tick()
    assert sorted(daemon.told()) == ["clock: old", "disk: old", "drift: new"]
    assert not daemon.is_well()


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_told(
    file: AlertFile, daemon: Daemon
) -> None:
    file.add("paper", "disk", "0.5 GiB free", 10, begins=True)
    other = file.path.parent.with_name("demo")
    other.mkdir()
    (other / "alerts.jsonl").write_text("no line of ours\n")
    daemon.tick()
    assert daemon.told() == ["disk: 0.5 GiB free"]


@pytest.mark.parametrize("is_over", [False, True])
def test_the_check_can_be_asked_by_hand(file: AlertFile, daemon: Daemon, is_over: bool) -> None:
    file.add("paper", "disk", "0.5 GiB free", 10, begins=True)
    if is_over:
        file.add("paper", "disk", "", 20, begins=False)
    job = dg.Definitions(
        asset_checks=[live_alert_checks], resources={"desk": DeskResource()}
    ).resolve_implicit_global_asset_job_def()
    assert job.execute_in_process(instance=daemon.instance).success
    assert daemon.is_well() is is_over
