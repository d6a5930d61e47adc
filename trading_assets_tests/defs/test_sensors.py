"""What is published by itself, and how often: exactly once, over restarts and failures."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)
from dagster._core.test_utils import create_run_for_test

from trading_assets.definitions import defs
from trading_assets.defs.assets.models import forecast_model
from trading_assets.defs.assets.promotion import DECISION_CHECK, promotion_decision
from trading_assets.defs.jobs import (
    BOOK_TAG,
    DECISION_TAG,
    RELEASE_TAG,
    daily_results,
    daily_tables,
    live_trading,
    promote,
    retrain,
)
from trading_assets.defs.partitions import DAILY_TAG
from trading_assets.defs.sensors import daily_chain, keep_live_running, promote_if_green

DONE, FAILED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
AT_WORK, STOPPED = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELED


def decide(
    instance: dg.DagsterInstance, decision_id: str, verdict: str = "promote"
) -> dg.EventLogRecord:
    metadata = {"decision_id": decision_id, "verdict": verdict}
    instance.report_runless_asset_event(
        dg.AssetMaterialization(promotion_decision.key, metadata=metadata)
    )
    return instance.fetch_materializations(promotion_decision.key, limit=1).records[0]


def judge(instance: dg.DagsterInstance, record: dg.EventLogRecord, *, passed: bool = True) -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=DECISION_CHECK.asset_key,
            check_name=DECISION_CHECK.name,
            passed=passed,
            target_materialization_data=Target(
                storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
            ),
        )
    )


def green(instance: dg.DagsterInstance, decision_id: str) -> None:
    judge(instance, decide(instance, decision_id))


def a_run(
    instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus, tags: dict[str, str]
) -> None:
    create_run_for_test(instance, job_name=job, status=status, tags=tags)


class Daemon:
    """Ticks a sensor, and keeps its cursor as Dagster does; a restart keeps nothing else."""

    def __init__(self, instance: dg.DagsterInstance, sensor: dg.SensorDefinition) -> None:
        self.instance, self.sensor = instance, sensor
        self.cursor: str | None = None

    def tick(self) -> list[dg.RunRequest]:
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=defs.get_repository_def(),
        ) as context:
            data = self.sensor.evaluate_tick(context)
        self.cursor = data.cursor
        return list(data.run_requests or [])

    def launch(self, status: dg.DagsterRunStatus) -> list[dg.RunRequest]:
        """Tick, and let every request become a run that ends like this."""
        requests = self.tick()
        for request in requests:
            job = request.job_name or self.sensor.job_name
            a_run(self.instance, job, status, dict(request.tags))
        return requests


@pytest.fixture
def daemon(instance: dg.DagsterInstance) -> Daemon:
    return Daemon(instance, promote_if_green)


def keys(requests: list[dg.RunRequest]) -> list[str | None]:
    return [request.run_key for request in requests]


def test_nothing_is_published_before_a_decision(daemon: Daemon) -> None:
    assert daemon.tick() == []


def test_a_green_decision_is_published_once(daemon: Daemon) -> None:
    green(daemon.instance, "d1")
    (request,) = daemon.launch(DONE)
    assert request.run_key == "promote:d1:1"
    assert request.tags[DECISION_TAG] == "d1"
    assert request.run_config == {"ops": {"release__paper": {"config": {"decision_id": "d1"}}}}
    assert [daemon.tick() for _ in range(3)] == [[], [], []]


@pytest.mark.parametrize("verdict", ["hold", "reject"])
def test_a_decision_that_does_not_promote_is_left_alone(daemon: Daemon, verdict: str) -> None:
    judge(daemon.instance, decide(daemon.instance, "d1", verdict))
    assert daemon.tick() == []


def test_the_decision_waits_for_its_own_check(daemon: Daemon) -> None:
    green(daemon.instance, "d0")
    daemon.launch(DONE)
    record = decide(daemon.instance, "d1")
    assert daemon.tick() == []  # the check there is judged the decision before
    judge(daemon.instance, record)
    assert keys(daemon.tick()) == ["promote:d1:1"]


def test_a_red_check_stops_it_for_good(daemon: Daemon) -> None:
    judge(daemon.instance, decide(daemon.instance, "d1"), passed=False)
    assert daemon.tick() == []
    assert daemon.tick() == []


def test_a_run_at_work_is_waited_for(daemon: Daemon) -> None:
    green(daemon.instance, "d1")
    assert len(daemon.launch(AT_WORK)) == 1
    assert daemon.tick() == []


def test_a_failed_run_is_tried_again_three_times_in_all(daemon: Daemon) -> None:
    green(daemon.instance, "d1")
    tried = [keys(daemon.launch(FAILED)) for _ in range(5)]
    assert tried == [["promote:d1:1"], ["promote:d1:2"], ["promote:d1:3"], [], []]


def test_a_second_try_that_succeeds_ends_it(daemon: Daemon) -> None:
    green(daemon.instance, "d1")
    daemon.launch(FAILED)
    assert keys(daemon.launch(DONE)) == ["promote:d1:2"]
    assert daemon.tick() == []


@pytest.mark.parametrize("status", [DONE, AT_WORK])
def test_a_restart_that_lost_the_cursor_publishes_nothing_twice(
    daemon: Daemon, status: dg.DagsterRunStatus
) -> None:
    green(daemon.instance, "d1")
    daemon.launch(status)
    assert Daemon(daemon.instance, promote_if_green).tick() == []


def test_a_restart_between_request_and_run_asks_with_the_same_key(daemon: Daemon) -> None:
    green(daemon.instance, "d1")
    before = keys(daemon.tick())
    assert keys(Daemon(daemon.instance, promote_if_green).tick()) == before


def test_a_restart_after_a_failure_goes_on_counting(daemon: Daemon) -> None:
    green(daemon.instance, "d1")
    daemon.launch(FAILED)
    assert keys(Daemon(daemon.instance, promote_if_green).tick()) == ["promote:d1:2"]


def test_a_newer_decision_is_published_after_an_older_one(daemon: Daemon) -> None:
    green(daemon.instance, "d1")
    daemon.launch(DONE)
    green(daemon.instance, "d2")
    assert keys(daemon.launch(DONE)) == ["promote:d2:1"]


# The supervisor of the live run


@pytest.fixture
def supervisor(instance: dg.DagsterInstance) -> Daemon:
    return Daemon(instance, keep_live_running)


def release(instance: dg.DagsterInstance, release_id: str) -> None:
    instance.report_runless_asset_event(
        dg.AssetMaterialization(["release", "paper"], metadata={"release_id": release_id})
    )


def test_the_supervisor_is_off_until_a_person_switches_it_on() -> None:
    assert keep_live_running.default_status is dg.DefaultSensorStatus.STOPPED
    assert promote_if_green.default_status is dg.DefaultSensorStatus.RUNNING


def test_without_a_release_nothing_is_started(supervisor: Daemon) -> None:
    assert supervisor.tick() == []


def test_a_release_is_traded_and_a_failed_run_restarted(supervisor: Daemon) -> None:
    release(supervisor.instance, "r1")
    tried = [keys(supervisor.launch(FAILED)) for _ in range(4)]
    assert tried == [["live:paper:r1:1"], ["live:paper:r1:2"], ["live:paper:r1:3"], []]


@pytest.mark.parametrize("status", [AT_WORK, DONE])
def test_a_live_run_that_is_there_or_was_stopped_is_left_alone(
    supervisor: Daemon, status: dg.DagsterRunStatus
) -> None:
    release(supervisor.instance, "r1")
    tags = {BOOK_TAG: "paper", RELEASE_TAG: "r1"}
    a_run(supervisor.instance, live_trading.name, status, tags)
    assert supervisor.tick() == []


# The daily chain


def after(
    instance: dg.DagsterInstance, job_name: str, tags: dict[str, str]
) -> dg.RunRequest | dg.SkipReason:
    job = defs.resolve_job_def(job_name)
    run = create_run_for_test(instance, job_name=job_name, status=DONE, tags=tags)
    event = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=job.name
    )
    context = dg.build_run_status_sensor_context(
        sensor_name="daily_chain", dagster_event=event, dagster_instance=instance, dagster_run=run
    )
    return daily_chain(context)  # type: ignore[return-value]


def span(request: object) -> tuple[str, str]:
    assert isinstance(request, dg.RunRequest)
    tags = request.tags
    return (
        tags["dagster/asset_partition_range_start"],
        tags["dagster/asset_partition_range_end"],
    )


def test_tables_are_followed_by_models_and_models_by_results(instance: dg.DagsterInstance) -> None:
    day = {DAILY_TAG: "2024-05-17"}
    trained = after(instance, daily_tables.name, day)
    assert isinstance(trained, dg.RunRequest)
    assert (trained.job_name, trained.run_key) == (retrain.name, "retrain:2024-05-17")
    assert span(trained) == ("2024-05", "2024-05")
    results = after(instance, retrain.name, day)
    assert isinstance(results, dg.RunRequest)
    assert results.job_name == daily_results.name
    assert span(results) == ("2024-05|BTCUSDT", "2024-05|SOLUSDT")


def test_every_model_is_brought_up_to_date(instance: dg.DagsterInstance) -> None:
    for month in ("2024-03", "2024-04"):
        instance.report_runless_asset_event(
            dg.AssetMaterialization(forecast_model.key, partition=month)
        )
    request = after(instance, daily_tables.name, {DAILY_TAG: "2024-05-17"})
    assert span(request) == ("2024-03", "2024-05")


def test_on_the_first_day_the_month_before_is_finished_too(instance: dg.DagsterInstance) -> None:
    results = after(instance, retrain.name, {DAILY_TAG: "2024-06-01"})
    assert span(results) == ("2024-05|BTCUSDT", "2024-06|SOLUSDT")


def test_a_run_by_hand_starts_no_chain(instance: dg.DagsterInstance) -> None:
    assert isinstance(after(instance, daily_tables.name, {}), dg.SkipReason)


def test_the_chain_never_ends_in_a_release(instance: dg.DagsterInstance) -> None:
    graph = defs.resolve_asset_graph()
    for job in (daily_tables, retrain, daily_results):
        selected = job.selection.resolve(graph)
        assert not {key for key in selected if key.path[0] in ("release", "live_run")}
    assert promote.selection.resolve(graph) == {dg.AssetKey(["release", "paper"])}


def test_a_run_whose_process_is_gone_is_reported_and_the_book_traded_again(
    supervisor: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    release(supervisor.instance, "r1")
    tags = {BOOK_TAG: "paper", RELEASE_TAG: "r1"}
    a_run(supervisor.instance, live_trading.name, AT_WORK, tags)
    assert [keys(supervisor.tick()) for _ in range(2)] == [[], ["live:paper:r1:2"]]


ENDS = {
    DONE: dg.DagsterEventType.RUN_SUCCESS,
    STOPPED: dg.DagsterEventType.RUN_CANCELED,
    FAILED: dg.DagsterEventType.RUN_FAILURE,
}


def live_run_that_ends(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str]
) -> None:
    job = live_trading.name
    run = create_run_for_test(
        instance, job_name=job, status=AT_WORK, tags={BOOK_TAG: "paper", **tags}
    )
    instance.report_dagster_event(dg.DagsterEvent(ENDS[status].value, job), run.run_id)


@pytest.mark.parametrize("tags", [{}, {RELEASE_TAG: "r0"}])
@pytest.mark.parametrize("status", [DONE, STOPPED])
def test_a_run_that_a_person_stopped_stays_stopped_whoever_had_started_it(
    supervisor: Daemon, status: dg.DagsterRunStatus, tags: dict[str, str]
) -> None:
    release(supervisor.instance, "r1")
    live_run_that_ends(supervisor.instance, status, tags)
    assert supervisor.tick() == []
    release(supervisor.instance, "r2")
    assert keys(supervisor.tick()) == ["live:paper:r2:1"]


def test_a_run_of_a_person_that_failed_is_followed_by_one(supervisor: Daemon) -> None:
    release(supervisor.instance, "r1")
    live_run_that_ends(supervisor.instance, FAILED, {})
    assert keys(supervisor.tick()) == ["live:paper:r1:1"]


def test_a_waiting_run_that_was_withdrawn_does_not_hide_a_later_failure(
    supervisor: Daemon,
) -> None:
    release(supervisor.instance, "r1")
    job, tags = live_trading.name, {BOOK_TAG: "paper"}
    at_work = create_run_for_test(supervisor.instance, job_name=job, status=AT_WORK, tags=tags)
    live_run_that_ends(supervisor.instance, STOPPED, {})
    failure = dg.DagsterEvent(ENDS[FAILED].value, job)
    supervisor.instance.report_dagster_event(failure, at_work.run_id)
    assert keys(supervisor.tick()) == ["live:paper:r1:1"]
