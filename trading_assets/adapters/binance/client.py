"""python-binance's client on our terms: another URL, bounded waits, errors of our own tree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3

from trading_assets.adapters.binance.budget import RequestBudget, cost_of, pause_ms
from trading_assets.adapters.binance.taxonomy import Meaning, meaning, without_secrets
from trading_assets.adapters.bounded_http import BoundedAdapter
from trading_assets.adapters.http_reads import LOOPBACK, repeat_read
from trading_assets.domain.errors import (
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    TradingAssetsError,
    UnknownSymbol,
    VenueBanned,
    VenueError,
    VenueUnavailable,
)
from trading_assets.domain.ids import Micros
from trading_assets.domain.ports import Clock

Answer = TypeVar("Answer")

_NO_SUCH_SYMBOL = -1121
_OUTSIDE_RECV_WINDOW = -1021
_KEY_CODES = (-1002, -1022, -2008, -2014, -2015)


def make_client(
    api_url: str,
    key: str = "",
    secret: str = "",
    *,
    timeout_s: float,
    recv_window_ms: int,
    budget: RequestBudget | None = None,
) -> Any:
    """Build a `binance.Client` for REST calls; the network is not touched.

    Args:
        api_url: ends in `/api`, such as `http://127.0.0.1:8787/api`.
        key: empty for public data.
        secret: of an HMAC key.
        timeout_s: of connecting, and of each silence while reading; an answer may take three.
        recv_window_ms: of signed requests; the library ignores one given per call.
        budget: of the address, to be shared by all its clients; None makes one of its own. It is
            the client's attribute `budget`, and every request passes through it.
    """
    budget = RequestBudget() if budget is None else budget
    if _loop_is_running():
        client = _rest_client(key, secret, timeout_s, budget)
    else:
        # The constructor takes the thread's event loop, or leaves an unclosed one behind. REST
        # needs none, so it gets one that is closed at once.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            client = runner.run(_rest_client_in_loop(key, secret, timeout_s, budget))
    client.API_URL = api_url
    client.REQUEST_RECVWINDOW = recv_window_ms
    for scheme in ("http://", "https://"):
        client.session.mount(scheme, BoundedAdapter())
    if urlsplit(api_url).hostname in LOOPBACK:
        client.session.trust_env = False  # a proxy of the environment is not for this machine
    return client


def call(request: Callable[[], Answer], doing: str, *, clock: Clock, max_attempts: int) -> Answer:
    """Run a read, again after a pause when the venue cannot answer; never for orders.

    Pauses are those of `repeat_read`.

    Args:
        request: must be safe to repeat.
        doing: what is being read, for messages: `klines of BTCUSDT`.
        clock: where the pauses are waited.
        max_attempts: how often at most.

    Raises:
        VenueUnavailable, RateLimited: when the attempts are used up.
        UnknownSymbol, VenueError: at once, for a definite refusal.
    """

    def read() -> Answer:
        error = None
        try:
            return request()
        except venue_errors() as caught:
            error = translate(caught, doing, now=clock.now())
        raise error

    return repeat_read(read, clock=clock, max_attempts=max_attempts)


def venue_errors() -> tuple[type[Exception], ...]:
    """Give what python-binance lets through: its own errors, and those of requests."""
    from binance.exceptions import BinanceAPIException, BinanceRequestException

    return BinanceAPIException, BinanceRequestException, requests.RequestException


def translate(
    error: Exception, doing: str, *, is_order: bool = False, now: Micros | None = None
) -> TradingAssetsError:
    """Turn an error of the library or the transport into one of ours.

    Raise the result `from None`: originals carry URLs, and URLs carry signatures.

    Args:
        error: one of `venue_errors()`.
        doing: what was asked, for the message.
        is_order: the request places or cancels something. Then everything that is not a definite
            refusal, nor certain to have never been sent, is OutcomeUnknown.
        now: present instant, for a Retry-After that is a date.

    Returns:
        RateLimited (obey it; nothing was executed), VenueUnavailable (nothing was executed),
        OutcomeUnknown (orders only), OrderRejected (orders: definite refusal), UnknownSymbol and
        VenueError (reads: definite refusal). `code` is the venue's, `status` HTTP's.
    """
    if isinstance(error, requests.RequestException) and error.response is None:
        return _from_transport(error, doing, is_order)
    status, code = _status(error), _code(error)
    text = _text(error, code)
    found = meaning(status, code, text)
    if found in {Meaning.LIMITED, Meaning.BANNED}:
        limits = VenueBanned if found is Meaning.BANNED else RateLimited
        return limits(
            f"{doing}: the venue limits us ({text})",
            retry_after_ms=pause_ms(status, _headers(error), now),
            code=code or -1003,
            status=status,
        )
    if found in {Meaning.UNKNOWN, Meaning.UNLISTED}:
        kind = OutcomeUnknown if is_order else VenueUnavailable
        fix = "Ask the venue before anything else." if is_order else "Try again later."
        return kind(f"{doing}: {text}", fix=fix, code=code, status=status)
    return _refusal(doing, text, code=code, status=status, is_order=is_order)


def _refusal(
    doing: str, text: str, *, code: int, status: int, is_order: bool
) -> TradingAssetsError:
    """Give the error for a definite no."""
    if is_order:
        return OrderRejected(f"{doing}: {text}", fix=_fix(code), code=code, status=status)
    if code == _NO_SUCH_SYMBOL:
        return UnknownSymbol(
            f"{doing}: the venue does not list this symbol",
            found=text,
            fix="Check `symbols` in the settings against the venue's list.",
        )
    kind = VenueUnavailable if code == _OUTSIDE_RECV_WINDOW else VenueError
    return kind(f"{doing}: {text}", fix=_fix(code), code=code, status=status)


def _from_transport(
    error: requests.RequestException, doing: str, is_order: bool
) -> TradingAssetsError:
    """Classify by whether a single byte of the request can have left."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    never_sent = isinstance(error, requests.ConnectTimeout) or isinstance(
        reason, urllib3.exceptions.NewConnectionError
    )
    text = f"{doing}: {'cannot reach the venue' if never_sent else 'connection lost'}"
    found = type(error if reason is None else reason).__name__
    if never_sent or not is_order:
        return VenueUnavailable(
            text, found=found, fix="Check the network and the URL, then try again."
        )
    return OutcomeUnknown(text, found=found, fix="Ask the venue before anything else.")


