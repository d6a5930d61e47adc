"""Orders over python-binance's REST client: sent once, and every answer classified.

An answer that is not a definite yes or one of the venue's listed definite refusals leaves the
outcome unknown. Numbers go out as plain decimal text: the library would send 1e-05 for a float.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from trading_assets.adapters.binance.budget import Use
from trading_assets.adapters.binance.client import translate, venue_errors
from trading_assets.adapters.binance.filters import FilterCache
from trading_assets.adapters.binance.order_messages import (
    STATUSES,
    balances_of_answer,
    fill_of_answer,
    parameters,
    require_sendable,
)
from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.errors import (
    OrderArchived,
    OrderRejected,
    OutcomeUnknown,
    TradingAssetsError,
    UnknownSymbol,
    VenueError,
    VenueUnavailable,
)
from trading_assets.domain.ids import CLIENT_ORDER_ID_PREFIX, Micros, Symbol
from trading_assets.domain.order import (
    OrderReport,
    OrderSide,
    OrderStatus,
    OrderTicket,
)
from trading_assets.domain.ports import Clock

Answer = TypeVar("Answer")

_MS = 1000  # microseconds
_PAGE = 1000
_MINUTE_S = 60.0
_HOUR_S = 3600.0
_JUMP: Micros = 500_000
_DAY: Micros = 86_400_000_000
_LOG = logging.getLogger(__name__)
_FILTER = -1013
_NO_SUCH_ORDER = -2013
_ARCHIVED = -2026
_NOTHING_TO_CANCEL = -2011
_OUTSIDE_RECV_WINDOW = -1021


class BinanceBroker:
    """One spot account; implements `domain.ports.Broker`. Reads are not repeated here."""

    def __init__(
        self,
        client: Any,
        wall: Clock,
        *,
        recv_window_ms: int,
        time_is_auth: bool = True,
        filters: FilterCache | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Join a client that has a key.

        Args:
            client: made by `make_client`.
            wall: this machine's clock, which the library signs requests with.
            recv_window_ms: the one that `client` was made with.
            time_is_auth: the venue's public time is the clock it checks signatures against. Not so
                at an embedded exchange with a virtual clock, which checks against the wall clock.
            filters: to refuse here what the venue would refuse; without them only it does.
            monotonic: this machine's own time, in seconds; for the hourly look at the clock.
        """
        self.recv_window_ms = recv_window_ms
        self._client = client
        self._wall = wall
        self._time_is_auth = time_is_auth
        self._filters = filters
        self._offset: Micros = 0
        self._is_measured = False
        self._monotonic = monotonic
        self._synchronise_s = monotonic() + _HOUR_S
        self._names: dict[tuple[Symbol, int], str] = {}

    def auth_now(self) -> Micros:
        """Give the venue's authentication clock: ours, and the offset measured last."""
        return self._wall.now() + self._offset

    def synchronise(self) -> Micros:
        """Measure how far the venue's clock is ahead of ours, sign by it, and give the offset.

        Raises:
            VenueUnavailable, RateLimited: if the venue cannot be asked.
        """
        now_s = self._monotonic()
        self._synchronise_s = max(self._synchronise_s, now_s + _MINUTE_S)
        if self._time_is_auth:
            before = self._wall.now()
            doing = "time of the venue"
            answer = self._read(self._client.get_server_time, doing)
            after = self._wall.now()
            told = self._parsed(lambda row: int(row["serverTime"]) * _MS, answer, doing)
            offset = told - (before + after) // 2
            if self._is_measured and abs(offset - self._offset) > _JUMP:
                _LOG.warning(
                    "The venue's clock and this machine's have moved apart by %d ms",
                    (offset - self._offset) // _MS,
                )
            self._offset, self._is_measured = offset, True
            self._client.timestamp_offset = offset // _MS
        self._synchronise_s = now_s + _HOUR_S
        return self._offset

    @property
    def offset_ms(self) -> int:
        """How far the venue's authentication clock is ahead of this machine's."""
        return self._offset // _MS

    def submit(self, ticket: OrderTicket) -> tuple[OrderReport, tuple[Fill, ...]]:
        """Send once; give the venue's report and the fills it already names.

        Raises:
            OrderRejected, RateLimited, VenueUnavailable: the order surely does not exist.
            OutcomeUnknown: anything else.
        """
        doing = f"order {ticket.client_order_id}"
        require_sendable(ticket, doing)
        self._require_fit(ticket, doing)
        if not ticket.reduce_only:
            self._client.budget.admit(0, Use.ENTRY)
        answer = self._order_call(
            lambda: self._client.create_order(**parameters(ticket)), doing, ticket.symbol
        )
        try:
            if answer["clientOrderId"] != ticket.client_order_id:
                raise ValueError(f"an answer about {answer['clientOrderId']}")  # noqa: TRY301
            report = self._report(answer)
            fills = tuple(fill_of_answer(item, report, answer) for item in answer["fills"])
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OutcomeUnknown(
                f"{doing}: the answer cannot be read",
                expected="a full report",
                found=f"{type(error).__name__} {error}",
                fix="Ask the venue before anything else.",
            ) from None
        return report, fills

    def _require_fit(self, ticket: OrderTicket, doing: str) -> None:
        """Refuse what fails the filters as they are known; what cannot be read refuses nothing."""
        if self._filters is None:
            return
        try:
            failed = self._filters.of(ticket.symbol).refusal(ticket)
        except (VenueError, UnknownSymbol) as error:
            _LOG.warning("Filters of %s are not known: %s", ticket.symbol, error.what)
            return
        if failed:
            raise OrderRejected(
                f"{doing}: not sent, since it would fail the filter {failed}",
                fix="The venue may have changed it; take the instruments anew.",
                code=_FILTER,
            )

    def query(self, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """Give the venue's report, or None when it knows no such order now."""
        doing = f"order {client_order_id}"
        try:
            answer = self._read(
                lambda: self._client.get_order(symbol=symbol, origClientOrderId=client_order_id),
                doing,
            )
        except VenueError as error:
            if error.code == _NO_SUCH_ORDER:
                return None
            if error.code == _ARCHIVED:
                raise OrderArchived(error.what, code=error.code, status=error.status) from None
            raise
        return self._parsed(self._report, answer, doing)

    def cancel(self, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """Cancel; give the final report, or None when there is nothing to cancel."""
        doing = f"cancel of {client_order_id}"
        try:
            answer = self._order_call(
                lambda: self._client.cancel_order(symbol=symbol, origClientOrderId=client_order_id),
                doing,
            )
        except OrderRejected as error:
            if error.code == _NOTHING_TO_CANCEL:
                return None
            raise
        try:
            # The answer's clientOrderId is the cancel's own.
            return self._report({**answer, "clientOrderId": answer["origClientOrderId"]})
        except (KeyError, TypeError, ValueError, InvalidOperation):
            raise OutcomeUnknown(f"{doing}: the answer cannot be read") from None

    def fills_since(self, symbol: Symbol, since: Micros) -> tuple[Fill, ...]:
        """List executions of the account in venue order, also of orders that are not ours."""
        doing = f"trades of {symbol}"
        rows = self._since(self._client.get_my_trades, symbol, since, "fromId", "id", doing)
        return tuple(self._parsed(lambda row: self._fill(symbol, row), row, doing) for row in rows)

    def fills_after(self, symbol: Symbol, trade_id: int) -> tuple[Fill, ...]:
        """List executions with a greater trade id, in venue order."""
        doing = f"trades of {symbol}"
        begin = {"fromId": trade_id + 1}
        rows = self._pages(self._client.get_my_trades, symbol, begin, "fromId", "id", doing)
        return tuple(self._parsed(lambda row: self._fill(symbol, row), row, doing) for row in rows)

    def orders_since(self, symbol: Symbol, since: Micros) -> tuple[OrderReport, ...]:
        """List orders of the account in any state, also those that are not ours."""
        doing = f"orders of {symbol}"
        rows = self._since(self._client.get_all_orders, symbol, since, "orderId", "orderId", doing)
        return tuple(self._parsed(self._report, row, doing) for row in rows)

    def open_orders(self) -> tuple[OrderReport, ...]:
        """List working orders of the account."""
        rows = self._list(self._client.get_open_orders, "open orders")
        return tuple(self._parsed(self._report, row, "open orders") for row in rows)

    def balances(self) -> tuple[Balance, ...]:
        """List all non-zero balances."""
        answer = self._read(self._client.get_account, "balances")
        found = self._parsed(balances_of_answer, answer, "balances")
        return tuple(balance for balance in found if balance.total)

    def _order_call(
        self, request: Callable[[], Answer], doing: str, symbol: Symbol | None = None
    ) -> Answer:
        """Run a request that changes something, once; `symbol` of a placement."""
        self._keep_time()
        try:
            return request()
        except venue_errors() as caught:
            error = translate(caught, doing, is_order=True)
        if self._filters is not None and symbol and getattr(error, "code", 0) == _FILTER:
            self._filters.expire(symbol)
        self._heed_clock(error)
        raise error

    def _read(self, request: Callable[[], Answer], doing: str) -> Answer:
        self._keep_time()
        try:
            return request()
        except venue_errors() as caught:
            error = translate(caught, doing)
        self._heed_clock(error)
        raise error

    def _list(self, request: Callable[[], Any], doing: str) -> list[Any]:
        """Read what must be a list: a proxy's own answer is often JSON of another kind."""
        rows = self._read(request, doing)
        if not isinstance(rows, list):
            raise VenueUnavailable(
                f"{doing}: the answer cannot be read", found=f"{type(rows).__name__}, not a list"
            )
        return rows

    def _heed_clock(self, error: TradingAssetsError) -> None:
        """After a timestamp was refused, measure the clock again before anything else is signed."""
        if getattr(error, "code", 0) == _OUTSIDE_RECV_WINDOW:
            self._synchronise_s = 0.0
            self._keep_time()

    def _keep_time(self) -> None:
        """Measure the clock once an hour; what cannot be measured now is tried a minute later."""
        now_s = self._monotonic()
        if now_s < self._synchronise_s:
            return
        self._synchronise_s = now_s + _MINUTE_S
        try:
            self.synchronise()
        except VenueError as error:
            _LOG.warning("The venue's clock cannot be measured: %s", error.what)

    def _since(
        self,
        request: Callable[..., Any],
        symbol: Symbol,
        since: Micros,
        cursor: str,
        key: str,
        doing: str,
    ) -> Iterator[Mapping[str, Any]]:
        """Yield rows from an instant on, by days until the first day that has one.

        A venue may refuse to look through more than 24 hours at once. From the first row on, ids
        lead further, which no time bounds. A virtual clock is not ours to divide into days.
        """
        place = {"startTime": -(-since // _MS)}
        while self._time_is_auth and place["startTime"] < (self.auth_now() - _DAY) // _MS:
            span = {"endTime": place["startTime"] + _DAY // _MS, "limit": 1}
            rows = self._list(lambda: request(symbol=symbol, **place, **span), doing)  # noqa: B023
            if rows:
                place = {cursor: self._parsed(lambda row: int(row[key]), rows[0], doing)}
                break
            place = {"startTime": span["endTime"]}
        yield from self._pages(request, symbol, place, cursor, key, doing)

    def _pages(
        self,
        request: Callable[..., Any],
        symbol: Symbol,
        begin: dict[str, int],
        cursor: str,
        key: str,
        doing: str,
    ) -> Iterator[Mapping[str, Any]]:
        """Yield rows page after page, each page beginning after the last row."""
        place = begin
        while True:
            rows = self._list(lambda: request(symbol=symbol, limit=_PAGE, **place), doing)  # noqa: B023
            yield from rows
            if len(rows) < _PAGE:
                return
            place = {cursor: int(rows[-1][key]) + 1}

    def _parsed(self, parse: Callable[[Any], Answer], answer: Any, doing: str) -> Answer:
        try:
            return parse(answer)
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise VenueUnavailable(
                f"{doing}: the answer cannot be read", found=f"{type(error).__name__} {error}"
            ) from None

    def _report(self, row: Mapping[str, Any]) -> OrderReport:
        symbol, name = Symbol(row["symbol"]), str(row["clientOrderId"])
        status, executed = STATUSES.get(row["status"]), Decimal(row["executedQty"])
        if status is None and name.startswith(CLIENT_ORDER_ID_PREFIX):
            raise ValueError(f"status {row['status']}")
        if status is OrderStatus.ACCEPTED and executed:  # PENDING_CANCEL says nothing of fills
            status = OrderStatus.PARTIALLY_FILLED
        self._names[symbol, int(row["orderId"])] = name
        return OrderReport(
            client_order_id=name,
            venue_order_id=str(row["orderId"]),
            symbol=symbol,
            side=OrderSide[row["side"]],
            status=status or OrderStatus.UNKNOWN,  # of somebody else's order: no matter of ours
            quantity=Decimal(row["origQty"]),
            executed=executed,
            quote_executed=Decimal(row["cummulativeQuoteQty"]),
            updated_ts=int(row.get("updateTime") or row["transactTime"]) * _MS,
            reason=str(row.get("expiryReason") or ""),
        )

    def _fill(self, symbol: Symbol, row: Mapping[str, Any]) -> Fill:
        return Fill(
            symbol=symbol,
            trade_id=str(row["id"]),
            client_order_id=self._name(symbol, int(row["orderId"])),
            venue_order_id=str(row["orderId"]),
            side=OrderSide.BUY if row["isBuyer"] else OrderSide.SELL,
            price=Decimal(row["price"]),
            quantity=Decimal(row["qty"]),
            fee=Decimal(row["commission"]),
            fee_asset=str(row["commissionAsset"]),
            ts=int(row["time"]) * _MS,
            is_maker=bool(row["isMaker"]),
        )

    def _name(self, symbol: Symbol, order_id: int) -> str:
        """Give the client order id of a venue order; trades carry the venue's id only.

        Orders and trades come from different copies: a trade can be listed before its order is.
        """
        if (symbol, order_id) not in self._names:
            doing = f"order {order_id} of {symbol}"
            try:
                row = self._read(
                    lambda: self._client.get_order(symbol=symbol, orderId=order_id), doing
                )
            except VenueError as error:
                if error.code != _NO_SUCH_ORDER:
                    raise
                raise VenueUnavailable(
                    f"{doing}: the venue lists a trade of it and does not know it yet",
                    fix="Try again later.",
                    code=error.code,
                    status=error.status,
                ) from None
            self._names[symbol, order_id] = self._parsed(
                lambda answer: str(answer["clientOrderId"]), row, doing
            )
        return self._names[symbol, order_id]
