"""The REST wire: routes, weights, authentication and faults around every endpoint."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trading_assets.exchange import errors, wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.endpoints import (
    list_trading,
    market_data,
    public_trades,
    replacing,
    tickers,
    trading,
    wallet,
)
from trading_assets.exchange.endpoints.controls import PREFIX, control
from trading_assets.exchange.endpoints.page import page
from trading_assets.exchange.endpoints.wire_faults import with_faults
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.bodies import read_body
from trading_assets.exchange.protocol.origins import refuse_foreign
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.protocol.time_units import in_micros, wants_micros

Public = Callable[[Exchange, Parameters], Awaitable[bytes]]
Signed = Callable[[Exchange, str, Parameters], Awaitable[bytes]]
Weight = int | Callable[[Parameters], int]

_LOG = logging.getLogger(__name__)
_API = "/api/v3/"
_DONE, _UNKNOWN = (200, 0), (500, -1000)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    Attributes:
        weight: what a call weighs, possibly by its parameters.
        public: what answers, for everyone; or
        signed: what answers, for the account whose key signed.
        refused_weight: what a refusal weighs besides.
        changes: whether every attempt is recorded in the ledger.
        places: whether the answer shows the order counts.
    """

    weight: Weight
    public: Public | None = None
    signed: Signed | None = None
    refused_weight: int = 0
    changes: bool = False
    places: bool = False


def _placing_list(signed: Signed) -> Endpoint:
    return Endpoint(0, signed=signed, refused_weight=1, changes=True, places=True)


_ROUTES: dict[tuple[str, str], Endpoint] = {
    ("GET", "ping"): Endpoint(1, market_data.ping),
    ("GET", "time"): Endpoint(1, market_data.time),
    ("GET", "exchangeInfo"): Endpoint(20, market_data.exchange_info),
    ("GET", "klines"): Endpoint(2, market_data.klines),
    ("GET", "uiKlines"): Endpoint(2, market_data.klines),
    ("GET", "trades"): Endpoint(25, public_trades.trades),
    ("GET", "historicalTrades"): Endpoint(25, public_trades.historical_trades),
    ("GET", "aggTrades"): Endpoint(4, public_trades.aggregate_trades),
    ("GET", "avgPrice"): Endpoint(2, market_data.average_price),
    ("GET", "ticker/24hr"): Endpoint(tickers.day_ticker_weight, tickers.day_ticker),
    ("GET", "ticker/tradingDay"): Endpoint(tickers.window_weight, tickers.trading_day),
    ("GET", "ticker"): Endpoint(tickers.window_weight, tickers.rolling),
    ("GET", "ticker/price"): Endpoint(tickers.ticker_weight, tickers.ticker_price),
    ("GET", "ticker/bookTicker"): Endpoint(tickers.ticker_weight, tickers.book_ticker),
    ("GET", "depth"): Endpoint(market_data.depth_weight, market_data.depth),
    ("POST", "order"): Endpoint(
        0, signed=trading.place_order, refused_weight=1, changes=True, places=True
    ),
    ("DELETE", "order"): Endpoint(0, signed=trading.cancel_order, refused_weight=1, changes=True),
    ("DELETE", "openOrders"): Endpoint(
        0, signed=trading.cancel_all, refused_weight=1, changes=True
    ),
    ("POST", "order/cancelReplace"): Endpoint(
        0, signed=replacing.cancel_replace, refused_weight=1, changes=True, places=True
    ),
    ("POST", "order/test"): Endpoint(trading.test_weight, signed=trading.test_order),
    ("POST", "orderList/oco"): _placing_list(list_trading.place_oco),
    ("POST", "orderList/oto"): _placing_list(list_trading.place_oto),
    ("POST", "orderList/otoco"): _placing_list(list_trading.place_otoco),
    ("POST", "order/oco"): _placing_list(list_trading.place_old_oco),
    ("DELETE", "orderList"): Endpoint(
        0, signed=list_trading.cancel_list, refused_weight=1, changes=True
    ),
    ("GET", "orderList"): Endpoint(4, signed=list_trading.query_list),
    ("GET", "allOrderList"): Endpoint(20, signed=list_trading.all_lists),
    ("GET", "openOrderList"): Endpoint(6, signed=list_trading.open_lists),
    ("GET", "order"): Endpoint(4, signed=trading.query_order),
    ("GET", "openOrders"): Endpoint(trading.open_orders_weight, signed=trading.open_orders),
    ("GET", "allOrders"): Endpoint(20, signed=trading.all_orders),
    ("GET", "account"): Endpoint(20, signed=trading.account_page),
    ("GET", "myTrades"): Endpoint(trading.trades_weight, signed=trading.my_trades),
    ("GET", "rateLimit/order"): Endpoint(40, signed=trading.order_counts),
    ("GET", "account/commission"): Endpoint(20, signed=wallet.commission),
    ("GET", "myPreventedMatches"): Endpoint(20, signed=wallet.prevented_matches),
    ("GET", "myAllocations"): Endpoint(20, signed=wallet.allocations),
}

_WALLET_ROUTES: dict[tuple[str, str], Endpoint] = {
    ("GET", "/sapi/v1/account/status"): Endpoint(1, signed=wallet.account_status),
    ("GET", "/sapi/v1/asset/tradeFee"): Endpoint(1, signed=wallet.trade_fees),
    ("GET", "/sapi/v1/system/status"): Endpoint(1, wallet.status),
    ("GET", "/sapi/v1/capital/config/getall"): Endpoint(10, signed=wallet.coins),
    ("GET", "/sapi/v1/margin/allPairs"): Endpoint(1, wallet.margin_pairs),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): Endpoint(1, wallet.margin_pairs),
}


