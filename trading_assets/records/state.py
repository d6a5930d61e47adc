"""The engine's whole state: a numpy record and the lots behind it; identity is a hash of the bytes.

Compiled functions take the parts as pointers to records: `account`, one `book` per strategy and
instrument, and the `events` that a step leaves for the logs. The queues of lots stand beside the
record (`records.queues`), since they grow.
"""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from trading_assets.records.arrays import Records
from trading_assets.records.codes import N_VERDICTS
from trading_assets.records.queues import LOT, Queues, longer_queues, new_queues
from trading_assets.records.results import CLOSED_ORDER, FILL, as_written, owner_of
from trading_assets.records.strategy_terms import STRATEGY
from trading_assets.records.terms import GRID, PARAMETERS, Terms

ORDERS_PER_SYMBOL = 16
"""Working orders that a symbol can have at once."""

ACCOUNT = np.dtype(
    [
        ("terms", PARAMETERS),
        ("bar", "i8"),  # bars seen
        ("ts", "i8"),  # open time of the latest one, microseconds UTC
        ("day_end", "i8"),  # first instant of the next UTC day
        ("opening_cash", "i8"),  # money: 1e-8 of the quote asset
        ("cash", "i8"),
        ("reserved", "i8"),  # what the working entries are expected to cost
        ("realised", "i8"),  # profit of round trips, after all their fees
        ("fees", "i8"),  # paid so far, fees in base valued at their fill
        ("financing", "i8"),  # paid so far for holding positions
        ("equity", "f8"),  # quote
        ("peak", "f8"),
        ("drawdown", "f8"),  # fraction of the peak
        ("max_drawdown", "f8"),
        ("day_equity", "f8"),  # equity at the end of the day before
        ("day_low", "f8"),  # lowest equity of the day
        ("next_order_id", "i8"),
        ("next_fill_id", "i8"),
        ("next_trip_id", "i8"),
        ("limit", "f8"),  # the latest refusal: what was allowed
        ("was", "f8"),  # and what it would have been
        ("faults", "i8"),  # edges that were taken and do not exist: always 0
        ("held_beside", "i8"),  # while deciding: lots in other books of the instrument
        ("entries_beside", "i8"),  # while deciding: entries of other books of it today
        ("gross_beside", "f8"),  # while deciding: quote, exposure of all other books
        ("long_beside", "f8"),  # their net exposure once all their buys have filled
        ("short_beside", "f8"),  # and once all their sells have, below zero when short
        ("minute", "i8"),  # of the latest entry, since 1970
        ("entries_minute", "i8"),  # entries of all books in it
        ("day_gross", "f8"),  # the largest value held at a close of the day, for value at risk
        ("risky_days", "i8"),  # days with such a value
        ("unit_variance", "f8"),  # of a day's change of equity, per unit of it
        ("parity", "f8"),  # while deciding: sum of 1 / volatility over the strategy's books
        ("margin_needed", "f8"),  # quote, while below the maintenance margin, else 0
    ],
    align=True,
)

ORDER = np.dtype(
    [
        ("id", "i8"),
        ("bar_ts", "i8"),  # open time of the bar whose close decided it
        ("side", "i8"),
        ("type", "i8"),
        ("tif", "i8"),
        ("leg", "i8"),
        ("flags", "i8"),
        ("stage", "i4"),  # place in `order_edges.STAGES`
        ("edges", "i4"),  # that it took so far
        ("lots", "i8"),
        ("filled", "i8"),
        ("limit_ticks", "i8"),
        ("stop_ticks", "i8"),
        ("parent", "i8"),  # id of the entry that wakes it, 0 for none
        ("oco", "i8"),  # orders of one group: a fill of one cancels the others; 0 for none
        ("reserve", "i8"),  # quote units that its fill is expected to cost
        ("fee_units", "i8"),  # of its fills so far, before the minimum of the order
        ("valid_to", "i8"),  # open time of the last bar it works in, NEVER for none
        ("trail_ticks", "i8"),  # distance of a trailing stop, 0 when it is a fraction
        ("trail_fraction", "f8"),
        ("limit", "f8"),
        ("stop", "f8"),
        ("guard", "f8"),  # entries: a close beyond it withdraws the order; NaN for none
        ("weight", "f8"),  # the target that it serves, NaN for none
        ("stop_distance", "f8"),
    ],
    align=True,
)

BOOK = np.dtype(
    [
        ("grid", GRID),
        ("strategy", STRATEGY),
        ("symbol", "i8"),  # index of the instrument
        ("tag", "i8"),  # index of the strategy
        ("owner", "i8"),  # both, as they stand in the rows of logs
        ("base", "i8"),  # inventory in 1e-8 of the base asset, negative when short
        ("position", "i8"),  # whole lots in it; the rest is dust
        ("base_fees", "i8"),  # fees taken in the base asset
        ("price", "f8"),  # latest close
        ("valid_to", "i8"),  # of the working or open bracket
        ("entries_today", "i8"),
        # While matching; while deciding, `look_in_turn` keeps its sums over books in these two.
        ("left", "i8"),  # lots that the bar can still fill
        ("taken", "i8"),  # lots of the bar that earlier books have filled
        ("volume", "f8"),  # while matching: volume of the bar, in base
        ("past_bars", "i8"),  # seen for the square-root impact
        ("past_volume", "f8"),  # their mean volume
        ("past_variance", "f8"),  # and variance of the close, as a fraction of it
        ("measured", "i8"),  # closes seen, when range and volatility are measured
        ("range", "f8"),  # average true range, quote
        ("variance", "f8"),  # of returns from close to close, of one bar
        ("usual_volatility", "f8"),  # mean of its root over all bars that knew it
        ("factor", "f8"),  # what entries are multiplied by
        ("reasons", "i8"),  # FactorReason
        ("trips", "i8"),  # round trips, when they are counted
        ("won_trips", "i8"),
        ("won", "f8"),  # sum of their returns
        ("lost", "f8"),  # and of the losses of the others, positive
        ("n_orders", "i8"),  # working orders, in order of submission
        ("n_dead", "i8"),  # of them, to be removed at the end of the step
        ("n_lots", "i8"),  # in its queue
        ("verdicts", "i8", (N_VERDICTS,)),  # how often each came
        ("orders", ORDER, (ORDERS_PER_SYMBOL + 1,)),
    ],
    align=True,
)
"""One strategy's book of one instrument.

The last order is always blank: freed rows are overwritten with it.
"""

