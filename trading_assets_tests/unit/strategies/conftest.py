from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

START = datetime(2024, 1, 1, tzinfo=UTC)


def bars(n, *, seed=0, start=START, symbol="SOLUSDT", step_bps=15.0):
    """Random 5-minute bars on a grid of 0.01."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, step_bps / 1e4, n)))
    opens = np.concatenate(([100.0], close[:-1]))
    wick = np.abs(rng.normal(0, step_bps / 1e4, (2, n)))
    high = np.maximum(opens, close) * (1 + wick[0])
    low = np.minimum(opens, close) * (1 - wick[1])
    return pl.DataFrame(
        {
            "ts": [start + timedelta(minutes=5 * i) for i in range(n)],
            "symbol": [symbol] * n,
            "open": opens.round(2),
            "high": high.round(2),
            "low": low.round(2),
            "close": close.round(2),
            "volume": np.full(n, 10.0),
        },
        schema_overrides={"ts": pl.Datetime("us", "UTC")},
    )


@pytest.fixture
def make_bars():
    return bars
