"""Bars of a made-up market."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.ids import Micros, Month
from trading_assets_tests.stand_ins.made_up_market import made_up_bars

_START = Month(2024, 2).start

BarMaker = Callable[..., pl.DataFrame]


def _bars(
    *,
    start: Micros = _START,
    days: float = 8,
    seed: int = 1,
    volatility: float = 1e-3,
) -> pl.DataFrame:
    return made_up_bars(np.random.default_rng(seed), start, int(days * 288), volatility)


@pytest.fixture(scope="session")
def make_bars() -> BarMaker:
    """Give a maker of 5m bars: `make_bars(start=..., days=..., seed=..., volatility=...)`."""
    return _bars
