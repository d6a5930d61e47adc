"""Exposure: what the account would hold if all its working entries filled.

A book is exposed on a side with its position there and its working entries of that side, at their
own prices (a market order's is the latest close). Since all of it is one instrument, a book holds
at most the larger of its two sides; that is its part of the gross exposure. Exits only make it
smaller, so they do not count. Opposite positions of two books do not offset each other in gross
exposure, though they may at a venue: the larger figure is the safe one.

Net exposure on a side is the sum of all positions and of the working entries of that side; of the
book that is being decided, a position on the other side is left out, since a reversal closes it.

Value at risk of one day is z * s * gross exposure with the entry: z the normal quantile of the
declared confidence, s the root of the mean square, weights halving every half-life of days, of
(change of equity over a UTC day) / (largest value of positions at a close of it), over the days
that had one: the form of RiskMetrics (J.P. Morgan 1996), per unit of exposure. Until there were as
many days as the half-life says, it is not known and refuses nothing.
"""

from __future__ import annotations

import numpy as np

from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import DEAD, ENTRY


@compiled
def working_value(book: Record, side: int) -> float:
    """Give what the working entries of one side are worth at their prices, in quote."""
    value = 0.0
    for k in range(book.n_orders):
        order = book.orders[k]
        if order.flags & ENTRY and order.flags & DEAD == 0 and order.side == side:
            price = order.limit
            if np.isnan(price):
                price = book.price if np.isnan(order.stop) else order.stop
            value += (order.lots - order.filled) * price
    return float(value * book.grid.lot * book.grid.point_value)


@compiled
def held_value(book: Record) -> float:
    """Give the value of a position at the latest close, in quote; negative when short."""
    return float(book.position * book.grid.lot * book.price * book.grid.point_value)


@compiled
def side_value(book: Record, side: int) -> float:
    """Give the exposure of a book on one side, in quote, never negative."""
    return max(side * held_value(book), 0.0) + working_value(book, side)


@compiled
def note_exposure(account: Record, books: Records, book: Record) -> None:
    """Note the exposure of all books but this one, for the door."""
    account.gross_beside = 0.0
    account.long_beside = 0.0
    account.short_beside = 0.0
    for b in range(len(books)):
        other = books[b]
        if other.symbol == book.symbol and other.tag == book.tag:
            continue
        held = held_value(other)
        buys = working_value(other, 1)
        sells = working_value(other, -1)
        account.gross_beside += max(max(held, 0.0) + buys, max(-held, 0.0) + sells)
        account.long_beside += held + buys
        account.short_beside += held - sells


@compiled
def note_held(account: Record, books: Records) -> None:
    """Note the largest value that positions have had at a close of the day."""
    held = 0.0
    for b in range(len(books)):
        held += abs(held_value(books[b]))
    account.day_gross = max(account.day_gross, held)


@compiled
def value_at_risk(account: Record, gross: float) -> float:
    """Give the loss of a day, in quote, that is exceeded as rarely as declared; 0 if unknown."""
    terms = account.terms
    if account.risky_days < terms.var_half_life:
        return 0.0
    return float(terms.var_scale * np.sqrt(account.unit_variance) * gross)


@compiled
def gross_with(account: Record, book: Record, side: int, value: float) -> float:
    """Give the gross exposure of the account with one more entry of the book, in quote."""
    return float(
        account.gross_beside + max(side_value(book, side) + value, side_value(book, -side))
    )


@compiled
def net_with(account: Record, book: Record, side: int, value: float) -> float:
    """Give the net exposure towards a side with one more entry of the book, in quote."""
    beside = account.long_beside if side > 0 else -account.short_beside
    return float(beside + side_value(book, side) + value)
