"""Bars to store."""

from collections.abc import Callable

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month
from trading_assets.market.bar_frame import BAR_SCHEMA

SomeBars = Callable[..., pl.DataFrame]


@pytest.fixture
def some_bars() -> SomeBars:
    """Make minutes of BTCUSDT from the start of a month."""

    def make(rows: int = 10, *, month: str = "2024-03", close: float = 100.0) -> pl.DataFrame:
        start = Month.from_text(month).start
        columns = {
            "ts": [start + i * MINUTE for i in range(rows)],
            "symbol": ["BTCUSDT"] * rows,
            **{name: [100.0] * rows for name in ("open", "high", "low")},
            "close": [close] * rows,
            "volume": [1.5] * rows,
            "quote_volume": [150.0] * rows,
            "n_trades": [3] * rows,
            "source": ["test"] * rows,
        }
        raw = pl.DataFrame(columns, schema_overrides={"ts": pl.Int64})
        return raw.cast(dict(BAR_SCHEMA))

    return make
