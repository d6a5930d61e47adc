"""Runs of filtered specs: universe first, trigger second, and all of it part of the identity."""

import dataclasses
from datetime import UTC, datetime

import polars as pl
import pytest

from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.ids import Month
from trading_assets.evaluation.gates import Thresholds
from trading_assets.evaluation.judging import evaluate_rules
from trading_assets.market.universe import UNIVERSE_SCHEMA
from trading_assets.storage.release_store import Release
from trading_assets.strategies.evaluate import month_signals
from trading_assets.strategies.spec import SHIPPED_SPECS, load_spec, parse_spec
from trading_assets.workflows.release_parts import signal_desk
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_evidence import run_evidence
from trading_assets.workflows.run_plan import changed_inputs, plan_run
from trading_assets.workflows.simulate_run import frames_of
from trading_assets.workflows.trace import trace_all

JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)
TEXT = """
name: staged
strategy: ema_trend
params: {fast: 6, slow: 36, band_bps: 2.0}
symbols: [BTCUSDT, SOLUSDT]
cash: 100000
sizing: {mode: pct_of_equity, pos_pct: 30.0, cash_buffer_pct: 2.0, rebalance_pct: 10.0}
costs: {fees_bps: 10.0, slippage_bps: 3.0}
"""


def spec(filters=""):
    return parse_spec(TEXT + filters, where="staged.yaml")


TOP_ONE = spec("filters: {universe: {top: 1}}")


def lay_universe(desk, month, first, second):
    """Publish a universe of two members, in this order."""
    start = datetime.fromtimestamp(month.start / 1e6, tz=UTC)
    rows = [(start, s, n, 1e6, 0.0, False, True, None) for n, s in enumerate((first, second), 1)]
    frame = pl.DataFrame(rows, schema=UNIVERSE_SCHEMA, orient="row")
    desk.tables.publish("universe", None, month, frame, code_version="1", parents={})


def symbols_bought(run):
    return set(run.table("trades").filter(side="BUY")["symbol"])


def test_only_members_of_the_months_universe_are_entered(desk):
    lay_universe(desk, JANUARY, "BTCUSDT", "SOLUSDT")
    lay_universe(desk, FEBRUARY, "SOLUSDT", "BTCUSDT")
    record = run_backtest(desk, TOP_ONE)
    bought = record.run.table("trades").filter(side="BUY")
    times = next(name for name in bought.columns if bought.schema[name].is_temporal())
    by_month = {
        symbol: set(part[times].dt.month()) for (symbol,), part in bought.group_by("symbol")
    }
    assert by_month == {"BTCUSDT": {1}, "SOLUSDT": {2}}
    assert not run_backtest(desk, TOP_ONE).is_new
    assert all(check["passed"] is not False for check in record.run.checks)


def test_the_universe_is_an_input_by_address_and_version(desk):
    lay_universe(desk, JANUARY, "BTCUSDT", "SOLUSDT")
    lay_universe(desk, FEBRUARY, "SOLUSDT", "BTCUSDT")
    record = run_backtest(desk, TOP_ONE)
    version = desk.tables.require("universe", None, FEBRUARY).version
    assert record.run.manifest["inputs"]["universe/2024-02"] == version
    assert record.run.manifest["needs"] == ["universe"]
    assert changed_inputs(plan_run(desk, TOP_ONE), record.run.manifest) == ()
    lay_universe(desk, FEBRUARY, "BTCUSDT", "SOLUSDT")
    assert changed_inputs(plan_run(desk, TOP_ONE), record.run.manifest) == ("universe/2024-02",)


def test_months_without_a_universe_are_not_run(desk):
    with pytest.raises(MissingPartition, match="bars_5m and universe"):
        run_backtest(desk, TOP_ONE)
    lay_universe(desk, FEBRUARY, "SOLUSDT", "BTCUSDT")
    assert plan_run(desk, TOP_ONE).months == (FEBRUARY,)


def test_a_filter_changes_what_is_entered_and_its_spec_is_another(desk):
    plain, filtered = spec(), spec("filters: {roc: {bars: 12, min_pct: 1.2}}")
    one, other = run_backtest(desk, plain).run, run_backtest(desk, filtered).run
    assert one.run_id != other.run_id
    assert one.manifest["spec_hash"] != other.manifest["spec_hash"]
    counts = [run.table("trades").filter(side="BUY").height for run in (one, other)]
    assert 0 < counts[1] < counts[0]


def test_the_news_file_is_an_input(desk, tmp_path, make_desk):
    file = tmp_path / "news.csv"
    file.write_text("symbol,from,to,flag\nSOLUSDT,2024-01-01,2024-12-31,hack\n")
    told = dataclasses.replace(
        make_desk(TA_SYMBOLS='["BTCUSDT","SOLUSDT"]', TA_UNIVERSE__NEWS=str(file)),
        experiments=desk.experiments,
    )
    run = run_backtest(told, spec("filters: {news: {}}")).run
    assert symbols_bought(run) == {"BTCUSDT"}
    assert len(run.manifest["inputs"]["news"]) == 64
    assert symbols_bought(run_backtest(told, spec("filters: {news: {flags: [rates]}}")).run) == {
        "BTCUSDT",
        "SOLUSDT",
    }


