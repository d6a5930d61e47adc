"""Maintenance: when the venue was down, known in advance and the same for ever.

During an outage no cell trades: klines have no rows for its minutes, orders answer -2010 "Market is
closed.", resting orders neither fill nor expire, and the book stands as before it. The hidden path
goes on, so prices jump across. Each year has one outage in February (2024: the 20th, 03:29 to
06:00 UTC) and two or three more; a symbol's last bar may come a minute later than the others'.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

import numpy as np

from trading_assets.exchange.market.latent import days_from_epoch, year_of_day
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import CELLS_PER_MINUTE
from trading_assets.exchange.market.noise import IntArray, words

MINUTES_PER_DAY = 1_440
LISTED_MINUTE = 17_395 * MINUTES_PER_DAY + 4 * 60
"""First minute of every symbol: 2017-08-17T04:00Z."""

_FEBRUARY_2024 = (days_from_epoch(2024) + 50) * MINUTES_PER_DAY + 3 * 60 + 29
_FEBRUARY_2024_MINUTES = 151
_DURATIONS = (32, 45, 60, 90, 120, 150, 210, 272)


class Outages:
    """The outage table of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._year = lru_cache(maxsize=128)(self._draw_year)

    def _draw_year(self, year: int) -> tuple[tuple[int, int, int], ...]:
        """Give (first minute, minute after the last, jitter bits), oldest first."""
        raw = [int(word) for word in words(self._seed, "outages", year, n=16)]
        months = [1, 4 + raw[0] % 2, 7 + raw[1] % 2] + ([10] if raw[2] % 2 else [])
        table = []
        for number, month in enumerate(months):
            first, second = raw[3 + 2 * number], raw[4 + 2 * number]
            day = days_from_epoch(year) + 30 * month + first % 28 + 1
            start = day * MINUTES_PER_DAY + (first >> 8) % 360
            minutes = _DURATIONS[second % len(_DURATIONS)]
            if year == 2024 and number == 0:
                start, minutes = _FEBRUARY_2024, _FEBRUARY_2024_MINUTES
            table.append((start, start + minutes, second >> 16))
        return tuple(table)

    def of_year(self, listing: Listing, year: int) -> tuple[tuple[int, int], ...]:
        """Give (first minute, minute after the last) of each outage of one symbol in one year.

        Minutes count from 1970.
        """
        late = sum(listing.instrument.symbol.encode())
        return tuple(
            (start + ((bits >> (late % 8)) & 1), end) for start, end, bits in self._year(year)
        )

    def first_minute(self, listing: Listing) -> int:
        """Give the first minute of a symbol, counted from 1970."""
        return LISTED_MINUTE

    def partial_days(self, listing: Listing, year: int) -> tuple[int, ...]:
        """List the days of a year, counted from 1970, on which not every minute trades."""
        days = {LISTED_MINUTE // MINUTES_PER_DAY}
        for start, end in self.of_year(listing, year):
            days.update(range(start // MINUTES_PER_DAY, (end - 1) // MINUTES_PER_DAY + 1))
        return tuple(sorted(day for day in days if year_of_day(day) == year))

    def start_of(self, listing: Listing, minute: int) -> int | None:
        """Give the first minute of the outage that `minute` lies in, or None."""
        table = self.of_year(listing, year_of_day(minute // MINUTES_PER_DAY))
        index = bisect_right(table, (minute, 1 << 62)) - 1
        if index >= 0 and table[index][0] <= minute < table[index][1]:
            return table[index][0]
        return None

    def trading_minutes(self, listing: Listing, day: int) -> IntArray:
        """Give the minutes of a day (0 to 1439) that have bars: int64, increasing."""
        first = day * MINUTES_PER_DAY
        is_open = np.ones(MINUTES_PER_DAY, dtype=bool)
        is_open[: max(LISTED_MINUTE - first, 0)] = False
        for start, end in self.of_year(listing, year_of_day(day)):
            is_open[max(start - first, 0) : max(end - first, 0)] = False
        return np.flatnonzero(is_open).astype(np.int64)

    def quoted_cell(self, listing: Listing, cell: int) -> int:
        """Give the cell whose book shows at `cell`: itself, or the last before an outage."""
        start = self.start_of(listing, cell // CELLS_PER_MINUTE)
        return cell if start is None else start * CELLS_PER_MINUTE - 1
