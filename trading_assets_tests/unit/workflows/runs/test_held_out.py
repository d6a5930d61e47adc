"""Months held out: no run of research looks at them, whatever stands in them."""

import dataclasses

import polars as pl
import pytest

from trading_assets import Backtest
from trading_assets.backtest.sweep_file import FoldsSection, SweepFile, SweepSection
from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.ids import Month
from trading_assets.domain.instants import instant_from_text
from trading_assets.strategies.filter_sections import RegimeFilter
from trading_assets.workflows.held_out_inputs import require_readable
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_plan import changed_inputs, plan_any
from trading_assets.workflows.run_sweep import run_sweep, run_walk_forward
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets_tests.stand_ins.trending_bars import lay_month
from trading_assets_tests.unit.workflows.runs.conftest import bars_of

JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)


def holding_out(desk, first, last=None):
    holdout = desk.settings.holdout.model_copy(update={"first": first, "last": last or first})
    settings = desk.settings.model_copy(update={"holdout": holdout})
    return dataclasses.replace(desk, settings=settings)


@pytest.fixture
def closed(desk):
    return holding_out(desk, "2024-02")


def research(desk):
    """Everything that research may conclude, as hashes."""
    spec = find_spec(desk.settings, "ema_trend")
    tried = SweepFile(
        name="spans",
        spec="ema_trend",
        sweep=SweepSection(space={"fast": [6, 12]}),
        walk_forward=FoldsSection(train_days=2, test_days=1),
    )
    return {
        "run": run_backtest(desk, spec).run.result_hash,
        "python": Backtest("ema_trend", settings=desk.settings).run().result_hash,
        "sweep": run_sweep(desk, tried).result_hash,
        "walk_forward": run_walk_forward(desk, tried).result_hash,
    }


def test_no_bar_of_a_month_held_out_reaches_research(desk, closed):
    found = research(closed)
    assert plan_any(closed, find_spec(desk.settings, "ema_trend")).months == (JANUARY,)
    for seed, symbol in enumerate(desk.settings.symbols):
        poison = bars_of(symbol, 40 + seed).with_columns(
            pl.col("open", "high", "low", "close") * 1000
        )
        lay_month(desk, symbol, FEBRUARY, poison)
    assert research(closed) == found
    run = run_backtest(desk, find_spec(desk.settings, "ema_trend")).run
    assert run.result_hash != found["run"]


def test_later_months_are_closed_as_well_until_the_hold_out_is_moved_on(desk):
    closed = holding_out(desk, "2024-01")
    with pytest.raises(MissingPartition, match="held out: 2024-01; research ends where 2024-01"):
        plan_any(closed, find_spec(desk.settings, "ema_trend"))
    moved = holding_out(desk, "2024-02", "2024-03")
    assert plan_any(moved, find_spec(desk.settings, "ema_trend")).months == (JANUARY,)


def test_who_reads_them_is_told_which_months_lack(desk):
    closed = holding_out(desk, "2024-03", "2024-04")
    with pytest.raises(MissingPartition) as caught:
        plan_any(closed, find_spec(desk.settings, "ema_trend"), held_out=True)
    assert caught.value.expected == (
        "bars_5m of BTCUSDT, SOLUSDT for at least one month of 2024-03 to 2024-04"
    )


def test_regimes_of_bars_that_have_grown_since_are_not_read(desk):
    closed = holding_out(desk, "2024-01")
    shipped = find_spec(desk.settings, "ema_trend")
    filters = shipped.filters.model_copy(update={"regime": RegimeFilter(allow=("calm",))})
    calm = shipped.model_copy(update={"symbols": ("BTCUSDT",), "filters": filters})

    def lay(table, days, parents):
        ts = pl.col("ts").dt
        hours = bars_of("BTCUSDT", 0).filter(
            (ts.month() == 1) & (ts.day() <= days) & (ts.minute() == 0)
        )
        return desk.tables.publish(
            table, "BTCUSDT", JANUARY, hours, code_version="1", parents=parents,
            extra={"source": "embedded"},
        )[0]  # fmt: skip

    def refused():
        with pytest.raises(MissingPartition) as caught:
            require_readable(closed, plan_any(closed, calm, held_out=True))
        return caught.value.found

    early = lay("bars_1h", 19, {})
    lay("regimes", 19, {early.address: early.version, "regimes/settings": "0" * 64})
    assert refused() == "bars_1h/BTCUSDT/2024-01 reaches to 2024-01-20 00:00:00"
    whole = lay("bars_1h", 31, {})
    assert refused() == (
        "regimes/BTCUSDT/2024-01 was made of another version of bars_1h/BTCUSDT/2024-01"
    )
    lay("regimes", 31, {whole.address: whole.version, "regimes/settings": "0" * 64})
    require_readable(closed, plan_any(closed, calm, held_out=True))


@pytest.mark.parametrize(
    ("start", "end"), [("2024-01-28", "2024-02-02"), ("2024-02-01", None), (None, "2024-02-02")]
)
def test_who_asks_for_them_is_refused_and_told_where_research_ends(closed, start, end):
    asked = Backtest("ema_trend", settings=closed.settings, start=start, end=end)
    with pytest.raises(ConfigurationError, match="held out: 2024-02") as caught:
        asked.run()
    assert "2024-02-01 00:00:00" in caught.value.expected
    whole = Backtest("ema_trend", settings=closed.settings, start="2024-01-28").run()
    assert whole.log.ts[-1] < instant_from_text("2024-02-01")


def test_a_run_that_has_seen_them_is_no_current_evidence(desk, closed):
    spec = find_spec(desk.settings, "ema_trend")
    before = run_backtest(desk, spec).run
    assert "months" in changed_inputs(plan_any(closed, spec), before.manifest)
    record = run_backtest(closed, spec)
    assert record.metadata["held_out"].startswith("held out: 2024-02")
    assert changed_inputs(plan_any(closed, spec), record.run.manifest) == ()
