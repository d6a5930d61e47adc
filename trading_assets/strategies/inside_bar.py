"""Inside bar: trade the break of the bar that enclosed its successor, with stop and target."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.strategies.checks import require, require_between
from trading_assets.strategies.protocol import BASE_BAR

if TYPE_CHECKING:
    import polars as pl

_DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class InsideBar:
    """A bar whose high and low lie strictly inside those of the bar before, its mother.

    Entry is a stop order one tick beyond the mother's high (low for shorts), the stop loss one tick
    beyond her other end, the target `reward_risk` times that distance away. A setup lives through
    its UTC day: `valid_to` is the day's last bar, at whose close what is pending is withdrawn and
    what is open goes to market.

    Bars on both sides of a hole are not neighbours and make no setup. `tick` is a parameter, and
    the spec refuses an instrument with another one: prices of a signal are then on the grid, and
    the signal needs nothing but its frame.

    Attributes:
        tick: price step of the instruments, in quote.
        reward_risk: distance of the target in units of the distance of the stop.
        min_range_bps: smallest range of the mother, in basis points of her close; below it the
            costs of a trade eat its reward.
        max_range_bps: largest range of the mother; beyond it the stop is too far.
        trend_bars: only setups whose close is above (for shorts below) the close this many bars
            earlier; 0 takes all.
        last_entry_minutes: no setup in the last minutes of the day.
        short: whether breaks of the low are sold short (needs a margin account).
        bar_size: of the bars, from the spec; less than a day.
    """

    tick: float = 0.01
    reward_risk: float = 2.0
    min_range_bps: float = 20.0
    max_range_bps: float = 300.0
    trend_bars: int = 0
    last_entry_minutes: int = 60
    short: bool = False
    bar_size: timedelta = field(default=BASE_BAR, kw_only=True)

    name: ClassVar[str] = "inside_bar"
    family: ClassVar[SignalFamily] = SignalFamily.BRACKET
    horizon: ClassVar[str | None] = None
    order_types: ClassVar[frozenset[OrderType]] = frozenset(
        {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP}
    )

    def __post_init__(self) -> None:
        """Refuse parameters without meaning."""
        require_between("tick", self.tick, 1e-8, 1e6)
        require_between("reward_risk", self.reward_risk, 0.1, 100)
        require_between("min_range_bps", self.min_range_bps, 0, 10_000)
        require_between("max_range_bps", self.max_range_bps, 0, 10_000)
        require(
            self.min_range_bps < self.max_range_bps,
            "min_range_bps",
            f"less than max_range_bps ({self.max_range_bps:g})",
            self.min_range_bps,
        )
        require_between("trend_bars", self.trend_bars, 0, 5000)
        require_between("last_entry_minutes", self.last_entry_minutes, 0, _DAY_MINUTES)
        require(
            self.bar_size < timedelta(minutes=_DAY_MINUTES),
            "bar_size",
            "less than a day, since a setup lives through its day; inside_bar_breakout has none",
            str(self.bar_size),
        )

    @property
    def warm_up(self) -> timedelta:
        """Give the mother, or the look back of the trend."""
        return max(1, self.trend_bars) * self.bar_size

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and the bracket columns; all but `ts` are null where there is no setup."""
        import polars as pl

        high, low, close = pl.col("high"), pl.col("low"), pl.col("close")
        day_end = pl.col("ts").dt.truncate("1d").dt.offset_by("1d")
        mother_high, mother_low = high.shift(1), low.shift(1)
        range_bps = (mother_high - mother_low) / close.shift(1) * 10_000
        last_entry = day_end - pl.duration(minutes=self.last_entry_minutes)
        setup = (
            (pl.col("ts").diff() == self.bar_size)
            & (high < mother_high)
            & (low > mother_low)
            & range_bps.is_between(self.min_range_bps, self.max_range_bps)
            & (pl.col("ts") + self.bar_size < last_entry)
        )
        rising, falling = setup, setup if self.short else pl.lit(value=False)
        if self.trend_bars:
            whole = pl.col("ts").diff(self.trend_bars) == self.trend_bars * self.bar_size
            before = pl.when(whole).then(close.shift(self.trend_bars))
            rising, falling = rising & (close > before), falling & (close < before)
        top, bottom = self._steps(mother_high) + 1, self._steps(mother_low) - 1
        reward = ((top - bottom) * self.reward_risk).round()
        return frame.select(
            "ts",
            long_entry=pl.when(rising).then(top * self.tick),
            short_entry=pl.when(falling).then(bottom * self.tick),
            sl_long=pl.when(rising).then(bottom * self.tick),
            sl_short=pl.when(falling).then(top * self.tick),
            tp_long=pl.when(rising).then((top + reward) * self.tick),
            tp_short=pl.when(falling).then((bottom - reward) * self.tick),
            valid_to=pl.when(rising | falling).then(
                (day_end - self.bar_size).dt.epoch("us").cast(pl.Float64)
            ),
        )

    def _steps(self, price: pl.Expr) -> pl.Expr:
        """Give a price that is on the grid as a whole number of ticks."""
        return (price / self.tick).round()
