"""Faults on the wire: delays, lost requests and answers, error pages, torn and garbled bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trading_assets.exchange import errors, wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.faults.armed import Armed
from trading_assets.exchange.faults.kinds import Call, Kind
from trading_assets.exchange.protocol.parameters import Parameters

Answer = Callable[[], Awaitable[Response]]
Refusal = Callable[[Refused], Response]

_WATCH_S = 0.02
_GATEWAY_PAGE = (
    "<html><head><title>{0} {1}</title></head><body><center><h1>{0} {1}</h1></center></body></html>"
)
_TITLES = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


class TornResponse(Response):
    """An answer that breaks off in the middle of its body."""

    def __init__(self, whole: Response, abort: Callable[[Any], None]) -> None:
        super().__init__(whole.body, whole.status_code, dict(whole.headers))
        self._abort = abort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and half of the body, then close the connection."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        self._abort(scope["client"])
        await asyncio.sleep(0)


def call_of(exchange: Exchange, request: Request, body: bytes) -> Call:
    """Say whose request it is and about what, without judging it."""
    raw = request.scope["query_string"] + b"&" + body
    symbols = parse_qs(raw.decode("utf-8", "replace")).get("symbol", [""])
    try:
        key = request.headers.get("X-MBX-APIKEY")
        account = exchange.authenticator.account_of(key).account
    except Refused:
        account = ""
    return Call(request.method, request.url.path, symbols[0], account)


async def with_faults(
    exchange: Exchange,
    request: Request,
    body: bytes,
    answer: Answer,
    refusal: Refusal,
    abort: Callable[[Any], None],
) -> Response | None:
    """Answer a request through whatever is armed for it.

    Args:
        exchange: whose faults.
        request: as it came, its body read.
        body: of the request.
        answer: executes it.
        refusal: writes a refusal as the venue does.
        abort: closes the connection of a client.

    Returns:
        The answer, or None when the connection is to be dropped.
    """
    if exchange.faults.is_quiet:
        return await answer()
    now = exchange.settled_now()
    struck = exchange.faults.strike(call_of(exchange, request, body), now)
    exchange.driver.poke()  # an action may have been drawn
    if (frozen := struck.get(Kind.FREEZE)) is not None and await freeze(exchange, frozen, request):
        return None
    delay = settings_of(struck, Kind.DELAY)
    if delay.get("before_ms", 0):
        if (untimely := _refused_on_arrival(exchange, request, body)) is not None:
            return refusal(untimely)
        await asyncio.sleep(delay["before_ms"] / 1_000)
    if Kind.DROP_REQUEST in struck:
        return None
    status = settings_of(struck, Kind.STATUS)
    if status and status["when"] == "before":
        return _error_page(status, exchange, refusal)
    response: Response | None = await answer()
    await asyncio.sleep(delay.get("after_ms", 0) / 1_000)
    if status:
        response = _error_page(status, exchange, refusal)
    return _spoilt(response, struck, abort)


def _refused_on_arrival(exchange: Exchange, request: Request, body: bytes) -> Refused | None:
    """Look at a timestamp before a delay; it is looked at again before the order is matched."""
    try:
        parameters = Parameters(request.scope["query_string"], body)
        if "timestamp" in parameters:
            exchange.authenticator.check_time(parameters, exchange.timestamp_clocks())
    except Refused as refused:
        return refused
    return None


def _spoilt(
    response: Response | None, struck: Mapping[Kind, Armed], abort: Callable[[Any], None]
) -> Response | None:
    """Lose, garble or tear an answer."""
    if response is None or Kind.DROP_REPLY in struck:
        return None
    if garbage := settings_of(struck, Kind.GARBAGE_BODY):
        response = _garbled(response, garbage["style"])
    return TornResponse(response, abort) if Kind.RESET_MID_BODY in struck else response


def settings_of(struck: Mapping[Kind, Armed], kind: Kind) -> Mapping[str, Any]:
    """Give the settings of a kind that has struck, or none."""
    armed = struck.get(kind)
    return {} if armed is None else armed.fault.settings


async def freeze(exchange: Exchange, frozen: Armed, request: Request | None = None) -> bool:
    """Hold a request until the freeze is over or cleared; say whether its client has gone."""
    left_s = frozen.fault.settings["ms"] / 1_000
    while left_s > 0:
        if request is not None and await request.is_disconnected():
            return True
        if frozen.number and not exchange.faults.is_armed(frozen.number, exchange.clock.now()):
            break
        await asyncio.sleep(min(_WATCH_S, left_s))
        left_s -= _WATCH_S
    # A client may have gone in the same moment in which the freeze was cleared.
    return request is not None and await request.is_disconnected()


def refusal_of(status: Mapping[str, Any], exchange: Exchange) -> Refused:
    """Give the refusal that a `status` fault is, in the venue's own words."""
    number, wait_s = status["status"], status["retry_after_s"]
    if number in {418, 429} and not status["code"]:
        refused = errors.too_much_weight(exchange.weights.limit, wait_s)
        refused.status = number
        return refused
    wait = wait_s if number in {418, 429} else None
    code = status["code"] or -1000
    return Refused(code, status["text"], status=number, retry_after_s=wait)


def _error_page(status: Mapping[str, Any], exchange: Exchange, refusal: Refusal) -> Response:
    number = status["status"]
    if status["code"] or number in {418, 429}:
        return refusal(refusal_of(status, exchange))
    page = _GATEWAY_PAGE.format(number, _TITLES.get(number, "Error"))
    return Response(page, number, media_type="text/html")


def _garbled(response: Response, style: str) -> Response:
    whole = bytes(response.body)
    body, media = {
        "truncated": (whole[: len(whole) // 2], wire.MEDIA_TYPE),
        "html": (_GATEWAY_PAGE.format(200, "OK").encode(), "text/html"),
        "binary": (bytes(range(256)), wire.MEDIA_TYPE),
        "empty": (b"", wire.MEDIA_TYPE),
    }[style]
    return Response(body, 200, media_type=media)
