"""Orders of a caller's own: alone, in pairs that cancel each other, as brackets; and bookings."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from trading_assets.domain.errors import DataError, InvariantError
from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce, TrailBy
from trading_assets.domain.setup import AccountProfile
from trading_assets.engine import caller
from trading_assets.engine.ledger import Ledger
from trading_assets.engine.requests import OrderRequest, request_rows
from trading_assets.engine.views import FLAGS
from trading_assets.records.codes import AT_VENUE, Verdict
from trading_assets.records.state import ORDERS_PER_SYMBOL
from trading_assets.risk.pre_trade import Refusal

_EXITS = {
    "stop": (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP),
    "target": (OrderType.LIMIT,),
}


class CallerDesk(Ledger):
    """What a caller can do besides running bars: every order passes the same door as a signal's.

    With several strategies `symbol_index` is the place of a book (`domain.setup.book_places`); the
    order belongs to its strategy.
    """

    def submit(
        self,
        symbol_index: int,
        side: OrderSide,
        kind: OrderType,
        lots: int,
        *,
        limit_ticks: int | None = None,
        stop_ticks: int | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        valid_to: Micros | None = None,
        trail_ticks: int | None = None,
        trail_pct: Decimal | None = None,
        trail_by: TrailBy = TrailBy.CLOSE,
        reduce_only: bool = False,
    ) -> int | Refusal:
        """Place an order at the latest close; for its parts see `requests.OrderRequest`.

        Returns:
            The order's id, or the refusal.

        Raises:
            DataError: if type, prices and time in force do not fit, before the first bar, or when
                too many orders work already.
        """
        request = OrderRequest(
            side, kind, lots, limit_ticks, stop_ticks, tif, valid_to, trail_ticks, trail_pct,
            trail_by, reduce_only,
        )  # fmt: skip
        found = self._submit(symbol_index, (request,), caller.ALONE)
        return found if isinstance(found, Refusal) else found[0]

    def submit_oco(
        self, symbol_index: int, one: OrderRequest, other: OrderRequest
    ) -> tuple[int, ...] | Refusal:
        """Place two orders of which only one may fill.

        When one fills, even in part, and could open a position, the other is cancelled. Of two
        that only reduce, what one fills is taken off the other.

        Returns:
            Both ids, or the first refusal; then neither is placed.

        Raises:
            DataError: as `submit`; or if one can open a position and the other cannot.
        """
        if one.reduce_only != other.reduce_only:
            raise DataError(
                "Orders of an OCO pair do different things",
                expected="both reduce_only, or neither",
                found=f"{one.reduce_only} and {other.reduce_only}",
                fix="Exits of an entry belong to `submit_bracket`.",
            )
        return self._submit(symbol_index, (one, other), caller.PAIR)

    def submit_bracket(
        self,
        symbol_index: int,
        entry: OrderRequest,
        *,
        stop: OrderRequest | None = None,
        target: OrderRequest | None = None,
    ) -> tuple[int, ...] | Refusal:
        """Place an entry whose exits wait for it and cancel each other.

        Returns:
            The ids of entry, stop and target, those given; or the first refusal. A stop on the
            winning side of its entry, or a target on the losing side, is `bad_bracket`.

        Raises:
            DataError: as `submit`; or if the exits are none.
        """
        exits = {"stop": stop, "target": target}
        given = {name: request for name, request in exits.items() if request is not None}
        for name, request in given.items():
            fits = request.type in _EXITS[name] and request.side is OrderSide(-entry.side)
            if not fits or entry.reduce_only:
                raise DataError(
                    f"Not the {name} of a bracket",
                    expected=f"{' or '.join(kind.name for kind in _EXITS[name])} on the other side "
                    "of an entry that may open a position",
                    found=f"{request.side.name} {request.type.name} after {entry.side.name}",
                )
        if not given:
            raise DataError("A bracket without exits", expected="stop, target or both")
        parts = (entry, *(replace(request, reduce_only=True) for request in given.values()))
        return self._submit(symbol_index, parts, caller.BRACKET)

    def cancel(self, order_id: int) -> None:
        """Withdraw a working order, with all that waits for it.

        Raises:
            InvariantError: if no such order works here.
        """
        symbol, k, order = self._find(order_id, self._working())
        if order[FLAGS] & AT_VENUE:
            raise InvariantError(
                f"Order {order_id} is at the venue", expected="an order of a simulation",
                found="a live one", fix="Ask the venue; its word comes in by `on_closed`.",
            )  # fmt: skip
        self._make_room(0)
        caller.cancel_order(*self._parts, symbol, k)
        self._require_sound()

    def charge_financing(self, symbol_index: int, amount: Decimal, ts: Micros) -> None:
        """Book what holding a position has cost, in quote; below zero it brought something.

        For rates that change, or that are booked at another hour than the night of UTC. The next
        mark shows it.

        Raises:
            DataError: if the account is not a margin account, or `ts` is before the latest bar.
            ConfigurationError: if the amount is finer than 1e-8.
        """
        if self.setup.account.profile is not AccountProfile.MARGIN or ts < self.ts:
            raise DataError(
                "No financing can be booked",
                expected=f"a margin account, at or after {self.ts}",
                found=f"{self.setup.account.profile.name.lower()}, at {ts}",
            )
        self._make_room(0)
        account, books, _, _, logs = self._parts
        caller.charge(account, books, logs, symbol_index, units_from_decimal(amount), ts)

    def _submit(
        self, symbol_index: int, requests: tuple[OrderRequest, ...], link: int
    ) -> tuple[int, ...] | Refusal:
        self._require_place(symbol_index, len(requests))
        account = self._state.account[0]
        first = int(account["next_order_id"])
        rows = request_rows(requests)
        parts = (self._state.account, self._state.books, symbol_index, rows, link)
        verdict = Verdict(caller.submit_orders(*parts))
        self._require_sound()
        if verdict is Verdict.ACCEPTED:
            return tuple(range(first, first + len(requests)))
        rule = verdict.name.lower()
        limit, was = float(account["limit"]), float(account["was"])
        tag, symbol, _ = self.places[symbol_index]
        return Refusal(self.ts, symbol, rule, limit, was, tag)

    def _require_place(self, symbol_index: int, orders: int) -> None:
        book = self._state.books[symbol_index]
        if not book["price"] > 0:
            raise DataError(
                "No order before the symbol's first bar", found=f"symbol {symbol_index}"
            )
        if book["n_orders"] + orders > ORDERS_PER_SYMBOL // 2:
            raise DataError(
                "Too many working orders",
                expected=f"fewer than {ORDERS_PER_SYMBOL // 2} per symbol",
                found=str(book["n_orders"]),
            )
