"""`trading-assets trials`: the same count as the gate's, and a broken ledger by name."""

import json
import math
import statistics

import numpy as np
import pytest
from typer.testing import CliRunner

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import LedgerBroken
from trading_assets.interfaces.cli import trials
from trading_assets.storage.trial_chain import LEDGER
from trading_assets.storage.trial_store import DailyReturns
from trading_assets.workflows.enter_trials import TrialEntry, enter_trial, enter_trials
from trading_assets.workflows.trial_ledger import trials_of_family


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    for value in (1, 2, 2):
        enter_trial(
            tmp_path / "data",
            family="forecast",
            identity={"leaves": value},
            ran_on="january",
            at=1_700_000_000_000_000,
            facts={"params": {"leaves": value}},
        )
    return tmp_path / "data"


def call(*arguments):
    return CliRunner().invoke(trials.app, arguments, catch_exceptions=False).output


def test_trials_are_counted_listed_and_proven(root):
    counted = json.loads(call("count", "--json"))["forecast"]
    assert (counted["trials"], counted["lost_rows"]) == (2, 0)
    assert "forecast" in call("count")
    listed = json.loads(call("list", "--family", "forecast", "--json"))
    assert [row["params"] for row in listed] == [{"leaves": 1}, {"leaves": 2}]
    assert "leaves 2" in call("list", "--last", "1")
    assert "leaves 1" not in call("list", "--last", "1")
    proven = json.loads(call("verify", "--json"))
    assert (proven["rows"], proven["head"]) == (2, counted["head"])
    assert "2 rows" in call("verify")
    assert "nothing was done" in call("adopt")


def test_the_spread_that_is_counted_is_the_gates(root):
    days = np.arange(9) * DAY
    for seed in (1, 2, 3):
        returns = DailyReturns(days, np.random.default_rng(seed).normal(0, 0.01, 9))
        start = int(days[6])
        enter_trials(
            root, [TrialEntry("trend", f"t{seed}", f"k{seed}", "sweep", returns, start)], at=1
        )
    count = trials_of_family(root, "trend")

    said = json.loads(call("count", "--family", "trend", "--json"))["trend"]
    assert (said["with_sharpe"], said["with_oos_sharpe"]) == (3, 3)
    assert said["variance_of_oos_sharpes"] == count.variance
    assert count.variance == pytest.approx(statistics.variance(count.oos_sharpes))
    assert f"{math.sqrt(count.variance):.4f}" in call("count")
    assert trials_of_family(root, "forecast").variance is None


def test_a_broken_ledger_is_an_error_and_a_loss_is_accepted_by_a_person_only(root):
    (root / LEDGER).write_bytes((root / LEDGER).read_bytes()[:-40])
    for command in ("count", "list", "verify", "adopt"):
        with pytest.raises(LedgerBroken, match="cut"):
            call(command)

    assert "1 rows taken over, 1 lost" in call("adopt", "--accept-loss")
    assert json.loads(call("count", "--json"))["forecast"]["trials"] == 2
    assert "1 lost" in call("verify")
