"""The error budget in Dagster: a book that has used it up and is flat is stopped, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from trading_assets.defs.jobs import halt_book
from trading_assets.defs.resources import DeskResource
from trading_assets.defs.slo_sensor import slo_guard
from trading_assets.domain.control import HaltLevel, HaltRequest
from trading_assets.live.lease import Lease
from trading_assets.live.safety.latch import read_latch, write_latch
from trading_assets.settings import load_settings
from trading_assets.workflows.live_book import live_book

Asked = list[dg.RunRequest | dg.SkipReason]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a book whose executor is at work."""
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    folder = tmp_path / "data" / "live" / "paper"
    folder.mkdir(parents=True)
    with Lease(folder.parent / "embedded-paper.lock"):
        yield folder


def _say(folder: Path, **values: Any) -> None:
    found = {
        "slo_level": "PAPER",
        "positions": [],
        "budget_left": 0.2,
        "release_id": "r1",
        "seq": 7,
    } | values
    (folder / "status.json").write_text(json.dumps(found))


def _tick() -> Asked:
    with dg.DagsterInstance.ephemeral() as instance:
        answers = slo_guard(dg.build_sensor_context(instance))
        return list(answers)  # type: ignore[arg-type,call-overload]


def test_a_flat_book_without_budget_is_paused(folder: Path) -> None:
    _say(folder)
    (asked,) = _tick()
    assert isinstance(asked, dg.RunRequest)
    config = asked.run_config["ops"]["put_up_latch"]["config"]
    assert config == {
        "book": "paper",
        "level": "PAUSE",
        "reason": "error budget used up: 20.0% is left",
        "disarm": False,
    }
    assert dg.validate_run_config(halt_book, asked.run_config)


@pytest.mark.parametrize(
    "values", [{"slo_level": "ENTRIES_OFF"}, {"slo_level": "NORMAL"}, {"positions": [{"a": 1}]}]
)
def test_a_book_that_holds_something_or_has_budget_is_left_alone(
    folder: Path, values: dict[str, Any]
) -> None:
    _say(folder, **values)
    (asked,) = _tick()
    assert isinstance(asked, dg.SkipReason)


def test_a_book_that_is_stopped_already_is_not_stopped_again(folder: Path) -> None:
    _say(folder)
    write_latch(folder / "HALT", HaltRequest("lunch"))
    (asked,) = _tick()
    assert isinstance(asked, dg.SkipReason)


def test_an_armed_book_loses_its_leave_even_if_somebody_has_stopped_it(folder: Path) -> None:
    _say(folder)
    (folder / "arm.token").write_text("a token")
    write_latch(folder / "HALT", HaltRequest("lunch"))
    assert live_book(load_settings().settings, "paper").arm_token == folder / "arm.token"
    (asked,) = _tick()
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_config["ops"]["put_up_latch"]["config"]["disarm"] is True
    with dg.DagsterInstance.ephemeral() as instance:
        result = halt_book.execute_in_process(
            instance=instance,
            resources={"desk": DeskResource()},
            run_config=asked.run_config,
        )
    assert result.success
    assert not (folder / "arm.token").exists()
    latched = read_latch(folder / "HALT")
    assert latched is not None
    assert latched.level is HaltLevel.HALT  # the higher one stays
    (asked,) = _tick()
    assert isinstance(asked, dg.SkipReason)


def test_a_book_that_nobody_runs_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    folder = tmp_path / "data" / "live" / "paper"
    folder.mkdir(parents=True)
    _say(folder)
    (asked,) = _tick()
    assert isinstance(asked, dg.SkipReason)
