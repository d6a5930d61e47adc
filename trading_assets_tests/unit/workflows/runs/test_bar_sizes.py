"""Specs of other bar sizes on the tables of a desk."""

import json
from datetime import timedelta

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from trading_assets import Backtest
from trading_assets.backtest.sweep_file import SweepFile
from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.ids import Month
from trading_assets.interfaces.cli import backtest
from trading_assets.market.bar_frame import BAR_SCHEMA
from trading_assets.market.resample import resample
from trading_assets.storage.release_store import Release
from trading_assets.strategies.protocol import memory
from trading_assets.workflows.release_parts import signal_desk
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_plan import plan_run
from trading_assets.workflows.run_sweep import run_sweep, run_walk_forward
from trading_assets.workflows.strategy_specs import find_spec, sizes_traded

MONTHS = (Month(2024, 1), Month(2024, 2))
KEYS = {
    "name": "hourly",
    "strategy": "ema_trend",
    "params": {"fast": 2, "slow": 4},
    "symbols": ["BTCUSDT", "SOLUSDT"],
    "bar_size": "1h",
    "cash": 100_000,
    "sizing": {"mode": "pct_of_equity", "pos_pct": 30, "rebalance_pct": 10},
    "costs": {"fees_bps": 10, "slippage_bps": 3},
}


def lay_larger(desk, size):
    """Publish what `resample_month` would, of the five-minute bars."""
    for symbol in desk.settings.symbols:
        for month in MONTHS:
            bars = resample(desk.tables.read("bars_5m", symbol, month), size)
            lay(desk, f"bars_{size.value}", symbol, month, bars)


def lay(desk, table, symbol, month, bars):
    desk.tables.publish(
        table, symbol, month, bars, code_version="1", parents={}, extra={"source": "embedded"}
    )


@pytest.fixture
def add_spec(desk):
    """Put a spec into the folder of the desk's user."""

    def add(**keys):
        folder = desk.settings.strategies_dir
        folder.mkdir(exist_ok=True, parents=True)
        values = {**KEYS, **keys}
        (folder / f"{values['name']}.yaml").write_text(yaml.safe_dump(values))
        return find_spec(desk.settings, values["name"])

    return add


def test_a_run_on_hours_reads_hours_and_all_its_checks_are_green(desk, add_spec):
    lay_larger(desk, Timeframe.H1)

    record = run_backtest(desk, add_spec())

    assert {name.split("/")[0] for name in record.run.manifest["inputs"]} == {"bars_1h"}
    assert [check for check in record.run.checks if not check["passed"]] == []
    assert record.run.metrics["all"]["num_trades"] > 3
    assert record.run.table("equity").height == 26 * 24
    assert " 1h " in record.run.manifest["run_name"]


def test_it_is_the_run_of_the_same_bars_in_memory(desk, add_spec):
    lay_larger(desk, Timeframe.H1)
    spec = add_spec()
    plan = plan_run(desk, spec)
    frames = {
        symbol: pl.concat([desk.tables.read("bars_5m", symbol, month) for month in MONTHS])
        for symbol in spec.symbols
    }

    record = run_backtest(desk, spec)
    own = Backtest(spec, frames, plan.instruments).run()

    fills = record.run.table("trades").select("ts_utc", "symbol", "side", "qty")
    assert fills.equals(own.fills.select(fills.columns))
    assert record.run.metrics["all"]["final_equity"] == pytest.approx(own.final_equity, rel=1e-9)


def test_signals_of_a_month_reach_back_by_bars_of_their_size(desk, add_spec):
    """February's first rows know January: its warm-up lies before its first bar."""
    lay_larger(desk, Timeframe.H1)
    spec = add_spec(strategy="channel_breakout", params={"entry_bars": 48, "exit_bars": 24})

    record = run_backtest(desk, spec)

    assert memory(spec.build_strategy()).total_seconds() == 48 * 3600
    checks = {check["name"]: check for check in record.run.checks}
    assert checks["warm_up_is_enough"]["passed"]
    assert "2024-02" in checks["warm_up_is_enough"]["detail"]
    first = record.run.table("equity")["ts_utc"][0]
    assert record.run.table("trades")["ts_utc"].min() >= first + timedelta(hours=49)


