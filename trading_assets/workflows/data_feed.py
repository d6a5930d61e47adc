"""Bars of any symbol by one door: from the published tables, or straight from the vendor."""

from __future__ import annotations

from itertools import chain

import polars as pl

from trading_assets.domain.bar import Gap, Timeframe
from trading_assets.domain.errors import DataError, MissingPartition, UnknownSymbol
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.market.bar_frame import between, on_grid, row_text
from trading_assets.market.decoding import month_rows
from trading_assets.market.history import HistorySource
from trading_assets.market.quality import clean_bars
from trading_assets.market.resample import resample
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.listing import listed_part
from trading_assets.workflows.market_tables import bars_table


class PublishedFeed:
    """The tables, as a DataFeed: what stands, or what stood at an instant."""

    def __init__(self, desk: Desk, *, as_of: Micros | None = None) -> None:
        self._desk = desk
        self._as_of = as_of

    def get_history(
        self, symbol: Symbol, start: Micros, end: Micros, granularity: Timeframe
    ) -> pl.DataFrame:
        """Give the bars with `ts` in [start, end); see `DataFeed`."""
        months = _months(self._desk, symbol, start, end)
        table = bars_table(granularity)
        frames = [self._month(table, symbol, month) for month in months]
        return pl.concat(frames).filter(between(start, end))

    def _month(self, table: str, symbol: Symbol, month: Month) -> pl.DataFrame:
        tables = self._desk.tables
        if self._as_of is None:
            return tables.read(table, symbol, month)
        manifest = tables.as_of(table, symbol, month, self._as_of)
        if manifest is None:
            raise MissingPartition(
                f"There was no {table} of {symbol} for {month} then",
                expected=f"a version published up to {self._as_of}",
                found="none so old",
                fix="Choose a later instant.",
            )
        return tables.read_manifest(manifest)


class VendorFeed:
    """The sources themselves, as a DataFeed: nothing is published, gaps of any length pass."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get_history(
        self, symbol: Symbol, start: Micros, end: Micros, granularity: Timeframe
    ) -> pl.DataFrame:
        """Give the bars with `ts` in [start, end); see `DataFeed`.

        A source of larger bars gives those of its own size only, with unknown (null) `n_minutes`.

        Raises:
            DataError: if it is asked for another size, or a bar is off its grid.
        """
        months = _months(self._desk, symbol, start, end)
        traits = traits_of_symbol(self._desk.settings, symbol)
        if traits.timeframe not in (Timeframe.M1, granularity):
            raise DataError(
                f"Bars of {granularity.value} cannot be made from those of {symbol}",
                expected=f"{traits.timeframe.value}, which {traits.name} gives",
                found=granularity.value,
            )
        with self._desk.history() as sources:
            source = sources.of(symbol)
            read = [self._month(source, symbol, month) for month in months]
        minutes = pl.concat(frame for frame, _, _ in read)
        if traits.timeframe is not Timeframe.M1:
            minutes = _as_given(minutes, symbol, traits.timeframe)
        elif granularity is not Timeframe.M1:
            gaps = tuple(chain.from_iterable(gaps for _, gaps, _ in read))
            minutes = resample(
                minutes,
                granularity,
                now=read[-1][2],
                sessions=sessions_of_symbol(self._desk, symbol),
                holes=gaps if traits.silent_minutes == "absent" else None,
            )
        return minutes.filter(between(start, end))

    def _month(
        self, source: HistorySource, symbol: Symbol, month: Month
    ) -> tuple[pl.DataFrame, tuple[Gap, ...], Micros]:
        settings = self._desk.settings
        traits = traits_of_symbol(settings, symbol)
        of_minutes = traits.timeframe is Timeframe.M1
        listing = source.listing(symbol, month)
        first, end = listed_part(settings, symbol, listing.start, listing.end)
        data = ((item, source.fetch(symbol, item)) for item in listing.objects)
        frame, report = clean_bars(
            month_rows(data, traits, month, self._desk.decoded),
            symbol,
            source.name,
            month=month,
            start=first,
            end=end,
            sessions=sessions_of_symbol(self._desk, symbol) if of_minutes else None,
            longest_silence_minutes=traits.longest_silence_minutes,
        )
        return frame, report.gaps, end


def _as_given(bars: pl.DataFrame, symbol: Symbol, timeframe: Timeframe) -> pl.DataFrame:
    """Give a vendor's own larger bars the columns of ours; nobody knows the minutes inside."""
    stray = bars.filter(~on_grid(timeframe))
    if stray.height:
        raise DataError(
            f"Bars of {symbol} are off the grid of {timeframe.value}",
            expected=f"open times that are multiples of {timeframe.value}",
            found=f"{stray.height} others, the first {row_text(stray, 0)}",
            fix="Correct `timeframe`, `label` or `time.zone` of its source.",
        )
    unknown = pl.lit(None, dtype=pl.Int32).alias("n_minutes")
    return bars.with_columns(unknown, pl.lit(value=True).alias("complete"))


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
