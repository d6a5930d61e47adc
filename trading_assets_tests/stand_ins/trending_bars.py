"""Bars of five minutes that trend up and down over hours, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.list_instruments import instruments_basis
from trading_assets.workflows.market_tables import INSTRUMENTS_CODE_VERSION


def trending_bars(
    symbol: str, seed: int, first: datetime, last: datetime, *, trend: float = 6e-4
) -> pl.DataFrame:
    """Give the bars that open in [first, last), which are of UTC; `trend` is the drift per bar."""
    n = int((last - first) / timedelta(minutes=5))
    rng = np.random.default_rng(seed)
    drift = trend * np.sign(np.sin(np.arange(n) / 60 + seed))
    close = (100 * np.exp(np.cumsum(drift + rng.normal(0, 1e-3, n)))).round(2)
    opens = np.concatenate(([100.0], close[:-1]))
    wick = np.abs(rng.normal(0, 1e-3, (2, n)))
    return pl.DataFrame(
        {
            "ts": [first + timedelta(minutes=5 * i) for i in range(n)],
            "symbol": [symbol] * n,
            "open": opens,
            "high": (np.maximum(opens, close) * (1 + wick[0]) + 0.01).round(2),
            "low": (np.minimum(opens, close) * (1 - wick[1]) - 0.01).round(2),
            "close": close,
            "volume": np.full(n, 10.0),
            "quote_volume": np.full(n, 1000.0),
            "n_trades": [3] * n,
            "source": ["embedded"] * n,
            "n_minutes": [5] * n,
            "complete": [True] * n,
        },
        schema=RESAMPLED_SCHEMA,
    )


def lay_month(
    desk: Desk,
    symbol: Symbol,
    month: Month,
    frame: pl.DataFrame,
    *,
    gaps: Sequence[tuple[int, int]] = (),
) -> None:
    """Publish a month's rows of such bars."""
    desk.tables.publish(
        "bars_5m",
        symbol,
        month,
        frame.filter(pl.col("ts").dt.month() == month.month),
        code_version="1",
        parents={},
        gaps=gaps,
        extra={"source": "embedded"},
    )


def lay_instruments(desk: Desk, *bases: str) -> None:
    """Publish the rules of `<base>USDT` for each."""
    rows = [
        {
            "symbol": f"{base}USDT",
            "base": base,
            "quote": "USDT",
            "calendar": "24/7",
            "asset_class": "crypto_spot",
            "tick": "0.01",
            "lot": "0.001",
            "min_notional": "5",
            "point_value": "1",
        }
        for base in bases
    ]
    desk.tables.publish(
        "instruments",
        None,
        None,
        pl.DataFrame(rows),
        code_version=INSTRUMENTS_CODE_VERSION,
        parents={},
        extra=instruments_basis(desk.settings),
    )
