"""Sweeps of a market that closes: measured by the frozen sessions, as the desk's backtests are."""

import dataclasses
import datetime as dt

import polars as pl
import pytest

from trading_assets.backtest.sweep_file import SweepFile
from trading_assets.domain.ids import Symbol
from trading_assets.market.bar_frame import instant
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.list_instruments import instruments_basis
from trading_assets.workflows.market_tables import INSTRUMENTS_CODE_VERSION
from trading_assets.workflows.run_plan import plan_any
from trading_assets.workflows.run_sweep import prepared_of, run_sweep, run_walk_forward
from trading_assets.workflows.simulate_run import simulate
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.unit.workflows.runs.conftest import FEBRUARY, JANUARY, Notebook, bars_of

SOL = Symbol("SOLUSDT")
SHORT_DAY = dt.date(2024, 1, 31)
CLOSED_AT = dt.datetime(2024, 1, 31, 16, tzinfo=dt.UTC)
MARCH = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


def freeze_a_short_day(desk):
    """Let the frozen table know an early close that no library knows of."""
    known = sessions_of_symbol(desk, SOL)
    manifest = desk.tables.require("sessions_xnys", None, None)
    close = pl.when(pl.col("session") == SHORT_DAY).then(pl.lit(CLOSED_AT)).otherwise("close")
    desk.tables.publish(
        "sessions_xnys",
        None,
        None,
        known.frame.with_columns(close.cast(known.frame.schema["close"]).alias("close")),
        code_version="1",
        parents={},
        extra=manifest.extra,
    )


@pytest.fixture
def desk(make_desk):
    """A desk whose SOLUSDT trades in the hours of New York, with an hour as the longest hole."""
    made = make_desk(
        TA_SYMBOLS='["SOLUSDT"]',
        TA_INSTRUMENTS__SOLUSDT__CALENDAR="XNYS",
        TA_BACKTEST__MAX_HOLE_MINUTES="60",
    )
    now = JumpingClock(int(MARCH.timestamp() * 1e6))
    made = dataclasses.replace(made, experiments=Notebook(), clock=now)
    row = {"symbol": "SOLUSDT", "base": "SOL", "quote": "USDT", "calendar": "XNYS"}
    row |= {"asset_class": "crypto_spot", "tick": "0.01", "lot": "0.001", "min_notional": "5"}
    made.tables.publish(
        "instruments",
        None,
        None,
        pl.DataFrame([{**row, "point_value": "1"}]),
        code_version=INSTRUMENTS_CODE_VERSION,
        parents={},
        extra=instruments_basis(made.settings),
    )
    freeze_a_short_day(made)
    bars = sessions_of_symbol(made, SOL).inside(bars_of("SOLUSDT", 3))
    for month in (JANUARY, FEBRUARY):
        part = bars.filter(
            (pl.col("ts") >= instant(month.start)) & (pl.col("ts") < instant(month.end))
        )
        made.tables.publish(
            "bars_5m", SOL, month, part, code_version="1", parents={}, extra={"source": "embedded"}
        )
    return made


@pytest.fixture
def swept():
    folds = {"train_days": 4, "test_days": 3}
    space = {"space": {"reward_risk": [2.0, 3.0], "min_range_bps": [5.0]}, "metric": "net_pnl"}
    return SweepFile(name="risk", spec="ib_risk1", sweep=space, walk_forward=folds)


def test_a_trial_equals_the_run_of_the_desk_where_the_frozen_table_knows_a_short_day(desk, swept):
    table = pl.read_parquet(run_sweep(desk, swept).folder / "trials.parquet")

    for row in table.iter_rows(named=True):
        spec = find_spec(desk.settings, "ib_risk1")
        varied = {**spec.params, "reward_risk": row["reward_risk"], "min_range_bps": 5.0}
        spec = spec.model_copy(update={"params": varied})
        single = simulate(desk, plan_any(desk, spec)).result
        assert row["state_hash"] == single.log.final_state_hash
        assert row["num_trades"] == len(single.log.round_trips) > 0


def test_a_market_that_was_closed_is_no_hole_for_a_sweep(desk, swept):
    prepared = prepared_of(desk, swept)

    assert prepared.holes == ()
    assert prepared.frames[SOL]["ts"].dt.hour().is_between(14, 20).all()


def test_folds_ask_no_library_for_the_sessions_that_the_desk_has_frozen(desk, swept, monkeypatch):
    monkeypatch.delattr("trading_assets.backtest.prepared.build_sessions")

    record = run_walk_forward(desk, swept)

    folds = pl.read_parquet(record.folder / "folds.parquet")
    assert folds.height == 8
    assert record.metadata["distinct_trials"] == 2
