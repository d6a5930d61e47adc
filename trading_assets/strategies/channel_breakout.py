"""Channel breakout: hold what closes beyond the range of the bars before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from trading_assets.strategies.checks import require, require_between
from trading_assets.strategies.columns import TargetStrategy

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ChannelBreakout(TargetStrategy):
    """The channel of Donchian: the highest high and the lowest low of the bars before this one.

    With `upper(n)` = max(high[t-n .. t-1]) and `lower(n)` = min(low[t-n .. t-1]):

    | condition | target |
    |---|---|
    | close > upper(entry_bars) | `weight` |
    | close < lower(exit_bars), long only | 0 |
    | close < lower(entry_bars), with `short` | `-weight` |
    | else | empty: keep what is held |

    With `short` it always stands on one side, as Donchian's four-week rule does, and `exit_bars`
    has no part; without, it leaves at the shorter channel, as the Turtles did. The distance of the
    close to the channel that ends a trade is its `stop_distance`, for sizing by risk.

    Source: R. Donchian, "High finance in copper", Financial Analysts Journal 16 (1960); C. Faith,
    Way of the Turtle (2007).

    Attributes:
        entry_bars: length of the channel whose break opens a position.
        exit_bars: length of the channel whose break closes it; at most `entry_bars`.
        weight: target of a break, 0 to 1.
        short: whether breaks of the low are sold short.
    """

    entry_bars: int = 96
    exit_bars: int = 48
    weight: float = 1.0
    short: bool = False

    name: ClassVar[str] = "channel_breakout"

    def __post_init__(self) -> None:
        """Refuse parameters without meaning."""
        require_between("entry_bars", self.entry_bars, 1, 5000)
        require_between("exit_bars", self.exit_bars, 1, 5000)
        require(
            self.exit_bars <= self.entry_bars,
            "exit_bars",
            f"at most entry_bars ({self.entry_bars})",
            self.exit_bars,
        )
        require_between("weight", self.weight, 0, 1)

    @property
    def warm_up(self) -> timedelta:
        """Give the longer channel."""
        return self.entry_bars * self.bar_size

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts`, `target` and `stop_distance`; bars behind a hole have no channel."""
        import polars as pl

        close = pl.col("close")
        upper = self._before(pl.col("high").rolling_max(self.entry_bars), self.entry_bars)
        entry_lower = self._before(pl.col("low").rolling_min(self.entry_bars), self.entry_bars)
        exit_lower = self._before(pl.col("low").rolling_min(self.exit_bars), self.exit_bars)
        lower = entry_lower if self.short else exit_lower
        down = -self.weight if self.short else 0.0
        rises, falls = close > upper, close < lower
        sold = pl.lit(value=self.short) & falls
        risk = pl.when(rises).then(close - lower).when(sold).then(upper - close)
        return frame.select(
            "ts",
            target=pl.when(rises).then(pl.lit(self.weight)).when(falls).then(pl.lit(down)),
            stop_distance=risk,
        )

    def _before(self, channel: pl.Expr, bars: int) -> pl.Expr:
        """Give the channel of the bars before a row, where no hole lies between them."""
        import polars as pl

        whole = pl.col("ts").diff(bars) == bars * self.bar_size
        return pl.when(whole).then(channel.shift(1))
