"""FIFO queues of lots, one per book: arrays beside the state's record, so that they can grow.

How many lots a position is made of has no bound. As arrays of their own the queues get longer
without a change of any type, so nothing is compiled anew for a position of many lots.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_assets.records.arrays import Records

LOTS_PER_BOOK = 64
"""Lots that a queue starts with room for."""

LOT = np.dtype(
    [
        ("units", "i8"),  # 1e-8 of base, negative when short
        ("cost", "i8"),  # quote units paid or received, before fees
        ("fee", "i8"),  # quote units
        ("price", "f8"),
        ("ts", "i8"),
        ("order_id", "i8"),
    ],
    align=True,
)


class Queues(NamedTuple):
    """Rings of lots; how many of a ring are in use is the book's `n_lots`.

    Attributes:
        lots: LOT (B, L), a ring per book.
        heads: int64 (B,), place of the oldest lot in each.
    """

    lots: Records
    heads: NDArray[np.int64]

    @property
    def room(self) -> int:
        """Lots that each queue can hold."""
        return int(self.lots.shape[1])

    def oldest_first(self, book: int, count: int) -> Records:
        """Copy the lots of a book's queue, which has `count` of them."""
        first = int(self.heads[book])
        ring: Records = self.lots[book]
        if first + count <= self.room:
            return ring[first : first + count].copy()
        return np.concatenate((ring[first:], ring[: first + count - self.room]))


def new_queues(books: int, room: int = LOTS_PER_BOOK) -> Queues:
    """Make empty queues."""
    return Queues(np.zeros((books, room), LOT), np.zeros(books, np.int64))


def longer_queues(old: Queues, counts: Sequence[int], least: int) -> Queues:
    """Copy queues of `counts` lots into ones with room for at least `least` each, unrolled."""
    room = old.room
    while room < least:
        room *= 4
    new = new_queues(len(old.heads), room)
    for book, count in enumerate(counts):
        new.lots[book, :count] = old.oldest_first(book, count)
    return new