def endpoint_of(method: str, name: str) -> Endpoint | None:
    """Give the endpoint of an HTTP method and a path below the version, if there is one."""
    return _ROUTES.get((method, name))


class RestApi:
    """The ASGI application of one exchange.

    Attributes:
        abort: closes the connection of a client address at once, for faults that drop it; set by
            the server, without one such a request is left without an answer.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.abort: Callable[[Any], None] = lambda client: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refused as refusal:
            response = self._refusal(refusal)
        except ClientDisconnect:
            return
        except Exception:
            # A fault of ours must look like one of the venue's: the outcome is unknown.
            _LOG.exception("%s %s failed", request.method, request.url.path)
            text = "An unknown error occurred while processing the request."
            response = self._refusal(Refused(-1000, text, status=500))
        if response is None:
            self.abort(scope["client"])
            await asyncio.sleep(0)
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        """Give the answer, or None when the connection is to be dropped."""
        refuse_foreign(request)
        body = await read_body(request, self._exchange.config.patience_s)
        path = request.url.path
        if path.startswith(PREFIX) and self._exchange.config.sim_controls:
            return self._json(await control(self._exchange, request.method, path, body))

        if (shown := page(self._exchange, request.method, path)) is not None:
            return shown

        async def execute() -> Response:
            try:
                return await self._execute(request, path, body)
            except Refused as refusal:
                return self._refusal(refusal)

        return await with_faults(self._exchange, request, body, execute, self._refusal, self.abort)

    async def _execute(self, request: Request, path: str, body: bytes) -> Response:
        micros = wants_micros(request.headers.get("X-MBX-TIME-UNIT"))
        response = await self._execute_in_millis(request, path, body)
        if micros:
            response.body = in_micros(bytes(response.body))
            response.headers["Content-Length"] = str(len(response.body))
        return response

    async def _execute_in_millis(self, request: Request, path: str, body: bytes) -> Response:
        endpoint = self._route(request.method, path)
        query = request.scope["query_string"]
        parameters = Parameters(query, body)
        weight = (
            endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(parameters)
        )
        self._exchange.weights.spend(weight, wall_now())
        if endpoint.public is not None:
            return self._json(await endpoint.public(self._exchange, parameters))
        return await self._execute_signed(endpoint, request, parameters, query, body)

    async def _execute_signed(
        self,
        endpoint: Endpoint,
        request: Request,
        parameters: Parameters,
        query: bytes,
        body: bytes,
    ) -> Response:
        assert endpoint.signed is not None  # noqa: S101 - a route has one or the other
        method, path = request.method, request.url.path
        account, outcome = "", _UNKNOWN
        try:
            credential = self._exchange.authenticator.account_of(
                request.headers.get("X-MBX-APIKEY")
            )
            account = credential.account
            clocks = self._exchange.timestamp_clocks()
            self._exchange.authenticator.check(
                credential, parameters, query=query, body=body, clocks=clocks
            )
            answer = await endpoint.signed(self._exchange, account, parameters)
            outcome = _DONE
        except Refused as refusal:
            outcome = (refusal.status, refusal.code)
            self._exchange.weights.spend(endpoint.refused_weight, wall_now())
            raise
        finally:
            if endpoint.changes:
                self._record(method, path, account, parameters, outcome)
        response = self._json(answer)
        if endpoint.places:
            now = self._exchange.clock.now()
            ten, day = self._exchange.venue.order_meter.counts(account, now)
            response.headers["X-MBX-ORDER-COUNT-10S"] = str(ten)
            response.headers["X-MBX-ORDER-COUNT-1D"] = str(day)
        return response

    @staticmethod
    def _route(method: str, path: str) -> Endpoint:
        name = path.removeprefix(_API)
        if name == "userDataStream" and path.startswith(_API):
            raise Refused(-1016, "This service is no longer available.", status=410)
        routes = _ROUTES if path.startswith(_API) else _WALLET_ROUTES
        endpoint = routes.get((method, name))
        if endpoint is None:
            raise errors.unsupported()
        return endpoint

    def _record(
        self,
        method: str,
        path: str,
        account: str,
        parameters: Parameters,
        outcome: tuple[int, int],
    ) -> None:
        symbol = parameters.text("symbol") or ""
        own_id = parameters.text("newClientOrderId" if method == "POST" else "origClientOrderId")
        self._exchange.ledger.record(
            self._exchange.venue,
            self._exchange.clock.now(),
            (account, method, path, symbol, own_id or "", *outcome),
        )

    # --- answers

    def _headers(self) -> dict[str, str]:
        used = str(self._exchange.weights.used)
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}

    def _json(self, body: bytes) -> Response:
        return Response(body, headers=self._headers(), media_type=wire.MEDIA_TYPE)

    def _refusal(self, refusal: Refused) -> Response:
        headers = self._headers()
        if refusal.retry_after_s is not None:
            headers["Retry-After"] = str(refusal.retry_after_s)
        if refusal.status in {408, 413}:
            headers["Connection"] = "close"  # what is left of the body is not read
        body = wire.encode(refusal.body())
        return Response(body, refusal.status, headers, wire.MEDIA_TYPE)
