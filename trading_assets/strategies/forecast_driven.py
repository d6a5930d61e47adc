"""Forecast following: hold while the model expects more than a trade costs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.strategies.checks import require, require_between
from trading_assets.strategies.protocol import BASE_BAR

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ForecastDriven:
    """A map from (prediction, confidence) to a target; it looks at one row only.

    With `edge` = prediction in basis points:

    | condition | target |
    |---|---|
    | edge >= entry_bps and confidence >= min_confidence | `weight` |
    | edge >= entry_bps and confidence is null | `weight * null_confidence_weight` |
    | edge <= exit_bps | 0 |
    | else, or no prediction | empty: keep what is held |

    With `short` the same holds mirrored: edge <= -entry_bps gives `-weight`, and only a prediction
    between -exit_bps and exit_bps is flat. Leaving needs no confidence: doubt never keeps a
    position open.

    A null confidence says that the model's calibration was no better than a constant out of
    sample, so there is no information in it. The policy is `null_confidence_weight`: 0 abstains
    (no entry, the entry row is empty), 1 trusts the prediction alone, between is a smaller
    position.

    Attributes:
        horizon: horizon of the forecast that is followed; must be one that settings train.
        entry_bps: predicted return, in basis points, from which a position is opened.
        exit_bps: predicted return at or below which it is closed.
        min_confidence: probability that the direction is right, 0 to 1.
        weight: target of a confident entry, 0 to 1.
        null_confidence_weight: see above.
        short: whether falls are sold short.
        bar_size: of the bars, from the spec.
    """

    horizon: str = "1h"
    entry_bps: float = 8.0
    exit_bps: float = 0.0
    min_confidence: float = 0.5
    weight: float = 1.0
    null_confidence_weight: float = 0.5
    short: bool = False
    bar_size: timedelta = field(default=BASE_BAR, kw_only=True)

    name: ClassVar[str] = "forecast_driven"
    family: ClassVar[SignalFamily] = SignalFamily.TARGET
    warm_up: ClassVar[timedelta] = timedelta()
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET})

    def __post_init__(self) -> None:
        """Refuse parameters without meaning."""
        known = re.fullmatch(r"[1-9]\d?[mhd]", self.horizon) is not None
        require(known, "horizon", "a horizon such as 1h", self.horizon)
        require_between("entry_bps", self.entry_bps, 0, 1000)
        require_between("exit_bps", self.exit_bps, -1000, 1000)
        require(self.exit_bps < self.entry_bps, "exit_bps", "less than entry_bps", self.exit_bps)
        require(
            not self.short or self.exit_bps >= 0, "exit_bps", "0 or more with short", self.exit_bps
        )
        for key in ("min_confidence", "weight", "null_confidence_weight"):
            require_between(key, getattr(self, key), 0, 1)

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts`, `target` and `confidence`."""
        import polars as pl

        edge = pl.col("prediction") * 10_000
        confidence = pl.col("confidence")
        size = (
            pl.when(confidence.is_null())
            .then(pl.lit(self.weight * self.null_confidence_weight or None, dtype=pl.Float64))
            .when(confidence >= self.min_confidence)
            .then(pl.lit(self.weight))
        )
        long = edge >= self.entry_bps
        short = edge <= -self.entry_bps if self.short else pl.lit(value=False)
        flat = edge.abs() <= self.exit_bps if self.short else edge <= self.exit_bps
        return frame.select(
            "ts",
            target=pl.when(long).then(size).when(short).then(-size).when(flat).then(pl.lit(0.0)),
            confidence=confidence,
        )
