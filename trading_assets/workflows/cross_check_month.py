"""Compare the published minutes of a month with what a second source says of them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import AMOUNTS, PRICES, between
from trading_assets.market.differences import VALUES, differences
from trading_assets.market.history import HistorySources
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import traits_of
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.market_tables import bars_table
from trading_assets.workflows.month_rows import examine_month
from trading_assets.workflows.native_tables import bars_of_source, native_size

_TOLERANCE = 1e-9  # relative: decimal text that was read as a float, and rounded, on the way


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Two sources of one month.

    Attributes:
        first: source of the published bars.
        second: the other one; it never fills a gap, it can only confirm or contradict.
        compared: minutes that both have.
        minutes: what differs, as `market.differences.differences` gives it; "old" is the first.
        left_out: columns that were not compared: amounts by setting, or that one source lacks.
    """

    first: str
    second: str
    compared: int
    minutes: pl.DataFrame
    left_out: tuple[str, ...] = ()

    @property
    def differing(self) -> pl.DataFrame:
        """Minutes of both with other values."""
        return self._with("changed")

    @property
    def only_first(self) -> pl.DataFrame:
        """Minutes that the second source lacks."""
        return self._with("removed")

    @property
    def only_second(self) -> pl.DataFrame:
        """Minutes that the published bars lack."""
        return self._with("added")

    def _with(self, change: str) -> pl.DataFrame:
        return self.minutes.filter(pl.col("change") == change)


def cross_check_month(
    desk: Desk, symbol: Symbol, month: Month, *, sources: HistorySources, second: str = ""
) -> CrossCheck:
    """Fetch a month from a second source, keep its bytes, and compare minute by minute.

    Compared is the stretch in which both sources are expected to have bars. Amounts (volume, quote
    volume, trades) are left out where one source does not give them: no value, or zero, in every
    bar. All are without `quality.cross_check_amounts`: venues share a price, and never a volume.

    Args:
        desk: whose published bars to check.
        symbol: one of the settings.
        month: that is published.
        sources: the open sources of the desk.
        second: name of the second source; empty means `quality.cross_check`.

    Raises:
        ConfigurationError: if there is no second source, or it is the symbol's own.
        MissingPartition: if the month is not published, or the second source has nothing of it in
            bars of the same size.
        DataError: if the second source's bars are not valid.
        VenueError: if it cannot be reached.
    """
    own = desk.settings.source_of(symbol)
    name = second or desk.settings.quality.cross_check
    if name in ("", own):
        raise ConfigurationError(
            f"There is no second source for {symbol}",
            expected=f"another source than {own} (setting quality.cross_check)",
            found=repr(name),
        )
    minutes = desk.tables.require(bars_table(Timeframe.M1), symbol, month)
    manifest = bars_of_source(desk.tables, minutes)
    _require_same_size(desk, symbol, native_size(minutes) or Timeframe.M1, name)
    source = sources.named(name)
    ingest_month(desk, symbol, month, history=source)
    theirs = desk.raw.require(source.store, symbol, month)
    ours = desk.raw.require(manifest.extra["store"], symbol, month)
    frames = desk.tables.read_manifest(manifest), examine_month(desk, theirs, name).frame
    starts = [
        raw.start if raw.start is not None else int(frame["ts"].to_physical()[0])
        for raw, frame in zip((ours, theirs), frames, strict=True)
        if raw.start is not None or frame.height
    ]
    span = between(max(starts), min(ours.end, theirs.end))
    first, other = (frame.filter(span) for frame in frames)
    compared = _compared(first, other, amounts=desk.settings.quality.cross_check_amounts)
    return CrossCheck(
        first=own,
        second=name,
        compared=first.join(other, on="ts", how="semi").height,
        minutes=differences(first, other, relative_tolerance=_TOLERANCE, columns=compared),
        left_out=tuple(name for name in VALUES if name not in compared),
    )


def _compared(first: pl.DataFrame, other: pl.DataFrame, *, amounts: bool) -> tuple[str, ...]:
    given = (name for name in AMOUNTS if _has_amounts(first, name) and _has_amounts(other, name))
    return (*PRICES, *given) if amounts else PRICES


def _has_amounts(frame: pl.DataFrame, name: str) -> bool:
    """Tell whether a source gives a column: some never do, and write zero or nothing."""
    return frame.is_empty() or bool((frame[name].fill_null(0) != 0).any())


def _require_same_size(desk: Desk, symbol: Symbol, size: Timeframe, second: str) -> None:
    traits = traits_of(desk.settings, second)
    if traits.timeframe is not size:
        raise MissingPartition(
            f"Source {second} has nothing to compare with bars of {symbol}",
            expected=f"bars of {size.value}",
            found=traits.timeframe.value,
            fix="Name a second source of the same size (setting quality.cross_check).",
        )
