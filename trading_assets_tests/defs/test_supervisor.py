"""The daemon's sign of life: the books of play money get it, where they wait for one."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from trading_assets.defs.supervisor import watch_over_live


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("TA_BOOKS__REAL__VENUE", "binance")
    monkeypatch.setenv("TA_BOOKS__REAL__ACCOUNT", "main")
    folder = tmp_path / "data" / "live"
    for book in ("paper", "real"):
        (folder / book).mkdir(parents=True)
    return folder


def _tick() -> str:
    with dg.DagsterInstance.ephemeral() as instance:
        answer = watch_over_live(dg.build_sensor_context(instance))
    assert isinstance(answer, dg.SkipReason)
    return answer.skip_message or ""


def test_a_book_of_play_money_is_told(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TA_LIVE__SUPERVISOR_TIMEOUT_S", "90")
    assert _tick() == "told paper"
    assert (live / "paper" / "supervisor").exists()
    assert not (live / "real" / "supervisor").exists()
    assert not (live / "demo").exists()


def test_nobody_is_told_where_no_book_waits(live: Path) -> None:
    assert "is 0" in _tick()
    assert not (live / "paper" / "supervisor").exists()


def test_it_is_off_until_a_person_switches_it_on() -> None:
    assert watch_over_live.default_status is dg.DefaultSensorStatus.STOPPED
