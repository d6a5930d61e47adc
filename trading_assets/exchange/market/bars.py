"""Bars of one symbol: cut from cells, joined into longer ones, and written as rows of the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from trading_assets.exchange.market.intervals import Interval
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import CELLS_PER_MINUTE, DayPath
from trading_assets.exchange.market.noise import IntArray
from trading_assets.exchange.market.outages import MINUTES_PER_DAY

MINUTE_MS = 60_000
_UNITS = 100_000_000

_ROW = (
    '[%d,"%d.%08d","%d.%08d","%d.%08d","%d.%08d","%d.%08d",%d,"%d.%08d",%d,"%d.%08d","%d.%08d","0"]'
)


@dataclass(frozen=True, slots=True)
class Bars:
    """Consecutive bars of one interval, gaps left out; every array is int64 of one length.

    Attributes:
        minute: open time in minutes since 1970 (in seconds for bars of one second).
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

    def between(self, first: int, last: int) -> Bars:
        """Give the bars that open from `first` to `last`, both inclusive."""
        return self.part(*np.searchsorted(self.minute, [first, last + 1]).tolist())


NO_BARS = Bars(*[np.empty(0, dtype=np.int64)] * len(fields(Bars)))


def join(parts: Sequence[Bars]) -> Bars:
    """Chain bars that follow each other."""
    if len(parts) == 1:
        return parts[0]
    names = [field.name for field in fields(Bars)]
    return Bars(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def bars_from_cells(path: DayPath, day: int, minutes: IntArray) -> Bars:
    """Cut the one-minute bars of a whole day.

    Args:
        path: the day's cells.
        day: days since 1970-01-01.
        minutes: the minutes of the day that have bars.
    """
    shape = (MINUTES_PER_DAY, CELLS_PER_MINUTE)
    ticks, lots, taker, trades = (
        cells.reshape(shape)[minutes]
        for cells in (path.ticks, path.lots, path.taker_lots, path.trades)
    )
    return Bars(
        minute=day * MINUTES_PER_DAY + minutes,
        open=ticks[:, 0],
        high=ticks.max(axis=1),
        low=ticks.min(axis=1),
        close=ticks[:, -1],
        lots=lots.sum(axis=1),
        value=(lots * ticks).sum(axis=1),
        trades=trades.sum(axis=1),
        taker_lots=taker.sum(axis=1),
        taker_value=(taker * ticks).sum(axis=1),
    )


def combine(bars: Bars, interval: Interval, zone: int = 0) -> Bars:
    """Build longer bars from shorter ones; a longer bar exists if any of its parts does."""
    if not len(bars):
        return bars
    return grouped(bars, interval.opens(bars.minute, zone))


def grouped(bars: Bars, opens: IntArray) -> Bars:
    """Join neighbouring bars of the same open time in `opens` (never decreasing, not empty)."""
    first = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
    last = np.append(first[1:], len(bars)) - 1
    return Bars(
        minute=opens[first],
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


def rows_from_bars(
    listing: Listing, bars: Bars, open_ms: IntArray, close_ms: IntArray
) -> list[str]:
    """Write each bar as its kline row in JSON; prices and amounts are strings of 8 decimals."""
    lot = listing.instrument.lot_units
    columns: list[IntArray] = [open_ms]
    for ticks in (bars.open, bars.high, bars.low, bars.close):
        columns += np.divmod(ticks * listing.tick_units, _UNITS)
    columns += np.divmod(bars.lots * lot, _UNITS)
    columns.append(close_ms)
    columns += np.divmod(bars.value * listing.value_units, _UNITS)
    columns.append(bars.trades)
    columns += np.divmod(bars.taker_lots * lot, _UNITS)
    columns += np.divmod(bars.taker_value * listing.value_units, _UNITS)
    return [_ROW % row for row in zip(*(column.tolist() for column in columns), strict=True)]
