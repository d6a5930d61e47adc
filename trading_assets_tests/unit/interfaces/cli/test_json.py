"""`--json`: which commands have it, and what a program finds in what they print."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from trading_assets.interfaces.cli.main import app
from trading_assets.interfaces.cli.tables import json_text
from trading_assets_tests.unit.interfaces.cli.test_help import LEAVES

ALWAYS_JSON = {
    "forecast now", "models forecasts", "release show", "control document",
    "sim run", "sim replay-check", "sim crashpoints", "sim mutants", "sim feed", "sim bench",
    "chaos lease", "chaos kill9", "chaos halt", "chaos journal", "chaos fsync-order", "chaos soak",
    "chaos recover", "chaos secrets", "chaos processes",
}  # fmt: skip
SERVERS = {
    "exchange serve", "control serve", "telegram serve", "redis serve", "metrics serve",
    "alerts serve",
}  # fmt: skip
ONE_WORD = {"control token", "control link"}
FOR_OTHERS = {"metrics show": "the text format of Prometheus"}
FOR_PEOPLE = {"demo": "a show", "arm": "asks a person"}


@pytest.mark.parametrize("words", LEAVES)
def test_every_command_that_tells_facts_tells_them_as_json(words: str) -> None:
    has_option = any("--json" in parameter.opts for parameter in LEAVES[words].params)
    without = {*ALWAYS_JSON, *SERVERS, *ONE_WORD, *FOR_OTHERS, *FOR_PEOPLE}
    assert has_option != (words in without)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command on an empty desk with `--json`, and read what it prints."""
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Any:
        result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
        return json.loads(result.stdout)

    return run


def test_facts_of_an_empty_desk_have_their_keys(told: Any) -> None:
    assert told("version").keys() == {"version"}
    checked = told("data", "verify")
    assert checked.keys() == {"tables", "raw"}
    assert checked["tables"] == {"files": 0, "size_bytes": 0, "faults": []}
    assert told("models", "verify") == {"models": {"files": 0, "size_bytes": 0, "faults": []}}
    assert told("models", "list") == []
    assert told("data", "calendars") == []
    assert told("data", "universe") == []
    assert told("runs", "verify") == {"files": 0}
    assert told("decision", "list") == []
    assert told("down") == {"stopped": []}
    assert told("sql", "select 1 as one") == [{"one": 1}]
    gone = told("data", "gc")
    assert gone.keys() == {"garbage", "kept", "removed", "deleted", "evicted"}
    assert gone["deleted"] is False


def test_what_is_done_to_a_book_is_told_with_its_command(told: Any) -> None:
    why = ("--reason", "a test", "--by", "ann")
    halted = told("halt", *why)
    assert halted.keys() == {"book", "level", "code", "command", "is_running"}
    assert (halted["book"], halted["level"], halted["is_running"]) == ("paper", "HALT", False)
    again = told("resume", "--confirm", halted["code"], *why)
    assert again.keys() == {"book", "what", "command", "is_running"}
    assert again["command"] > halted["command"]


def test_a_look_before_trading_is_a_list_and_its_code_is_kept(told: Any, tmp_path: Path) -> None:
    lines = told("preflight", "--book", "paper")
    assert all(line.keys() == {"status", "what", "found", "fix"} for line in lines)
    assert any(line["status"] == "fail" for line in lines)
    result = CliRunner().invoke(app, ["preflight", "--json"])
    assert result.exit_code == 1


def test_a_new_strategy_is_its_files(told: Any) -> None:
    files = told("new", "strategy", "breakout")["files"]
    assert files
    assert all(Path(name).is_file() for name in files)


def test_what_json_has_no_word_for_is_text_or_null(tmp_path: Path) -> None:
    facts = {
        "at": datetime(2024, 3, 1, 12, tzinfo=UTC),
        "day": date(2024, 3, 1),
        "price": Decimal("0.10"),
        "file": tmp_path,
        "scores": (float("nan"), float("inf"), 0.5),
    }
    assert json.loads(json_text(facts)) == {
        "at": "2024-03-01T12:00:00+00:00",
        "day": "2024-03-01",
        "price": "0.10",
        "file": str(tmp_path),
        "scores": [None, None, 0.5],
    }
