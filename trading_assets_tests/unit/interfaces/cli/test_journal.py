"""The journal on the command line: it is proven, shown and copied."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import SessionOpened, TradingHalted
from trading_assets.interfaces.cli.main import app
from trading_assets.storage.journal import Journal
from trading_assets.storage.journal_reader import JournalReader


class _Clock:
    def now(self):
        return 5

    def wait(self, seconds):
        raise AssertionError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    folder = tmp_path / "data" / "live" / "paper"
    with Journal(folder, book="paper", epoch="wall", clock=_Clock()) as journal:
        journal.append([SessionOpened(1_711_929_600_000_000, "paper", "r1", ())])
        journal.append([TradingHalted(1_711_929_660_000_000, "somebody said so")])
    return folder


def _run(*arguments):
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_whole_journal_is_said_so(folder):
    assert "2 rows, whole" in _run("journal", "verify")


def test_rows_are_shown_for_people_and_for_programs(folder):
    assert "2024-04-01 00:01:00.000 TradingHalted" in _run("journal", "tail", "-n", "1")
    lines = _run("journal", "show", "--json", "--kind", "TradingHalted").splitlines()

    assert len(lines) == 1
    assert json.loads(lines[0])["body"] == {
        "inbox_id": 0,
        "level": "HALT",
        "reason": "somebody said so",
        "source": "",
        "ts": 1_711_929_660_000_000,
    }
    assert _run("journal", "show", "--since", "2") == ""


def test_a_copy_is_whole(folder, tmp_path):
    assert "2 rows copied" in _run("journal", "backup", str(tmp_path / "copy"))
    with JournalReader(tmp_path / "copy") as reader:
        assert reader.verify().seq == 2


def test_a_book_without_a_journal_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    with pytest.raises(RecoveryError, match="No journal"):
        _run("journal", "verify")
