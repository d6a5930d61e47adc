"""The synthetic market: one seeded path per symbol, readable at any instant without its past.

Guarantees:

- **Deterministic.** Everything is a pure function of (seed, structure, symbol, instant): no state,
  no global generator, no order of access. Two processes, or one asked backwards, agree to the bit.
- **Random access.** Time is cut into cells of 5 s; a day of 17,280 cells is built alone, between
  the daily anchors of `latent` (tabulated per year). Nothing before the day is generated.
- **One path.** A cell has one traded price, reached at its first instant and held until its end.
  Bars of every size, last price, best bid and ask, the book and the trades that fill resting orders
  are all read from the same cells, so they agree exactly. Prices are whole ticks, volumes whole
  lots, traded values exact multiples of 1e-8.
- **Anchors meet.** The last cell of a day is the level from which the next day starts, and each
  cell's increment has the distribution it would have had in a walk without anchors (a bridge plus
  its own independent end point).
- **Crosses.** A pair quoted in BTC, ETH or BNB is the ratio of its two USDT paths, to the tick, so
  there is nothing to gain by going round in a triangle but half a tick.
- **No impact.** Clients never move the path.
- **structure = 0** is noise: the price is a martingale (independent signs, clustered volatility, no
  drift in price), up to tick rounding and a pull towards the listing's start price with a memory of
  one year (below 1 bp per hour, a ten-thousandth of an hour's variance).
- **structure > 0** adds drift regimes lasting several hours, common and own, at most
  `latent.drift_amplitude` hourly standard deviations of that day's noise strong; the day's total
  volatility is kept. Trailing returns, over the volatility, reveal the regime.

Returns of symbols correlate through a common factor; volatility clusters over days and quarters of
an hour and follows the hour and the weekday.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.latent import (
    HOURS,
    MARKET,
    NANO,
    Latent,
    days_from_epoch,
    year_of_day,
)
from trading_assets.exchange.market.listing import Listing, legs
from trading_assets.exchange.market.noise import (
    FloatArray,
    IntArray,
    normals,
    normals_from_words,
    uniforms_from_words,
    words,
)

CELL: Micros = 5_000_000
CELLS_PER_MINUTE = 12
CELLS_PER_HOUR = 720
CELLS_PER_DAY = 17_280

_QUARTERS = 96
_CELLS_PER_QUARTER = CELLS_PER_DAY // _QUARTERS
_BURST_MEMORY = 32
_BURST_DECAY = 0.88
_BURST_SPREAD = 0.30
_BURST_COMMON = 0.7
_VOLUME_SPREAD = 0.8
_MEAN_TRADES = 1.17  # of a cell's value in trade sizes, over its part of the day's usual value
DAYS_KEPT = 24

_QUARTER_HOUR = (np.arange(_QUARTERS) + 0.5) / 4
# Quiet before the Asian morning, busy from the European to the American one.
_SEASON = (
    1.0
    + 0.45 * np.exp(-(((_QUARTER_HOUR - 14.5) / 3.0) ** 2))
    + 0.15 * np.exp(-(((_QUARTER_HOUR - 8.0) / 2.0) ** 2))
    - 0.25 * np.exp(-(((_QUARTER_HOUR - 4.0) / 2.5) ** 2))
)
_burst = _BURST_DECAY ** np.arange(_BURST_MEMORY, dtype=np.float64)
_BURST_KERNEL: FloatArray = _burst / math.sqrt(float((_burst**2).sum()))
_PART_OF_DAY = np.arange(1, CELLS_PER_DAY + 1) / CELLS_PER_DAY
_HOUR_OF_CELL = (np.arange(CELLS_PER_DAY) + 0.5) / CELLS_PER_HOUR


@dataclass(frozen=True, slots=True)
class DayPath:
    """One symbol's cells of one UTC day; every array has 17,280 entries.

    Attributes:
        ticks: traded price of the cell, in ticks: int64.
        lots: traded quantity, in lots, at least two: int64.
        taker_lots: the part of it that buyers took: int64, from 0 to `lots`.
        trades: number of trades, at least one, and two where both sides took: int64.
        below: ticks from the traded price down to the best bid, 0 when the last trade was a sale.
        spread: ticks from the best bid to the best ask, at least one.
    """

    ticks: IntArray
    lots: IntArray
    taker_lots: IntArray
    trades: IntArray
    below: npt.NDArray[np.int32]
    spread: npt.NDArray[np.int32]


def cell_of(ts: Micros) -> int:
    """Give the cell (counted from 1970) that an instant belongs to."""
    return ts // CELL


def sides(lots: IntArray, taker_lots: IntArray) -> IntArray:
    """Give how many sides took in each cell: 0 (nothing traded), 1 or 2."""
    return (taker_lots > 0).astype(np.int64) + (lots > taker_lots)


def meet_total(counts: IntArray, low: IntArray, high: IntArray, total: int) -> IntArray:
    """Change counts as evenly as their bounds allow until they add up to `total`.

    Raises:
        ValueError: if the bounds do not allow it.
    """
    rest = total - int(counts.sum())
    room = np.minimum(high - counts, counts) if rest > 0 else counts - low
    if rest > int(room.sum()):
        room = high - counts
    if abs(rest) > int(room.sum()):
        raise ValueError(f"counts between {low.sum()} and {high.sum()} cannot add up to {total}")
    share = np.cumsum(room) * abs(rest) // max(int(room.sum()), 1)
    change: IntArray = np.diff(share, prepend=0)
    return counts + change if rest > 0 else counts - change


class MarketModel:
    """The paths of all symbols for one seed."""

    def __init__(self, seed: int, structure: float, days_kept: int = DAYS_KEPT) -> None:
        """Open the market of a seed.

        Args:
            seed: equal seeds are equal markets.
            structure: learnable part, 0 to 1.
            days_kept: days of a symbol that stay in memory, 0.7 MB each; a few per symbol.
        """
        self.seed = seed
        self.structure = structure
        self.days_kept = days_kept
        self.latent = Latent(seed, structure)
        self.day = lru_cache(maxsize=days_kept)(self._day)
        self._common = lru_cache(maxsize=DAYS_KEPT)(self._common_noise)

    def ticks_at(self, listing: Listing, cell: int) -> int:
        """Give the traded price of a cell, in ticks."""
        day, index = divmod(cell, CELLS_PER_DAY)
        return int(self.day(listing, day).ticks[index])

    def year_trades(self, listing: Listing, year: int) -> tuple[IntArray, IntArray]:
        """Give the trades and the aggregate trades of each day of a year, as if never closed.

        They follow from the day's volatility alone, and the cells of a day are made to add up to
        them, so that trades can be numbered without building the days before (see `tape`).
        """
        volatility = self.latent.year(listing, year).volatility
        usual = listing.daily_volatility * self.latent.noise_share
        mean = _MEAN_TRADES * listing.daily_volume / listing.trade_size
        total = (CELLS_PER_DAY / 2 + mean * (volatility / usual)).astype(np.int64)
        trades = np.maximum(total, 2 * CELLS_PER_DAY)
        return trades, np.maximum(3 * trades // 5, 2 * CELLS_PER_DAY)

    def _common_noise(self, day: int) -> FloatArray:
        return normals(self.seed, MARKET, "path", day, n=CELLS_PER_DAY)

    def _burst(self, name: str, day: int) -> FloatArray:
        noise = np.concatenate(
            [
                normals(self.seed, name, "burst", day - 1, n=_QUARTERS)[-_BURST_MEMORY + 1 :],
                normals(self.seed, name, "burst", day, n=_QUARTERS),
            ]
        )
        return np.convolve(noise, _BURST_KERNEL, mode="valid")

    def _variance(self, listing: Listing, day: int, volatility: float) -> FloatArray:
        """Give the variance of each cell; they add up to that of the day."""
        own = self._burst(listing.instrument.symbol, day)
        common = self._burst(MARKET, day)
        burst = _BURST_COMMON * common + math.sqrt(1 - _BURST_COMMON**2) * own
        weight = (_SEASON * np.exp(_BURST_SPREAD * burst)) ** 2
        per_cell = weight * (volatility**2 / (weight.sum() * _CELLS_PER_QUARTER))
        return np.repeat(per_cell, _CELLS_PER_QUARTER)

    def _day(self, listing: Listing, day: int) -> DayPath:
        year = self.latent.year(listing, year_of_day(day))
        index = day - year.first_day
        volatility = float(year.volatility[index])
        variance = self._variance(listing, day, volatility)
        own = normals(self.seed, listing.instrument.symbol, "path", day, n=CELLS_PER_DAY)
        shock = listing.common * self._common(day) + math.sqrt(1 - listing.common**2) * own

        pair = legs(listing)
        if pair is not None:
            return self._with_trades(listing, day, self._ratio(listing, pair, day), variance, shock)
        walk = np.cumsum(np.rint(np.sqrt(variance) * shock * NANO).astype(np.int64))
        share = np.cumsum(variance)
        share /= share[-1]
        bridge = walk + np.rint(share * float(int(year.martingale[index]) - int(walk[-1])))
        regime = year.regime[index * HOURS : (index + 1) * HOURS + 1]
        tilt = np.interp(_HOUR_OF_CELL, np.arange(HOURS + 1), regime)
        hourly = self.latent.amplitude * volatility / math.sqrt(HOURS)
        drift = np.rint(np.cumsum(tilt) * (hourly / CELLS_PER_HOUR * NANO))
        start, end = int(year.level[index]), int(year.level[index + 1])
        rest = end - start - int(year.martingale[index]) - int(year.drift[index])
        level = start + (bridge + drift + np.rint(_PART_OF_DAY * rest)).astype(np.int64)
        level[-1] = end
        ticks = np.maximum(np.rint(np.exp(level / NANO)).astype(np.int64), 1)
        return self._with_trades(listing, day, ticks, variance, shock)

    def _ratio(self, listing: Listing, pair: tuple[Listing, Listing], day: int) -> IntArray:
        """Give the path of a cross pair: the price of its base over that of its quote."""
        over, under = (self.day(leg, day).ticks * float(leg.instrument.tick) for leg in pair)
        ticks = np.rint(over / under / float(listing.instrument.tick))
        return np.maximum(ticks.astype(np.int64), 1)

    def _with_trades(
        self, listing: Listing, day: int, ticks: IntArray, variance: FloatArray, shock: FloatArray
    ) -> DayPath:
        """Dress the path with volume, trades and quotes."""
        name = listing.instrument.symbol
        raw = words(self.seed, name, "volume", day, n=2 * CELLS_PER_DAY)
        size = normals_from_words(raw[:CELLS_PER_DAY])
        chance = uniforms_from_words(raw[CELLS_PER_DAY:])
        usual = listing.daily_volatility * self.latent.noise_share
        heat = np.sqrt(variance * (CELLS_PER_DAY / usual**2))
        value = (
            listing.daily_volume
            / CELLS_PER_DAY
            * heat
            * np.exp(_VOLUME_SPREAD * size + 0.25 * np.abs(shock) - 0.5 * _VOLUME_SPREAD**2)
        )
        lots = np.maximum(np.rint(value * (1e8 / listing.value_units) / ticks), 2).astype(np.int64)
        natural = 1 + (value * (0.5 + chance) / listing.trade_size).astype(np.int64)
        buying = 0.5 + 0.18 * np.clip(shock, -2.0, 2.0) + 0.2 * (chance - 0.5)
        spread = np.rint(ticks * (listing.spread_bps * 1e-4) * (0.5 + chance) * np.sqrt(heat))
        spread = np.maximum(spread, 1).astype(np.int32)
        sold = (raw[CELLS_PER_DAY:] & np.uint64(1)).astype(bool)
        taker_lots = np.rint(lots * np.clip(buying, 0.0, 1.0)).astype(np.int64)
        year = year_of_day(day)
        total = self.year_trades(listing, year)[0][day - days_from_epoch(year)]
        least = sides(lots, taker_lots)
        trades = meet_total(np.clip(natural, least, lots), least, lots, int(total))
        return DayPath(
            ticks=ticks,
            lots=lots,
            taker_lots=taker_lots,
            trades=trades,
            below=np.where(sold, 0, spread).astype(np.int32),
            spread=spread,
        )
