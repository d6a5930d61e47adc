"""python-binance's client on our terms, against a real server."""

import asyncio
import gc
import socket
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from trading_assets.adapters.binance.budget import RequestBudget
from trading_assets.adapters.binance.client import call, make_client, translate, venue_errors
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


def client_of(url: str, *, timeout_s: float = 5.0, budget: RequestBudget | None = None) -> Any:
    return make_client(
        f"{url}/api", "key", "secret", timeout_s=timeout_s, recv_window_ms=4000, budget=budget
    )


def error_of(client: Any, *, is_order: bool) -> TradingAssetsError:
    """Send one signed request and translate what it raises."""
    try:
        if is_order:
            client.create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1")
        else:
            client.get_account()
    except venue_errors() as error:
        return translate(error, "something", is_order=is_order)
    raise AssertionError("the request succeeded")


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed_url() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_requests_go_to_our_url_with_our_window_and_nothing_is_sent_before(server: Any) -> None:
    client = client_of(server.url)
    assert server.asked == []
    client.get_account(recvWindow=9)
    (asked,) = server.asked
    assert asked.path == "/api/v3/account"
    assert asked.query["recvWindow"] == "4000"
    assert len(asked.query["signature"]) == 64


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client_of(server.url).ping()
    assert len(server.asked) == 1


def test_clients_can_be_made_anywhere_and_leave_no_event_loop_behind(server: Any) -> None:
    async def inside_a_loop() -> None:
        client_of(server.url)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(client_of, server.url).result().ping()
    asyncio.run(inside_a_loop())
    gc.collect()  # an unclosed loop would warn here, and warnings are errors


@pytest.mark.parametrize(
    ("status", "code", "read", "order"),
    [
        (429, -1003, RateLimited, RateLimited),
        (418, -1003, VenueBanned, VenueBanned),
        (429, -1015, RateLimited, RateLimited),
        (400, -1013, VenueError, OrderRejected),
        (400, -2010, VenueError, OrderRejected),
        (400, -1121, UnknownSymbol, OrderRejected),
        (400, -1021, VenueUnavailable, OrderRejected),
        (401, -2015, VenueError, OrderRejected),
        (400, -2013, VenueError, OrderRejected),
        (503, -1007, VenueUnavailable, OutcomeUnknown),
        (400, -1006, VenueUnavailable, OutcomeUnknown),
        (500, -1000, VenueUnavailable, OutcomeUnknown),
        (302, 0, VenueUnavailable, OutcomeUnknown),
        (404, 0, VenueUnavailable, OutcomeUnknown),
    ],
)
def test_every_answer_of_the_venue_has_one_meaning(
    server: Any,
    status: int,
    code: int,
    read: type[TradingAssetsError],
    order: type[TradingAssetsError],
) -> None:
    server.answer = lambda _: server.json({"code": code, "msg": "No."}, status)
    for is_order, kind in ((False, read), (True, order)):
        error = error_of(client_of(server.url), is_order=is_order)
        assert type(error) is kind
        if isinstance(error, VenueError):
            assert (error.code, error.status) == (code, status)


@pytest.mark.parametrize("status", [200, 502])
def test_html_instead_of_json_is_not_the_venues_word(server: Any, status: int) -> None:
    server.answer = lambda _: server.raw(b"<html>Bad gateway</html>", status)
    assert type(error_of(client_of(server.url), is_order=False)) is VenueUnavailable
    unknown = error_of(client_of(server.url), is_order=True)
    assert type(unknown) is OutcomeUnknown
    assert "html" not in str(unknown)


def test_a_refused_connection_was_certainly_not_sent(closed_url: str) -> None:
    for is_order in (False, True):
        error = error_of(client_of(closed_url), is_order=is_order)
        assert type(error) is VenueUnavailable
        assert "cannot reach the venue" in str(error)


def test_silence_or_a_cut_after_sending_is_unknown_for_an_order(
    server: Any, silent_url: str
) -> None:
    server.answer = lambda _: server.raw(b"{}" * 500, cut=3)
    for client in (client_of(server.url), client_of(silent_url, timeout_s=0.05)):
        assert type(error_of(client, is_order=True)) is OutcomeUnknown
        assert type(error_of(client, is_order=False)) is VenueUnavailable


def test_errors_carry_neither_url_nor_signature(closed_url: str, clock: Any) -> None:
    client = client_of(closed_url)
    with pytest.raises(VenueUnavailable) as caught:
        call(client.get_account, "the account", clock=clock, max_attempts=2)
    text = "".join(traceback.format_exception(caught.value))
    assert "signature=" not in text
    assert closed_url not in text


def test_a_read_is_repeated_with_growing_pauses_until_it_works(server: Any, clock: Any) -> None:
    answers = [server.raw(b"", 503), server.raw(b"<html>", 502), server.json({"serverTime": 5})]
    server.answer = lambda _: answers.pop(0)
    client = client_of(server.url)
    assert call(client.get_server_time, "time", clock=clock, max_attempts=3) == {"serverTime": 5}
    assert clock.waits == [0.25, 0.5]


def test_attempts_are_bounded(server: Any, clock: Any) -> None:
    server.answer = lambda _: server.raw(b"", 503)
    with pytest.raises(VenueUnavailable, match="time: HTTP 503"):
        call(client_of(server.url).get_server_time, "time", clock=clock, max_attempts=4)
    assert len(server.asked) == 4
    assert len(clock.waits) == 3


def test_retry_after_is_obeyed_and_a_ban_is_not_waited_for(server: Any, clock: Any) -> None:
    limited = {"code": -1003, "msg": "Too many requests."}
    answers = [
        server.json(limited, 429, Retry_After="7"),
        server.json(limited, 429),
        server.json(limited, 418, Retry_After="120"),
    ]
    server.answer = lambda _: answers.pop(0)
    budget = RequestBudget(monotonic=lambda: clock.now() / 1e6)
    client = client_of(server.url, budget=budget)
    with pytest.raises(VenueBanned) as caught:
        call(client.get_server_time, "time", clock=clock, max_attempts=9)
    assert clock.waits == [7.0, 10.0]
    assert caught.value.retry_after_ms == 120_000


def test_a_definite_refusal_is_not_repeated(server: Any, clock: Any) -> None:
    server.answer = lambda _: server.json({"code": -1121, "msg": "Invalid symbol."}, 400)
    client = client_of(server.url)
    with pytest.raises(UnknownSymbol, match=r"klines of NOPE.*Invalid symbol"):
        call(
            lambda: client.get_klines(symbol="NOPE", interval="1m"),
            "klines of NOPE",
            clock=clock,
            max_attempts=9,
        )
    assert len(server.asked) == 1


def test_other_exceptions_pass_through(clock: Any) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call(broken, "nothing", clock=clock, max_attempts=9)
