"""Real archives as the market: the path of each symbol is cut from its one-minute bars.

Minutes that the files do not have are an outage; before the first and after the last the market is
closed. Quotes and the book around the path are synthetic, as in the model. Nothing here is random:
equal files and an equal seed are an equal market.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.market.latent import days_from_epoch, year_of_day
from trading_assets.exchange.market.listing import Listing, replayed_listing
from trading_assets.exchange.market.market_model import (
    CELLS_PER_DAY,
    CELLS_PER_MINUTE,
    DAYS_KEPT,
    DayPath,
    MarketModel,
)
from trading_assets.exchange.market.noise import IntArray, key_of, mixed, uniforms_from_words
from trading_assets.exchange.market.outages import LISTED_MINUTE, MINUTES_PER_DAY, Outages
from trading_assets.exchange.market.replay_files import (
    UNITS,
    ArchiveBars,
    archives_in,
    read_archives,
)
from trading_assets.exchange.market.replay_path import Minutes, cells_of

_USUAL_TRADES = CELLS_PER_MINUTE  # of a minute whose file does not count them


@dataclass(frozen=True, slots=True)
class Replayed:
    """One symbol's archive in the units of its listing.

    Attributes:
        listing: the symbol, with the tick and lot that the archive needs.
        minute: open times, minutes since 1970, increasing: int64[n].
        bars: the bars in whole ticks and lots.
        digest: SHA-256 over the files.
    """

    listing: Listing
    minute: IntArray
    bars: Minutes
    digest: str

    def rows(self, first: int, end: int) -> slice:
        """Give the rows of the minutes `first` to `end` - 1."""
        return slice(*np.searchsorted(self.minute, [first, end]).tolist())


def load_replay(folder: Path, symbols: tuple[str, ...]) -> dict[str, Replayed]:
    """Read the archives of the listed symbols.

    Raises:
        ConfigurationError: if a symbol has no archive, or a file cannot be used.
    """
    found = archives_in(folder)
    missing = [symbol for symbol in symbols if symbol not in found]
    if missing:
        raise ConfigurationError(
            f"No archive of {', '.join(missing)} in {folder}",
            expected="one-minute files of every listed symbol",
            found=", ".join(sorted(found)),
            fix="List only symbols that have files.",
        )
    return {symbol: _in_units(symbol, read_archives(found[symbol])) for symbol in symbols}


def _in_units(symbol: str, archive: ArchiveBars) -> Replayed:
    if archive.minute[0] < LISTED_MINUTE:
        raise ConfigurationError(
            f"The archive of {symbol} begins too early",
            expected="2017-08-17T04:00Z or later",
            found=f"minute {archive.minute[0]} since 1970",
            fix="Take the older files away.",
        )
    listing = _fitted(replayed_listing(symbol), archive)
    tick, lot = listing.tick_units, listing.instrument.lot_units
    prices = archive.prices // tick
    lots = _rounded(archive.volume, lot)
    lots = np.where((lots == 0) & (archive.volume > 0), 1, lots)
    low, high = prices[2], prices[1]
    average = prices.sum(axis=0) // 4
    value = lots * average
    if archive.quote_volume is not None:
        value = _rounded(archive.quote_volume, listing.value_units)
    trades = np.minimum(lots, _USUAL_TRADES) if archive.count is None else archive.count
    taker = lots // 2 if archive.taker_volume is None else _rounded(archive.taker_volume, lot)
    taker = np.minimum(taker, lots)
    if archive.taker_quote_volume is None:
        taker_value = np.clip(value - (lots - taker) * average, taker * low, taker * high)
    else:
        taker_value = _rounded(archive.taker_quote_volume, listing.value_units)
    bars = Minutes(
        prices[0],
        prices[1],
        prices[2],
        prices[3],
        lots,
        value,
        np.minimum(trades, lots),
        taker,
        taker_value,
    )
    return Replayed(listing, archive.minute, bars, archive.digest)


def _rounded(units: IntArray, step: int) -> IntArray:
    """Divide to the nearest whole number, halves up."""
    quotient: IntArray = (units + step // 2) // step
    return quotient


def _fitted(listing: Listing, archive: ArchiveBars) -> Listing:
    """Give the listing the coarsest decimal tick and lot, not above its own, that the bars fit.

    A tick of one lot must be worth 1e-8 of the quote asset at least; where the bars are finer than
    that, the lot is coarser and volumes are rounded to it.
    """
    instrument = listing.instrument
    tick = _decimal_step(archive.prices, listing.tick_units)
    volumes = [archive.volume, archive.taker_volume]
    finest = np.concatenate([part for part in volumes if part is not None])
    lot = max(_decimal_step(finest, instrument.lot_units), -(-UNITS // tick))
    grown = Decimal(instrument.lot_units) / lot
    return replace(
        listing,
        instrument=replace(instrument, tick=Decimal(tick) / UNITS, lot=Decimal(lot) / UNITS),
        max_lots=max(int(listing.max_lots * grown), 1),
        max_market_lots=max(int(listing.max_market_lots * grown), 1),
    )


def _decimal_step(units: IntArray, most: int) -> int:
    """Give the largest power of ten, not above `most`, that divides all units."""
    common = int(np.gcd.reduce(units.ravel())) or most
    step = 1
    while step * 10 <= most and common % (step * 10) == 0:
        step *= 10
    return step


class ReplayMarket(MarketModel):
    """The path of archives, behind the face of the model."""

    def __init__(
        self, seed: int, archives: dict[str, Replayed], days_kept: int = DAYS_KEPT
    ) -> None:
        super().__init__(seed, 0.0, days_kept)
        self._archives = archives

    def year_trades(self, listing: Listing, year: int) -> tuple[IntArray, IntArray]:
        """Give the trades of each day of a year; each is an aggregate trade of its own."""
        archive = self._archives[listing.instrument.symbol]
        first, end = (days_from_epoch(y) * MINUTES_PER_DAY for y in (year, year + 1))
        rows = archive.rows(first, end)
        total = np.zeros((end - first) // MINUTES_PER_DAY, dtype=np.int64)
        counts = _counted(archive.bars)[rows]
        np.add.at(total, (archive.minute[rows] - first) // MINUTES_PER_DAY, counts)
        return total, total

    def _day(self, listing: Listing, day: int) -> DayPath:
        archive = self._archives[listing.instrument.symbol]
        first = day * MINUTES_PER_DAY
        rows = archive.rows(first, first + MINUTES_PER_DAY)
        bars = Minutes(*(getattr(archive.bars, name)[rows] for name in Minutes.__slots__))
        cells = cells_of(bars)
        before = max(rows.start - 1, 0)
        idle = archive.bars.close[before] if rows.start else archive.bars.open[0]
        place = archive.minute[rows] - first
        closes = np.concatenate([[idle], bars.close])
        latest = np.searchsorted(place, np.arange(MINUTES_PER_DAY), side="right")
        ticks = np.repeat(closes[latest][:, None], CELLS_PER_MINUTE, axis=1)
        amounts = np.zeros((3, MINUTES_PER_DAY, CELLS_PER_MINUTE), dtype=np.int64)
        ticks[place] = cells.ticks
        for table, part in zip(amounts, (cells.lots, cells.taker_lots, cells.trades), strict=True):
            table[place] = part
        lots, taker_lots, trades = (table.ravel() for table in amounts)
        return self._quoted(listing, day, ticks.ravel(), lots, taker_lots, trades)

    def _quoted(
        self,
        listing: Listing,
        day: int,
        ticks: IntArray,
        lots: IntArray,
        taker_lots: IntArray,
        trades: IntArray,
    ) -> DayPath:
        """Put quotes around the path."""
        numbers = np.arange(day * CELLS_PER_DAY, (day + 1) * CELLS_PER_DAY)
        raw = mixed(key_of(self.seed, listing.instrument.symbol, "quotes"), numbers)
        width = listing.spread_bps * 1e-4 * (0.5 + uniforms_from_words(raw))
        spread = np.maximum(np.rint(ticks * width), 1).astype(np.int32)
        bought = np.where(lots > 0, 2 * taker_lots >= lots, (raw & np.uint64(1)).astype(bool))
        below = np.where(bought, np.minimum(spread, ticks - 1), 0).astype(np.int32)
        return DayPath(ticks, lots, taker_lots, trades, below, spread)


def _counted(bars: Minutes) -> IntArray:
    """Give the trades that the cells of each minute hold: none without lots, else one at least."""
    counted: IntArray = np.minimum(np.maximum(bars.trades, 1), bars.lots)
    return counted


class ReplayOutages(Outages):
    """When the archives have no bars."""

    def __init__(self, seed: int, archives: dict[str, Replayed]) -> None:
        super().__init__(seed)
        self._archives = archives

    def first_minute(self, listing: Listing) -> int:
        """Give the first minute of a symbol's archive."""
        return int(self._archives[listing.instrument.symbol].minute[0])

    def of_year(self, listing: Listing, year: int) -> tuple[tuple[int, int], ...]:
        """Give (first minute, minute after the last) of each gap that begins in a year."""
        minute = self._archives[listing.instrument.symbol].minute
        gaps = np.flatnonzero(np.diff(minute) > 1)
        pairs = zip((minute[gaps] + 1).tolist(), minute[gaps + 1].tolist(), strict=True)
        return tuple(
            (start, end) for start, end in pairs if year_of_day(start // MINUTES_PER_DAY) == year
        )

    def partial_days(self, listing: Listing, year: int) -> tuple[int, ...]:
        """List no days: what the files count is what traded."""
        return ()

    def start_of(self, listing: Listing, minute: int) -> int | None:
        """Give the first minute without bars of the gap that `minute` lies in, or None."""
        minutes = self._archives[listing.instrument.symbol].minute
        index = int(np.searchsorted(minutes, minute, side="right"))
        if index == 0:
            return int(minutes[0]) + 1  # no book before the first: the first minute's shows
        last = int(minutes[index - 1])
        return None if last == minute else last + 1

    def trading_minutes(self, listing: Listing, day: int) -> IntArray:
        """Give the minutes of a day (0 to 1439) that have bars: int64, increasing."""
        archive = self._archives[listing.instrument.symbol]
        first = day * MINUTES_PER_DAY
        minutes: IntArray = archive.minute[archive.rows(first, first + MINUTES_PER_DAY)] - first
        return minutes
