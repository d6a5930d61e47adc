"""One-minute bars of a span: from the tables, and from the history source where they end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.market.bar_frame import between
from trading_assets.market.decoding import month_rows
from trading_assets.market.history import HistorySource
from trading_assets.market.quality import clean_bars
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.market_tables import bars_table
from trading_assets.workflows.native_tables import require_source_of


def read_minutes(
    desk: Desk, symbols: Sequence[Symbol], start: Micros, end: Micros
) -> Mapping[Symbol, pl.DataFrame]:
    """Give the one-minute bars of each symbol with open time in [start, end).

    Nothing is published. The history source is opened only when a month is not in the tables up to
    the end of the span.

    Returns:
        BAR_SCHEMA by symbol, ascending.

    Raises:
        DataError: if a month has no bars at all, bars contradict each other, or a source gives
            larger ones.
        VenueError: if the source cannot be reached.
    """
    for symbol in symbols:
        require_source_of(desk, symbol, Timeframe.M1)
    months = months_between(Month.of(start), Month.of(end - 1))
    held = {
        (symbol, month): frame
        for symbol in symbols
        for month in months
        if (frame := _from_tables(desk, symbol, month, min(end, month.end))) is not None
    }
    if len(held) < len(symbols) * len(months):
        with desk.history() as sources:
            for symbol, month in ((s, m) for s in symbols for m in months):
                if (symbol, month) not in held:
                    held[symbol, month] = _from_source(
                        desk, sources.of(symbol), symbol, month, start, end
                    )
    return {
        symbol: pl.concat([held[symbol, month] for month in months]).filter(between(start, end))
        for symbol in symbols
    }


def _from_tables(desk: Desk, symbol: Symbol, month: Month, end: Micros) -> pl.DataFrame | None:
    """Read a month, unless the tables have it from another source, or not up to `end`."""
    manifest = desk.tables.current(bars_table(Timeframe.M1), symbol, month)
    store = traits_of_symbol(desk.settings, symbol).store
    if manifest is None or manifest.extra["store"] != store:
        return None
    if manifest.extra["expected_end"] < end:
        return None
    return desk.tables.read_mapped(manifest)


def _from_source(
    desk: Desk,
    source: HistorySource,
    symbol: Symbol,
    month: Month,
    start: Micros,
    end: Micros,
) -> pl.DataFrame:
    """Fetch the vendor's objects that touch the span, and clean them like any month's."""
    listing = source.listing(symbol, month)
    wanted = [item for item in listing.objects if item.start < end and item.end > start]
    read = ((item, source.fetch(symbol, item)) for item in wanted)
    traits = traits_of_symbol(desk.settings, symbol)
    rows = month_rows(read, traits, month, desk.decoded)
    frame, _ = clean_bars(
        rows, symbol, source.name, month=month, start=listing.start, end=listing.end
    )
    return frame
