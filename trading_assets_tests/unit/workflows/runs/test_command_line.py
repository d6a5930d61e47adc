"""`trading-assets backtest` and `trading-assets decision`, over a desk that has runs."""

import json

import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import MissingPartition
from trading_assets.interfaces.cli import backtest, decision
from trading_assets.workflows.decide import decide
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec


@pytest.fixture
def call(desk, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(desk.settings.home))
    monkeypatch.setenv("TA_SYMBOLS", '["BTCUSDT","SOLUSDT"]')
    monkeypatch.setenv("COLUMNS", "200")

    def call(app, *arguments):
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return call


@pytest.fixture
def decided(desk):
    for name in ("ema_trend", "ib_risk1"):
        run_backtest(desk, find_spec(desk.settings, name))
    return decide(desk, "paper")


def test_specs_are_listed(call):
    assert "ib_pos10pct" in call(backtest.app, "specs")
    listed = json.loads(call(backtest.app, "specs", "--json"))
    assert {"ema_trend", "forecast_driven"} <= set(listed)


def test_runs_are_listed_and_shown(call, decided):
    assert "ema_trend" in call(backtest.app, "list")
    rows = json.loads(call(backtest.app, "list", "--json"))
    assert [row["spec"] for row in rows] == ["ema_trend", "ib_risk1"]
    shown = call(backtest.app, "show", "ib_risk1")
    assert "IB • Risk 1% • 10k" in shown
    assert "signals_know_no_future" in shown
    assert json.loads(call(backtest.app, "show", "ib_risk1", "--json"))["metrics"]["all"]
    assert "files are as they were published" in call(backtest.app, "verify")


def test_the_catalog_is_rebuilt(call, decided):
    assert call(backtest.app, "catalog").startswith("2 runs in ")


def test_a_spec_that_was_never_run_is_said(call):
    with pytest.raises(MissingPartition, match="never run"):
        call(backtest.app, "show", "ema_trend")


def test_a_decision_is_shown_with_its_rules_and_recomputed(call, decided):
    shown = call(decision.app, "show")
    assert "promote" in shown
    for rule in decided.rules:
        assert rule["rule"] in shown
    assert call(decision.app, "show", decided.decision_id[:12], "--json").strip() == (
        decided.payload.decode()
    )
    assert "reproduced" in call(decision.app, "recompute", decided.decision_id[:12])
    recomputed = call(decision.app, "recompute", decided.decision_id, "--json")
    assert recomputed.strip() == decided.payload.decode()
    assert decided.decision_id[:16] in call(decision.app, "list")


def test_a_book_that_was_never_decided_about_is_said(call):
    with pytest.raises(MissingPartition, match="decision make"):
        call(decision.app, "show")
