"""Bars of every interval, cut from the cells of the market, and their rows on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from trading_assets.domain.ids import Micros
from trading_assets.exchange.listing import Listing
from trading_assets.exchange.market_model import (
    CELLS_PER_DAY,
    CELLS_PER_MINUTE,
    DayPath,
    cell_of,
)
from trading_assets.exchange.noise import IntArray
from trading_assets.exchange.outages import LISTED_MINUTE, MINUTES_PER_DAY
from trading_assets.exchange.tape import Tape

_MINUTES = (1, 3, 5, 15, 30, 60, 120, 240, 360, 480, 720, 1_440)
_NAMES = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
INTERVALS = dict(zip(_NAMES, _MINUTES, strict=True))
"""Interval name on the wire -> minutes; all divide a day."""

MINUTE_MS = 60_000
_BAR_DAYS_KEPT = 64
_ROWS_KEPT = 24_000
_UNITS = 100_000_000

_ROW = (
    '[%d,"%d.%08d","%d.%08d","%d.%08d","%d.%08d","%d.%08d",%d,"%d.%08d",%d,"%d.%08d","%d.%08d","0"]'
)


@dataclass(frozen=True, slots=True)
class Bars:
    """Consecutive bars of one interval, gaps left out; every array is int64 of one length.

    Attributes:
        minute: open time in minutes since 1970.
        open: first traded price, in ticks; `high`, `low`, `close` likewise.
        lots: traded quantity; `taker_lots` the part that buyers took.
        value: sum of price x quantity in ticks x lots; `taker_value` of the part buyers took.
        trades: number of trades.
    """

    minute: IntArray
    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray
    lots: IntArray
    value: IntArray
    trades: IntArray
    taker_lots: IntArray
    taker_value: IntArray

    def __len__(self) -> int:
        """Give the number of bars."""
        return len(self.minute)

    def part(self, first: int, last: int) -> Bars:
        """Give the bars numbered `first` to `last` - 1."""
        return Bars(*(getattr(self, field.name)[first:last] for field in fields(self)))


def bars_from_cells(path: DayPath, day: int, minutes: IntArray, *, cells: int) -> Bars:
    """Cut one-minute bars from the first `cells` cells of a day; the last may be unfinished.

    Args:
        path: the day's cells.
        day: days since 1970-01-01.
        minutes: the minutes of the day that have bars.
        cells: how many cells have begun.
    """
    shape = (MINUTES_PER_DAY, CELLS_PER_MINUTE)
    finished, rest = divmod(cells, CELLS_PER_MINUTE)
    minutes = minutes[minutes < finished + (rest > 0)]
    ticks = path.ticks.reshape(shape)[minutes]
    counted = np.ones((len(minutes), CELLS_PER_MINUTE), dtype=bool)
    if rest and len(minutes) and minutes[-1] == finished:
        counted[-1, rest:] = False
        ticks = ticks.copy()
        ticks[-1, rest:] = ticks[-1, rest - 1]
    lots = path.lots.reshape(shape)[minutes] * counted
    taker = path.taker_lots.reshape(shape)[minutes] * counted
    return Bars(
        minute=day * MINUTES_PER_DAY + minutes,
        open=ticks[:, 0],
        high=ticks.max(axis=1),
        low=ticks.min(axis=1),
        close=ticks[:, -1],
        lots=lots.sum(axis=1),
        value=(lots * ticks).sum(axis=1),
        trades=(path.trades.reshape(shape)[minutes] * counted).sum(axis=1),
        taker_lots=taker.sum(axis=1),
        taker_value=(taker * ticks).sum(axis=1),
    )


def combine(bars: Bars, minutes: int) -> Bars:
    """Build bars of `minutes` from shorter ones; a longer bar exists if any of its parts does."""
    if not len(bars):
        return bars
    group = bars.minute // minutes
    first = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    last = np.append(first[1:], len(bars)) - 1
    return Bars(
        minute=group[first] * minutes,
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, first),
        low=np.minimum.reduceat(bars.low, first),
        close=bars.close[last],
        lots=np.add.reduceat(bars.lots, first),
        value=np.add.reduceat(bars.value, first),
        trades=np.add.reduceat(bars.trades, first),
        taker_lots=np.add.reduceat(bars.taker_lots, first),
        taker_value=np.add.reduceat(bars.taker_value, first),
    )


def rows_from_bars(listing: Listing, bars: Bars, minutes: int) -> list[str]:
    """Write each bar as its kline row in JSON; prices and amounts are strings of 8 decimals."""
    open_ms = bars.minute * MINUTE_MS
    lot = listing.instrument.lot_units
    columns: list[IntArray] = [open_ms]
    for ticks in (bars.open, bars.high, bars.low, bars.close):
        columns += np.divmod(ticks * listing.tick_units, _UNITS)
    columns += np.divmod(bars.lots * lot, _UNITS)
    columns.append(open_ms + (minutes * MINUTE_MS - 1))
    columns += np.divmod(bars.value * listing.value_units, _UNITS)
    columns.append(bars.trades)
    columns += np.divmod(bars.taker_lots * lot, _UNITS)
    columns += np.divmod(bars.taker_value * listing.value_units, _UNITS)
    return [_ROW % row for row in zip(*(column.tolist() for column in columns), strict=True)]


class Klines:
    """Bars of all symbols as of any market time."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._model = tape.model
        self._outages = tape.outages
        self._day_bars = lru_cache(maxsize=_BAR_DAYS_KEPT)(self._cut_day)
        self._day_rows = {
            minutes: lru_cache(maxsize=_ROWS_KEPT * minutes // MINUTES_PER_DAY)(self._write_day)
            for minutes in INTERVALS.values()
        }

    def _cut_day(self, listing: Listing, day: int) -> Bars:
        path = self._model.day(listing, day)
        minutes = self._outages.trading_minutes(listing, day)
        return bars_from_cells(path, day, minutes, cells=CELLS_PER_DAY)

    def _write_day(self, listing: Listing, day: int, minutes: int) -> tuple[IntArray, list[str]]:
        bars = combine(self._day_bars(listing, day), minutes)
        return bars.minute, rows_from_bars(listing, bars, minutes)

    def day_rows(
        self, listing: Listing, day: int, minutes: int, now: Micros
    ) -> tuple[IntArray, list[str]]:
        """Give the open minutes and the rows of one day as they stand at `now`."""
        cells = cell_of(now) + 1 - day * CELLS_PER_DAY
        if cells >= CELLS_PER_DAY:
            return self._day_rows[minutes](listing, day, minutes)
        if cells <= 0:
            return np.empty(0, dtype=np.int64), []
        bars = combine(self._begun_day(listing, day, now), minutes)
        return bars.minute, rows_from_bars(listing, bars, minutes)

    def _begun_day(self, listing: Listing, day: int, now: Micros) -> Bars:
        """Cut the bars of the present day: whole past cells, and the present one up to now."""
        trading = self._outages.trading_minutes(listing, day)
        cells = cell_of(now) + 1 - day * CELLS_PER_DAY
        bars = bars_from_cells(self._model.day(listing, day), day, trading, cells=cells)
        cell = self._tape.cell(listing, cell_of(now))
        ahead = cell.part(len(cell.until(now)), len(cell))
        if len(ahead):
            bought = ahead.lots * ~ahead.buyer_is_maker
            bars.lots[-1] -= ahead.lots.sum()
            bars.value[-1] -= (ahead.lots * ahead.ticks).sum()
            bars.trades[-1] -= len(ahead)
            bars.taker_lots[-1] -= bought.sum()
            bars.taker_value[-1] -= (bought * ahead.ticks).sum()
        return bars

    def minute_bars(self, listing: Listing, day: int, now: Micros) -> Bars:
        """Give the one-minute bars of one day as they stand at `now`."""
        cells = min(cell_of(now) + 1 - day * CELLS_PER_DAY, CELLS_PER_DAY)
        if cells == CELLS_PER_DAY:
            return self._day_bars(listing, day)
        if cells <= 0:
            return self._day_bars(listing, day).part(0, 0)
        return self._begun_day(listing, day, now)

    def pages(
        self,
        listing: Listing,
        minutes: int,
        now: Micros,
        *,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
    ) -> Iterator[list[str]]:
        """Yield the rows of a klines request day by day, in the order they are found.

        Open times are within [start_ms, end_ms], both inclusive; with a start the oldest `limit`
        rows from there (days come forwards), else the latest (days come backwards, the rows of
        each in order of time).
        """
        now_minute = now // 60_000_000
        first = LISTED_MINUTE // minutes * minutes
        if start_ms is not None:
            first = max(first, -(-start_ms // MINUTE_MS))
        last = now_minute if end_ms is None else min(now_minute, end_ms // MINUTE_MS)
        days = range(first // MINUTES_PER_DAY, last // MINUTES_PER_DAY + 1)
        for day in days if start_ms is not None else reversed(days):
            if limit <= 0:
                return
            opened, rows = self.day_rows(listing, day, minutes, now)
            low, high = np.searchsorted(opened, [first, last + 1]).tolist()
            if start_ms is not None:
                high = min(high, low + limit)
            else:
                low = max(low, high - limit)
            limit -= high - low
            yield rows[low:high]
