"""A strategy behind its filters, which is a strategy again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.strategies.filter_sections import FiltersSpec
from trading_assets.strategies.protocol import BAR_SIZE, BASE_BAR, Strategy, memory

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Filtered:
    """A strategy that enters only where every filter says yes; itself a `Strategy`.

    What a no does depends on the family. Bracket: the row is empty, so no entry is placed; entries
    that wait at the venue and exits are the engine's and stay. Target: a target other than 0
    becomes empty, so that nothing is opened or enlarged and what is held is kept; a target of 0
    is an exit and passes. Exits are never suppressed.

    A filter that cannot be computed (a hole inside its window, no universe of the month) says no.

    Attributes:
        inner: decides where every filter says yes.
        filters: what has to hold.
    """

    inner: Strategy
    filters: FiltersSpec

    @property
    def name(self) -> str:
        """Give the strategy's own name."""
        return self.inner.name

    @property
    def family(self) -> SignalFamily:
        """Give the strategy's own family."""
        return self.inner.family

    @property
    def horizon(self) -> str | None:
        """Give the strategy's own horizon."""
        return self.inner.horizon

    @property
    def order_types(self) -> frozenset[OrderType]:
        """Give the strategy's own order types."""
        return self.inner.order_types

    @property
    def bar_size(self) -> timedelta:
        """Give the size of the strategy's bars; a filter counts the same ones."""
        size: timedelta = getattr(self.inner, BAR_SIZE, BASE_BAR)
        return size

    @property
    def warm_up(self) -> timedelta:
        """Give the longest memory, of the strategy or of a filter; both look at the same row."""
        declared = (self.filters.volume, self.filters.roc, self.filters.volatility)
        windows = [each.bars for each in declared if each is not None]
        if self.filters.confirmation is not None:
            windows.append(self.filters.confirmation.bars + self.filters.confirmation.closes)
        return max(memory(self.inner), max(windows, default=0) * self.bar_size)

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the strategy's signals, without those that open where a filter says no."""
        import polars as pl

        from trading_assets.strategies.filters import confirmed_sides, filter_columns

        signals = self.inner.signals(frame)
        if signals.height != frame.height:
            return signals  # breaks the protocol; whoever asked refuses it
        verdicts = filter_columns(self.filters, frame, self.bar_size)
        passes = verdicts.select(pl.all_horizontal(pl.exclude("ts"))).to_series().alias("_passes")
        sides = [passes.alias("_long"), passes.alias("_short")]
        if self.filters.confirmation is not None:
            long, short = confirmed_sides(self.filters.confirmation, self.bar_size)
            confirmed = frame.select(_long=long, _short=short)
            sides = [confirmed["_long"] & passes, confirmed["_short"] & passes]
        long, short = pl.col("_long"), pl.col("_short")
        target = pl.col("target")
        if self.family is SignalFamily.TARGET:
            keep = (target == 0) | ((target > 0) & long) | ((target < 0) & short)
            kept = {name: keep for name in signals.columns if name != "ts"}
        else:
            kept = {name: _side_of(name, signals.columns) for name in signals.columns[1:]}
        return signals.with_columns(sides).select(
            "ts", *(pl.when(keep).then(pl.col(name)).alias(name) for name, keep in kept.items())
        )


def _side_of(column: str, columns: list[str]) -> pl.Expr:
    """Tell where a bracket column stays: where its side may enter, or one that has an entry."""
    import polars as pl

    if "long" in column:
        return pl.col("_long")
    if "short" in column:
        return pl.col("_short")
    nothing = pl.lit(value=False)
    long = (
        pl.col("long_entry").is_not_null() & pl.col("_long") if "long_entry" in columns else nothing
    )
    short = (
        pl.col("short_entry").is_not_null() & pl.col("_short")
        if "short_entry" in columns
        else nothing
    )
    return long | short