def test_a_month_in_which_a_symbol_was_not_traded_needs_no_bars_of_it(
    desk, make_desk, lay_bars, tmp_path
):
    """A delisted symbol does not take the later months from the others."""
    gone = dataclasses.replace(
        make_desk(
            TA_HOME=str(tmp_path / "gone"),
            TA_SYMBOLS='["BTCUSDT","SOLUSDT"]',
            TA_INSTRUMENTS__SOLUSDT__DELISTED="2024-02-01",
        ),
        experiments=desk.experiments,
    )
    lay_bars(gone, "BTCUSDT", 0)
    lay_bars(gone, "SOLUSDT", 1, months=(JANUARY,))
    assert plan_run(gone, spec()).months == (JANUARY, FEBRUARY)
    record = run_backtest(gone, spec())
    assert symbols_bought(record.run) == {"BTCUSDT", "SOLUSDT"}
    assert {check["name"]: check["passed"] for check in record.run.checks}["bars_are_valid"]


def test_a_live_book_cannot_follow_a_universe_and_the_gate_says_so(desk):
    lay_universe(desk, JANUARY, "BTCUSDT", "SOLUSDT")
    lay_universe(desk, FEBRUARY, "SOLUSDT", "BTCUSDT")
    run = run_backtest(desk, TOP_ONE).run
    entry = {
        "models": {},
        "pins_complete": True,
        "regimes": {},
        "regimes_unknown": {},
        "model_skill": {},
        "reproductions": [True],
        "stale": [],
        "checks": [],
        "trials": None,
        "trials_unknown": "",
        "taken_back": None,
        "holdout": None,
    }
    evidence = run_evidence(run, entry, (), None)
    thresholds = Thresholds(**desk.settings.gate.model_dump())
    rules = {r.rule: r for r in evaluate_rules(evidence, None, "embedded", thresholds)}
    rule = rules["inputs_known_live"]
    assert (rule.passed, rule.on_fail, rule.note) == (
        False,
        "hold",
        "A live book cannot follow universe yet.",
    )


def test_a_release_that_filters_by_a_universe_does_not_start(desk):
    release = Release("r" * 16, "paper", desk.settings.home, {}, TOP_ONE, ())
    with pytest.raises(ConfigurationError, match="cannot see yet"):
        signal_desk(release, {})


def test_the_shipped_two_stage_spec_says_both_stages():
    shipped = load_spec(SHIPPED_SPECS / "universe_breakout.yaml")
    assert shipped.filters.names == ("universe", "volume")
    assert shipped.filters.universe.top == 2
    assert shipped.build_strategy().name == "inside_bar"


CALM_ONLY = spec("filters: {regime: {allow: [calm]}}")


def lay_regimes(desk, symbol, month, p_turbulent):
    """Publish a month whose hours are as turbulent as is said of them."""
    ends = (datetime.fromtimestamp(at / 1e6, tz=UTC) for at in (month.start, month.end))
    ts = pl.datetime_range(*ends, "1h", eager=True, closed="left", time_unit="us")
    p = pl.Series([p_turbulent(hour) for hour in range(len(ts))])
    values = {"ts": ts, "symbol": [symbol] * len(ts), "p_calm": 1 - p, "p_turbulent": p}
    frame = pl.DataFrame(
        {**values, "p_normal": pl.Series([None] * len(ts), dtype=pl.Float64), "volatility": p}
    ).with_columns(regime=pl.lit("calm"))
    desk.tables.publish(
        "regimes", symbol, month, frame, code_version="1", parents={}, extra={"source": "embedded"}
    )


def test_a_run_enters_by_the_regimes_of_its_months_which_are_inputs(desk):
    with pytest.raises(MissingPartition, match="bars_5m and regimes"):
        plan_run(desk, CALM_ONLY)
    for symbol in ("BTCUSDT", "SOLUSDT"):
        lay_regimes(desk, symbol, FEBRUARY, lambda hour: float(hour % 2))
    plan = plan_run(desk, CALM_ONLY)
    assert plan.months == (FEBRUARY,)
    assert {"regimes/BTCUSDT/2024-02", "regimes/SOLUSDT/2024-02"} <= set(plan.inputs)
    assert CALM_ONLY.needs == ("regime",)
    frames = frames_of(desk, plan)
    signals = month_signals(plan.strategy, frames["BTCUSDT"], FEBRUARY)
    free = month_signals(spec().build_strategy(), frames["BTCUSDT"], FEBRUARY)
    # A bar that closes within an hour after a calm one has ended may enter: hour 0 was calm.
    minute = pl.col("ts").dt.hour().cast(pl.Int32) * 60 + pl.col("ts").dt.minute() + 5
    calm = (minute >= 60) & ((minute // 60 - 1) % 2 == 0)
    entered = signals.filter(pl.col("target") > 0)
    assert entered.height > 0
    assert entered.filter(~calm).height == 0
    allowed = free.filter(calm & (pl.col("target") > 0))
    assert allowed.height == entered.height < free.filter(pl.col("target") > 0).height


def test_an_order_of_such_a_run_is_decided_again_by_the_same_regimes(desk):
    for symbol in ("BTCUSDT", "SOLUSDT"):
        lay_regimes(desk, symbol, FEBRUARY, lambda hour: float(hour % 2))
    run = run_backtest(desk, CALM_ONLY).run
    found = list(trace_all(desk, run=run.run_id))
    assert found
    assert {each.status for each in found} == {"equal"}
    assert all([*each.of("regimes")] for each in found)