def test_minutes_are_traded_with_all_columns_that_larger_bars_have(desk, add_spec):
    for symbol in desk.settings.symbols:
        for month in MONTHS:
            bars = desk.tables.read("bars_5m", symbol, month)
            lay(desk, "bars_1m", symbol, month, bars.select(BAR_SCHEMA.names()))

    record = run_backtest(desk, add_spec(name="minutely", bar_size="1m"))

    assert [check for check in record.run.checks if not check["passed"]] == []
    assert {name.split("/")[0] for name in record.run.manifest["inputs"]} == {"bars_1m"}


def test_a_size_without_a_table_is_named(desk, add_spec):
    with pytest.raises(MissingPartition, match="no month") as caught:
        plan_run(desk, add_spec())
    assert "bars_1h" in caught.value.expected


def test_forecasts_of_the_desk_are_not_followed_on_other_bars(desk, add_spec):
    spec = add_spec(strategy="forecast_driven", params={"horizon": "1h"})
    with pytest.raises(ConfigurationError, match="bars of 1h") as caught:
        plan_run(desk, spec)
    assert "5m" in caught.value.expected


def test_a_release_that_follows_forecasts_on_other_bars_does_not_start(desk, add_spec):
    spec = add_spec(strategy="forecast_driven", params={"horizon": "1h"})
    release = Release("r" * 16, "paper", desk.settings.home, {}, spec, ())
    with pytest.raises(ConfigurationError, match="forecasts on bars of 1h"):
        signal_desk(release, {})


def test_tables_of_all_sizes_that_specs_and_portfolios_trade_are_published(desk, add_spec):
    assert sizes_traded(desk.settings) == {Timeframe.M5}
    add_spec()
    member = {"spec": {**KEYS, "name": "quarterly", "bar_size": "15m"}, "allocation_pct": 50}
    text = yaml.safe_dump({"name": "mixed", "cash": 10_000, "members": [member]})
    (desk.settings.strategies_dir / "mixed.yaml").write_text(text)
    assert sizes_traded(desk.settings) == {Timeframe.M5, Timeframe.M15, Timeframe.H1}


def test_the_command_line_trades_a_span_of_hours(desk, add_spec, monkeypatch):
    lay_larger(desk, Timeframe.H1)
    spec = add_spec()
    monkeypatch.setenv("TA_HOME", str(desk.settings.home))
    monkeypatch.setenv("TA_SYMBOLS", '["BTCUSDT","SOLUSDT"]')
    monkeypatch.setattr("trading_assets.bootstrap.desk", lambda settings: desk)
    span = ("--from", "2024-02-01", "--to", "2024-02-04")

    answer = CliRunner().invoke(backtest.app, [spec.name, *span, "--json"], catch_exceptions=False)

    assert answer.exit_code == 0, answer.output
    (made,) = json.loads(answer.stdout)
    run = desk.runs.get(spec.name, made["run_id"])
    assert run.table("equity").height == 3 * 24
    assert run.manifest["config"]["bar_size"] == "1h"


def test_sweep_and_walk_forward_try_hours(desk, add_spec):
    lay_larger(desk, Timeframe.H1)
    spec = add_spec()
    sweep = SweepFile.model_validate(
        {
            "name": "spans",
            "spec": spec.name,
            "sweep": {"space": {"fast": [1, 2], "slow": [4, 8]}, "metric": "net_pnl"},
            "walk_forward": {"train_days": 4, "test_days": 3},
        }
    )

    table = pl.read_parquet(run_sweep(desk, sweep).folder / "trials.parquet")
    folds = pl.read_parquet(run_walk_forward(desk, sweep).folder / "folds.parquet")

    assert table.height == 4
    assert folds.height >= 2
    single = Backtest(
        spec.model_copy(update={"params": {"fast": 2, "slow": 8}}),
        {
            symbol: pl.concat([desk.tables.read("bars_1h", symbol, month) for month in MONTHS])
            for symbol in spec.symbols
        },
        plan_run(desk, spec).instruments,
    ).run()
    row = table.filter((pl.col("fast") == 2) & (pl.col("slow") == 8)).row(0, named=True)
    assert row["state_hash"] == single.log.final_state_hash