def _status(error: Exception) -> int:
    """Give the HTTP status; 0 when the answer was not even JSON."""
    return int(getattr(getattr(error, "response", None), "status_code", 0))


def _code(error: Exception) -> int:
    code = getattr(error, "code", 0)
    return code if isinstance(code, int) else 0


def _text(error: Exception, code: int) -> str:
    status = _status(error)
    if status == 0:
        return "the answer is not JSON"
    if code == 0:
        return f"HTTP {status} without a message of the venue"
    message = without_secrets(str(getattr(error, "message", "")))
    return f"HTTP {status}, code {code}, {message[:200]}"


def _fix(code: int) -> str:
    if code in _KEY_CODES:
        return "Check the API key, its secret, its permissions and its IP list."
    if code == _OUTSIDE_RECV_WINDOW:
        return "This machine's clock differs from the venue's; synchronise it."
    return ""


def _headers(error: Exception) -> Mapping[str, str]:
    return getattr(getattr(error, "response", None), "headers", {})


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _rest_client_in_loop(
    key: str, secret: str, timeout_s: float, budget: RequestBudget
) -> Any:
    return _rest_client(key, secret, timeout_s, budget)


def _rest_client(key: str, secret: str, timeout_s: float, budget: RequestBudget) -> Any:
    from binance.client import Client
    from binance.exceptions import BinanceAPIException

    def request(self: Any, method: str, uri: str, *values: Any, **more: Any) -> Any:
        """Send by the library, within the budget."""
        has_symbol = "symbol" in dict(more.get("data") or {})
        budget.admit(*cost_of(method, uri, has_symbol))
        self.response, code = None, 0
        try:
            answer = Client._request(self, method, uri, *values, **more)  # noqa: SLF001 - the one door
        except BinanceAPIException as error:
            code = _code(error)
            raise
        finally:
            if self.response is not None:
                budget.heard(self.response.status_code, self.response.headers, code)
        if uri.endswith("/exchangeInfo"):
            budget.learn_limit(answer)
        return answer

    def read_answer(response: requests.Response) -> Any:
        """Read by the library, which cannot bear an error whose JSON is no object."""
        try:
            return Client._handle_response(response)  # noqa: SLF001 - the one door
        except AttributeError:
            raise BinanceAPIException(response, response.status_code, "") from None

    # A redirect could carry a signed request to another host.
    parameters = {"timeout": timeout_s, "allow_redirects": False}
    ours = {"_request": request, "_handle_response": staticmethod(read_answer), "budget": budget}
    make: Any = type("Client", (Client,), ours)
    return make(key, secret, requests_params=parameters, ping=False)