EVENTS = np.dtype(
    [
        ("n_fills", "i8"),
        ("n_orders", "i8"),
        ("fills", as_written(FILL), (2 * ORDERS_PER_SYMBOL,)),
        ("orders", as_written(CLOSED_ORDER), (2 * ORDERS_PER_SYMBOL,)),
    ],
    align=True,
)
"""What one book can cause between two visits of the loop."""

REQUEST = np.dtype(
    [
        ("side", "i8"),
        ("type", "i8"),
        ("tif", "i8"),
        ("lots", "i8"),
        ("limit_ticks", "i8"),
        ("stop_ticks", "i8"),
        ("valid_to", "i8"),
        ("trail_by", "i8"),
        ("trail_ticks", "i8"),
        ("trail_fraction", "f8"),
        ("reduce_only", "i8"),
    ],
    align=True,
)
"""An order as a caller asks for it."""


class State(NamedTuple):
    """One run's state.

    Attributes:
        record: the whole of it but for the lots, shape (1,).
        account: view, shape (1,).
        books: view, one per strategy and instrument (`domain.setup.book_places`).
        queues: the lots of each book.
        memory: view, shape (1,), of what a strategy remembers (`records.memory`), or None.
        events: shape (1,), empty between steps and therefore no part of the state.
    """

    record: Records
    account: Records
    books: Records
    queues: Queues
    events: Records
    memory: Records | None = None

    def lots_of(self, book: int) -> Records:
        """Copy the open lots of a book, dtype `records.queues.LOT`, oldest first."""
        return self.queues.oldest_first(book, int(self.books["n_lots"][book]))

    def to_bytes(self) -> bytes:
        """Give record and open lots as bytes: the same for equal states, whatever their room."""
        lots = (self.lots_of(book).tobytes() for book in range(len(self.books)))
        return b"".join((self.record.tobytes(), *lots))


def layout_hash() -> str:
    """Give the SHA-256 of the record's fields, their types and places, and of a lot's.

    What a strategy remembers apart, which the setup names.
    """
    parts = [ACCOUNT, BOOK, LOT]
    return hashlib.sha256("\n".join(_fields(part) for part in parts).encode()).hexdigest()


def _fields(dtype: np.dtype[np.void]) -> str:
    base, shape = dtype.subdtype or (dtype, ())
    if base.fields is None:
        return f"{base.str}{shape}"
    inside = (f"{name}@{where[1]}:{_fields(where[0])}" for name, where in base.fields.items())
    return f"{{{', '.join(inside)}}}{shape}"


def blank_state(books: int, memory: np.dtype[np.void] | None = None) -> State:
    """Make a state of zeros, with room for what a strategy remembers."""
    record = np.zeros(1, _record_dtype(books, memory))
    return State(
        record,
        record["account"],
        record[0]["books"],
        new_queues(books),
        np.zeros(1, EVENTS),
        None if memory is None else record["memory"],
    )


@cache
def _record_dtype(books: int, memory: np.dtype[np.void] | None) -> np.dtype[np.void]:
    fields: list[Any] = [("account", ACCOUNT), ("books", BOOK, (books,))]
    if memory is not None:
        fields.append(("memory", memory))
    return np.dtype(fields, align=True)


def opening_state(terms: Terms, cash: int, memory: np.dtype[np.void] | None = None) -> State:
    """Make the state before the first bar, holding `cash` quote units and nothing else."""
    state = blank_state(len(terms.grids), memory)
    account = state.account[0]
    account["terms"] = terms.parameters[0]
    account["opening_cash"] = account["cash"] = cash
    for name in ("equity", "peak", "day_equity", "day_low"):
        account[name] = cash / 100_000_000
    for name in ("next_order_id", "next_fill_id", "next_trip_id"):
        account[name] = 1
    state.books["factor"] = 1.0
    state.books["grid"] = terms.grids
    state.books["strategy"] = terms.strategies
    state.books["symbol"] = [place.symbol for place in terms.places]
    state.books["tag"] = [place.tag for place in terms.places]
    state.books["owner"] = [owner_of(place.symbol, place.tag) for place in terms.places]
    return state


def state_from_bytes(
    blob: bytes, books: int, memory: np.dtype[np.void] | None = None
) -> State | None:
    """Read what `to_bytes` gave, or give None when it is not as long as it says."""
    state = blank_state(books, memory)
    size = state.record.nbytes
    if len(blob) < size:
        return None
    state.record[:] = np.frombuffer(blob[:size], state.record.dtype)
    counts = state.books["n_lots"].tolist()
    if min(counts) < 0 or len(blob) != size + sum(counts) * LOT.itemsize:
        return None
    queues = state.queues
    if max(counts) > queues.room:
        queues = longer_queues(queues, [0] * books, max(counts))
    lots = np.frombuffer(blob, LOT, offset=size)
    ends = accumulate(counts)
    for book, (end, count) in enumerate(zip(ends, counts, strict=True)):
        queues.lots[book, :count] = lots[end - count : end]
    return state._replace(queues=queues)
