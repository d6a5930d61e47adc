"""One instrument in the books of several strategies: what is the instrument's, and not a book's.

At one instant books are matched and decided in the order of their strategies. The part of a bar's
volume that orders may fill is one for all of them: a later book finds what earlier ones have left.
Limits on a position and on the entries of a day look at the sum over all books of the instrument;
opposite positions of two books offset each other there, as they do at a venue.
"""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record, Records
from trading_assets.records.terms import LOOK_EXPOSURE, LOOK_PARITY, LOOK_SHARED
from trading_assets.risk.exposure import note_exposure
from trading_assets.risk.measures import note_parity


@compiled
def look_around(account: Record, books: Records, book: Record) -> None:
    """Note of the other books what the rules of the account ask for, for one decision by itself."""
    if account.terms.looks & LOOK_SHARED:
        look_beside(account, books, book)
    look_further(account, books, book)


@compiled
def look_further(account: Record, books: Records, book: Record) -> None:
    """Note what of the other books is not about the instrument."""
    looks = account.terms.looks
    if looks & LOOK_EXPOSURE:
        note_exposure(account, books, book)
    if looks & LOOK_PARITY:
        note_parity(account, books, book)


@compiled
def look_beside(account: Record, books: Records, book: Record) -> None:
    """Note what the other books of an instrument hold, and their entries today, for the door."""
    account.held_beside = 0
    account.entries_beside = 0
    for b in range(len(books)):
        other = books[b]
        if other.symbol == book.symbol and other.tag != book.tag:
            account.held_beside += other.position
            account.entries_beside += other.entries_today


@compiled
def look_in_turn(account: Record, books: Records, last: int, b: int) -> int:
    """Do what `look_around` does for book `b` after book `last` was decided (-1: none); give `b`.

    A close takes one visit of each book so, where `look_beside` for each takes the square of it:
    what the books of instrument i hold, and their entries today, is summed in `left` and `taken` of
    book i (there are no fewer books than instruments), which are zero once matching is over.
    """
    book = books[b]
    if account.terms.looks & LOOK_SHARED:
        if last >= 0:
            _add(books, books[last], 1)
        else:
            for other in range(len(books)):
                _add(books, books[other], 1)
        _add(books, book, -1)
        sums = books[np.uint64(book.symbol)]
        account.held_beside = sums.left
        account.entries_beside = sums.taken
    look_further(account, books, book)
    return b


@compiled
def _add(books: Records, book: Record, times: int) -> None:
    sums = books[np.uint64(book.symbol)]
    sums.left += times * book.position
    sums.taken += times * book.entries_today


@compiled
def end_turns(account: Record, books: Records) -> None:
    """Forget what `look_in_turn` has noted."""
    if account.terms.looks & LOOK_SHARED:
        for b in range(len(books)):
            books[b].left = 0
            books[b].taken = 0
    look_away(account)


@compiled
def look_away(account: Record) -> None:
    """Forget what was noted of other books: it is true for one decision only."""
    account.held_beside = 0
    account.entries_beside = 0
    account.gross_beside = 0.0
    account.long_beside = 0.0
    account.short_beside = 0.0
    account.parity = 0.0


@compiled
def note_taken(books: Records, book: Record, event: Record) -> None:
    """Take what a book has filled in this bar from what later books of its instrument may."""
    lots = 0
    for k in range(event.n_fills):
        lots += event.fills[k].lots
    for b in range(len(books)):
        other = books[b]
        if other.symbol == book.symbol and other.tag > book.tag:
            other.taken += lots
