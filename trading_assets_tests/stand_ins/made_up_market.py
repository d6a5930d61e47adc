"""Bars of a made-up market: fat-tailed, with its own rhythm of volume, on a price grid."""

import numpy as np
import polars as pl

from trading_assets.domain.bar import MINUTE
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA


def made_up_bars(draw, start, n, volatility=1e-3):
    """Give `n` bars of 5m from an instant on, without a hole."""
    close = np.round(100 * np.exp(np.cumsum(volatility * draw.standard_t(4, n))), 2)
    opens = np.r_[close[0], close[:-1]]
    wick = np.abs(draw.normal(0, volatility, (2, n))) * close
    volume = np.round(draw.lognormal(3, 1, n), 3)
    values = {
        "ts": start + np.arange(n) * 5 * MINUTE,
        "symbol": ["SOLUSDT"] * n,
        "open": opens,
        "high": np.round(np.maximum(opens, close) + wick[0], 2),
        "low": np.round(np.minimum(opens, close) - wick[1], 2),
        "close": close,
        "volume": volume,
        "quote_volume": np.round(volume * close, 2),
        "n_trades": draw.poisson(40, n),
        "source": ["made_up"] * n,
        "n_minutes": [5] * n,
        "complete": [True] * n,
    }
    return pl.DataFrame(values).select(
        pl.col(name).cast(dtype) for name, dtype in RESAMPLED_SCHEMA.items()
    )
