"""Inside bar held over days: the break of the mother with a life of bars instead of the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from trading_assets.strategies.candle_breaks import break_columns
from trading_assets.strategies.checks import require, require_between
from trading_assets.strategies.columns import BracketStrategy

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class InsideBarBreakout(BracketStrategy):
    """One or more bars strictly inside the high and low of one bar, their mother.

    Entry is a stop order one tick beyond the mother, the stop loss one tick beyond her other end,
    the target `reward_risk` times that distance away. It differs from `inside_bar`, which is
    intraday: nothing ends with the day, and everything `life_bars` bars after the setup.

    Source: L. Connors and L. Raschke, Street Smarts (1995), on inside days; A. Brooks, Reading
    Price Charts Bar by Bar (2009), on breakouts of inside bars.

    Attributes:
        tick: price step of the instruments, in quote.
        reward_risk: distance of the target in units of the distance of the stop.
        inside_bars: bars in a row that lie inside the mother.
        min_range_bps, max_range_bps: range of the mother, in basis points of her close.
        life_bars: bars after which a waiting entry is withdrawn and a position closed.
        short: whether breaks of the low are sold short (needs a margin account).
    """

    tick: float = 0.01
    reward_risk: float = 3.0
    inside_bars: int = 1
    min_range_bps: float = 20.0
    max_range_bps: float = 500.0
    life_bars: int = 576
    short: bool = False

    name: ClassVar[str] = "inside_bar_breakout"

    def __post_init__(self) -> None:
        """Refuse parameters without meaning."""
        require_between("tick", self.tick, 1e-8, 1e6)
        require_between("reward_risk", self.reward_risk, 0.1, 100)
        require_between("inside_bars", self.inside_bars, 1, 50)
        require_between("min_range_bps", self.min_range_bps, 0, 10_000)
        require_between("max_range_bps", self.max_range_bps, 0, 10_000)
        require(
            self.min_range_bps < self.max_range_bps,
            "min_range_bps",
            f"less than max_range_bps ({self.max_range_bps:g})",
            self.min_range_bps,
        )
        require_between("life_bars", self.life_bars, 1, 5000)

    @property
    def warm_up(self) -> timedelta:
        """Give the mother and the bars inside her."""
        return self.inside_bars * self.bar_size

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and the bracket columns; all but `ts` are null where there is no setup."""
        import polars as pl

        n = self.inside_bars
        mother_high, mother_low = pl.col("high").shift(n), pl.col("low").shift(n)
        range_bps = (mother_high - mother_low) / pl.col("close").shift(n) * 10_000
        setup = (
            (pl.col("ts").diff(n) == n * self.bar_size)
            & (pl.col("high").rolling_max(n) < mother_high)
            & (pl.col("low").rolling_min(n) > mother_low)
            & range_bps.is_between(self.min_range_bps, self.max_range_bps)
        )
        return break_columns(
            frame,
            rising=setup,
            falling=setup if self.short else pl.lit(value=False),
            high=mother_high,
            low=mother_low,
            tick=self.tick,
            reward_risk=self.reward_risk,
            life=self.life_bars * self.bar_size,
        )
