"""`trading-assets backtest` and `trading-assets decision`, over a desk that has runs."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from trading_assets import bootstrap
from trading_assets.domain.errors import ConfigurationError, DataError, MissingPartition
from trading_assets.interfaces.cli import backtest, data, decision, runs
from trading_assets.settings import load_settings
from trading_assets.workflows.decide import decide
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.stored_runs import find_run
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
    assert "ema_trend" in call(runs.app, "list")
    rows = json.loads(call(runs.app, "list", "--json"))
    assert [row["spec"] for row in rows] == ["ema_trend", "ib_risk1"]
    assert [row["spec"] for row in json.loads(call(runs.app, "list", "ib_risk1", "--json"))] == [
        "ib_risk1"
    ]
    shown = call(runs.app, "show", "ib_risk1")
    assert "IB • Risk 1% • 10k" in shown
    assert "signals_know_no_future" in shown
    assert "no_signal" in shown
    facts = json.loads(call(runs.app, "show", f"ib_risk1/{rows[1]['run_id'][:6]}", "--json"))
    assert facts["metrics"]["all"]
    assert facts["manifest"]["result_hash"] in shown
    assert "files are as they were published" in call(runs.app, "verify")


def test_ui_04_runs_are_compared_in_tables_and_on_a_page(call, decided, tmp_path):
    page = tmp_path / "compared.html"
    shown = call(runs.app, "compare", "ema_trend", "ib_risk1", "--html", str(page))
    assert "Net return" in shown
    assert "sizing.mode" in shown
    found = json.loads(call(runs.app, "compare", "ema_trend", "ib_risk1", "--json"))
    listed = json.loads(call(runs.app, "list", "--json"))
    assert found["metrics"]["net_return_pct"] == [row["net_return_pct"] for row in listed]
    assert found["differences"]["sizing.mode"] == ["pct_of_equity", "risk"]
    assert "cash" in found["differences"]
    text = page.read_text()
    assert text.count('"meta":"run-') == 4
    assert "2 runs compared" in text
    with pytest.raises(DataError, match="compared with itself"):
        call(runs.app, "compare", "ema_trend", "ema_trend")


def test_ctl_17_data_signals_and_orders_are_written_for_other_programs(call, decided, tmp_path):
    files = [tmp_path / name for name in ("bars.csv", "signals.csv", "orders.csv")]
    span = ("--from", "2024-02-01", "--to", "2024-02-02", "--timeframe", "5m")
    assert "288 bars" in call(data.app, "export", "BTCUSDT", str(files[0]), *span)
    call(backtest.app, "signals", "ema_trend", "2024-02", str(files[1]))
    call(runs.app, "export", "ema_trend", str(files[2]))
    bars, signals, orders = (pl.read_csv(path) for path in files)
    assert bars["ts_utc"][0] == "2024-02-01T00:00:00Z"
    assert signals.columns[:3] == ["ts_utc", "symbol", "target"]
    assert set(signals["symbol"]) == {"BTCUSDT", "SOLUSDT"}
    assert signals["target"].drop_nulls().is_between(-1, 1).all()

    stored = find_run(bootstrap.desk(load_settings().settings), "ema_trend").table("orders")
    assert orders["client_order_id"].to_list() == stored["client_order_id"].to_list()
    # The files fit: an order has the time of the bar whose signal it follows, and its direction.
    asked = orders.filter(pl.col("ts_utc") >= "2024-02-01")
    both = asked.join(signals, on=["ts_utc", "symbol"])
    assert both.height == asked.height > 0
    assert set(both.select("side", "target").iter_rows()) == {("BUY", 1.0), ("SELL", 0.0)}
    with pytest.raises(ConfigurationError, match="there already"):
        call(runs.app, "export", "ema_trend", str(files[2]))


def test_ctl_11_a_spec_is_run_over_a_span_without_naming_the_command(call, desk, monkeypatch):
    monkeypatch.setattr(bootstrap, "desk", lambda settings: desk)
    span = ("--from", "2024-01-30", "--to", "2024-02-03")
    (made,) = json.loads(call(backtest.app, "ib_fixed1", *span, "--json"))
    assert made["is_new"]
    assert "run again, equal to the byte" in call(backtest.app, "run", "ib_fixed1", *span)
    (row,) = json.loads(call(runs.app, "list", "--json"))
    assert (row["first"], row["last"]) == ("2024-01-30 00:00", "2024-02-02 23:55")
    assert row["is_current"] is False
    assert json.loads(call(runs.app, "show", made["run_id"][:5], "--json"))["manifest"]["span"]
    with pytest.raises(DataError, match="span is empty"):
        call(backtest.app, "ib_fixed1", "--from", "2024-02-03", "--to", "2024-01-30")


def test_a_name_that_means_no_run_is_said(call):
    with pytest.raises(MissingPartition, match="No one run is meant by 'abc'"):
        call(runs.app, "show", "abc")


def test_the_catalog_is_rebuilt(call, decided):
    assert call(backtest.app, "catalog").startswith("2 runs in ")


def test_a_spec_that_was_never_run_is_said(call):
    with pytest.raises(MissingPartition, match="never run"):
        call(runs.app, "show", "ema_trend")


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
    explained = call(decision.app, "explain")
    assert "held_out: 2 of 2 rules are met" in explained
    assert "No months are held out." in explained


def test_a_book_that_was_never_decided_about_is_said(call):
    with pytest.raises(MissingPartition, match="decision make"):
        call(decision.app, "show")
