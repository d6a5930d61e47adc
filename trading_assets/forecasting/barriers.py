"""The triple-barrier label: which of two prices is met first, or neither in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.forecasting.horizons import BASE, horizon_bars, horizon_micros
from trading_assets.forecasting.scores import Floats

_UPPER, _LOWER, _NEITHER = 1, -1, 0


@dataclass(frozen=True, slots=True)
class Barriers:
    """Distances of the two prices from the close, in sizes that a return over the horizon has.

    Attributes:
        upper, lower: multiples of `volatility per bar * sqrt(bars of the horizon)`, positive.
    """

    upper: float
    lower: float

    def __post_init__(self) -> None:
        """Refuse barriers that are no distance."""
        if not (self.upper > 0 and self.lower > 0):
            raise ConfigurationError(
                "Barriers must lie above and below the price",
                expected="positive multiples of volatility",
                found=f"upper {self.upper}, lower {self.lower}",
            )


def triple_barrier(
    bars: pl.DataFrame, scale: Floats, horizon: str, barriers: Barriers
) -> pl.DataFrame:
    """Label each bar by the barrier that later bars meet first (López de Prado 2018, chapter 3).

    The upper barrier lies `upper * scale` above the bar's close, the lower one `lower * scale`
    below it, and the vertical one a horizon after it. A bar meets a barrier with its high or low.
    When it meets both, its open decides if that lies beyond one of them; else nobody can tell
    which came first, and the label is the worse one for a buyer: the lower.

    A label needs every bar of the horizon, also those behind the first touch: near a hole and near
    the end of the data only early touches would be left, and they are not a fair sample.

    Args:
        bars: one symbol's base bars, ascending, with `ts`, `open`, `high`, `low` and `close`.
        scale: float64[bars], usual size of a return over the horizon, as a fraction; NaN or not
            positive where it is not known.
        horizon: such as `1h`.
        barriers: their distances.

    Returns:
        One row per bar: `ts`; `barrier` Int8 (1 upper, -1 lower, 0 neither); `barrier_return`
        Float64, the return to the barrier (to the open of a bar that opens beyond it), and to the
        last close when neither was met; `known_at` (us, UTC), the close of the bar that decided.
        The three are null where there is no label.

    Raises:
        DataError: if there is not one scale for each bar.
    """
    if len(scale) != bars.height:
        raise DataError(
            "Barriers need a scale for each bar", expected=f"{bars.height}", found=f"{len(scale)}"
        )
    opens, highs, lows, closes = (
        bars[name].to_numpy().astype(np.float64) for name in ("open", "high", "low", "close")
    )
    ts, steps = bars["ts"].to_physical().to_numpy(), horizon_bars(horizon)
    n = max(bars.height - steps, 0)
    whole = ts[steps:] - ts[:n] == horizon_micros(horizon)
    rows = np.flatnonzero(whole & np.isfinite(scale[:n]) & (scale[:n] > 0))
    start = closes[rows]
    up = start * (1 + barriers.upper * scale[rows])
    down = start * (1 - barriers.lower * scale[rows])
    side = np.zeros(len(rows), dtype=np.int8)
    price, bar = closes[rows + steps].copy(), rows + steps
    is_open = np.ones(len(rows), dtype=np.bool_)
    for step in range(1, steps + 1):
        later = rows + step
        met = _met(opens[later], highs[later], lows[later], up, down)
        new = is_open & (met != _NEITHER)
        side[new], bar[new] = met[new], later[new]
        level = np.where(
            met == _UPPER, np.maximum(opens[later], up), np.minimum(opens[later], down)
        )
        price[new] = level[new]
        is_open &= ~new
    return _table(bars, rows, side, price / start - 1.0, ts[bar] + BASE.micros)


def _met(opens: Floats, highs: Floats, lows: Floats, up: Floats, down: Floats) -> NDArray[np.int8]:
    """Tell which barrier each bar meets, 1, -1 or 0."""
    met = np.where(highs >= up, _UPPER, _NEITHER)
    met = np.where(lows <= down, _LOWER, met)
    return np.where(opens >= up, _UPPER, met).astype(np.int8)


def _table(
    bars: pl.DataFrame,
    rows: NDArray[np.int64],
    side: NDArray[np.int8],
    change: Floats,
    known: NDArray[np.int64],
) -> pl.DataFrame:
    found = pl.DataFrame(
        {
            "ts": bars["ts"].gather(rows),
            "barrier": side,
            "barrier_return": change,
            "known_at": pl.Series(known).cast(bars["ts"].dtype),
        }
    )
    return bars.select("ts").join(found, on="ts", how="left", maintain_order="left")
