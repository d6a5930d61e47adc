"""Events of an account against the embedded exchange: the library's silence, and what ends it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from trading_assets.adapters.binance.account_watch import AccountWatch
from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.endpoints import endpoints_of
from trading_assets.adapters.binance.stream import _library
from trading_assets.adapters.binance.user_stream import UserStream
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.account import Fill
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month, Symbol
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.exchange.config import DEMO_KEY, DEMO_SECRET
from trading_assets.exchange.server import ExchangeConfig, RunningExchange, running_exchange

START = Month(2024, 3).start + 1500 * MINUTE
SOL = Symbol("SOLUSDT")
PATIENCE_S = 10.0


def a_ticket(name: str) -> OrderTicket:
    return OrderTicket(
        client_order_id=name,
        tag="test",
        symbol=SOL,
        side=OrderSide.BUY,
        type=OrderType.MARKET,
        tif=TimeInForce.GTC,
        quantity=Decimal("1.000"),
        bar_ts=START,
    )


@pytest.fixture
def exchange() -> Iterator[RunningExchange]:
    config = ExchangeConfig(start=START, stepped=True, sim_controls=True)
    with running_exchange(config) as running:
        yield running


def control(exchange: RunningExchange, name: str, **wish: object) -> None:
    httpx.post(f"{exchange.url}/_sim/{name}", json=wish).raise_for_status()


def broker_of(exchange: RunningExchange) -> BinanceBroker:
    client = make_client(
        exchange.api_url, DEMO_KEY, DEMO_SECRET, timeout_s=2.0, recv_window_ms=5000
    )
    return BinanceBroker(client, WallClock(), recv_window_ms=5000, time_is_auth=False)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"waited in vain for {what}"
        threading.Event().wait(0.01)


class Account:
    """A broker, a stream of the same account, and a watch over both."""

    def __init__(self, exchange: RunningExchange) -> None:
        self.exchange = exchange
        self.broker = broker_of(exchange)
        self.stream = UserStream(
            endpoints_of(exchange.api_url), DEMO_KEY, DEMO_SECRET, offset_ms=lambda: 0
        )
        self.watch = AccountWatch(self.broker, self.stream, (SOL,), since=START, poll_s=3600)
        self.fills: list[Fill] = []
        self.looks = 0

    def buy(self, name: str) -> None:
        self.broker.submit(a_ticket(name))

    def take(self) -> None:
        news = self.watch.take()
        self.fills += news.fills
        self.looks += news.must_look

    def until(self, holds: Callable[[], bool], what: str) -> None:
        def is_so() -> bool:
            self.take()
            return holds()

        wait_until(is_so, what)

    def pushed(self) -> list[Fill]:
        """Wait for fills by the stream alone."""
        fills: list[Fill] = []

        def has_come() -> bool:
            fills.extend(self.stream.take().fills)
            return bool(fills)

        wait_until(has_come, "a pushed fill")
        return fills

    def names(self) -> list[str]:
        return list(dict.fromkeys(fill.client_order_id for fill in self.fills))


@pytest.fixture
def account(exchange: RunningExchange) -> Iterator[Account]:
    account = Account(exchange)
    account.until(lambda: account.stream.sessions == 1, "a subscription")
    yield account
    account.watch.close()


def test_the_library_alone_is_silent_for_ever_after_a_lost_connection(
    exchange: RunningExchange,
) -> None:
    """What the supervisor is there for; without it no event comes any more, and nothing says so."""
    broker = broker_of(exchange)

    async def next_fill(socket: Any, wait_s: float) -> str | None:
        try:
            while True:
                event = await asyncio.wait_for(socket.recv(), wait_s)
                if event["e"] == "executionReport" and event["x"] == "TRADE":
                    return str(event["c"])
        except TimeoutError:
            return None

    async def main() -> tuple[str | None, str | None]:
        async with _library(endpoints_of(exchange.api_url), DEMO_KEY, DEMO_SECRET) as (
            client,
            manager,
        ):
            socket = manager.user_socket()
            await socket.connect()
            await asyncio.to_thread(broker.submit, a_ticket("ta-before"))
            before = await next_fill(socket, 5)
            connection = client.ws_api.ws
            await asyncio.to_thread(control, exchange, "fault", kind="ws_drop", line="api")
            async with asyncio.timeout(20):
                while client.ws_api.ws in (None, connection):
                    await asyncio.sleep(0.05)
            # It is connected again, and answers.
            await client._ws_api_request("ping", signed=False, params={})
            await asyncio.to_thread(broker.submit, a_ticket("ta-after"))
            after = await next_fill(socket, 3)
            await client.ws_api.ws.close()
            return before, after

    assert asyncio.run(main()) == ("ta-before", None)
    assert {fill.client_order_id for fill in broker.fills_since(SOL, START)} >= {"ta-after"}


def test_under_the_supervisor_events_come_again(account: Account) -> None:
    account.buy("ta-before")
    account.until(lambda: account.names() == ["ta-before"], "the first fill")
    for number in range(3):
        looks = account.looks
        control(account.exchange, "fault", kind="ws_drop", line="api")
        account.until(lambda n=number: account.stream.sessions == n + 2, "a new subscription")  # type: ignore[misc]
        assert account.looks > looks  # each time its owner is told to look
        account.buy(f"ta-{number}")
        assert {fill.client_order_id for fill in account.pushed()} == {f"ta-{number}"}
    assert account.stream.is_open


def test_pushed_fills_are_those_that_rest_tells(account: Account) -> None:
    account.buy("ta-one")
    assert tuple(account.pushed()) == account.broker.fills_since(SOL, START)


def test_what_happened_without_a_connection_is_found_and_nothing_comes_twice(
    account: Account,
) -> None:
    account.buy("ta-one")
    account.until(lambda: account.names() == ["ta-one"], "the first fill")
    control(account.exchange, "fault", kind="ws_drop", line="api")
    account.buy("ta-two")
    control(
        account.exchange, "fault", kind="external_trade", account="demo", symbol="SOLUSDT",
        side="BUY", quantity="2.000",
    )  # fmt: skip
    account.until(lambda: account.stream.sessions == 2, "a new subscription")
    account.buy("ta-three")
    account.until(lambda: "ta-three" in account.names(), "the last fill")
    theirs = account.broker.fills_since(SOL, START)
    assert account.fills == list(theirs)
    assert len(theirs) >= 4


def test_a_fill_that_the_stream_has_lost_is_found_by_the_next(account: Account) -> None:
    control(account.exchange, "fault", kind="ws_gap", stream="", messages=3)
    account.buy("ta-lost")
    account.buy("ta-next")
    account.until(lambda: len(account.names()) == 2, "both")
    assert account.fills == list(account.broker.fills_since(SOL, START))


def test_a_fill_that_nothing_tells_of_is_found_by_asking(account: Account) -> None:
    account.take()
    control(account.exchange, "fault", kind="ws_freeze", line="api")
    account.buy("ta-quiet")
    account.take()
    assert account.fills == []
    account.watch._poll_s = 0.0
    account.take()
    account.take()
    assert account.names() == ["ta-quiet"]
    assert account.fills == list(account.broker.fills_since(SOL, START))


def test_secrets_stay_out_of_what_is_said_of_a_refused_subscription(
    exchange: RunningExchange, caplog: pytest.LogCaptureFixture
) -> None:
    stream = UserStream(endpoints_of(exchange.api_url), DEMO_KEY, "wrong", offset_ms=lambda: 0)
    end = time.monotonic() + PATIENCE_S
    while not caplog.records and time.monotonic() < end:
        threading.Event().wait(0.01)
    stream.close()
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "-1022" in text
    assert DEMO_KEY not in text
    assert "signature" not in text


def test_a_connection_that_went_dead_without_a_word_is_noticed(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading_assets.adapters.binance.stream._PING_S", 0.2)
    control(account.exchange, "fault", kind="ws_drop", line="api")
    account.until(lambda: account.stream.sessions == 2, "a session with short pings")
    control(account.exchange, "fault", kind="ws_stall", line="api")
    account.until(lambda: account.stream.sessions == 3, "a new subscription")
    account.buy("ta-after")
    assert [fill.client_order_id for fill in account.pushed()] == ["ta-after"]


def test_closing_takes_no_longer_than_it_must(account: Account) -> None:
    """The library alone waits ten seconds for its own reader."""
    began = time.monotonic()
    account.watch.close()
    assert time.monotonic() - began < 3
    assert not account.stream._supervisor._thread.is_alive()
