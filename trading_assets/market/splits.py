"""Splits of shares: the same history in today's shares, as a view that is never stored as bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import polars as pl

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.market.bar_frame import instant

_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, order=True)
class Split:
    """One split of one symbol.

    Attributes:
        ex_date: first session in which the new shares trade.
        new, old: so many new shares for so many old ones: 7 and 1, or 1 and 20 for a reverse one.
    """

    ex_date: date
    new: int
    old: int = 1

    def __post_init__(self) -> None:
        """Refuse a ratio without meaning."""
        if self.new < 1 or self.old < 1 or self.new == self.old:
            raise ConfigurationError(
                f"Split of {self.ex_date} has no meaning",
                expected="so many new shares for so many old ones, such as 7:1 or 1:20",
                found=f"{self.new}:{self.old}",
            )

    @property
    def ratio(self) -> Fraction:
        """New shares for one old one."""
        return Fraction(self.new, self.old)

    def begins(self, time_zone: str) -> Micros:
        """Give midnight of the ex-date where the share is listed."""
        midnight = datetime(
            self.ex_date.year, self.ex_date.month, self.ex_date.day, tzinfo=ZoneInfo(time_zone)
        )
        return int(midnight.timestamp()) * 1_000_000


def split_factors(splits: Iterable[Split]) -> tuple[tuple[date, Fraction], ...]:
    """Give by what prices before each ex-date are multiplied, oldest first.

    Raises:
        ConfigurationError: if two splits have one ex-date.
    """
    ordered = sorted(splits)
    dates = [split.ex_date for split in ordered]
    if len(set(dates)) != len(dates):
        raise ConfigurationError(
            "Two splits of one share on one day",
            expected="one per ex-date; give their product",
            found=", ".join(map(str, dates)),
        )
    factors: list[tuple[date, Fraction]] = []
    factor = Fraction(1)
    for split in reversed(ordered):
        factor /= split.ratio
        factors.append((split.ex_date, factor))
    return tuple(reversed(factors))


def adjust_for_splits(
    bars: pl.DataFrame, splits: Iterable[Split], *, time_zone: str
) -> pl.DataFrame:
    """Give bars of one symbol in the shares of the last split.

    Prices before an ex-date are divided by the ratio of it and of all later ones, the volume is
    multiplied by it; `quote_volume` and `n_trades` say what was paid and how often, and stay. The
    stored bars are what the venue printed and are never replaced: a split that is announced later
    would restate all of history. The result looks ahead by construction (it is in today's
    shares), so that returns and ratios may be computed on it, but no absolute price level.

    Args:
        bars: with a column `ts` (open time, UTC).
        splits: of this symbol.
        time_zone: of the exchange; an ex-date begins at its midnight there, so that trades after
            hours on the evening before stay in old shares.

    Raises:
        ConfigurationError: if two splits have one ex-date.
    """
    ordered = sorted(splits)
    factors = split_factors(ordered)
    if not ordered:
        return bars
    starts = [split.begins(time_zone) for split in ordered]
    price, volume = pl.lit(1.0), pl.lit(1.0)
    for start, (_, factor) in reversed(list(zip(starts, factors, strict=True))):
        before = pl.col("ts") < instant(start)
        price = pl.when(before).then(pl.lit(float(factor))).otherwise(price)
        volume = pl.when(before).then(pl.lit(float(1 / factor))).otherwise(volume)
    return bars.with_columns(*(pl.col(name) * price for name in _PRICES), pl.col("volume") * volume)
