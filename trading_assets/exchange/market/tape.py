"""The public trades: every print of any cell, by number or by time, without the prints before it.

The trades of a cell are a pure function of (seed, symbol, cell): all at the cell's price, the first
at its first instant, the others spread over it, sizes in whole lots, each side of takers with
exactly the lots that the path gives it. So trades add up to the bars of every size.

Numbers (`id`) count the trades of a symbol from 1 since its listing, without gaps; aggregate trades
(neighbours of one side, price and instant: one taker order) have numbers of their own, likewise.
They are found without building the past: a day's number of trades follows from the day's volatility
(`MarketModel.year_trades`), a year of them is one table, and only days with an outage (three or
four a year) are built to be counted. The first request for a symbol costs some 5 ms a year.

"As of now" means trades of that instant and before.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.latent import days_from_epoch, year_of_day
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import (
    CELL,
    CELLS_PER_DAY,
    CELLS_PER_MINUTE,
    MarketModel,
    cell_of,
    meet_total,
    sides,
)
from trading_assets.exchange.market.noise import IntArray, WordArray, key_of, mixed
from trading_assets.exchange.market.outages import LISTED_MINUTE, MINUTES_PER_DAY, Outages

LISTED_YEAR = year_of_day(LISTED_MINUTE // MINUTES_PER_DAY)
_CELLS_KEPT = 256
_LAST_KEY = np.uint64(2**64 - 1)
_SIZE_BITS = np.uint64(1_023)


@dataclass(frozen=True, slots=True)
class Trades:
    """Consecutive public trades of one symbol; every array has one entry per trade.

    Attributes:
        id: number of the trade, from 1, without gaps: int64.
        ts: instant, in microseconds UTC: int64.
        ticks: price, in ticks: int64.
        lots: quantity, in lots: int64.
        buyer_is_maker: whether the taker sold: bool.
        aggregate: number of the aggregate trade that it belongs to: int64.
    """

    id: IntArray
    ts: IntArray
    ticks: IntArray
    lots: IntArray
    buyer_is_maker: npt.NDArray[np.bool_]
    aggregate: IntArray

    def __len__(self) -> int:
        """Give the number of trades."""
        return len(self.id)

    def part(self, first: int, last: int) -> Trades:
        """Give the trades at positions `first` to `last` - 1."""
        return Trades(*(getattr(self, field.name)[first:last] for field in fields(self)))

    def until(self, ts: Micros) -> Trades:
        """Give the trades of `ts` and before."""
        return self.part(0, int(np.searchsorted(self.ts, ts, side="right")))


_NOTHING = np.empty(0, dtype=np.int64)
NO_TRADES = Trades(_NOTHING, _NOTHING, _NOTHING, _NOTHING, np.empty(0, dtype=np.bool_), _NOTHING)


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Consecutive aggregate trades; every array has one entry each.

    Attributes:
        id: number, from 1, without gaps: int64.
        first: number of its first trade: int64; `last` of its last.
        ts: instant, in microseconds UTC: int64.
        ticks: price, in ticks: int64.
        lots: quantity, in lots: int64.
        buyer_is_maker: whether the taker sold: bool.
    """

    id: IntArray
    first: IntArray
    last: IntArray
    ts: IntArray
    ticks: IntArray
    lots: IntArray
    buyer_is_maker: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Give the number of aggregate trades."""
        return len(self.id)

    def part(self, first: int, last: int) -> Aggregates:
        """Give the aggregate trades at positions `first` to `last` - 1."""
        return Aggregates(*(getattr(self, field.name)[first:last] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class DayTape:
    """The trades of each cell of a day by their numbers; closed cells hold none.

    Attributes:
        first_trade: number of each cell's first trade, and of the next day's: int64[17281].
        first_aggregate: the same for aggregate trades.
        buys: trades of each cell whose taker bought: int32[17280].
        bought: aggregate trades whose taker bought: int32[17280].
    """

    first_trade: IntArray
    first_aggregate: IntArray
    buys: npt.NDArray[np.int32]
    bought: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _YearTable:
    """Number of the first trade and aggregate of each day of a year, and of the next year's."""

    trades: list[int]
    aggregates: list[int]


