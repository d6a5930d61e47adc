"""State and logs of a machine, and all there is to read from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import InvariantError, RecoveryError
from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import decimal_from_units
from trading_assets.domain.setup import AnySetup
from trading_assets.engine.atomic import atomic_fills, atomic_round_trips
from trading_assets.engine.fixed import Fixed
from trading_assets.engine.snapshot_header import HEADER, read_header, written_header
from trading_assets.engine.views import (
    FLAGS,
    ID,
    EngineOrder,
    Position,
    Working,
    engine_order,
    order_row,
    position,
)
from trading_assets.portfolio.compiled import chosen
from trading_assets.records.arrays import Records
from trading_assets.records.codes import CANCEL_WANTED, DORMANT, Verdict
from trading_assets.records.queues import longer_queues
from trading_assets.records.results import (
    CLOSED_ORDER,
    FACTOR,
    FILL,
    FINANCING,
    N_EQUITY,
    N_FACTORS,
    N_FILLS,
    N_FINANCING,
    N_ORDERS,
    N_REFUSED,
    N_TRIPS,
    REFUSED,
    ROUND_TRIP,
    Logs,
    new_logs,
    roomier,
)
from trading_assets.records.state import (
    ORDERS_PER_SYMBOL,
    State,
    state_from_bytes,
)
from trading_assets.risk.pre_trade import Refusal

_Result = TypeVar("_Result")

_CHOSEN: dict[Callable[..., Any], Callable[..., Any]] = {}
"""Machine code by entry, for all machines of the process: no machine has arrays of other types."""


class Ledger:
    """One run's state and logs.

    The state is a record and the open lots: `snapshot` is their bytes, `state_hash` their identity.
    The logs are not part of it; they hold what happened since this object was made.
    """

    def __init__(self, setup: AnySetup, fixed: Fixed | None = None) -> None:
        """Open a run.

        Args:
            setup: what the run is made of.
            fixed: what was worked out of this very setup before; None works it out.
        """
        self.fixed = fixed or Fixed.of(setup)
        self.setup = setup
        self.places = self.fixed.terms.places
        state = self.fixed.opening_state()
        events = _events_per_bar(state.events, state.books["n_lots"].tolist())
        self._hold(state, new_logs(256 + events, 256))

    # State

    def snapshot(self) -> bytes:
        """Give the state as bytes, with a header that names its layout, shape and setup."""
        state = self._state
        return written_header(len(state.books), self.fixed.setup_hash) + state.to_bytes()

    @classmethod
    def restore(cls, setup: AnySetup, blob: bytes, fixed: Fixed | None = None) -> Self:
        """Make a machine that goes on where `snapshot` was taken; its logs begin empty.

        Args:
            setup: the one that it was taken with.
            blob: the snapshot.
            fixed: as for a new machine.

        Raises:
            RecoveryError: if the bytes are no snapshot, or of another setup, or were written by a
                version whose record has other fields.
        """
        machine = cls(setup, fixed)
        books, of_setup = read_header(blob)
        if of_setup != machine.fixed.setup_hash:
            raise RecoveryError(
                "Snapshot of another setup",
                expected=machine.fixed.setup_hash,
                found=of_setup,
                fix="Start the book with the setup of its release.",
            )
        state = state_from_bytes(blob[HEADER.size :], books, machine.fixed.memory_dtype)
        if state is None:
            raise RecoveryError(
                "Snapshot is cut off or of another version",
                expected="a record of this version's size and as many lots as it counts",
                found=f"{len(blob)} bytes",
            )
        machine._hold(state, machine._logs)
        return machine

    def state_hash(self) -> str:
        """Give the SHA-256 of the snapshot."""
        return hashlib.sha256(self.snapshot()).hexdigest()

    @property
    def ts(self) -> Micros:
        """Open time of the latest bar; 0 before the first."""
        return int(self._state.account[0]["ts"])

    @property
    def equity(self) -> float:
        """Quote, at the latest closes."""
        return float(self._equity.item(0))

    @property
    def drawdown(self) -> float:
        """Fraction of the peak that the latest equity lies below it."""
        return float(self._drawdown.item(0))

    @property
    def max_drawdown(self) -> float:
        """The largest drawdown so far."""
        return float(self._state.account[0]["max_drawdown"])

    @property
    def realised_pnl(self) -> Decimal:
        """Profit of all round trips after their fees, in quote."""
        return decimal_from_units(int(self._state.account[0]["realised"]))

    @property
    def fees(self) -> Decimal:
        """Fees paid, in quote; fees in base at the price of their fill."""
        return decimal_from_units(int(self._state.account[0]["fees"]))

    @property
    def financing(self) -> Decimal:
        """Paid for holding positions over night, in quote; negative when it brought something."""
        return decimal_from_units(int(self._state.account[0]["financing"]))

    def balances(self) -> dict[str, Decimal]:
        """Give what the account holds of each asset, exactly."""
        quote = self.setup.account.quote
        found = {quote: decimal_from_units(int(self._state.account[0]["cash"]))}
        held = self._state.books["base"].tolist()
        for (_, _, instrument), units in zip(self.places, held, strict=True):
            base = instrument.base
            found[base] = found.get(base, Decimal(0)) + decimal_from_units(units)
        return found

    def positions(self) -> tuple[Position, ...]:
        """Give one position per book (one per symbol for one strategy), flat ones too."""
        return tuple(
            position(instrument, self._state.books[place], self._state.lots_of(place))
            for place, (_, _, instrument) in enumerate(self.places)
        )

    def active_orders(self) -> tuple[EngineOrder, ...]:
        """List the working orders that do not sleep, by id."""
        return self._awake_but(frozenset())

    def cancel_requests(self) -> tuple[int, ...]:
        """List the orders at the venue that the machine wants withdrawn."""
        wanted = [
            self._ids.item(book, place)
            for book, count in enumerate(self._order_counts.tolist())
            if count
            for place, flags in enumerate(self._flags[book, :count].tolist())
            if flags & CANCEL_WANTED
        ]
        return tuple(sorted(wanted))

    # Logs

    @property
    def fills(self) -> Records:
        """Executions, dtype `records.results.FILL`."""
        return self._logs.fills[: self._logs.used[N_FILLS]].view(FILL)

    @property
    def atomic_fills(self) -> Records:
        """Executions as if every order had filled at once, see `engine.atomic`."""
        return atomic_fills(self.fills)

    @property
    def atomic_round_trips(self) -> Records:
        """Round trips as if every order had filled at once."""
        return atomic_round_trips(self.round_trips)

    @property
    def financing_log(self) -> Records:
        """What nights and callers have booked, dtype `records.results.FINANCING`."""
        return self._logs.financing[: self._logs.used[N_FINANCING]].view(FINANCING)

    @property
    def factor_log(self) -> Records:
        """Changes of the risk factor, dtype `records.results.FACTOR`."""
        return self._logs.factors[: self._logs.used[N_FACTORS]].view(FACTOR)

    @property
    def round_trips(self) -> Records:
        """FIFO round trips, dtype `records.results.ROUND_TRIP`."""
        return self._logs.round_trips[: self._logs.used[N_TRIPS]].view(ROUND_TRIP)

    @property
    def ended_orders(self) -> Records:
        """Orders that left the table, in that order, dtype `records.results.CLOSED_ORDER`."""
        return self._logs.orders[: self._logs.used[N_ORDERS]].view(CLOSED_ORDER)

    @property
    def working_orders(self) -> Records:
        """Orders in the table, sleeping ones too, in the same dtype."""
        books = self._state.books
        found = [order_row(books[b], self._orders[b, k]) for b, k, _ in self._working()]
        return np.array(found, CLOSED_ORDER)

    @property
    def orders(self) -> Records:
        """Both, by id."""
        both = np.concatenate([self.ended_orders, self.working_orders])
        return both[np.argsort(both["id"], kind="stable")]

    @property
    def equity_curve(self) -> NDArray[np.float64]:
        """Equity in quote at the close of each bar."""
        return self._logs.equity[: self._logs.used[N_EQUITY]]

    @property
    def verdicts(self) -> Mapping[Verdict, int]:
        """How often each verdict came; without `CASH_AT_FILL` they sum to the opportunities."""
        counts = self._state.books["verdicts"].sum(axis=0)
        return {verdict: int(counts[verdict]) for verdict in Verdict}

    @property
    def verdicts_by_tag(self) -> tuple[Mapping[Verdict, int], ...]:
        """The same for each strategy of the setup, in its order; they sum to `verdicts`."""
        books = self._state.books
        counts = [
            books["verdicts"][books["tag"] == tag].sum(axis=0)
            for tag in range(len(self.setup.strategies))
        ]
        return tuple({verdict: int(row[verdict]) for verdict in Verdict} for row in counts)

    @property
    def refusals(self) -> dict[str, int]:
        """How often each rule said no first; names in lower case, zeros left out."""
        return {
            verdict.name.lower(): count
            for verdict, count in self.verdicts.items()
            if verdict.is_refusal and count
        }

    @property
    def refusal_log(self) -> tuple[Refusal, ...]:
        """The refusals one by one."""
        return tuple(
            Refusal(
                int(row["ts"]),
                int(row["symbol"]),
                Verdict(int(row["verdict"])).name.lower(),
                float(row["limit"]),
                float(row["was"]),
                int(row["tag"]),
            )
            for row in self._logs.refused[: self._logs.used[N_REFUSED]].view(REFUSED)
        )

    # Inside

    def _require_sound(self) -> None:
        """Stop at once when an order has moved along an edge that does not exist."""
        faults = int(self._state.account[0]["faults"])
        if faults:
            raise InvariantError(
                "An order moved along an edge that does not exist",
                expected="the edges of records.order_edges",
                found=f"others (bits {faults:#x})",
                fix="The state of this machine is wrong: take it from its last snapshot.",
            )

    def _hold(self, state: State, logs: Logs) -> None:
        """Take other arrays in place of the present ones, with all that looks at them."""
        self._state, self._logs = state, logs
        self._parts = (state.account, state.books, state.queues, state.events, logs)
        self._latest = state.account["ts"]
        self._next_order_id = state.account["next_order_id"]
        self._faults = state.account["faults"]
        self._equity, self._drawdown = state.account["equity"], state.account["drawdown"]
        self._order_counts = state.books["n_orders"]
        self._orders = state.books["orders"]
        self._ids, self._flags = self._orders["id"], self._orders["flags"]
        self._lot_counts = state.books["n_lots"]
        self._codes: dict[Callable[..., Any], Callable[..., Any]] = {}

    def _call(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        """Call an entry of the machine; its own arrays go before the arguments."""
        code = self._codes.get(function)
        if code is None:
            if function not in _CHOSEN:
                _CHOSEN[function] = chosen(function, (*self._parts, *arguments))
            code = self._codes[function] = partial(_CHOSEN[function], *self._parts)
        result: _Result = code(*arguments)
        return result

    def _make_room(self, bars: int) -> None:
        """Let lots and logs take at least one more bar of anything that can happen."""
        state = self._state
        counts = self._lot_counts.tolist()
        least = max(counts) + ORDERS_PER_SYMBOL + 1
        if least > state.queues.room:
            state = state._replace(queues=longer_queues(state.queues, counts, least))
        # Memory that is never written to costs nothing; a log that grows is copied.
        events = _events_per_bar(state.events, counts)
        logs = roomier(self._logs, max(events, bars // 4), bars)
        if state is not self._state or logs is not self._logs:
            self._hold(state, logs)

    def _working(self) -> list[Working]:
        """Read the order tables."""
        return [
            (book, place, row)
            for book, count in enumerate(self._order_counts.tolist())
            if count
            for place, row in enumerate(self._orders[book, :count].tolist())
        ]

    def _awake_but(self, known: Collection[int]) -> tuple[EngineOrder, ...]:
        """List the working orders that do not sleep and are not known, by id."""
        found = [
            engine_order(row, self.places[book])
            for book, _, row in self._working()
            if not row[FLAGS] & DORMANT and row[ID] not in known
        ]
        return tuple(sorted(found, key=lambda order: order.order_id))

    def _find(self, order_id: int, working: list[Working]) -> Working:
        for found in working:
            row = found[2]
            if row[ID] == order_id and not row[FLAGS] & DORMANT:
                return found
        raise InvariantError(
            f"No order {order_id} works",
            expected=", ".join(str(o.order_id) for o in self.active_orders()) or "none",
            found=str(order_id),
        )


def _events_per_bar(events: Records, lots: Sequence[int]) -> int:
    """Give the most rows that one bar can add to a log, twice.

    A fill ends in the middle of a lot at most once, and every other round trip takes a lot.
    """
    fills = 2 * len(lots) * int(events.dtype["fills"].shape[0])
    return 2 * fills + sum(lots)
