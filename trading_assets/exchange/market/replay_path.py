"""The declared path inside a replayed minute: twelve cells that rebuild its bar exactly.

The minute opens at its first instant, then goes to its low and its high (to its high and its low if
it closes below its open), and closes in its last cell. Each of these four prices trades one lot,
if it can be with the open and the high bought, the low and the close sold. The rest trades between
them, each side of takers at the two whole ticks around its own average price: so volume, value,
both taker amounts and the number of trades come out to the unit. A cell where nothing trades holds
the price before it.

Minutes of fewer than twelve trades or too few lots take only the prices they need. Prices, volume
and the number of trades stay exact there; value and taker amounts are the nearest that so few
trades allow.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import product
from math import gcd

import numpy as np
import numpy.typing as npt

from trading_assets.exchange.market.market_model import CELLS_PER_MINUTE
from trading_assets.exchange.market.noise import IntArray

_SIDES = sorted(product((1, 0), repeat=4), key=lambda sides: sides != (1, 1, 0, 0))
"""Sides of open, high, low and close (1 bought), the preferred ones first."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """Bars in whole ticks and lots; every array is int64 of one length.

    Attributes:
        open: in ticks; `high`, `low`, `close` likewise.
        lots: traded quantity; `taker_lots` what buyers took.
        value: in ticks x lots; `taker_value` of what buyers took.
        trades: number of trades.
    """

    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray
    lots: IntArray
    value: IntArray
    trades: IntArray
    taker_lots: IntArray
    taker_value: IntArray


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of some minutes; every array is int64[minutes, 12].

    Attributes:
        ticks: price, held where nothing trades.
        lots: traded quantity; `taker_lots` what buyers took.
        trades: number of trades.
    """

    ticks: IntArray
    lots: IntArray
    taker_lots: IntArray
    trades: IntArray


def cells_of(bars: Minutes) -> Cells:
    """Lay out the cells of every minute."""
    ticks, lots, taker, is_rich = _rich(bars)
    ticks = _held(ticks, lots)
    trades = _trades(lots, (lots > 0).astype(np.int64), bars.trades)
    for row in np.flatnonzero(~is_rich).tolist():
        ticks[row], lots[row], taker[row], trades[row] = _thin(bars, row)
    return Cells(ticks, lots, taker, trades)


def _rich(bars: Minutes) -> tuple[IntArray, IntArray, IntArray, npt.NDArray[np.bool_]]:
    """Lay out minutes of many trades; the last result says for which of them it holds."""
    shape = (len(bars.open), CELLS_PER_MINUTE)
    ticks, lots, taker = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    enough = (bars.trades >= CELLS_PER_MINUTE) & (bars.lots >= bars.trades)
    done = np.zeros(len(bars.open), dtype=bool)
    for sides in _SIDES:
        rows = np.flatnonzero(enough & ~done)
        part = Minutes(*(getattr(bars, field.name)[rows] for field in fields(Minutes)))
        cells, holds = _with_sides(part, sides)
        for table, column in zip((ticks, lots, taker), cells, strict=True):
            table[rows[holds]] = column[holds]
        done[rows[holds]] = True
    return ticks, lots, taker, done


