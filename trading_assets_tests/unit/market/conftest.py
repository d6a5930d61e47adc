"""Bars in all sizes."""

from collections.abc import Callable, Sequence

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month
from trading_assets.market.bar_frame import BAR_SCHEMA

BarsAt = Callable[..., pl.DataFrame]


@pytest.fixture
def bars_at() -> BarsAt:
    """Make bars of BTCUSDT at the given minutes of March 2024; every price differs."""

    def make(minutes: Sequence[int]) -> pl.DataFrame:
        start = Month(2024, 3).start
        columns = {
            "ts": [start + minute * MINUTE for minute in minutes],
            "symbol": ["BTCUSDT"] * len(minutes),
            "open": [100.0 + minute for minute in minutes],
            "high": [101.5 + minute for minute in minutes],
            "low": [99.0 + minute for minute in minutes],
            "close": [101.0 + minute for minute in minutes],
            "volume": [0.1 * (minute + 1) for minute in minutes],
            "quote_volume": [10.1 * (minute + 1) for minute in minutes],
            "n_trades": [minute + 1 for minute in minutes],
            "source": ["test"] * len(minutes),
        }
        raw = pl.DataFrame(columns, schema_overrides={"ts": pl.Int64})
        return raw.cast(dict(BAR_SCHEMA))

    return make
