"""A feature: one column with its formula, its source and its warm-up, before polars is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from trading_assets.domain.bar import Timeframe

if TYPE_CHECKING:
    import polars as pl
    from polars.functions.col import Col

    Expression = Callable[[Col], pl.Expr]
    """Makes an expression from `pl.col`: `lambda col: col.high - col.low`."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column.

    Attributes:
        formula: what a person reads in the catalogue.
        source: size of the bars it is computed on.
        warm_up_bars: rows of `source` before its first value; earlier ones are null.
        make: gives the expression, on the columns of a bar table; causal, one value per row. It is
            made where it is needed: the catalogue shows features without loading polars.
        reference: paper or book that the measure comes from.
    """

    name: str
    formula: str
    source: Timeframe
    warm_up_bars: int
    make: Expression
    reference: str = ""

    @property
    def expression(self) -> pl.Expr:
        """The expression itself, its warm-up rows included."""
        import polars as pl

        return self.make(pl.col)

    @property
    def warm_up(self) -> timedelta:
        """Calendar time from the first bar's open to the first value, on bars without holes."""
        return timedelta(minutes=(self.warm_up_bars + 1) * self.source.minutes)

    @property
    def column(self) -> pl.Expr:
        """The expression with its warm-up rows null, as Float64."""
        import polars as pl

        warm = pl.int_range(pl.len()) >= self.warm_up_bars
        return pl.when(warm).then(self.expression.cast(pl.Float64)).alias(self.name)