def _with_sides(
    bars: Minutes, sides: tuple[int, ...]
) -> tuple[list[IntArray], npt.NDArray[np.bool_]]:
    """Lay out minutes whose open, high, low and close are bought (1) or sold (0)."""
    points = (bars.open, bars.high, bars.low, bars.close)
    bought_value = sum(price * side for price, side in zip(points, sides, strict=True))
    sold_value = sum(points) - bought_value
    bought = sum(sides)
    b, b_low, b_high, b_holds = _around(
        bars, bars.taker_lots - bought, bars.taker_value - bought_value
    )
    s, s_low, s_high, s_holds = _around(
        bars,
        bars.lots - bars.taker_lots - (len(sides) - bought),
        bars.value - bars.taker_value - sold_value,
    )
    halves = [(part - part // 2, part // 2) for part in (b_low, b_high, s_low, s_high)]
    (bl, bl2), (bh, bh2), (sl, sl2), (sh, sh2) = halves
    one, no = np.ones_like(b), np.zeros_like(b)
    o, h, low, c = (side * one for side in sides)
    rises = bars.close >= bars.open
    cells = [
        (bars.open, one, o),
        (s, sl, no),
        (b, bl, bl),
        (np.where(rises, bars.low, bars.high), one, np.where(rises, low, h)),
        (s + 1, sh, no),
        (b + 1, bh, bh),
        (s, sl2, no),
        (b, bl2, bl2),
        (np.where(rises, bars.high, bars.low), one, np.where(rises, h, low)),
        (b + 1, bh2, bh2),
        (s + 1, sh2, no),
        (bars.close, one, c),
    ]
    return [np.stack(column, axis=1) for column in zip(*cells, strict=True)], b_holds & s_holds


def _around(
    bars: Minutes, lots: IntArray, value: IntArray
) -> tuple[IntArray, IntArray, IntArray, npt.NDArray[np.bool_]]:
    """Split lots over two neighbouring ticks so that they have a value.

    Gives the lower tick, the lots at it and at the next, and whether both lie within the bar.
    """
    below = value // np.maximum(lots, 1)
    above_lots = value - below * lots
    inside = (below >= bars.low) & (
        (below < bars.high) | ((below == bars.high) & (above_lots == 0))
    )
    return (
        below,
        lots - above_lots,
        above_lots,
        inside & ((lots > 0) | ((lots == 0) & (value == 0))),
    )


def _held(ticks: IntArray, lots: IntArray) -> IntArray:
    """Let cells without trades hold the price before them."""
    slots = np.where(lots > 0, np.arange(CELLS_PER_MINUTE), 0)
    held: IntArray = np.take_along_axis(ticks, np.maximum.accumulate(slots, axis=1), axis=1)
    return held


def _trades(lots: IntArray, least: IntArray, total: IntArray) -> IntArray:
    """Share each minute's trades among its cells, by their lots and at least `least`."""
    rest = np.maximum(total - least.sum(axis=1), 0)[:, None]
    room = lots - least
    share = np.cumsum(room, axis=1) * rest // np.maximum(room.sum(axis=1), 1)[:, None]
    result: IntArray = least + np.diff(share, axis=1, prepend=0)
    return result


# --- minutes of few trades


def _thin(bars: Minutes, row: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """Lay out one minute of few trades or lots."""
    o, h, low, c = (int(a[row]) for a in (bars.open, bars.high, bars.low, bars.close))
    lots = int(bars.lots[row])
    count = min(int(bars.trades[row]), lots) or min(lots, 1)
    points = _needed_prices(o, h, low, c, count)
    used = min(len(points), count)
    if used == 0 or used < len(points):
        return _unexplained(points, lots, int(bars.taker_lots[row]), count)
    value = int(bars.value[row])
    extra = _extra_prices(points, lots, value, (low, h), count - len(points))
    prices = [points[0], *extra, *points[1:]]
    return _sided(prices, _sizes(prices, lots, value), int(bars.taker_lots[row]), count)


def _needed_prices(o: int, h: int, low: int, c: int, count: int) -> list[int]:
    """List the prices that must trade, in order."""
    extremes = [price for price in (low, h) if not min(o, c) <= price <= max(o, c)]
    if c < o:
        extremes.reverse()
    closes = [c] if extremes or c != o or count > 1 else []
    return [o, *extremes, *closes]


def _extra_prices(
    points: list[int], lots: int, value: int, bounds: tuple[int, int], spare: int
) -> list[int]:
    """Choose up to two neighbouring prices where the rest of the lots has the rest of the value."""
    rest, wanted = lots - len(points), value - sum(points)
    if rest <= 0 or spare <= 0:
        return []
    below = min(max(wanted // rest, bounds[0]), bounds[1])
    alone = spare == 1 or rest == 1 or below == bounds[1] or wanted == rest * below
    return [below] if alone else [below, below + 1]


def _sizes(prices: list[int], lots: int, value: int) -> list[int]:
    """Give each price at least one lot so that all have `lots` and, if it can be, `value`.

    The rest is shared by the lowest price, the highest, and at most one between them.
    """
    sizes = [1] * len(prices)
    rest = lots - len(prices)
    lowest, highest = min(prices), max(prices)
    span = highest - lowest
    wanted = min(max(value - sum(prices) - rest * lowest, 0), rest * span)
    bottom, top = prices.index(lowest), prices.index(highest)
    best = (1 << 62, 0, 0, bottom)
    for middle, price in enumerate(prices):
        if span:
            best = min(best, (*_shared(wanted, rest, price - lowest, span), middle))
    if span:
        _, size, many, middle = best
        sizes[middle] += size
        sizes[top] += many
        rest -= size + many
    sizes[bottom] += rest
    return sizes


def _shared(wanted: int, rest: int, step: int, span: int) -> tuple[int, int, int]:
    """Solve size x step + many x span = wanted in whole numbers, size + many at most `rest`.

    Gives how much is missed, and the two numbers: an exact solution if there is one, and else what
    comes close.
    """
    common = gcd(step, span)
    if step and wanted % common == 0:
        size = wanted // common * pow(step // common, -1, span // common) % (span // common)
        many = (wanted - size * step) // span
        if many >= 0 and size + many <= rest:
            return 0, size, many
    many = min(wanted // span, rest)
    left = wanted - many * span
    size = min((left + step // 2) // step, rest - many) if step else 0
    return abs(left - size * step), size, many


def _sided(
    prices: list[int], sizes: list[int], taker: int, count: int
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Give each price its side: whole where one trade must do, split at one price else."""
    taken = [0] * len(prices)
    if count > len(prices):
        rest = taker
        for index, size in enumerate(sizes):
            taken[index] = min(size, rest)
            rest -= taken[index]
    else:
        sums = [0]
        for size in sizes:
            sums += [part + size for part in sums]
        chosen = min(range(len(sums)), key=lambda bits: abs(sums[bits] - taker))
        taken = [size if chosen >> index & 1 else 0 for index, size in enumerate(sizes)]
    least = [(t > 0) + (t < s) for t, s in zip(taken, sizes, strict=True)]
    table = np.array([sizes]), np.array([least]), np.array([count])
    trades = _trades(*table)[0].tolist()
    return _spread(prices, hold=True), _spread(sizes), _spread(taken), _spread(trades)


def _unexplained(
    points: list[int], lots: int, taker: int, count: int
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Lay out a bar whose prices need more trades than it has: the first price has them all."""
    taken = (taker if count > 1 else lots * (2 * taker > lots)) if lots else 0
    rest = [0] * (len(points) - 1)
    return (
        _spread(points, hold=True),
        _spread([lots, *rest]),
        _spread([taken, *rest]),
        _spread([count, *rest]),
    )


def _spread(values: list[int], *, hold: bool = False) -> list[int]:
    """Put values into twelve cells: the first into the first, the last into the last."""
    cells = [0] * CELLS_PER_MINUTE
    last = len(values) - 1
    places = [index * (CELLS_PER_MINUTE - 1) // max(last, 1) for index in range(len(values))]
    for place, value in zip(places, values, strict=True):
        cells[place] = value
    if hold:
        for index in range(1, CELLS_PER_MINUTE):
            cells[index] = cells[index] or cells[index - 1]
    return cells
