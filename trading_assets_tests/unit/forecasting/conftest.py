"""A made-up market whose next hour leans on a column that can be seen."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Micros, Month
from trading_assets.forecasting.bundle import ModelBundle
from trading_assets.forecasting.sample import Sample, sample_from_tables
from trading_assets.forecasting.trainer import TrainedModel, TrainingConfig, train
from trading_assets.market.bar_frame import TS

_MONTH = Month(2024, 2)
_FEATURES = ("volatility_1d", "lean", "noise")

Tables = dict[str, tuple[pl.DataFrame, pl.DataFrame]]


def _tables(
    *, lean: float = 0.3, days: int = 20, seed: int = 1, end: Micros = _MONTH.end
) -> Tables:
    """Give features and closes of two symbols, ending at `end`."""
    draw = np.random.default_rng(seed)
    n = days * 288
    tables: Tables = {}
    for symbol in ("BTCUSDT", "SOLUSDT"):
        seen = np.repeat(draw.normal(size=n // 12), 12)  # one lean per hour
        volatility = 1e-3 * np.exp(0.3 * np.repeat(draw.normal(size=days), 288))
        change = volatility * (draw.normal(size=n) + lean * np.r_[0, seen[:-1]])
        ts = pl.Series("ts", end - (n - np.arange(n)) * 5 * MINUTE).cast(TS)
        features = pl.DataFrame(
            {
                "ts": ts,
                "symbol": [symbol] * n,
                "volatility_1d": volatility,
                "lean": seen,
                "noise": draw.normal(size=n),
            }
        )
        close = 100 * np.exp(np.cumsum(change))
        opens = np.r_[100.0, close[:-1]]
        high, low = np.maximum(opens, close), np.minimum(opens, close)
        bars = pl.DataFrame({"ts": ts, "open": opens, "high": high, "low": low, "close": close})
        tables[symbol] = (features, bars)
    return tables


def _sample(**options: float) -> Sample:
    horizon = str(options.pop("horizon", "1h"))
    return sample_from_tables(_tables(**options), _FEATURES, horizon, until=_MONTH.end)


CONFIG = TrainingConfig(
    rounds=40, num_leaves=7, learning_rate=0.1, min_data_in_leaf=50, seed=7, threads=1
)


def _train(sample: Sample, config: TrainingConfig = CONFIG, **changes: object) -> TrainedModel:
    facts = {
        "month": _MONTH.shift(1),
        "symbols": ("BTCUSDT", "SOLUSDT"),
        "features_code_version": "f" * 64,
        "dataset": "d" * 64,
    }
    return train(sample, config, **(facts | changes))


@pytest.fixture(scope="session")
def make_tables() -> Callable[..., Tables]:
    """Give a maker of feature and bar tables: `make_tables(lean=..., days=..., seed=...)`."""
    return _tables


@pytest.fixture(scope="session")
def make_sample() -> Callable[..., Sample]:
    """Give a maker of samples; takes what `make_tables` takes, and a horizon."""
    return _sample


@pytest.fixture(scope="session")
def train_on() -> Callable[..., TrainedModel]:
    """Give a small training: `train_on(sample, config, month=...)`."""
    return _train


@pytest.fixture(scope="session")
def model(make_sample, train_on) -> TrainedModel:
    """Give a model that has learned something."""
    return train_on(make_sample())


@pytest.fixture(scope="session")
def bundle(model) -> ModelBundle:
    """Give its document."""
    return model.bundle


@pytest.fixture(scope="session")
def config() -> TrainingConfig:
    """Give the configuration of these small trainings."""
    return CONFIG


@pytest.fixture(scope="session")
def features(make_tables) -> pl.DataFrame:
    """Give rows of the month that the model may predict."""
    return make_tables(days=3, seed=9, end=_MONTH.shift(1).start + 4 * 1440 * MINUTE)["SOLUSDT"][0]
