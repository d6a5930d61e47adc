"""Filters before the entry: columns that say where a strategy may enter, and the first no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from trading_assets.domain.errors import DataError
from trading_assets.features.indicators import realised_volatility
from trading_assets.market.table_columns import MEMBER, RANK, REGIME_PROBABILITIES
from trading_assets.strategies.filter_sections import (
    ConfirmationFilter,
    FiltersSpec,
    RegimeFilter,
    RocFilter,
    VolatilityFilter,
    VolumeFilter,
)
from trading_assets.strategies.protocol import BASE_BAR

NEWS = "news"
"""Column of a frame: whether a flag of the news file covers the open time of the bar."""

NEEDED_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "universe": (MEMBER, RANK),
    "news": (NEWS,),
    "regime": REGIME_PROBABILITIES,
}
"""Columns beside the bars that a filter looks at."""


def filter_columns(
    filters: FiltersSpec, frame: pl.DataFrame, bar_size: timedelta = BASE_BAR
) -> pl.DataFrame:
    """Give `ts` and one Boolean column per declared filter, by its name, in declared order.

    Args:
        filters: of a spec.
        frame: bars of one symbol from an anchor on, with the columns of `NEEDED_COLUMNS`.
        bar_size: of these bars.

    Returns:
        One row per bar; no nulls: what is not known is False.

    Raises:
        DataError: if a column that a filter needs is not there.
    """
    for name in filters.needs:
        absent = [column for column in NEEDED_COLUMNS[name] if column not in frame.columns]
        if absent:
            raise DataError(
                f"Filter {name} has nothing to look at",
                expected=f"bars with {', '.join(NEEDED_COLUMNS[name])}",
                found=f"no {', '.join(absent)}",
                fix="Join them with `with_universe`, `with_news` or `known_regimes` first.",
            )
    found: dict[str, pl.Expr] = {}
    if filters.universe is not None:
        top, rank = filters.universe.top, pl.col(RANK)
        found["universe"] = pl.col(MEMBER) & ((rank <= top) if top else pl.lit(value=True))
    if filters.volume is not None:
        found["volume"] = _volume(filters.volume, bar_size)
    if filters.roc is not None:
        found["roc"] = _roc(filters.roc, bar_size)
    if filters.news is not None:
        found["news"] = ~pl.col(NEWS)
    if filters.confirmation is not None:
        long, short = confirmed_sides(filters.confirmation, bar_size)
        found["confirmation"] = long | short
    if filters.volatility is not None:
        found["volatility"] = _volatility(filters.volatility, bar_size)
    if filters.regime is not None:
        found["regime"] = _regime(filters.regime)
    return frame.select("ts", **{name: said.fill_null(value=False) for name, said in found.items()})


def confirmed_sides(
    declared: ConfirmationFilter, bar_size: timedelta = BASE_BAR
) -> tuple[pl.Expr, pl.Expr]:
    """Tell where a long and where a short entry is confirmed; not known is False."""
    close = pl.col("close")
    distance = close - close.rolling_mean(declared.bars)
    whole = _unbroken(declared.bars + declared.closes - 2, bar_size)
    above = whole & (distance.rolling_min(declared.closes) > 0)
    below = whole & (distance.rolling_max(declared.closes) < 0)
    return above.fill_null(value=False), below.fill_null(value=False)


def first_no(verdicts: pl.DataFrame) -> pl.Series:
    """Give, for each row of `filter_columns`, the name of the first filter that says no.

    Null where all say yes.
    """
    names = [name for name in verdicts.columns if name != "ts"]
    noes = [pl.when(~pl.col(name)).then(pl.lit(name)) for name in names]
    empty = pl.lit(None, dtype=pl.String)
    return verdicts.select(pl.coalesce(*noes, empty).alias("first_no")).to_series()


def with_universe(bars: pl.DataFrame, universe: pl.DataFrame) -> pl.DataFrame:
    """Add whether a symbol was a member of its bar's month, and its rank there.

    Args:
        bars: of one symbol.
        universe: UNIVERSE_SCHEMA rows of that symbol, one per month; a month without a row gives
            nulls.
    """
    months = universe.select(pl.col("valid_from").alias("_month"), MEMBER, RANK)
    return (
        bars.with_columns(_month=pl.col("ts").dt.truncate("1mo"))
        .join(months, on="_month", how="left", maintain_order="left")
        .drop("_month")
    )


def with_news(
    bars: pl.DataFrame, news: Sequence[Mapping[str, Any]], flags: Sequence[str] = ()
) -> pl.DataFrame:
    """Add whether a news flag covers the open time of each bar.

    Args:
        bars: of one symbol.
        news: of that symbol, with `from`, `to` (half open, UTC datetimes) and `flag`.
        flags: those that count; all when empty.
    """
    covered: pl.Expr = pl.lit(value=False)
    for item in news:
        if not flags or item["flag"] in flags:
            covered = covered | ((pl.col("ts") >= item["from"]) & (pl.col("ts") < item["to"]))
    return bars.with_columns(covered.alias(NEWS))


def _volume(declared: VolumeFilter, bar_size: timedelta) -> pl.Expr:
    """Mean volume of the newest bars against that of the whole window."""
    volume = pl.col("volume")
    recent = volume.rolling_mean(declared.recent) if declared.recent > 1 else volume
    return _unbroken(declared.bars - 1, bar_size) & (
        recent >= float(declared.min_ratio) * volume.rolling_mean(declared.bars)
    )


def _roc(declared: RocFilter, bar_size: timedelta) -> pl.Expr:
    """Change of the close over the window, in percent."""
    change = (pl.col("close") / pl.col("close").shift(declared.bars) - 1) * 100
    said = _unbroken(declared.bars, bar_size)
    if declared.min_pct is not None:
        said = said & (change >= float(declared.min_pct))
    if declared.max_pct is not None:
        said = said & (change <= float(declared.max_pct))
    return said


def _volatility(declared: VolatilityFilter, bar_size: timedelta) -> pl.Expr:
    """Volatility of the newest bars against that of the whole window."""
    close = pl.col("close")
    ratio = realised_volatility(close, declared.recent) / realised_volatility(close, declared.bars)
    within = ratio.is_between(float(declared.min_ratio), float(declared.max_ratio))
    return _unbroken(declared.bars, bar_size) & within


def _regime(declared: RegimeFilter) -> pl.Expr:
    """Probability of the allowed regimes; where none is known the answer is not known."""
    allowed = [pl.col(f"p_{label}") for label in dict.fromkeys(declared.allow)]
    known = pl.any_horizontal(pl.col(name).is_not_null() for name in REGIME_PROBABILITIES)
    return known & (pl.sum_horizontal(allowed) >= float(declared.min_probability))


def _unbroken(steps: int, bar_size: timedelta) -> pl.Expr:
    """Tell where so many bars before a row follow each other without a hole.

    A window of rows then spans no more calendar time than the warm-up allows for.
    """
    return (pl.col("ts") - pl.col("ts").shift(steps)) == steps * bar_size
