import dataclasses
import json
from datetime import UTC, datetime

import polars as pl
import pytest

from trading_assets import Backtest
from trading_assets.backtest import result as result_module
from trading_assets.domain.bar import Gap
from trading_assets.domain.errors import (
    ConfigurationError,
    CorruptFile,
    InvariantError,
    MissingPartition,
)
from trading_assets.domain.ids import Month, sha256_hex
from trading_assets.domain.instants import instant_from_text
from trading_assets.workflows.list_instruments import instruments_basis
from trading_assets.workflows.market_tables import INSTRUMENTS_CODE_VERSION
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_plan import changed_inputs, plan_run
from trading_assets.workflows.strategy_specs import find_spec

PROMISED = {
    "filled_orders.csv",
    "trades.csv",
    "round_trips.csv",
    "orders.csv",
    "positions.csv",
    "refusals.csv",
    "report.html",
    "equity.csv",
    "equity_curve.csv",
    "equity_curve.png",
    "drawdown_curve.png",
    "metrics.json",
    "manifest.json",
    "checks.json",
    "label.txt",
    "spec.yaml",
}


@pytest.fixture
def run(desk):
    return lambda name="ema_trend": run_backtest(desk, find_spec(desk.settings, name))


@pytest.mark.parametrize("name", ["ema_trend", "ib_fixed1", "ib_pos10pct", "ib_risk1"])
def test_a_run_leaves_every_promised_file_and_only_green_checks(run, name):
    record = run(name)
    files = {path.name for path in record.run.folder.iterdir()}
    assert files >= PROMISED
    tables = [file for file in PROMISED if file.endswith(".csv")]
    assert {file.replace(".csv", ".parquet") for file in tables} <= files
    assert [check for check in record.run.checks if not check["passed"]] == []
    assert record.run.metrics["all"]["num_trades"] > 5
    assert record.run.file("label.txt").decode().strip() == record.label


def test_the_manifest_names_everything_that_went_in(desk, run):
    manifest = run().run.manifest
    assert manifest["inputs"] == {
        f"bars_5m/{symbol}/{month}": desk.tables.require(
            "bars_5m", symbol, Month.from_text(month)
        ).version
        for symbol in ("BTCUSDT", "SOLUSDT")
        for month in ("2024-01", "2024-02")
    }
    for name in ("data_hash", "code_hash", "config_hash", "result_hash"):
        assert len(manifest[name]) == 64
    assert {"seed", "packages", "instruments", "months", "oos_start"} <= set(manifest)
    assert {"python", "numpy", "polars"} <= set(manifest["packages"])


def test_the_same_inputs_give_the_same_run_to_the_byte(desk, run):
    first, second = run(), run()
    assert first.is_new
    assert not second.is_new
    assert second.run == first.run
    assert [r.is_equal for r in desk.runs.reproductions("ema_trend", first.run.run_id)] == [True]


def test_ui_10_a_run_is_logged_once_with_the_tags_that_join_it_to_its_inputs(desk, run):
    record = run()
    run()
    ((experiment, name, tags, values, _),) = desk.experiments.runs
    assert (experiment, name) == ("ta/ema_trend/backtest", record.run.manifest["run_name"])
    assert tags["run_id"] == record.run.run_id
    assert tags["data.hash"] == record.run.manifest["data_hash"]
    assert tags["result.hash"] == record.run.result_hash
    assert values["metrics"]["oos.num_trades"] == record.run.metrics["oos"]["num_trades"]
    assert values["params"]["params.fast"] == 6
    assert {"equity", "growth_pct", "drawdown"} == set(values["curves"])
    assert [dataset.context for dataset in values["datasets"]] == ["backtest"]
    assert all(path.is_file() for path in values["artifacts"].values())


def test_ui_10_metadata_is_plain_and_small_and_leads_to_the_report(run):
    record = run()
    metadata = record.metadata
    assert metadata["report"] == f"{record.url}/artifacts/report.html"
    assert metadata["report file"] == str(record.run.folder / "report.html")
    assert metadata["equity"].startswith("![equity](data:image/png;base64,")
    assert len(json.dumps(metadata)) < 40_000
    assert metadata["checks"] == "6 of 6 green"


