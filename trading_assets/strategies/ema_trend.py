"""Trend following: hold while a fast average of the close is above a slow one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.features.memo import column
from trading_assets.strategies.checks import require, require_between
from trading_assets.strategies.protocol import BASE_BAR

if TYPE_CHECKING:
    import polars as pl

_MEMORY_SPANS = 14  # after 14 spans a start value weighs e^-28 = 7e-13, below any price step


@dataclass(frozen=True, slots=True)
class EmaTrend:
    """Two exponential averages and a band around their crossing.

    `target` is `weight` where fast > slow * (1 + band), 0 (or `-weight` with `short`) where
    fast < slow * (1 - band), and empty inside the band, which keeps what is held.

    Attributes:
        fast: span of the fast average, in bars; alpha = 2 / (span + 1).
        slow: span of the slow average, in bars.
        band_bps: half width of the band, in basis points of the slow average.
        weight: target where the trend is up, 0 to 1.
        short: whether a falling trend is sold short instead of left flat.
        bar_size: of the bars, from the spec.
    """

    fast: int = 12
    slow: int = 48
    band_bps: float = 0.0
    weight: float = 1.0
    short: bool = False
    bar_size: timedelta = field(default=BASE_BAR, kw_only=True)

    name: ClassVar[str] = "ema_trend"
    family: ClassVar[SignalFamily] = SignalFamily.TARGET
    horizon: ClassVar[str | None] = None
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET})

    def __post_init__(self) -> None:
        """Refuse parameters without meaning."""
        require_between("fast", self.fast, 1, 5000)
        require_between("slow", self.slow, 2, 5000)
        require(self.fast < self.slow, "fast", f"less than slow ({self.slow})", self.fast)
        require_between("band_bps", self.band_bps, 0, 1000)
        require_between("weight", self.weight, 0, 1)

    @property
    def warm_up(self) -> timedelta:
        """Give 14 slow spans."""
        return _MEMORY_SPANS * self.slow * self.bar_size

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and `target`."""
        import polars as pl

        averages = {
            "_fast": column(frame, _average, "close", span=self.fast),
            "_slow": column(frame, _average, "close", span=self.slow),
        }
        fast, slow = pl.col("_fast"), pl.col("_slow")
        band = self.band_bps / 10_000
        down = -self.weight if self.short else 0.0
        return (
            frame.select("ts")
            .with_columns(**averages)
            .select(
                "ts",
                target=pl.when(fast > slow * (1 + band))
                .then(pl.lit(self.weight))
                .when(fast < slow * (1 - band))
                .then(pl.lit(down)),
            )
        )


def _average(values: pl.Expr, span: int) -> pl.Expr:
    """Give the exponential average that begins with the first value."""
    return values.ewm_mean(span=span, adjust=False)
