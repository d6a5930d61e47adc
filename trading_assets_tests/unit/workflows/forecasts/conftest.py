"""A desk whose tables hold two months of a made-up market that leans on its own past."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trading_assets import bootstrap
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA, between
from trading_assets.settings import load_settings
from trading_assets.workflows.build_features import build_features
from trading_assets.workflows.desk import Desk

SYMBOLS = (Symbol("BTCUSDT"), Symbol("SOLUSDT"))
JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)

MakeBook = Callable[..., Desk]


def _bars(symbol: Symbol, month: Month, *, seed: int = 0) -> pl.DataFrame:
    """Give a month of 5m bars whose drift changes slowly, so that the past says something.

    Months of one seed follow each other without a jump.
    """
    draw = np.random.default_rng([seed, *symbol.encode()])
    n = (FEBRUARY.end - JANUARY.start) // (5 * MINUTE)
    drift = np.repeat(draw.normal(size=n // 36), 36) * 0.35
    close = np.round(100 * np.exp(np.cumsum(1e-3 * (draw.normal(size=n) + drift))), 2)
    opens = np.r_[close[0], close[:-1]]
    volume = np.round(draw.lognormal(3, 0.5, n), 3)
    values = {
        "ts": JANUARY.start + np.arange(n) * 5 * MINUTE,
        "symbol": [symbol] * n,
        "open": opens,
        "high": np.maximum(opens, close) + 0.05,
        "low": np.minimum(opens, close) - 0.05,
        "close": close,
        "volume": volume,
        "quote_volume": volume * close,
        "n_trades": draw.poisson(40, n),
        "source": ["embedded"] * n,
        "n_minutes": [5] * n,
        "complete": [True] * n,
    }
    table = pl.DataFrame(values).select(
        pl.col(name).cast(dtype) for name, dtype in RESAMPLED_SCHEMA.items()
    )
    return table.filter(between(month.start, month.end))


def _publish(desk: Desk, symbol: Symbol, month: Month, *, seed: int = 0) -> None:
    desk.tables.publish(
        "bars_5m",
        symbol,
        month,
        _bars(symbol, month, seed=seed),
        code_version="1",
        parents={"bars_1m": str(seed)},
        extra={"source": "embedded"},
    )


@pytest.fixture(scope="session")
def publish_bars() -> Callable[..., None]:
    """Give `publish_bars(desk, symbol, month, seed=...)`."""
    return _publish


@pytest.fixture(scope="session")
def make_desk_in() -> Callable[..., Desk]:
    """Give a maker of desks in a folder, with small models."""

    def make(folder: Path, **variables: str) -> Desk:
        environ = {
            "TA_HOME": str(folder),
            "TA_SYMBOLS": '["BTCUSDT", "SOLUSDT"]',
            "TA_MODEL__HORIZONS": '["1h"]',
            "TA_MODEL__ROUNDS": "30",
            "TA_MODEL__LEARNING_RATE": "0.1",
        } | variables
        return bootstrap.desk(load_settings(environ).settings)

    return make


@pytest.fixture(scope="session")
def make_filled_desk(make_desk_in) -> Callable[..., Desk]:
    """Give a maker of desks with bars and features of January and February."""

    def make(folder: Path) -> Desk:
        made = make_desk_in(folder)
        for month in (JANUARY, FEBRUARY):
            for symbol in SYMBOLS:
                _publish(made, symbol, month)
                build_features(made, symbol, month)
        return made

    return make


@pytest.fixture(scope="package")
def desk(tmp_path_factory, make_filled_desk) -> Desk:
    """A desk with bars and features of January and February; tests leave these alone."""
    return make_filled_desk(tmp_path_factory.mktemp("desk"))
