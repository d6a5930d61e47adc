"""Marubozu: trade on in the direction of a bar that is nearly all body."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from trading_assets.strategies.candle_breaks import break_columns
from trading_assets.strategies.checks import require_between
from trading_assets.strategies.columns import BracketStrategy

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class MarubozuBreakout(BracketStrategy):
    """A bar that opens near one end of its range and closes near the other: one side won it all.

    A bar is a marubozu when `|close - open| >= body_pct / 100 * (high - low)` and its range is at
    least `min_range_bps` of its close and `range_ratio` times the mean range of the `bars` bars
    before it. A rising one is bought one tick above its high, with the stop one tick below its low
    and the target `reward_risk` times that distance away; a falling one is the mirror.

    Source: S. Nison, Japanese Candlestick Charting Techniques (1991), on shaven heads and bottoms;
    thresholds are parameters, since the book gives none.

    Attributes:
        tick: price step of the instruments, in quote.
        body_pct: least part of the range that is body, 50 to 100 percent; 100 has no wicks.
        min_range_bps: least range, in basis points of the close.
        range_ratio: least range in units of the mean range before; 0 takes all.
        bars: bars of that mean.
        reward_risk: distance of the target in units of the distance of the stop.
        life_bars: bars after which a waiting entry is withdrawn and a position closed.
        short: whether falling ones are sold short (needs a margin account).
    """

    tick: float = 0.01
    body_pct: float = 90.0
    min_range_bps: float = 20.0
    range_ratio: float = 1.5
    bars: int = 48
    reward_risk: float = 2.0
    life_bars: int = 24
    short: bool = False

    name: ClassVar[str] = "marubozu_breakout"

    def __post_init__(self) -> None:
        """Refuse parameters without meaning."""
        require_between("tick", self.tick, 1e-8, 1e6)
        require_between("body_pct", self.body_pct, 50, 100)
        require_between("min_range_bps", self.min_range_bps, 0, 10_000)
        require_between("range_ratio", self.range_ratio, 0, 100)
        require_between("bars", self.bars, 1, 5000)
        require_between("reward_risk", self.reward_risk, 0.1, 100)
        require_between("life_bars", self.life_bars, 1, 5000)

    @property
    def warm_up(self) -> timedelta:
        """Give the bars of the mean range."""
        return self.bars * self.bar_size

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and the bracket columns; all but `ts` are null where there is no setup."""
        import polars as pl

        high, low, close = pl.col("high"), pl.col("low"), pl.col("close")
        body, length = close - pl.col("open"), high - low
        whole = pl.col("ts").diff(self.bars) == self.bars * self.bar_size
        usual = pl.when(whole).then(length.rolling_mean(self.bars).shift(1))
        setup = (
            (length > 0)
            & (body.abs() * 100 >= self.body_pct * length)
            & (length / close * 10_000 >= self.min_range_bps)
            & (length >= self.range_ratio * usual)
        )
        return break_columns(
            frame,
            rising=setup & (body > 0),
            falling=setup & (body < 0) if self.short else pl.lit(value=False),
            high=high,
            low=low,
            tick=self.tick,
            reward_risk=self.reward_risk,
            life=self.life_bars * self.bar_size,
        )
