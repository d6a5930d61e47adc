"""A strategy behind its filters, which is a strategy again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.strategies.filter_sections import FiltersSpec
from trading_assets.strategies.protocol import BASE_BAR, Strategy

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
    def warm_up(self) -> timedelta:
        """Give the longest memory, of the strategy or of a filter; both look at the same row."""
        windows = (f.bars for f in (self.filters.volume, self.filters.roc) if f is not None)
        return max(self.inner.warm_up, max(windows, default=0) * BASE_BAR)

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the strategy's signals, without those that open where a filter says no."""
        import polars as pl

        from trading_assets.strategies.filters import filter_columns

        signals = self.inner.signals(frame)
        if signals.height != frame.height:
            return signals  # breaks the protocol; whoever asked refuses it
        verdicts = filter_columns(self.filters, frame)
        passes = verdicts.select(pl.all_horizontal(pl.exclude("ts"))).to_series().alias("_passes")
        keep: pl.Expr = pl.col("_passes")
        if self.family is SignalFamily.TARGET:
            keep = keep | (pl.col("target") == 0)
        names = [name for name in signals.columns if name != "ts"]
        return signals.with_columns(passes).select(
            "ts", *(pl.when(keep).then(pl.col(name)).alias(name) for name in names)
        )
