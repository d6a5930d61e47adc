"""Rows to learn from: features, forward returns, and when each was known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.ids import Micros
from trading_assets.forecasting.labels import (
    BASE,
    forward_returns,
    horizon_bars,
    horizon_micros,
    label_column,
)
from trading_assets.forecasting.scores import Floats
from trading_assets.market.bar_frame import instant

SCALE = "volatility_1d"
"""Feature that says how large returns usually are, per bar."""

_CLIP = 5.0
"""Scaled labels beyond this are clipped: one crash must not shape every tree."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Complete rows of all symbols for one horizon, ascending in time.

    Attributes:
        decided: int64[n], instant at which the row can be computed.
        known: int64[n], instant at which its label is known.
        x: float64[n, features], finite.
        y: float64[n], forward return as a fraction.
        volatility: float64[n], per bar, positive.
    """

    horizon: str
    features: tuple[str, ...]
    decided: NDArray[np.int64]
    known: NDArray[np.int64]
    x: Floats
    y: Floats
    volatility: Floats

    @property
    def target(self) -> Floats:
        """Returns in units of what volatility makes of the horizon, clipped: what trees learn."""
        return np.clip(self.y / self.scale, -_CLIP, _CLIP)

    @property
    def scale(self) -> Floats:
        """Size that a return over the horizon usually has, row by row."""
        return self.volatility * math.sqrt(horizon_bars(self.horizon))

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.y)


def sample_from_tables(
    tables: Mapping[str, tuple[pl.DataFrame, pl.DataFrame]],
    features: Sequence[str],
    horizon: str,
    *,
    until: Micros,
) -> Sample:
    """Join features and labels of all symbols, as far as they were known at `until`.

    Args:
        tables: feature table and base bars by symbol.
        features: columns to learn from, in order.
        horizon: of the label.
        until: bars that close later are not looked at, so no label can reach beyond.
    """
    parts = []
    for symbol in sorted(tables):
        rows, bars = tables[symbol]
        closed = bars.filter(pl.col("ts") <= instant(until - BASE.micros))
        labels = forward_returns(closed, [horizon])
        parts.append(rows.select("ts", "symbol", *features).join(labels, on="ts", how="inner"))
    table = (
        pl.concat(parts)
        .drop_nulls([*features, label_column(horizon)])
        .filter(pl.col(SCALE) > 0)
        .sort("ts", "symbol")
    )
    decided = table["ts"].to_physical().to_numpy() + BASE.micros
    return Sample(
        horizon=horizon,
        features=tuple(features),
        decided=decided,
        known=decided + horizon_micros(horizon),
        x=np.ascontiguousarray(table.select(features).to_numpy()),
        y=table[label_column(horizon)].to_numpy(),
        volatility=table[SCALE].to_numpy(),
    )