class Tape:
    """The public trades of all symbols of one market."""

    def __init__(self, model: MarketModel, outages: Outages) -> None:
        self.model = model
        self.outages = outages
        self.day = lru_cache(maxsize=model.days_kept)(self._day)
        self.cell = lru_cache(maxsize=_CELLS_KEPT)(self._cell)
        self._table = lru_cache(maxsize=1024)(self._year_table)

    # --- reading

    def _cell(self, listing: Listing, cell: int) -> Trades:
        """Give all trades of one cell, counted from 1970."""
        return self.cells(listing, cell, cell + 1)

    def cells(self, listing: Listing, first: int, end: int) -> Trades:
        """Give all trades of the cells `first` to `end` - 1, counted from 1970."""
        parts = []
        cell = first
        while cell < end:
            day, index = divmod(cell, CELLS_PER_DAY)
            stop = min(CELLS_PER_DAY, index + end - cell)
            parts.append(self._print(listing, day, index, stop))
            cell += stop - index
        if not parts:
            return NO_TRADES
        if len(parts) == 1:
            return parts[0]
        names = [field.name for field in fields(Trades)]
        return Trades(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))

    def present(self, listing: Listing, now: Micros) -> Trades:
        """Give the trades of the present cell, as of now."""
        return self.cell(listing, cell_of(now)).until(now)

    def next_ids(self, listing: Listing, now: Micros) -> tuple[int, int]:
        """Give the numbers of the next trade and aggregate trade after now."""
        if now < self.outages.first_minute(listing) * 60_000_000:
            return 1, 1
        present = self.present(listing, now)
        if len(present):
            return int(present.id[-1]) + 1, int(present.aggregate[-1]) + 1
        day, index = divmod(cell_of(now), CELLS_PER_DAY)
        tape = self.day(listing, day)
        return int(tape.first_trade[index]), int(tape.first_aggregate[index])

    def by_id(self, listing: Listing, first: int, limit: int, now: Micros) -> Trades:
        """Give up to `limit` trades from number `first` on, as of now."""
        first, end = max(first, 1), min(max(first, 1) + limit, self.next_ids(listing, now)[0])
        if first >= end:
            return NO_TRADES
        cells = [self._cell_of_id(listing, number, "trades") for number in (first, end - 1)]
        trades = self.cells(listing, cells[0], cells[1] + 1)
        skip = first - int(trades.id[0])
        return trades.part(skip, skip + end - first)

    def aggregates_by_id(self, listing: Listing, first: int, limit: int, now: Micros) -> Aggregates:
        """Give up to `limit` aggregate trades from number `first` on, as of now."""
        first, end = max(first, 1), min(max(first, 1) + limit, self.next_ids(listing, now)[1])
        if first >= end:
            return aggregated(NO_TRADES)
        cells = [self._cell_of_id(listing, number, "aggregates") for number in (first, end - 1)]
        found = aggregated(self.cells(listing, cells[0], cells[1] + 1))
        skip = first - int(found.id[0])
        return found.part(skip, skip + end - first)

    def first_at(self, listing: Listing, ts: Micros) -> tuple[int, int]:
        """Give the numbers of the first trade and aggregate trade at `ts` or after."""
        return self.next_ids(listing, ts - 1)

    # --- numbering

    def _cell_of_id(self, listing: Listing, number: int, kind: str) -> int:
        """Find the cell of a trade or aggregate trade that exists."""
        year = LISTED_YEAR
        while number >= getattr(self._table(listing, year), kind)[-1]:
            year += 1
        index = bisect_right(getattr(self._table(listing, year), kind), number) - 1
        day = days_from_epoch(year) + index
        tape = self.day(listing, day)
        starts = tape.first_trade if kind == "trades" else tape.first_aggregate
        return day * CELLS_PER_DAY + int(np.searchsorted(starts, number, side="right")) - 1

    def _year_table(self, listing: Listing, year: int) -> _YearTable:
        if year < LISTED_YEAR:
            days = days_from_epoch(year + 1) - days_from_epoch(year)
            return _YearTable([1] * (days + 1), [1] * (days + 1))
        origin = days_from_epoch(year)
        before = self._table(listing, year - 1)
        totals = [total.copy() for total in self.model.year_trades(listing, year)]
        for total in totals:
            total[: max(LISTED_MINUTE // MINUTES_PER_DAY - origin, 0)] = 0
        for day in self.outages.partial_days(listing, year):
            trades, _, aggregates, _ = self._counts(listing, day)
            totals[0][day - origin] = trades.sum()
            totals[1][day - origin] = aggregates.sum()
        starts = (before.trades[-1], before.aggregates[-1])
        trades, aggregates = (
            np.cumsum(np.concatenate([[start], total])).tolist()
            for start, total in zip(starts, totals, strict=True)
        )
        return _YearTable(trades, aggregates)

    def _counts(self, listing: Listing, day: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Give trades, those bought, aggregate trades and those bought of each cell of a day."""
        path = self.model.day(listing, day)
        year = year_of_day(day)
        total = int(self.model.year_trades(listing, year)[1][day - days_from_epoch(year)])
        least = sides(path.lots, path.taker_lots)
        wanted = np.clip((3 * path.trades + 4) // 5, least, path.trades)
        aggregates = meet_total(wanted, least, path.trades, total)
        buys = _share(path.trades, path.taker_lots, path.lots)
        bought = _share(aggregates, buys, path.trades)
        trading = np.zeros(MINUTES_PER_DAY, dtype=np.int64)
        trading[self.outages.trading_minutes(listing, day)] = 1
        is_open = np.repeat(trading, CELLS_PER_MINUTE)
        return path.trades * is_open, buys * is_open, aggregates * is_open, bought * is_open

    def _day(self, listing: Listing, day: int) -> DayTape:
        year = year_of_day(day)
        table = self._table(listing, year)
        index = day - days_from_epoch(year)
        trades, buys, aggregates, bought = self._counts(listing, day)
        return DayTape(
            table.trades[index] + np.concatenate([[0], np.cumsum(trades)]),
            table.aggregates[index] + np.concatenate([[0], np.cumsum(aggregates)]),
            buys.astype(np.int32),
            bought.astype(np.int32),
        )

    # --- printing

    def _print(self, listing: Listing, day: int, first: int, end: int) -> Trades:
        """Print the trades of the cells `first` to `end` - 1 of one day."""
        tape, path = self.day(listing, day), self.model.day(listing, day)
        part = slice(first, end)
        starts = (day * CELLS_PER_DAY + np.arange(first, end)) * CELL
        name = listing.instrument.symbol
        trades = np.diff(tape.first_trade[first : end + 1])
        taken = np.diff(tape.first_aggregate[first : end + 1])
        numbers = np.arange(tape.first_aggregate[first], tape.first_aggregate[end])
        order_words = mixed(key_of(self.model.seed, name, "taker order"), numbers)
        owner = np.repeat(np.arange(end - first), taken)
        place = np.arange(len(numbers)) - (np.cumsum(taken) - taken)[owner]
        buys = _bought(order_words, owner, place, tape.bought[part], path.below[part] > 0)
        ts = starts[owner] + _offsets(order_words, place, taken[owner])

        extra = _by_side(tape.buys[part], trades) - _by_side(tape.bought[part], taken)
        group = 2 * owner + ~buys
        count = 1 + _split(extra, group, _weights(order_words))
        ids = np.arange(tape.first_trade[first], tape.first_trade[end])
        words = mixed(key_of(self.model.seed, name, "trade"), ids)
        rest = _by_side(path.taker_lots[part], path.lots[part])
        rest = rest - _by_side(tape.buys[part], trades)
        lots = 1 + _split(rest, np.repeat(group, count), _weights(words))
        return Trades(
            id=ids,
            ts=np.repeat(ts, count),
            ticks=np.repeat(path.ticks[part][owner], count),
            lots=lots,
            buyer_is_maker=np.repeat(~buys, count),
            aggregate=np.repeat(numbers, count),
        )


def aggregated(trades: Trades) -> Aggregates:
    """Join trades into aggregate trades; the first and the last must be whole."""
    first = np.flatnonzero(np.diff(trades.aggregate, prepend=-1))
    last = np.append(first[1:], len(trades))[: len(first)] - 1
    return Aggregates(
        id=trades.aggregate[first],
        first=trades.id[first],
        last=trades.id[last],
        ts=trades.ts[first],
        ticks=trades.ticks[first],
        lots=np.add.reduceat(trades.lots, first) if len(first) else trades.lots,
        buyer_is_maker=trades.buyer_is_maker[first],
    )


def _share(counts: IntArray, part: IntArray, whole: IntArray) -> IntArray:
    """Share each count out like `part` of `whole`: a side that has any gets one at least."""
    rest = whole - part
    share = (2 * counts * part + whole) // np.maximum(2 * whole, 1)
    low = np.maximum((part > 0).astype(np.int64), counts - rest)
    high = np.minimum(part, counts - (rest > 0))
    shared: IntArray = np.clip(share, low, high)
    return shared


def _by_side(part: npt.NDArray[np.signedinteger], whole: IntArray) -> IntArray:
    """Give bought, sold, bought, sold... of consecutive cells."""
    return np.stack([part, whole - part], axis=1).ravel()


def _weights(words: WordArray) -> IntArray:
    """Give weights of 1 to 256, small ones more often."""
    part = (words & _SIZE_BITS).astype(np.int64)
    weights: IntArray = (part * part >> 12) + 1
    return weights


def _split(totals: IntArray, group: IntArray, weights: IntArray) -> IntArray:
    """Split each group's total among its members by weight, in whole numbers without a rest.

    Args:
        totals: what each group has; a group without members has nothing.
        group: the group of each member.
        weights: of each member, positive.
    """
    order = np.argsort(group, kind="stable")
    owner = group[order]
    summed = np.cumsum(weights[order])
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    size = np.diff(np.append(first, len(owner)))
    before = np.repeat(summed[first] - weights[order][first], size)
    whole = np.repeat(np.add.reduceat(weights[order], first) if len(first) else first, size)
    share = (summed - before) * totals[owner] // whole
    parts = np.diff(share, prepend=0)
    parts[first] = share[first]
    result: IntArray = np.empty_like(parts)
    result[order] = parts
    return result


def _bought(
    words: WordArray,
    owner: IntArray,
    place: IntArray,
    bought: npt.NDArray[np.int32],
    opens_up: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Draw which taker orders of each cell bought: so many of them, the first as the quote says."""
    first_key = np.where(opens_up[owner], np.uint64(0), _LAST_KEY)
    keys = np.where(place == 0, first_key, words)
    rank = np.empty_like(place)
    rank[np.lexsort((keys, owner))] = place
    return rank < bought[owner]


def _offsets(words: WordArray, place: IntArray, count: IntArray) -> IntArray:
    """Give each taker order's instant within its cell: one in each equal part, the first at 0."""
    room = (CELL // np.maximum(count, 1)).astype(np.uint64)
    jitter = (words >> np.uint64(10)) % np.maximum(room, np.uint64(1))
    offset = place * CELL // np.maximum(count, 1) + jitter.astype(np.int64)
    return np.where(place == 0, 0, offset)
