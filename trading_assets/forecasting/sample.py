"""Rows to learn from: features, forward returns, and when each was known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.forecasting.barriers import Barriers, triple_barrier
from trading_assets.forecasting.horizons import BASE, horizon_bars, horizon_micros
from trading_assets.forecasting.labels import forward_returns, label_column, volatility_scaled
from trading_assets.forecasting.learners import Rows
from trading_assets.forecasting.past_returns import PAST_COLUMNS, past_returns
from trading_assets.forecasting.scores import Floats
from trading_assets.forecasting.validation import Indices
from trading_assets.market.bar_frame import instant

_BARRIER = "barrier_return"

SCALE = "volatility_1d"
"""Feature that says how large returns usually are, per bar."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Complete rows of all symbols for one horizon, ascending in time.

    Attributes:
        decided: int64[n], instant at which the row can be computed.
        known: int64[n], instant at which its label is known.
        x: float64[n, features], finite.
        y: float64[n], forward return as a fraction.
        volatility: float64[n], per bar, positive.
        past: float64[n, PAST_COLUMNS], past returns in units of the same scale as the target; 0,
            the plainest guess, where they are not known.
        barrier_return: float64[n], return to the first barrier that was met, where models learn
            that one; forecasts are sized, calibrated and judged by `y` all the same.
    """

    horizon: str
    features: tuple[str, ...]
    decided: NDArray[np.int64]
    known: NDArray[np.int64]
    x: Floats
    y: Floats
    volatility: Floats
    past: Floats
    barrier_return: Floats | None = None

    @property
    def target(self) -> Floats:
        """Returns in units of what volatility makes of the horizon, clipped: what is judged."""
        return volatility_scaled(self.y, self.scale)

    @property
    def learned(self) -> Floats:
        """What models learn, in the same units: the target, or the return to the barrier."""
        if self.barrier_return is None:
            return self.target
        return volatility_scaled(self.barrier_return, self.scale)

    @property
    def scale(self) -> Floats:
        """Size that a return over the horizon usually has, row by row."""
        return self.volatility * math.sqrt(horizon_bars(self.horizon))

    def rows(self, which: Indices | slice = slice(None)) -> Rows:
        """Give features and past returns of some rows, or of all."""
        names = (*self.features, *PAST_COLUMNS)
        return Rows(names, np.column_stack([self.x[which], self.past[which]]))

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.y)


def sample_from_tables(
    tables: Mapping[str, tuple[pl.DataFrame, pl.DataFrame]],
    features: Sequence[str],
    horizon: str,
    *,
    until: Micros,
    barriers: Barriers | None = None,
) -> Sample:
    """Join features and labels of all symbols, as far as they were known at `until`.

    Args:
        tables: feature table and base bars by symbol.
        features: columns to learn from, in order.
        horizon: of the label.
        until: bars that close later are not looked at, so no label can reach beyond.
        barriers: with them models learn the return to the barrier that is met first; bars then
            need `open`, `high` and `low` too.

    Raises:
        DataError: if a feature has no value in any row.
    """
    parts = []
    for symbol in sorted(tables):
        rows, bars = tables[symbol]
        closed = bars.filter(pl.col("ts") <= instant(until - BASE.micros))
        labels = forward_returns(closed, [horizon]).join(past_returns(closed, horizon), on="ts")
        if barriers is not None:
            labels = labels.join(_barrier_returns(rows, closed, horizon, barriers), on="ts")
        parts.append(rows.select("ts", "symbol", *features).join(labels, on="ts", how="inner"))
    joined = pl.concat(parts)
    _require_known(joined, features)
    table = (
        joined.drop_nulls([*features, label_column(horizon)])
        .filter(pl.col(SCALE) > 0)
        .sort("ts", "symbol")
    )
    volatility = table[SCALE].to_numpy()
    scale = volatility * math.sqrt(horizon_bars(horizon))
    past = table.select(pl.col(PAST_COLUMNS).fill_null(0.0)).to_numpy()
    decided = table["ts"].to_physical().to_numpy() + BASE.micros
    return Sample(
        horizon=horizon,
        features=tuple(features),
        decided=decided,
        known=decided + horizon_micros(horizon),
        x=np.ascontiguousarray(table.select(features).to_numpy()),
        y=table[label_column(horizon)].to_numpy(),
        volatility=volatility,
        past=volatility_scaled(past, scale[:, None]),
        barrier_return=None if barriers is None else table[_BARRIER].to_numpy(),
    )


def _require_known(rows: pl.DataFrame, features: Sequence[str]) -> None:
    unknown = [name for name in features if rows[name].null_count() == rows.height]
    if unknown and rows.height:
        raise DataError(
            "Models cannot learn from features that are known of no row",
            expected=f"a value in some of {rows.height:,} rows",
            found=f"none in {', '.join(unknown)}",
            fix="Where history is shorter than the warm-up, materialise earlier months. Where the "
            "source lacks what they are made of, quote volume say, declare a set without them "
            "([feature_sets]) and name it in model.feature_set.",
        )


def _barrier_returns(
    rows: pl.DataFrame, bars: pl.DataFrame, horizon: str, barriers: Barriers
) -> pl.DataFrame:
    """Give `ts` and the return to the first barrier, of the bars that have volatility."""
    known = bars.select("ts").join(rows.select("ts", SCALE), on="ts", how="left", validate="1:1")
    volatility = known.sort("ts")[SCALE].cast(pl.Float64).fill_null(math.nan).to_numpy()
    scale = volatility * math.sqrt(horizon_bars(horizon))
    return triple_barrier(bars, scale, horizon, barriers).select("ts", _BARRIER).drop_nulls()
