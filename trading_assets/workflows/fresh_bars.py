"""Five-minute bars up to this moment: what is published, and from the vendor what is not yet."""

from __future__ import annotations

import polars as pl

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.market.bar_frame import between
from trading_assets.market.decoding import month_rows
from trading_assets.market.history import HistorySource
from trading_assets.market.resample import resample
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.listing import is_traded_in, listed_part
from trading_assets.workflows.market_tables import bars_table, is_of_own_source
from trading_assets.workflows.month_rows import cleaning
from trading_assets.workflows.native_tables import expected_end, require_source_of

_MINUTES = bars_table(Timeframe.M1)


def fresh_bars(
    desk: Desk, source: HistorySource, symbol: Symbol, start: Micros, now: Micros
) -> pl.DataFrame:
    """Give the finished 5m bars of a symbol that open in [start, now); nothing is published.

    Minutes that are published are read; the vendor is asked for those objects only that reach
    beyond them. The bars are those that publishing would give.

    Args:
        desk: holds what is published.
        source: of the symbol, open.
        symbol: whose bars.
        start: on a UTC day.
        now: later bars are left out, and one that has not ended by then.

    Returns:
        RESAMPLED_SCHEMA, ascending.

    Raises:
        DataError: if the symbol's source gives larger bars only.
        CorruptFile: if a published file is damaged.
        VenueError: if the source cannot be reached.
    """
    require_source_of(desk, symbol, Timeframe.M5)
    last = now // Timeframe.M5.micros * Timeframe.M5.micros - MINUTE
    months = [
        month
        for month in months_between(Month.of(start), Month.of(last))
        if is_traded_in(desk.settings, symbol, month)
    ]
    minutes = pl.concat([_minutes(desk, source, symbol, month, now) for month in months])
    bars = resample(
        minutes.filter(between(start, now // MINUTE * MINUTE)),
        Timeframe.M5,
        now=now,
        sessions=sessions_of_symbol(desk, symbol),
    )
    return bars.filter(between(start, now))


def _minutes(
    desk: Desk, source: HistorySource, symbol: Symbol, month: Month, now: Micros
) -> pl.DataFrame:
    """Give a month's minutes: the published ones, then the vendor's."""
    manifest = desk.tables.current(_MINUTES, symbol, month)
    if manifest is not None and not is_of_own_source(desk.settings, manifest):
        manifest = None
    if manifest is None:
        return _asked(desk, source, symbol, month, month.start)
    known = desk.tables.read_manifest(manifest)
    end = expected_end(manifest)
    if end >= min(month.end, now // MINUTE * MINUTE):
        return known
    return pl.concat([known, _asked(desk, source, symbol, month, _after(manifest, end))])


def _after(manifest: Manifest, end: Micros) -> Micros:
    """Give the first minute that is not published; the last ones may have been late."""
    return end if manifest.max_ts is None else min(end, manifest.max_ts + MINUTE)


def _asked(
    desk: Desk, source: HistorySource, symbol: Symbol, month: Month, since: Micros
) -> pl.DataFrame:
    """Give the vendor's cleaned minutes of a month from an instant on."""
    traits = traits_of_symbol(desk.settings, symbol)
    listing = source.listing(symbol, month)
    first, end = listed_part(desk.settings, symbol, listing.start, listing.end)
    wanted = [item for item in listing.objects if item.end > since]
    rows = month_rows(
        ((item, source.fetch(symbol, item)) for item in wanted), traits, month, desk.decoded
    )
    frame, _ = cleaning(traits)(
        rows,
        symbol,
        source.name,
        month=month,
        start=since if first is None else max(first, since),
        end=end,
        sessions=sessions_of_symbol(desk, symbol),
        longest_silence_minutes=traits.longest_silence_minutes,
    )
    return frame.filter(between(since, month.end))
