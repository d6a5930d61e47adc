"""Mean reversion: buy what has fallen far below its mean, until it is back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from trading_assets.strategies.checks import require, require_between
from trading_assets.strategies.columns import TargetStrategy

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class MeanReversion(TargetStrategy):
    """The z-score of the close: z = (close - mean) / deviation, over `bars` bars, its own included.

    | condition | target |
    |---|---|
    | z <= -entry_z | `weight` |
    | z >= entry_z, with `short` | `-weight` |
    | z >= -exit_z; with `short` also z <= exit_z | 0 |
    | else, or no deviation | empty: keep what is held |

    Mean and deviation (of the population) are those of Bollinger's bands: an entry is a close
    beyond the band of width `entry_z`.

    Source: J. Bollinger, Bollinger on Bollinger Bands (2001); E. Chan, Algorithmic Trading (2013),
    chapter 3, "Bollinger bands".

    Attributes:
        bars: length of the window.
        entry_z: distance from the mean, in deviations, from which a position is opened.
        exit_z: distance at which it is closed; below `entry_z`, 0 is the mean itself.
        weight: target of an entry, 0 to 1.
        short: whether what has risen far is sold short.
    """

    bars: int = 96
    entry_z: float = 2.0
    exit_z: float = 0.5
    weight: float = 1.0
    short: bool = False

    name: ClassVar[str] = "mean_reversion"

    def __post_init__(self) -> None:
        """Refuse parameters without meaning."""
        require_between("bars", self.bars, 3, 5000)
        require_between("entry_z", self.entry_z, 0.1, 10)
        require_between("exit_z", self.exit_z, 0, 10)
        require(
            self.exit_z < self.entry_z,
            "exit_z",
            f"less than entry_z ({self.entry_z:g})",
            self.exit_z,
        )
        require_between("weight", self.weight, 0, 1)

    @property
    def warm_up(self) -> timedelta:
        """Give the window."""
        return self.bars * self.bar_size

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and `target`; windows with a hole in them have no mean."""
        import polars as pl

        close = pl.col("close")
        whole = pl.col("ts").diff(self.bars - 1) == (self.bars - 1) * self.bar_size
        # A window of one price has no deviation; what rounding leaves of it is no distance.
        deviation = close.rolling_std(self.bars, ddof=0)
        moves = close.rolling_max(self.bars) > close.rolling_min(self.bars)
        z = pl.when(whole & moves).then((close - close.rolling_mean(self.bars)) / deviation)
        back = z >= -self.exit_z
        high = pl.lit(value=False)
        if self.short:
            back, high = back & (z <= self.exit_z), z >= self.entry_z
        return frame.select(
            "ts",
            target=pl.when(z <= -self.entry_z)
            .then(pl.lit(self.weight))
            .when(high)
            .then(pl.lit(-self.weight))
            .when(back)
            .then(pl.lit(0.0)),
        )