def test_python_without_a_store_gives_the_run_of_the_graph_to_the_byte(desk, run):
    stored = run("ib_risk1").run

    result = Backtest("ib_risk1", settings=desk.settings).run()

    assert result.result_hash == stored.result_hash
    assert json.loads(json.dumps(result.manifest)) == stored.manifest
    assert result.html() == stored.file("report.html")
    assert desk.runs.history("ib_risk1") == (stored.run_id,)


def test_a_run_over_a_span_is_kept_and_logged_but_is_not_the_current_one(desk, run):
    whole = run().run
    spec = find_spec(desk.settings, "ema_trend")
    span = (instant_from_text("2024-01-30T12:00"), instant_from_text("2024-02-03"))

    part = run_backtest(desk, spec, span=span).run

    assert desk.runs.current("ema_trend") == whole
    assert ("ema_trend", part.run_id) in desk.runs.runs()
    assert part.manifest["span"] == list(span)
    equity = part.table("equity")["ts_utc"]
    assert (str(equity[0]), equity.len()) == ("2024-01-30 12:00:00+00:00", 3.5 * 288)
    assert len(desk.experiments.runs) == 2
    python = Backtest(spec, settings=desk.settings, start="2024-01-30T12:00", end="2024-02-03")
    assert python.run().result_hash == part.result_hash


def test_a_span_without_a_month_is_named(desk):
    spec = find_spec(desk.settings, "ema_trend")
    span = (instant_from_text("2025-01-01"), instant_from_text("2025-02-01"))
    with pytest.raises(MissingPartition, match="no month") as caught:
        run_backtest(desk, spec, span=span)
    assert "between 2025-01-01 00:00:00 and 2025-02-01 00:00:00" in caught.value.expected


def test_every_opportunity_is_accounted_for_in_the_manifest(run):
    manifest = run("ib_risk1").run.manifest
    assert manifest["opportunities"] == manifest["traded"] + sum(manifest["why_not"].values())
    assert manifest["traded"] > 0


def test_other_data_make_another_run_and_both_are_kept(desk, run, lay_bars):
    first = run()
    lay_bars(desk, "SOLUSDT", 9)
    plan = plan_run(desk, find_spec(desk.settings, "ema_trend"))
    assert changed_inputs(plan, first.run.manifest) == (
        "bars_5m/SOLUSDT/2024-01",
        "bars_5m/SOLUSDT/2024-02",
    )
    second = run()
    assert second.run.run_id != first.run.run_id
    assert desk.runs.history("ema_trend") == (first.run.run_id, second.run.run_id)
    assert desk.runs.get("ema_trend", first.run.run_id) == first.run


def test_months_are_those_that_every_symbol_has(desk, run, lay_bars):
    march = Month(2024, 3)
    frame = desk.tables.read("bars_5m", "SOLUSDT", Month(2024, 2))
    desk.tables.publish(
        "bars_5m",
        "SOLUSDT",
        march,
        frame.with_columns(pl.col("ts").dt.offset_by("1mo")),
        code_version="1",
        parents={},
        extra={"source": "embedded"},
    )
    assert run("ema_trend").run.manifest["months"] == ["2024-01", "2024-02"]
    assert run("ib_fixed1").run.manifest["months"] == ["2024-01", "2024-02", "2024-03"]


def test_bars_of_another_source_do_not_count(make_desk, desk):
    other = make_desk(
        TA_SYMBOLS='["BTCUSDT","SOLUSDT"]', TA_SOURCE="binance", TA_HISTORY_START="2024-01"
    )
    instruments = desk.tables.read("instruments", None, None)
    other.tables.publish(
        "instruments",
        None,
        None,
        instruments,
        code_version=INSTRUMENTS_CODE_VERSION,
        parents={},
        extra=instruments_basis(other.settings),
    )
    with pytest.raises(MissingPartition, match="no month"):
        run_backtest(other, find_spec(other.settings, "ema_trend"))


def test_the_last_half_of_the_days_is_out_of_sample_for_a_rule(run):
    record = run("ema_trend").run
    first_day = datetime.fromtimestamp(record.manifest["oos_start"] / 1e6, tz=UTC)
    assert first_day == datetime(2024, 1, 25, tzinfo=UTC)  # the last 13 of 26 days
    oos = record.metrics["oos"]
    assert oos["num_days"] == 13
    assert 0 < oos["num_trades"] < record.metrics["all"]["num_trades"]


