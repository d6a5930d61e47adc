"""What Dagster believes of a live run, and what is true, are brought together from both sides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from trading_assets.defs.jobs import BOOK_TAG, RELEASE_TAG, live_trading
from trading_assets.defs.run_watch import report_dead, stop_when_over
from trading_assets.live.lease import Lease
from trading_assets.settings import load_settings
from trading_assets.workflows.live_book import live_book

STARTED, FAILED = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE
TAGS = {BOOK_TAG: "paper", RELEASE_TAG: "r1"}
LONG_S = 30.0


@pytest.fixture
def run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    return create_run_for_test(instance, job_name=live_trading.name, status=STARTED, tags=TAGS)


@pytest.fixture
def lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Lease]:
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    return lambda: Lease(live_book(load_settings().settings, "paper").lease)


def looks(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[dg.DagsterRunStatus]:
    suspects: set[str] = set()
    while True:
        found = instance.get_run_by_id(run.run_id)
        assert found is not None
        suspects = report_dead(instance, [found], suspects)
        after = instance.get_run_by_id(run.run_id)
        assert after is not None
        yield after.status


def test_a_started_run_without_a_trader_is_dead_at_the_second_look(
    instance: dg.DagsterInstance, run: dg.DagsterRun, lease: Callable[[], Lease]
) -> None:
    status = looks(instance, run)
    assert [next(status), next(status)] == [STARTED, FAILED]


def test_a_run_whose_executor_trades_is_alive(
    instance: dg.DagsterInstance, run: dg.DagsterRun, lease: Callable[[], Lease]
) -> None:
    status = looks(instance, run)
    with lease():
        assert [next(status), next(status), next(status)] == [STARTED] * 3


def test_a_run_that_was_starting_at_one_look_is_alive(
    instance: dg.DagsterInstance, run: dg.DagsterRun, lease: Callable[[], Lease]
) -> None:
    status = looks(instance, run)
    next(status)
    with lease():
        next(status)
    assert next(status) is STARTED


@pytest.mark.parametrize("what", ["canceling", "failed", "deleted"])
def test_an_executor_whose_run_is_over_for_dagster_is_stopped(
    instance: dg.DagsterInstance, run: dg.DagsterRun, what: str
) -> None:
    stopped = threading.Event()
    with stop_when_over(instance, run.run_id, every_s=0.01, end=stopped.set):
        assert not stopped.wait(0.1)
        if what == "canceling":
            instance.report_run_canceling(run)
        elif what == "failed":
            instance.report_run_failed(run)
        else:
            instance.delete_run(run.run_id)
        assert stopped.wait(LONG_S)


def test_a_storage_that_does_not_answer_stops_nobody_and_is_asked_again(
    instance: dg.DagsterInstance, run: dg.DagsterRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, failed = threading.Event(), threading.Event()
    real = instance.get_run_by_id

    def broken(run_id: str) -> dg.DagsterRun | None:
        if failed.is_set():
            return real(run_id)
        failed.set()
        raise OSError("database is locked")

    monkeypatch.setattr(instance, "get_run_by_id", broken)
    with stop_when_over(instance, run.run_id, every_s=0.01, end=stopped.set):
        assert failed.wait(LONG_S)
        assert not stopped.wait(0.1)
        instance.report_run_failed(run)
        assert stopped.wait(LONG_S)
