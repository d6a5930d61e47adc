"""One instrument in the books of several strategies: what is the instrument's, and not a book's.

At one instant books are matched and decided in the order of their strategies. The part of a bar's
volume that orders may fill is one for all of them: a later book finds what earlier ones have left.
Limits on a position and on the entries of a day look at the sum over all books of the instrument;
opposite positions of two books offset each other there, as they do at a venue.
"""

from __future__ import annotations

from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record, Records
from trading_assets.records.terms import LOOK_EXPOSURE, LOOK_PARITY, LOOK_SHARED
from trading_assets.risk.exposure import note_exposure
from trading_assets.risk.measures import note_parity


@compiled
def look_around(account: Record, books: Records, book: Record) -> None:
    """Note of the other books what the rules of the account ask for."""
    looks = account.terms.looks
    if looks & LOOK_SHARED:
        look_beside(account, books, book)
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
def look_away(account: Record) -> None:
    """Forget what `look_around` has noted: it is true for one decision only."""
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
