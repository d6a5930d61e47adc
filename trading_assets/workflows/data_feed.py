"""Bars of any symbol by one door: from the published tables, or straight from the vendor."""

from __future__ import annotations

from itertools import chain

import polars as pl

from trading_assets.domain.bar import Timeframe, minute_text
from trading_assets.domain.errors import DataError, MissingPartition, UnknownSymbol
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.market.bar_frame import between
from trading_assets.market.decoding import month_rows
from trading_assets.market.history import HistorySource
from trading_assets.market.native_bars import bars_of_native
from trading_assets.market.native_grid import native_grid
from trading_assets.market.quality import QualityReport
from trading_assets.market.resample import resample
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.listing import listed_part
from trading_assets.workflows.market_tables import bars_table
from trading_assets.workflows.month_rows import cleaning
from trading_assets.workflows.native_tables import require_bars_of, require_source_of


class PublishedFeed:
    """The tables, as a DataFeed: what stands, or what stood at an instant."""

    def __init__(self, desk: Desk, *, as_of: Micros | None = None) -> None:
        self._desk = desk
        self._as_of = as_of

    def get_history(
        self, symbol: Symbol, start: Micros, end: Micros, granularity: Timeframe
    ) -> pl.DataFrame:
        """Give the bars with `ts` in [start, end); see `DataFeed`.

        Raises:
            DataError: if they are smaller than those of the source.
        """
        months = _months(self._desk, symbol, start, end)
        frames = [self._month(granularity, symbol, month) for month in months]
        return pl.concat(frames).filter(between(start, end))

    def _month(self, timeframe: Timeframe, symbol: Symbol, month: Month) -> pl.DataFrame:
        table = bars_table(timeframe)
        tables = self._desk.tables
        if self._as_of is None:
            manifest = tables.require(table, symbol, month)
            return tables.read_manifest(require_bars_of(manifest, timeframe))
        found = tables.as_of(table, symbol, month, self._as_of)
        if found is None:
            raise MissingPartition(
                f"There was no {table} of {symbol} for {month} then",
                expected=f"a version published up to {self._as_of}",
                found="none so old",
                fix="Choose a later instant.",
            )
        return tables.read_manifest(require_bars_of(found, timeframe))


class VendorFeed:
    """The sources themselves, as a DataFeed: nothing is published, gaps of any length pass."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get_history(
        self, symbol: Symbol, start: Micros, end: Micros, granularity: Timeframe
    ) -> pl.DataFrame:
        """Give the bars with `ts` in [start, end); see `DataFeed`.

        A source of larger bars gives those of its own size and larger, with unknown (null)
        `n_minutes`.

        Raises:
            DataError: if it is asked for a smaller size, or one of its bars is off its grid.
        """
        months = _months(self._desk, symbol, start, end)
        require_source_of(self._desk, symbol, granularity)
        traits = traits_of_symbol(self._desk.settings, symbol)
        with self._desk.history() as sources:
            source = sources.of(symbol)
            read = [self._month(source, symbol, month) for month in months]
        bars = pl.concat(frame for frame, _, _ in read)
        sessions, until = sessions_of_symbol(self._desk, symbol), read[-1][2]
        if traits.timeframe is not Timeframe.M1:
            size = traits.timeframe
            bars = bars_of_native(
                bars,
                symbol,
                size,
                granularity,
                native_grid(size, months[0].shift(-1).start, until, sessions),
                end=until,
                sessions=sessions,
                longest_silence_minutes=traits.longest_silence_minutes,
            )
        elif granularity is not Timeframe.M1:
            gaps = tuple(chain.from_iterable(report.gaps for _, report, _ in read))
            holes = gaps if traits.silent_minutes == "absent" else None
            bars = resample(bars, granularity, now=until, sessions=sessions, holes=holes)
        return bars.filter(between(start, end))

    def _month(
        self, source: HistorySource, symbol: Symbol, month: Month
    ) -> tuple[pl.DataFrame, QualityReport, Micros]:
        settings = self._desk.settings
        traits = traits_of_symbol(settings, symbol)
        listing = source.listing(symbol, month)
        first, end = listed_part(settings, symbol, listing.start, listing.end)
        data = ((item, source.fetch(symbol, item)) for item in listing.objects)
        frame, report = cleaning(traits)(
            month_rows(data, traits, month, self._desk.decoded),
            symbol,
            source.name,
            month=month,
            start=first,
            end=end,
            sessions=sessions_of_symbol(self._desk, symbol),
            longest_silence_minutes=traits.longest_silence_minutes,
        )
        if traits.timeframe is not Timeframe.M1 and report.off_grid:
            raise DataError(
                f"Bars of {symbol} are off the grid of {traits.timeframe.value}",
                expected=f"open times at which a bar of {traits.timeframe.value} begins",
                found=f"{len(report.off_grid)} others, first {minute_text(report.off_grid[0])}",
                fix="Correct `timeframe`, `label` or `time.zone` of its source, or its calendar.",
            )
        return frame, report, end


def _months(desk: Desk, symbol: Symbol, start: Micros, end: Micros) -> tuple[Month, ...]:
    if symbol not in desk.settings.symbols:
        raise UnknownSymbol(
            f"Symbol {symbol} is not configured",
            expected=f"one of {', '.join(desk.settings.symbols)}",
            found=str(symbol),
            fix="Add it to `symbols` in the settings.",
        )
    if end <= start:
        raise DataError("The span is empty", expected="start before end", found=f"{start}, {end}")
    return months_between(Month.of(start), Month.of(end - 1))
