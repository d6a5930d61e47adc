"""The WebSocket API: the endpoints of REST as methods, sessions, and streams of user events.

Every request is answered by one frame with its own id, status, result or error, and the rate
limits, which it shares with REST. Requests of one connection are answered in order.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from trading_assets.domain.ids import Micros
from trading_assets.exchange import errors, wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.endpoints.rest import Endpoint, endpoint_of
from trading_assets.exchange.endpoints.ws_faults import push_with_faults
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.faults.kinds import Call
from trading_assets.exchange.protocol.connections import Connection
from trading_assets.exchange.protocol.time_units import in_micros
from trading_assets.exchange.protocol.ws_requests import (
    UnreadableRequest,
    WsRequest,
    request_from_frame,
)
from trading_assets.exchange.streams.user_events import dated, wrapped
from trading_assets.exchange.venue.limits import ORDERS_1D, ORDERS_10S

_LOG = logging.getLogger(__name__)
_SUBSCRIPTIONS_MAX = 1_000
_SESSION_WEIGHT = 2

_METHODS = {
    "ping": ("GET", "ping"),
    "time": ("GET", "time"),
    "exchangeInfo": ("GET", "exchangeInfo"),
    "depth": ("GET", "depth"),
    "trades.recent": ("GET", "trades"),
    "trades.historical": ("GET", "historicalTrades"),
    "trades.aggregate": ("GET", "aggTrades"),
    "klines": ("GET", "klines"),
    "uiKlines": ("GET", "uiKlines"),
    "avgPrice": ("GET", "avgPrice"),
    "ticker": ("GET", "ticker"),
    "ticker.24hr": ("GET", "ticker/24hr"),
    "ticker.tradingDay": ("GET", "ticker/tradingDay"),
    "ticker.price": ("GET", "ticker/price"),
    "ticker.book": ("GET", "ticker/bookTicker"),
    "order.place": ("POST", "order"),
    "order.test": ("POST", "order/test"),
    "order.status": ("GET", "order"),
    "order.cancel": ("DELETE", "order"),
    "order.cancelReplace": ("POST", "order/cancelReplace"),
    "openOrders.status": ("GET", "openOrders"),
    "openOrders.cancelAll": ("DELETE", "openOrders"),
    "orderList.place.oco": ("POST", "orderList/oco"),
    "orderList.place.oto": ("POST", "orderList/oto"),
    "orderList.place.otoco": ("POST", "orderList/otoco"),
    "orderList.status": ("GET", "orderList"),
    "orderList.cancel": ("DELETE", "orderList"),
    "openOrderLists.status": ("GET", "openOrderList"),
    "account.status": ("GET", "account"),
    "account.rateLimits.orders": ("GET", "rateLimit/order"),
    "account.commission": ("GET", "account/commission"),
    "allOrders": ("GET", "allOrders"),
    "allOrderLists": ("GET", "allOrderList"),
    "myTrades": ("GET", "myTrades"),
    "myPreventedMatches": ("GET", "myPreventedMatches"),
    "myAllocations": ("GET", "myAllocations"),
}
"""Method of the API -> method and name of the endpoint of REST that answers it."""

_DEAD = ("userDataStream.start", "userDataStream.ping", "userDataStream.stop")


class ApiSession:
    """One client's conversation on a connection of the WebSocket API."""

    def __init__(
        self, exchange: Exchange, connection: Connection, *, shows_limits: bool = True
    ) -> None:
        self._exchange = exchange
        self._connection = connection
        self._shows_limits = shows_limits
        self._connected_ms = wire.ms(exchange.clock.now())
        self._key: str | None = None
        self._account = ""
        self._since_ms = 0
        self._next_number = 0
        self._subscriptions: dict[int, tuple[str, bool]] = {}  # account, and if by the session
        connection.farewell = self.farewell

    def farewell(self, now: Micros) -> str:
        """Give the frame that announces a stop of the server."""
        return f'{{"event":{dated("serverShutdown", self._connection, now)}}}'

    def end(self) -> None:
        """Give all subscriptions up."""
        for number, (account, _) in self._subscriptions.items():
            self._exchange.users.unsubscribe(account, self._connection, number)
        self._subscriptions.clear()

    # --- the envelope

    async def handle(self, text: str) -> None:
        """Answer one frame."""
        try:
            request = request_from_frame(text)
        except UnreadableRequest as error:
            refused = self._refusal(error.number, error.refusal, [], shown=self._shows_limits)
            self._connection.push(refused)
            return

        def refusal(refused: Refused) -> str:
            return self._refusal(request.number, refused, [], shown=self._shows_limits)

        answer = partial(self._answer, request)
        call = self._call_of(request)
        await push_with_faults(self._exchange, call, self._connection, answer, refusal)

    def _call_of(self, request: WsRequest) -> Call:
        account = self._account
        if "apiKey" in request.values:
            try:
                account = self._exchange.authenticator.account_of(request.values["apiKey"]).account
            except Refused:
                account = ""
        return Call("WS", request.method, request.values.get("symbol", ""), account)

    async def _answer(self, request: WsRequest) -> str:
        """Execute a request; give the frame that answers it."""
        limits: list[dict[str, Any]] = []
        shown = self._shows_limits if request.shows_limits is None else request.shows_limits
        try:
            result = await self._result(request, limits)
        except Refused as refusal:
            return self._refusal(request.number, refusal, limits, shown=shown)
        except Exception:
            # A fault of ours must look like one of the venue's: the outcome is unknown.
            _LOG.exception("%s failed", request.method)
            text = "An unknown error occurred while processing the request."
            refused = Refused(-1000, text, status=500)
            return self._refusal(request.number, refused, limits, shown=shown)
        if self._connection.in_micros:
            result = in_micros(result)
        head = f'{{"id":{wire.encode(request.number).decode()},"status":200,"result":'
        return self._frame(head + result.decode(), limits, shown=shown)

    def _frame(self, text: str, limits: list[dict[str, Any]], *, shown: bool) -> str:
        if shown:
            weights = self._exchange.weights
            rate = _limit("REQUEST_WEIGHT", "MINUTE", 1, weights.limit, weights.used)
            text += ',"rateLimits":' + wire.encode([*limits, rate]).decode()
        return text + "}"

    def _refusal(
        self, number: Any, refusal: Refused, limits: list[dict[str, Any]], *, shown: bool
    ) -> str:
        error = refusal.body()
        if refusal.retry_after_s is not None:
            now_ms = wall_now() // 1_000
            later = now_ms + 1_000 * refusal.retry_after_s
            error["data"] = {"serverTime": now_ms, "retryAfter": later}
        answer = {"id": number, "status": refusal.status, "error": error}
        return self._frame(wire.encode(answer).decode()[:-1], limits, shown=shown)

    # --- methods

    async def _result(self, request: WsRequest, limits: list[dict[str, Any]]) -> bytes:
        if request.method in _DEAD:
            raise Refused(-1016, "This service is no longer available.", status=410)
        own = {
            "session.logon": self._logon,
            "session.status": self._status,
            "session.logout": self._logout,
            "session.subscriptions": self._list_subscriptions,
            "userDataStream.subscribe": self._subscribe_session,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }.get(request.method)
        if own is not None:
            self._exchange.weights.spend(_SESSION_WEIGHT, wall_now())
            return wire.encode(own(request))
        route = _METHODS.get(request.method)
        endpoint = endpoint_of(*route) if route is not None else None
        if endpoint is None:
            raise errors.unsupported()
        return await self._call(endpoint, request, limits)

    async def _call(
        self, endpoint: Endpoint, request: WsRequest, limits: list[dict[str, Any]]
    ) -> bytes:
        parameters = request.parameters()
        weight = endpoint.weight
        weight = weight if isinstance(weight, int) else weight(parameters)
        self._exchange.weights.spend(weight, wall_now())
        if endpoint.public is not None:
            return await endpoint.public(self._exchange, parameters)
        assert endpoint.signed is not None  # noqa: S101 - a route has one or the other
        account, outcome = "", (500, -1000)
        try:
            account = self._authorised(request)
            answer = await endpoint.signed(self._exchange, account, parameters)
            outcome = (200, 0)
        except Refused as refusal:
            outcome = (refusal.status, refusal.code)
            self._exchange.weights.spend(endpoint.refused_weight, wall_now())
            raise
        finally:
            if endpoint.changes:
                self._record(request, account, outcome)
            if endpoint.places:
                limits += self._order_limits(account)
        return answer

    def _record(self, request: WsRequest, account: str, outcome: tuple[int, int]) -> None:
        values = request.values
        own_id = values.get(
            "newClientOrderId" if ".place" in request.method else "origClientOrderId"
        )
        attempt = (account, "WS", request.method, values.get("symbol", ""), own_id or "", *outcome)
        self._exchange.ledger.record(self._exchange.venue, self._exchange.clock.now(), attempt)

    def _order_limits(self, account: str) -> list[dict[str, Any]]:
        now = self._exchange.clock.now()
        ten, day = self._exchange.venue.order_meter.counts(account, now)
        return [
            _limit("ORDERS", "SECOND", 10, ORDERS_10S, ten),
            _limit("ORDERS", "DAY", 1, ORDERS_1D, day),
        ]

    # --- who asks

    def _authorised(self, request: WsRequest) -> str:
        """Give the account that a request is for: its own key's, or the session's.

        Raises:
            Refused: for a missing or unknown key, a bad signature or time.
        """
        clocks = self._exchange.timestamp_clocks()
        authenticator = self._exchange.authenticator
        if "apiKey" in request.values or "signature" in request.values or self._key is None:
            if "apiKey" not in request.values:
                raise errors.missing("apiKey")
            credential = authenticator.account_of(request.values["apiKey"])
            parameters = request.parameters()
            authenticator.check_payloads(credential, parameters, request.payloads(), clocks)
            return credential.account
        authenticator.check_time(request.parameters(), clocks)
        return self._account

    def _logon(self, request: WsRequest) -> dict[str, Any]:
        account = self._authorised(request)
        key = request.values.get("apiKey")
        if key is None or not self._exchange.authenticator.is_ed25519(key):
            raise Refused(-4056, "HMAC_SHA256 API key is not supported.")
        self._key, self._account = key, account
        self._since_ms = wire.ms(self._exchange.clock.now())
        return self._status(request)

    def _logout(self, request: WsRequest) -> dict[str, Any]:
        for number, (_, by_session) in list(self._subscriptions.items()):
            if by_session:
                self._terminate(number)
        self._key = None
        return self._status(request)

    def _status(self, request: WsRequest) -> dict[str, Any]:
        return {
            "apiKey": self._key,
            "authorizedSince": self._since_ms if self._key else None,
            "connectedSince": self._connected_ms,
            "returnRateLimits": self._shows_limits,
            "serverTime": wire.ms(self._exchange.clock.now()),
            "userDataStream": bool(self._subscriptions),
        }

    # --- user events

    def _subscribe_session(self, request: WsRequest) -> dict[str, Any]:
        if self._key is None:
            raise Refused(-1002, "You are not authorized to execute this request.", status=401)
        return self._subscribe(self._account, by_session=True)

    def _subscribe_signed(self, request: WsRequest) -> dict[str, Any]:
        if "signature" not in request.values:
            raise errors.missing("signature")
        return self._subscribe(self._authorised(request), by_session=False)

    def _subscribe(self, account: str, *, by_session: bool) -> dict[str, Any]:
        if self._exchange.hub.faults.takes_subscription():
            raise Refused(-1001, "Internal error; unable to process your request.", status=500)
        if account in {known for known, _ in self._subscriptions.values()}:
            raise Refused(-2035, "User Data Stream subscription already active.")
        if len(self._subscriptions) >= _SUBSCRIPTIONS_MAX:
            raise Refused(-1191, f"Too many subscriptions; at most {_SUBSCRIPTIONS_MAX} at a time.")
        number = self._next_number
        self._next_number += 1
        self._subscriptions[number] = (account, by_session)
        self._exchange.users.subscribe(account, self._connection, number)
        return {"subscriptionId": number}

    def _unsubscribe(self, request: WsRequest) -> dict[str, Any]:
        wanted = request.parameters().integer("subscriptionId")
        if wanted is not None and wanted not in self._subscriptions:
            raise Refused(-2036, "User Data Stream subscription not active.")
        for number in [wanted] if wanted is not None else list(self._subscriptions):
            self._terminate(number)
        return {}

    def _terminate(self, number: int) -> None:
        account, _ = self._subscriptions.pop(number)
        self._exchange.users.unsubscribe(account, self._connection, number)
        ended = dated("eventStreamTerminated", self._connection, self._exchange.clock.now())
        self._connection.push(wrapped(number, ended))

    def _list_subscriptions(self, request: WsRequest) -> list[dict[str, int]]:
        return [{"subscriptionId": number} for number in self._subscriptions]


def _limit(kind: str, interval: str, number: int, limit: int, count: int) -> dict[str, Any]:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
        "count": count,
    }
