"""Sub-portfolios of one account by tag, kept from its fills alone, on the engine's own FIFO lots.

For whoever has fills and no engine: a venue's history, a journal, two accounts to be compared. All
amounts are whole units of 1e-8, so the books of all tags add up to the account exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from trading_assets.domain.errors import DataError, UnknownSymbol
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument, decimal_from_units
from trading_assets.portfolio.compiled import entry
from trading_assets.portfolio.fills import apply_fill
from trading_assets.portfolio.lots import settle_fills
from trading_assets.records.arrays import Records
from trading_assets.records.queues import Queues, longer_queues
from trading_assets.records.results import ROUND_TRIP, as_written
from trading_assets.records.state import ORDER, State, blank_state
from trading_assets.records.terms import grids_of

TABLE = np.dtype(
    [
        ("tag", "U32"),
        ("symbol", "U16"),
        ("units", "i8"),  # 1e-8 of base, negative when short
        ("average_price", "f8"),  # of the open lots, before fees; NaN when flat
        ("price", "f8"),  # latest mark, NaN before the first
        ("realised", "i8"),  # quote units, after fees
        ("unrealised", "i8"),  # quote units at the latest mark, after entry fees
        ("fees", "i8"),  # quote units
    ]
)
"""One row per tag and symbol that has had a fill."""


@dataclass(frozen=True, slots=True)
class TaggedFill:
    """An execution, and whose it is.

    Attributes:
        lots: whole lots, positive.
        price: quote per base.
        fee_units: 1e-8 of base when `fee_in_base`, else of quote.
        ts: microseconds UTC, not before the latest fill of the tag.
    """

    tag: str
    symbol: Symbol
    side: int
    lots: int
    price: float
    ts: Micros
    fee_units: int = 0
    fee_in_base: bool = False
    order_id: int = 0


@dataclass(frozen=True, slots=True)
class BookPosition:
    """What a tag, or all of them, holds of a symbol.

    Attributes:
        qty: base, exactly; negative when short.
        avg_price: quote per base over the open lots, fees apart; NaN when flat.
        tag: None for all tags together.
    """

    symbol: Symbol
    qty: Decimal
    avg_price: float
    tag: str | None


@entry
def _apply(
    accounts: Records, books: Records, queues: Queues, events: Records, orders: Records,
    trips: Records, b: int, lots: int, price: float, fee: int, fee_in_base: int, ts: int,
) -> int:  # fmt: skip
    """Book a fill and settle it; give the number of round trips, whose rows are in `trips`."""
    event = events[0]
    apply_fill(
        accounts[0], books[b], event, orders[0], lots, price, np.nan, fee, fee_in_base, 0, ts
    )
    used = settle_fills(accounts[0], books[b], queues, b, event, trips, 0)
    event.n_fills = 0
    return int(used)


class VirtualBook:
    """Strategy books of one account.

    Args:
        instruments: that are traded, in any order.
    """

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._instruments = tuple(instruments)
        self._places = {item.symbol: place for place, item in enumerate(self._instruments)}
        self._grids = grids_of(self._instruments)
        self._states: dict[str, State] = {}
        self._trips: dict[str, list[Records]] = {}
        self._marks = np.full(len(self._instruments), np.nan)

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags that have had a fill, sorted."""
        return tuple(sorted(self._states))

    def apply_fill(self, fill: TaggedFill) -> None:
        """Book an execution; the oldest lots of its tag are closed first.

        Raises:
            UnknownSymbol: if the book has no such instrument.
            DataError: if side, lots, price or fee cannot be.
        """
        place = self._place(fill.symbol)
        lots, price, units = fill.lots, fill.price, fill.lots * self._lot_units(place)
        most = units if fill.fee_in_base else 2**62
        possible = fill.side in (1, -1) and lots > 0 and 0 < price < float("inf")
        if not possible or abs(fill.fee_units) > most:
            raise DataError(
                "A fill that cannot be",
                expected="side 1 or -1, lots and price above 0, a fee in base below the quantity",
                found=repr(fill),
            )
        state = self._roomy(fill.tag)
        order = np.zeros(1, ORDER)
        order["id"], order["side"], order["bar_ts"] = fill.order_id, fill.side, fill.ts
        fee, in_base, ts = fill.fee_units, int(fill.fee_in_base), fill.ts
        trips = np.empty(int(state.books["n_lots"][place]) + 1, as_written(ROUND_TRIP))
        closed = _apply(
            state.account, state.books, state.queues, state.events, order, trips, place, lots,
            price, fee, in_base, ts,
        )  # fmt: skip
        self._trips[fill.tag].append(trips[:closed].view(ROUND_TRIP))

    def mark_to_market(self, prices: Mapping[Symbol, float]) -> None:
        """Value what is held at these prices; symbols that are not given keep their latest.

        Raises:
            UnknownSymbol: if the book has no such instrument.
            DataError: if a price is none.
        """
        for symbol, price in prices.items():
            place = self._place(symbol)
            if not 0 < price < float("inf"):
                raise DataError(
                    f"No price of {symbol}", expected="a finite number above 0", found=str(price)
                )
            self._marks[place] = price

    def equity(self, tag: str | None = None) -> Decimal:
        """Give what a tag has earned at the latest marks, in quote; None sums all tags.

        It is cash paid and received plus the value of what is held: 0 before the first fill.

        Raises:
            DataError: if something is held that was never marked.
        """
        return decimal_from_units(sum(self._equity_units(name) for name in self._chosen(tag)))

    def positions(self, tag: str | None = None) -> tuple[BookPosition, ...]:
        """Give what is held, flat symbols left out; None sums all tags.

        Raises:
            DataError: if there is no such tag.
        """
        found = []
        for place, instrument in enumerate(self._instruments):
            states = [self._states[name] for name in self._chosen(tag)]
            base = sum(int(state.books["base"][place]) for state in states)
            if base:
                cost = sum(_cost(state, place) for state in states)
                average = cost / base / float(instrument.point_value)
                found.append(
                    BookPosition(instrument.symbol, decimal_from_units(base), average, tag)
                )
        return tuple(found)

    def round_trips(self, tag: str) -> Records:
        """Give the closed round trips of a tag, dtype `records.results.ROUND_TRIP`."""
        self._chosen(tag)
        return np.concatenate([np.empty(0, ROUND_TRIP), *self._trips[tag]])

    def as_table(self) -> Records:
        """Give TABLE: one row per tag and symbol that has had a fill, sorted by both.

        Raises:
            DataError: if something is held that was never marked.
        """
        rows = []
        for tag in self.tags:
            trips = self.round_trips(tag)
            for place, instrument in enumerate(self._instruments):
                book = self._states[tag].books[place]
                own = trips[trips["symbol"] == place]
                if not len(own) and not book["base"]:
                    continue
                rows.append(self._row(tag, place, instrument, own))
        rows.sort(key=lambda row: (row[0], row[1]))
        return np.array(rows, TABLE)

    def _row(
        self, tag: str, place: int, instrument: Instrument, trips: Records
    ) -> tuple[str, str, int, float, float, int, int, int]:
        state = self._states[tag]
        book = state.books[place]
        base, cost = int(book["base"]), _cost(state, place)
        fees = int(state.lots_of(place)["fee"].sum())
        average = cost / base / float(instrument.point_value) if base else float("nan")
        value = self._value(book, place)
        paid = int(trips["fees"].sum()) + fees
        return (
            tag, str(instrument.symbol), base, average, float(self._marks[place]),
            int(trips["pnl"].sum()), value - cost - fees, paid,
        )  # fmt: skip

    def _equity_units(self, tag: str) -> int:
        state = self._states[tag]
        held = (self._value(book, place) for place, book in enumerate(state.books))
        return int(state.account[0]["cash"]) + sum(held)

    def _value(self, book: Records, place: int) -> int:
        """Give what is held of a symbol at its latest mark, in whole quote units."""
        if not book["base"]:
            return 0
        if np.isnan(self._marks[place]):
            raise DataError(
                f"{self._instruments[place].symbol} is held and was never marked",
                expected="mark_to_market with its price",
                found="no price",
            )
        point = float(self._instruments[place].point_value)
        return int(np.rint(int(book["base"]) * self._marks[place] * point))

    def _chosen(self, tag: str | None) -> tuple[str, ...]:
        if tag is None:
            return self.tags
        if tag not in self._states:
            raise DataError("No such tag", expected=", ".join(self.tags) or "none", found=tag)
        return (tag,)

    def _place(self, symbol: Symbol) -> int:
        if symbol not in self._places:
            raise UnknownSymbol(
                "The book has no such instrument",
                expected=", ".join(self._places),
                found=symbol,
            )
        return self._places[symbol]

    def _lot_units(self, place: int) -> int:
        return self._instruments[place].lot_units

    def _roomy(self, tag: str) -> State:
        """Give the state of a tag with room for one more lot."""
        if tag not in self._states:
            state = blank_state(len(self._instruments))
            state.books["grid"] = self._grids
            state.books["symbol"] = state.books["owner"] = np.arange(len(self._instruments))
            self._states[tag], self._trips[tag] = state, []
        state = self._states[tag]
        counts = state.books["n_lots"].tolist()
        least = max(counts) + 1
        if least > state.queues.room:
            state = state._replace(queues=longer_queues(state.queues, counts, least))
            self._states[tag] = state
        return state


def _cost(state: State, place: int) -> int:
    """Give what the open lots were exchanged for, in quote units; negative when short."""
    cost = int(state.lots_of(place)["cost"].sum())
    return cost if state.books["base"][place] >= 0 else -cost
