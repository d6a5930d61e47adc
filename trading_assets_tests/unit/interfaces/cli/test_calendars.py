"""`trading-assets data calendars`, as a person uses it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trading_assets.interfaces.cli import data

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a desk of its own, where BTCUSDT trades by a calendar."""
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("TA_SYMBOLS", json.dumps(["BTCUSDT", "ETHUSDT"]))
    monkeypatch.setenv("COLUMNS", "200")

    def command(calendar: str, *words: str) -> str:
        monkeypatch.setenv("TA_INSTRUMENTS__BTCUSDT__CALENDAR", calendar)
        result = CliRunner().invoke(data.app, ["calendars", *words])
        assert result.exit_code == 0, result.output
        return result.output

    return command


def test_calendars_are_frozen_once_and_shown(run: Run) -> None:
    heading, row = run("XNYS").splitlines()
    assert heading.split()[:4] == ["calendar", "first", "last", "sessions"]
    assert row.split()[:2] == ["XNYS", "2023-01-01"]
    assert row.split()[-1] == "yes"
    again = run("XNYS", "--refreeze").splitlines()[1]
    assert "exchange_calendars" in again
    assert "yes" not in again


def test_a_desk_that_never_closes_has_nothing_to_freeze(run: Run) -> None:
    assert "24/7" in run("24/7")
