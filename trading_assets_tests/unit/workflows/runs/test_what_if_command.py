"""`trading-assets what-if`, over a desk that has decided once."""

import json

import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.interfaces.cli import main
from trading_assets.workflows.decide import decide
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec


@pytest.fixture
def call(desk, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(desk.settings.home))
    monkeypatch.setenv("TA_SYMBOLS", '["BTCUSDT","SOLUSDT"]')
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments, exit_code=0):
        result = CliRunner().invoke(main.app, ["what-if", *arguments], catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return result

    return call


@pytest.fixture
def decision(desk):
    run_backtest(desk, find_spec(desk.settings, "ema_trend"))
    return decide(desk, "paper")


def test_decisions_are_shown_with_what_differs(call, decision):
    shown = call("--set", "gate.min_trades=100000").stdout
    assert "What if gate.min_trades 100000" in shown
    assert decision.decision_id[:16] in shown
    assert "promote ema_trend" in shown
    assert "min_trades is not met any more" in " ".join(shown.split())
    assert "1 of 1 decisions would flip; 0 cannot be compared." in shown
    assert "Made again: 0 runs, 0 examinations, 0 trials" in shown
    assert "Used as they are: 1 runs" in shown
    free = call("--slippage-x", "0").stdout
    assert "hold ema_trend" in free
    assert "1 of 1 decisions would flip" in free
    assert "Made again: 1 runs, 0 examinations, 0 trials of sweeps. Used" in free


def test_json_holds_every_rule_that_differs(call, decision):
    found = json.loads(call("--fees-bps", "50", "--cash", "90000", "--json").stdout)
    assert found["assumed"] == {"fees_bps": "50", "cash": "90000"}
    assert (found["decisions"], found["made"]["runs_made_again"]) == (1, 1)
    (outcome,) = found["outcomes"]
    assert outcome["decision_id"] == decision.decision_id
    changed = {change["rule"]: change for change in outcome["rules"]}
    earned = changed["net_of_costs_oos"]
    assert earned["value_now"] < earned["value_then"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), ConfigurationError),
        (("--fees-bps", "-1"), ConfigurationError),
        (("--set", "gate.unknown=1"), ConfigurationError),
        (("--fees-bps", "1", "--branch", "../up"), ConfigurationError),
        (("--fees-bps", "1", "--book", "nowhere"), MissingPartition),
    ],
)
def test_what_cannot_be_asked_is_an_error_of_ours(call, decision, arguments, error):
    with pytest.raises(error):
        call(*arguments)


def test_options_that_there_are_none_of_are_refused(call):
    assert "No such option" in call("--fee", "1", exit_code=2).output
    assert "Invalid value" in call("--fees-bps", "1", "--last", "-1", exit_code=2).output


def test_without_a_decision_the_way_to_one_is_said(call, desk):
    with pytest.raises(MissingPartition, match="decision make"):
        call("--fees-bps", "1")