def test_a_gap_beyond_the_limit_is_a_red_check(desk, run, lay_bars):
    start = Month(2024, 2).start
    gap = Gap(start, start + 5000 * 60_000_000, 5000)
    lay_bars(desk, "SOLUSDT", 1, months=(Month(2024, 2),), gaps=(gap,))
    checks = {check["name"]: check for check in run("ib_fixed1").run.checks}
    assert checks["gaps_within_limit"]["passed"] is False
    assert "5000 minutes" in checks["gaps_within_limit"]["detail"]


def test_an_explained_gap_beyond_the_limit_is_none(desk, run, lay_bars):
    start = Month(2024, 2).start
    gap = Gap(start, start + 5000 * 60_000_000, 5000, "venue_outage")
    lay_bars(desk, "SOLUSDT", 1, months=(Month(2024, 2),), gaps=(gap,))
    checks = {check["name"]: check for check in run("ib_fixed1").run.checks}
    assert checks["gaps_within_limit"]["passed"] is True


def test_a_single_month_cannot_prove_its_warm_up(make_desk, desk):
    only = make_desk(
        TA_SYMBOLS='["BTCUSDT","SOLUSDT"]', TA_HISTORY_START="2024-02"
    )  # the same folder, January out of sight
    only = dataclasses.replace(only, experiments=desk.experiments)
    record = run_backtest(only, find_spec(only.settings, "ema_trend"))
    checks = {check["name"]: check["passed"] for check in record.run.checks}
    assert checks["warm_up_is_enough"] is None


def test_a_damaged_bar_file_stops_the_run_before_anything_is_written(desk, run):
    manifest = desk.tables.require("bars_5m", "SOLUSDT", Month(2024, 2))
    path = desk.tables.path(manifest)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptFile):
        run("ib_fixed1")
    assert desk.runs.specs() == ()


def test_a_missing_forecast_table_is_named(run):
    with pytest.raises(MissingPartition, match="forecast_driven has no month") as caught:
        run("forecast_driven")
    assert "forecasts" in caught.value.expected


def test_a_horizon_that_is_not_trained_is_named(desk):
    model = desk.settings.model.model_copy(update={"horizons": ("4h",)})
    other = dataclasses.replace(desk, settings=desk.settings.model_copy(update={"model": model}))
    with pytest.raises(ConfigurationError, match="not trained"):
        run_backtest(other, find_spec(other.settings, "forecast_driven"))


def test_other_bytes_from_the_same_inputs_are_an_error_and_recorded(desk, run, monkeypatch):
    first = run("ib_fixed1").run
    monkeypatch.setattr(result_module, "title", lambda spec, metrics: "another label")
    with pytest.raises(InvariantError, match="not reproducible") as caught:
        run("ib_fixed1")
    assert "label.txt" in caught.value.found
    assert desk.runs.get("ib_fixed1", first.run_id) == first
    assert [r.is_equal for r in desk.runs.reproductions("ib_fixed1", first.run_id)] == [False]


def test_exported_fills_replay_to_the_final_equity(run):
    stored = run("ema_trend").run
    fills, equity = stored.table("trades"), stored.table("equity")
    signed = pl.when(pl.col("side") == "BUY").then(1.0).otherwise(-1.0)
    flows = fills.group_by("symbol").agg(
        qty=(signed * pl.col("qty").cast(pl.Float64)).sum(),
        cash=(-signed * pl.col("notional").cast(pl.Float64) - pl.col("fee_quote")).sum(),
    )
    closes = {"BTCUSDT": None, "SOLUSDT": None}
    marks = {row["symbol"]: row for row in stored.table("positions").tail(2).to_dicts()}
    total = stored.metrics["all"]["initial_cash"] + flows["cash"].sum()
    for symbol in closes:
        held = float(marks[symbol]["qty"])
        if held:
            total += held * marks[symbol]["avg_price"] + marks[symbol]["unrealized_pnl"]
    assert total == pytest.approx(equity["equity"][-1], abs=1e-6)


def test_file_hashes_of_the_evidence_are_those_of_the_files(run):
    stored = run("ib_fixed1").run
    for name, quoted in stored.evidence().items():
        path, sha256 = quoted.split("#")
        assert path == f"runs/ib_fixed1/{stored.run_id}/{name}"
        assert sha256 == sha256_hex((stored.folder / name).read_bytes())
