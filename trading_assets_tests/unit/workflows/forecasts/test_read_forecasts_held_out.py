"""Forecasts of months held out: read once they are whole, current, and by models that saw none."""

import dataclasses
import shutil
from datetime import UTC, datetime

import polars as pl
import pytest
import yaml

from trading_assets import bootstrap
from trading_assets.domain.ids import Month, Symbol, months_between
from trading_assets.settings import load_settings
from trading_assets.workflows.build_features import build_features
from trading_assets.workflows.forecast_month import forecast_month
from trading_assets.workflows.pinned_models import choose_models
from trading_assets.workflows.read_holdout import read_holdout
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.train_month import train_month
from trading_assets.workflows.trial_ledger import read_trials
from trading_assets_tests.stand_ins.trending_bars import lay_instruments, lay_month, trending_bars
from trading_assets_tests.unit.workflows.runs.conftest import Notebook

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BTC = Symbol("BTCUSDT")
JANUARY, FEBRUARY, MARCH, APRIL = months_between(Month(2024, 1), Month(2024, 4))
BARS = trending_bars(BTC, 0, datetime(2024, 1, 12, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC))
HELD = {"TA_HOLDOUT__FIRST": "2024-03", "TA_HOLDOUT__LAST": "2024-04"}
SPEC = {
    "name": "follows",
    "strategy": "forecast_driven",
    "params": {"horizon": "1h"},
    "symbols": ["BTCUSDT"],
    "bar_size": "5m",
    "cash": 5000,
    "sizing": {"mode": "pct_of_equity", "pos_pct": 30},
    "costs": {"fees_bps": 2, "slippage_bps": 1},
}


def desk_at(home, **variables):
    environ = {
        "TA_HOME": str(home),
        "TA_SYMBOLS": '["BTCUSDT"]',
        "TA_SPECS_DIR": "specs",
        "TA_MODEL__HORIZONS": '["1h"]',
        "TA_MODEL__ROUNDS": "10",
    }
    made = bootstrap.desk(load_settings(environ | variables).settings)
    return dataclasses.replace(made, experiments=Notebook())


def lay(desk, month, until=None):
    lay_month(desk, BTC, month, BARS if until is None else BARS.filter(pl.col("ts") < until))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A desk that forecast month by month before it held anything out."""
    home = tmp_path_factory.mktemp("forecast") / "home"
    (home / "specs").mkdir(parents=True)
    (home / "specs/follows.yaml").write_text(yaml.safe_dump(SPEC))
    desk = desk_at(home)
    lay_instruments(desk, "BTC")
    for month in (JANUARY, FEBRUARY, MARCH, APRIL):
        lay(desk, month)
        build_features(desk, BTC, month)
        if month > JANUARY:
            train_month(desk, month)
            forecast_month(desk, BTC, month)
    return home


@pytest.fixture
def home(lived, tmp_path):
    return shutil.copytree(lived, tmp_path / "home")


def read(desk):
    spec = find_spec(desk.settings, "follows")
    run = run_backtest(desk, spec).run
    models = choose_models(desk, spec, until=run.manifest["last_ts"])
    return read_holdout(desk, spec, run, models, passes_all_else=lambda: True)


def readings(desk):
    return [row for row in read_trials(desk.settings.data_root) if row["purpose"] == "holdout"]


def test_models_that_saw_them_are_no_leave_to_read_and_other_models_another_trial(home):
    desk = desk_at(home, **HELD)
    assert read(desk)["unread"].endswith(
        ": forecasts/BTCUSDT/2024-04 is by a model that learned from 2024-03."
    )
    train_month(desk, APRIL)
    assert read(desk)["unread"].endswith(
        ": forecasts/BTCUSDT/2024-04 is not by the current 1h model of the month."
    )
    assert readings(desk) == []
    forecast_month(desk, BTC, APRIL)
    first = read(desk)
    assert first["address"]
    assert read(desk) == first
    assert len(readings(desk)) == 1

    otherwise = desk_at(home, TA_MODEL__ROUNDS="5", **HELD)
    train_month(otherwise, APRIL)
    forecast_month(otherwise, BTC, APRIL)
    assert read(otherwise)["address"] not in {None, first["address"]}
    assert len({row["trial_id"] for row in readings(desk)}) == 2


def test_forecasts_and_features_of_bars_that_have_grown_since_are_not_read(home):
    desk = desk_at(home, **HELD)
    train_month(desk, APRIL)
    lay(desk, APRIL, datetime(2024, 4, 20, tzinfo=UTC))
    build_features(desk, BTC, APRIL)
    forecast_month(desk, BTC, APRIL)
    assert "bars_5m/BTCUSDT/2024-04 reaches to 2024-04-20" in read(desk)["unread"]
    lay(desk, APRIL)
    grown = "was made of another version of bars_5m/BTCUSDT/2024-04"
    both = ", ".join(f"{table}/BTCUSDT/2024-04 {grown}" for table in ("forecasts", "features_5m"))
    assert read(desk)["unread"].endswith(f": {both}.")
    forecast_month(desk, BTC, APRIL)
    assert read(desk)["unread"].endswith(f": features_5m/BTCUSDT/2024-04 {grown}.")
    assert readings(desk) == []
    build_features(desk, BTC, APRIL)
    forecast_month(desk, BTC, APRIL)
    assert read(desk)["address"]
