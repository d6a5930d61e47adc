"""Synthetic liquidity around the traded price: finite, drawn per cell, consumed by takers.

The book of a cell is a pure function of (seed, symbol, cell). What clients take from it is gone for
the rest of that cell; the next cell has a new book. Clients' resting orders stand beside it (see
`public_book`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trading_assets.domain.order import OrderSide
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import CELLS_PER_DAY, MarketModel
from trading_assets.exchange.market.noise import normals_from_words, uniforms_from_words, words

_DEPTH_SPREAD = 0.45
_DEPTH_GROWTH = 0.4  # levels further out hold more


@dataclass(slots=True)
class Level:
    """One price of the book; lots shrink as clients take them."""

    ticks: int
    lots: int


@dataclass(slots=True)
class Book:
    """Both sides of one symbol's book in one cell, best price first."""

    cell: int
    bids: list[Level]
    asks: list[Level]

    def against(self, side: OrderSide, limit_ticks: int | None) -> Iterator[Level]:
        """Yield the levels that an order of `side` meets, best first, with lots left.

        With a limit, only levels at that price or better.
        """
        for level in self.asks if side is OrderSide.BUY else self.bids:
            if limit_ticks is not None and (level.ticks - limit_ticks) * side > 0:
                return
            if level.lots:
                yield level

    def take(self, side: OrderSide, ticks: int, lots: int) -> None:
        """Remove what an order of `side` took at one price."""
        for level in self.against(side, None):
            if level.ticks == ticks:
                level.lots -= lots
                return


class OrderBooks:
    """The books of the present cell of every symbol."""

    def __init__(self, model: MarketModel) -> None:
        self._model = model
        self._present: dict[str, Book] = {}

    def at(self, listing: Listing, cell: int) -> Book:
        """Give the book of a cell; consumption lasts as long as the cell stays the same."""
        book = self._present.get(listing.instrument.symbol)
        if book is None or book.cell != cell:
            book = draw_book(self._model, listing, cell)
            self._present[listing.instrument.symbol] = book
        return book


def draw_book(model: MarketModel, listing: Listing, cell: int) -> Book:
    """Draw the untouched book of one cell."""
    day, index = divmod(cell, CELLS_PER_DAY)
    path = model.day(listing, day)
    last = int(path.ticks[index])
    bid = last - int(path.below[index])
    ask = bid + int(path.spread[index])
    levels = listing.levels
    raw = words(model.seed, listing.instrument.symbol, "book", cell, n=4 * levels + 2)
    total = normals_from_words(raw[-2:]).tolist()
    chance = uniforms_from_words(raw[:-2]).reshape(4, levels)
    gap = max(last * listing.level_gap_bps * 1e-4, 1.0)
    sides = []
    for side, (best, sign) in enumerate(((bid, -1), (ask, 1))):
        steps = 1 + (2 * chance[side] * (gap - 0.5)).astype(np.int64)
        steps[0] = 0
        prices = best + sign * np.cumsum(steps)
        depth = listing.depth * math.exp(_DEPTH_SPREAD * total[side])
        weight = np.arange(1, levels + 1) ** _DEPTH_GROWTH * (0.4 + 1.2 * chance[2 + side])
        value = depth * weight / weight.sum()
        lots = np.maximum(value * (1e8 / listing.value_units) / last, 1).astype(np.int64)
        sides.append(
            [
                Level(ticks, n)
                for ticks, n in zip(prices.tolist(), lots.tolist(), strict=True)
                if ticks > 0
            ]
        )
    return Book(cell, sides[0], sides[1])
