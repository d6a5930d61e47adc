"""Five days of one-minute bars in memory, and a spec for them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

SPEC = """
name: trend
strategy: ema_trend
params: {fast: 3, slow: 9}
symbols: [SOLUSDT]
cash: 10000
sizing: {mode: pct_of_equity, pos_pct: 50, rebalance_pct: 10}
costs: {fees_bps: 2.0, slippage_bps: 1.0}
"""


@pytest.fixture
def spec_text():
    return SPEC


@pytest.fixture
def minutes():
    n = 5 * 24 * 60
    close = np.round(100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.002, n))), 2)
    start = datetime(2024, 3, 1, tzinfo=UTC)
    opened = np.concatenate([[100.0], close[:-1]])
    return pl.DataFrame(
        {
            "ts": [start + timedelta(minutes=i) for i in range(n)],
            "open": opened,
            "high": np.maximum(opened, close),
            "low": np.minimum(opened, close),
            "close": close,
            "volume": np.ones(n),
        }
    )
