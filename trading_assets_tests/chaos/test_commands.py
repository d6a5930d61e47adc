"""The chaos commands in small: each holds, and each can fail."""

from __future__ import annotations

import json

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.simulation.chaos import lease_races
from trading_assets.simulation.chaos.lease_races import race_for_leases
from trading_assets.simulation.chaos.tracing import traced
from trading_assets.simulation.chaos.verdict import Verdict, problems, record

HELD = Verdict("A18", {"races": 3})


@pytest.mark.slow
def test_of_executors_that_start_at_once_one_wins_in_silence(tmp_path):
    verdict = race_for_leases(5, 7, tmp_path)

    assert verdict.wrong == ()
    assert verdict.figures["winners"] == 5
    assert verdict.figures["losers"] >= 5


@pytest.mark.slow
def test_a_loser_that_speaks_is_seen(tmp_path, monkeypatch):
    talks = "socket.create_connection(('127.0.0.1', port)).close()\n    sys.exit(3)"
    monkeypatch.setattr(lease_races, "_RACER", lease_races._RACER.replace("sys.exit(3)", talks))

    assert any("network calls" in line for line in race_for_leases(2, 7, tmp_path).wrong)


def test_without_an_observer_there_is_no_verdict(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match="apt-get install strace"):
        traced(["true"], tmp_path / "log", "%network")


def test_a_verdict_takes_the_place_of_an_older_one_of_the_same_command(tmp_path):
    path = tmp_path / "evidence.json"
    record(path, HELD, "trading-assets chaos lease --n 3")
    record(path, Verdict("A9", {"kills": 1}), "trading-assets chaos kill9 --rounds 1")
    record(path, Verdict("A18", {"races": 4}), "trading-assets chaos lease --n 3")

    entries = json.loads(path.read_text())
    assert problems(entries) == []
    assert [entry["id"] for entry in entries] == ["A9", "A18"]
    assert entries[1]["figures"]["races"] == 4


def test_a_violation_is_never_evidence(tmp_path):
    with pytest.raises(ConfigurationError, match="does not hold"):
        record(tmp_path / "evidence.json", Verdict("A18", {}, ("two winners",)), "command")
    assert not (tmp_path / "evidence.json").exists()
    assert problems([{"id": "A18"}]) != []
    assert problems([{"id": "x", "command": "", "date": "", "revision": "", "figures": {}}]) != []
