"""A desk with 26 days of bars, and MLflow's place taken by a notebook in memory."""

import dataclasses
from datetime import UTC, datetime

import pytest

from trading_assets.domain.ids import Month
from trading_assets_tests.stand_ins.lenient_gate import VARIABLES
from trading_assets_tests.stand_ins.notebook import Notebook
from trading_assets_tests.stand_ins.trending_bars import (
    lay_instruments,
    lay_month,
    trending_bars,
)

JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)
FIRST, LAST = datetime(2024, 1, 12, tzinfo=UTC), datetime(2024, 2, 7, tzinfo=UTC)


def bars_of(symbol, seed):
    return trending_bars(symbol, seed, FIRST, LAST)


def publish_bars(desk, symbol, seed, months=(JANUARY, FEBRUARY), *, gaps=()):
    frame = bars_of(symbol, seed)
    for month in months:
        lay_month(desk, symbol, month, frame, gaps=gaps)


@pytest.fixture
def lay_bars():
    return publish_bars


@pytest.fixture
def desk(make_desk):
    """Two symbols, 26 days, instruments known, thresholds that they can meet."""
    made = make_desk(TA_SYMBOLS='["BTCUSDT","SOLUSDT"]', **VARIABLES)
    lay_instruments(made, "BTC", "SOL")
    for seed, symbol in enumerate(made.settings.symbols):
        publish_bars(made, symbol, seed)
    return dataclasses.replace(made, experiments=Notebook())
