"""A desk with bars, instruments and backtests, built once for many tests that only read it."""

import dataclasses
from datetime import UTC, datetime

from trading_assets import bootstrap
from trading_assets.domain.ids import Month
from trading_assets.settings import load_settings
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets_tests.stand_ins.lenient_gate import VARIABLES
from trading_assets_tests.stand_ins.notebook import Notebook
from trading_assets_tests.stand_ins.trending_bars import (
    lay_instruments,
    lay_month,
    trending_bars,
)

JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)
FIRST, LAST = datetime(2024, 1, 29, tzinfo=UTC), datetime(2024, 2, 5, tzinfo=UTC)
SPECS = ("ema_trend", "ib_risk1", "ib_fixed1")


def small_desk(home, **variables):
    """Two symbols, a week of bars over the end of a month, a run of each of SPECS in this order."""
    environ = {"TA_HOME": str(home), "TA_SYMBOLS": '["BTCUSDT","SOLUSDT"]', **VARIABLES}
    made = bootstrap.desk(load_settings({**environ, **variables}).settings)
    lay_instruments(made, "BTC", "SOL")
    for seed, symbol in enumerate(made.settings.symbols):
        frame = trending_bars(symbol, seed, FIRST, LAST)
        for month in (JANUARY, FEBRUARY):
            lay_month(made, symbol, month, frame)
    desk = dataclasses.replace(made, experiments=Notebook())
    for name in SPECS:
        run_backtest(desk, find_spec(desk.settings, name))
    return desk
