"""The klines of every symbol and interval as of any market time.

A day's bars are cut once, whole, also those that are yet to come: what has closed by now is read
from there, and only the bar that stands open is put together (whole past cells, and the trades of
the present cell so far).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.bars import (
    MINUTE_MS,
    NO_BARS,
    Bars,
    bars_from_cells,
    combine,
    grouped,
    join,
    rows_from_bars,
)
from trading_assets.exchange.market.intervals import INTERVALS, Interval
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import (
    CELL,
    CELLS_PER_DAY,
    CELLS_PER_MINUTE,
    cell_of,
)
from trading_assets.exchange.market.noise import IntArray
from trading_assets.exchange.market.outages import MINUTES_PER_DAY
from trading_assets.exchange.market.tape import Tape

MINUTE: Micros = 60_000_000
_SECOND: Micros = 1_000_000
_SECONDS_PER_CELL = CELL // _SECOND
_SECONDS_AT_ONCE = 1_000
_BAR_DAYS_KEPT = 64
_ROWS_KEPT = 24_000
_PARTS_KEPT = 16_384
_OPEN_BARS_KEPT = 1_024


class Klines:
    """Bars of all symbols as of any market time."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._model = tape.model
        self._outages = tape.outages
        self._day_bars = lru_cache(maxsize=_BAR_DAYS_KEPT + self._model.days_kept)(self._cut_day)
        self._day_rows = {
            name: lru_cache(maxsize=max(_ROWS_KEPT * interval.minutes // MINUTES_PER_DAY, 1))(
                self._write_day
            )
            for name, interval in INTERVALS.items()
        }
        self._whole_day = lru_cache(maxsize=_PARTS_KEPT)(self._cut_whole_day)
        self._minute_so_far = lru_cache(maxsize=_OPEN_BARS_KEPT)(self._cut_minute)
        self._open_row = lru_cache(maxsize=_OPEN_BARS_KEPT)(self._write_open_bar)

    # --- bars

    def _cut_day(self, listing: Listing, day: int) -> Bars:
        """Cut the one-minute bars of a whole day, whatever the time."""
        minutes = self._outages.trading_minutes(listing, day)
        return bars_from_cells(self._model.day(listing, day), day, minutes)

    def _cut_minute(self, listing: Listing, cell: int, count: int) -> Bars:
        """Cut the minute of a cell when `count` of the cell's trades have been."""
        minute = cell // CELLS_PER_MINUTE
        if (
            minute < self._outages.first_minute(listing)
            or self._outages.start_of(listing, minute) is not None
        ):
            return NO_BARS
        day, index = divmod(cell, CELLS_PER_DAY)
        path = self._model.day(listing, day)
        past = slice(index - index % CELLS_PER_MINUTE, index)
        begun = slice(past.start, index + 1)
        present = self._tape.cell(listing, cell).part(0, count)
        bought = present.lots * ~present.buyer_is_maker
        price = int(path.ticks[index])
        ticks, lots, taker = path.ticks[past], path.lots[past], path.taker_lots[past]
        figures = (
            minute,
            path.ticks[past.start],
            path.ticks[begun].max(),
            path.ticks[begun].min(),
            price,
            lots.sum() + present.lots.sum(),
            (lots * ticks).sum() + price * present.lots.sum(),
            path.trades[past].sum() + count,
            taker.sum() + bought.sum(),
            (taker * ticks).sum() + price * bought.sum(),
        )
        return Bars(*(np.array([figure], dtype=np.int64) for figure in figures))

    def _so_far(self, listing: Listing, now: Micros) -> int:
        """Give how many trades of the present cell have been."""
        return int(np.searchsorted(self._tape.cell(listing, cell_of(now)).ts, now, side="right"))

    def present_minute(self, listing: Listing, now: Micros) -> Bars:
        """Give the minute that stands open, one bar, or none while trading is closed."""
        return self._minute_so_far(listing, cell_of(now), self._so_far(listing, now))

    def minute_bars(self, listing: Listing, day: int, now: Micros) -> Bars:
        """Give the one-minute bars of one day as they stand at `now`."""
        minute = now // MINUTE
        if minute < day * MINUTES_PER_DAY:
            return NO_BARS
        bars = self._day_bars(listing, day)
        if minute >= (day + 1) * MINUTES_PER_DAY:
            return bars
        return join([bars.between(0, minute - 1), self.present_minute(listing, now)])

    def minutes_between(self, listing: Listing, first: int, last: int, now: Micros) -> Bars:
        """Give the one-minute bars that open from `first` to `last`, as they stand at `now`."""
        days = range(first // MINUTES_PER_DAY, min(last, now // MINUTE) // MINUTES_PER_DAY + 1)
        parts = [self.minute_bars(listing, day, now).between(first, last) for day in days]
        return join(parts or [NO_BARS])

    def span(self, listing: Listing, first: int, end: int, now: Micros) -> Bars:
        """Join all that traded from minute `first` to `end` - 1, by `now`: one bar, or none."""
        minute = now // MINUTE
        parts = [NO_BARS]
        for day in range(first // MINUTES_PER_DAY, min(end - 1, minute) // MINUTES_PER_DAY + 1):
            midnight, next_midnight = day * MINUTES_PER_DAY, (day + 1) * MINUTES_PER_DAY
            if first <= midnight and next_midnight <= min(end, minute):
                parts.append(self._whole_day(listing, day))
            else:
                parts.append(self.minute_bars(listing, day, now).between(first, end - 1))
        bars = join(parts)
        return grouped(bars, np.full(len(bars), first)) if len(bars) else NO_BARS

    def open_bar(self, listing: Listing, interval: Interval, now: Micros, zone: int = 0) -> Bars:
        """Give the bar that stands open at `now`: one, or none if nothing traded in it yet."""
        first = interval.open_of(now // MINUTE, zone)
        return self.span(listing, first, interval.end_of(first, zone), now)

    def _cut_whole_day(self, listing: Listing, day: int) -> Bars:
        return combine(self._day_bars(listing, day), INTERVALS["1d"])

    # --- rows

    def _write_day(
        self, listing: Listing, day: int, interval: Interval
    ) -> tuple[IntArray, list[str]]:
        bars = combine(self._day_bars(listing, day), interval)
        return bars.minute, write_rows(listing, bars, interval, 0)

    def _write_open_bar(
        self, listing: Listing, interval: Interval, cell: int, count: int
    ) -> list[str]:
        now = self._instant(listing, cell, count)
        return write_rows(listing, self.open_bar(listing, interval, now), interval, 0)

    def _instant(self, listing: Listing, cell: int, count: int) -> Micros:
        """Give an instant of a cell at which `count` of its trades have been."""
        return int(self._tape.cell(listing, cell).ts[count - 1]) if count else cell * CELL

    def pages(
        self,
        listing: Listing,
        interval: Interval,
        now: Micros,
        *,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        zone: int = 0,
    ) -> Iterator[list[str]]:
        """Yield the rows of a klines request day by day, in the order they are found.

        Open times are within [start_ms, end_ms], both inclusive; with a start the oldest `limit`
        rows from there (days come forwards), else the latest (days come backwards, the rows of
        each in order of time). A page may be empty.
        """
        now_minute = now // MINUTE
        first = interval.open_of(self._outages.first_minute(listing), zone)
        if start_ms is not None:
            first = max(first, -(-start_ms // MINUTE_MS))
        last = now_minute if end_ms is None else min(now_minute, end_ms // MINUTE_MS)
        if last < first:
            return iter(())
        forwards = start_ms is not None
        if interval.fits_days(zone):
            return self._day_pages(listing, interval, now, (first, last), limit, forwards=forwards)
        return self._long_pages(
            listing, interval, zone, now, (first, last), limit, forwards=forwards
        )

    def _day_pages(
        self,
        listing: Listing,
        interval: Interval,
        now: Micros,
        window: tuple[int, int],
        limit: int,
        *,
        forwards: bool,
    ) -> Iterator[list[str]]:
        """Yield rows of bars that do not reach over midnight, from whole days kept as text."""
        first, last = window
        present = interval.open_of(now // MINUTE)
        days = range(first // MINUTES_PER_DAY, last // MINUTES_PER_DAY + 1)
        for day in days if forwards else reversed(days):
            if limit <= 0:
                return
            opened, rows = self._day_rows[interval.name](listing, day, interval)
            low, high = np.searchsorted(opened, (first, min(last + 1, present))).tolist()
            page = rows[low:high]
            if first <= present <= last and present // MINUTES_PER_DAY == day:
                page += self._open_row(listing, interval, cell_of(now), self._so_far(listing, now))
            page = page[:limit] if forwards else page[-limit:]
            limit -= len(page)
            yield page

    def _long_pages(
        self,
        listing: Listing,
        interval: Interval,
        zone: int,
        now: Micros,
        window: tuple[int, int],
        limit: int,
        *,
        forwards: bool,
    ) -> Iterator[list[str]]:
        """Yield rows of bars that reach over midnight; each comes when its last day is read."""
        first, last = window
        opened = interval.open_of(first, zone)
        if opened < first:
            opened = interval.end_of(opened, zone)
        if not forwards:
            opened = interval.open_of(last, zone)
        while limit > 0 and first <= opened <= last:
            ended = interval.end_of(opened, zone)
            for day in range(opened // MINUTES_PER_DAY, min(ended, last) // MINUTES_PER_DAY):
                self._whole_day(listing, day)
                yield []
            rows = write_rows(listing, self.span(listing, opened, ended, now), interval, zone)
            yield rows
            limit -= len(rows)
            opened = ended if forwards else interval.open_of(opened - 1, zone)

    def second_rows(
        self,
        listing: Listing,
        now: Micros,
        *,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
    ) -> Iterator[list[str]]:
        """Yield rows of one second each, like `pages`; one without trades is flat and empty."""
        first = self._outages.first_minute(listing) * 60
        if start_ms is not None:
            first = max(first, -(-start_ms // 1_000))
        last = now // _SECOND if end_ms is None else min(now // _SECOND, end_ms // 1_000)
        forwards = start_ms is not None
        while limit > 0 and first <= last:
            if forwards:
                block = (first, min(first + _SECONDS_AT_ONCE - 1, last))
                first = block[1] + 1
            else:
                block = (max(last - _SECONDS_AT_ONCE + 1, first), last)
                last = block[0] - 1
            bars = self._second_bars(listing, *block, now)
            bars = (
                bars.part(0, limit) if forwards else bars.part(max(len(bars) - limit, 0), len(bars))
            )
            limit -= len(bars)
            open_ms = bars.minute * 1_000
            yield rows_from_bars(listing, bars, open_ms, open_ms + 999)

    def _second_bars(self, listing: Listing, first: int, last: int, now: Micros) -> Bars:
        """Cut the bars of the seconds `first` to `last`, counted from 1970, as of now."""
        seconds = np.arange(first, last + 1)
        cells = seconds // _SECONDS_PER_CELL
        trades = self._tape.cells(listing, int(cells[0]), int(cells[-1]) + 1).until(now)
        place = trades.ts // _SECOND - first
        inside = (place >= 0) & (place < len(seconds))
        place, lots, buys = place[inside], trades.lots[inside], ~trades.buyer_is_maker[inside]
        sums = np.zeros((3, len(seconds)), dtype=np.int64)
        for row, amounts in enumerate((lots, np.ones_like(lots), lots * buys)):
            np.add.at(sums[row], place, amounts)
        ticks = self._cell_ticks(listing, cells)
        is_open = self._open_minutes(listing, seconds // 60)
        columns = (seconds, *[ticks] * 4, sums[0], sums[0] * ticks, *sums[1:], sums[2] * ticks)
        return Bars(*(column[is_open] for column in columns))

    def _cell_ticks(self, listing: Listing, cells: IntArray) -> IntArray:
        """Give the price of each of consecutive cells."""
        days = range(int(cells[0]) // CELLS_PER_DAY, int(cells[-1]) // CELLS_PER_DAY + 1)
        ticks: IntArray = np.concatenate([self._model.day(listing, day).ticks for day in days])
        return ticks[cells - days[0] * CELLS_PER_DAY]

    def _open_minutes(self, listing: Listing, minutes: IntArray) -> npt.NDArray[np.bool_]:
        """Say of each of consecutive minutes whether it trades."""
        days = range(int(minutes[0]) // MINUTES_PER_DAY, int(minutes[-1]) // MINUTES_PER_DAY + 1)
        trading = [
            day * MINUTES_PER_DAY + self._outages.trading_minutes(listing, day) for day in days
        ]
        return np.isin(minutes, np.concatenate(trading))


def write_rows(listing: Listing, bars: Bars, interval: Interval, zone: int) -> list[str]:
    """Write bars of whole minutes as kline rows."""
    if not len(bars):
        return []
    close_ms = interval.ends(bars.minute, zone) * MINUTE_MS - 1
    return rows_from_bars(listing, bars, bars.minute * MINUTE_MS, close_ms)
