"""A day of the adapter at a venue that drops, limits and fails: no bar and no fill is missed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import httpx
import pytest

from trading_assets.adapters.binance.account_watch import AccountWatch
from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.endpoints import endpoints_of
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager
from trading_assets.adapters.binance.kline_stream import StreamedBars
from trading_assets.adapters.binance.stream import StreamTerms
from trading_assets.adapters.binance.user_stream import UserStream
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.account import Fill
from trading_assets.domain.bar import DAY, MINUTE, Bar
from trading_assets.domain.errors import OutcomeUnknown, RateLimited, VenueUnavailable
from trading_assets.domain.ids import Month, Symbol
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.exchange.config import DEMO_KEY, DEMO_SECRET
from trading_assets.exchange.server import ExchangeConfig, RunningExchange, running_exchange
from trading_assets.market.live_minutes import same_trade_facts

pytestmark = pytest.mark.slow
START = Month(2024, 3).start + DAY
SYMBOLS = (Symbol("BTCUSDT"), Symbol("SOLUSDT"))
SOL = SYMBOLS[1]
ROUND_MINUTES = 10
PATIENCE_S = 15.0
TROUBLE = (VenueUnavailable, RateLimited)


class Day:
    """Everything that a live process has of the adapter, and a venue whose time is stepped."""

    def __init__(self, exchange: RunningExchange) -> None:
        self.exchange = exchange
        self.http = httpx.Client(timeout=30)
        endpoints = endpoints_of(exchange.api_url)
        client = make_client(
            exchange.api_url, DEMO_KEY, DEMO_SECRET, timeout_s=2.0, recv_window_ms=5000
        )
        self.broker = BinanceBroker(client, WallClock(), recv_window_ms=5000, time_is_auth=False)
        self.rest = BinanceBarSource(KlinePager(client, WallClock(), max_attempts=1))
        at_once = StreamTerms(first_pause_s=0.01, longest_pause_s=0.1)
        self.bars = StreamedBars(self.rest, endpoints, SYMBOLS, terms=at_once)
        quiet = StreamTerms(silence_s=None, first_pause_s=0.01, longest_pause_s=0.1)
        self.stream = UserStream(endpoints, DEMO_KEY, DEMO_SECRET, offset_ms=lambda: 0, terms=quiet)
        self.watch = AccountWatch(self.broker, self.stream, SYMBOLS, since=START, poll_s=3600)
        self.now = START
        self.taken: dict[Symbol, list[Bar]] = {symbol: [] for symbol in SYMBOLS}
        self.fills: list[Fill] = []
        self.troubles = 0

    def control(self, name: str, **wish: object) -> None:
        self.http.post(f"{self.exchange.url}/_sim/{name}", json=wish).raise_for_status()

    def step(self, minutes: int) -> None:
        self.control("step", seconds=60 * minutes)
        self.now += minutes * MINUTE

    def look(self, owed: int = 0) -> bool:
        """Ask for everything once, as an executor does; tell whether all bars but some are here."""
        try:
            for symbol, taken in self.taken.items():
                start = taken[-1].ts + MINUTE if taken else START
                for bar in self.bars.bars(symbol, start, self.now):
                    taken.append(bar)
            self.fills += self.watch.take().fills
        except TROUBLE:
            self.troubles += 1
            return False
        due = self.now - (1 + owed) * MINUTE
        return all(taken and taken[-1].ts >= due for taken in self.taken.values())

    def until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, f"waited in vain for {what} at {self.now}"
            threading.Event().wait(0.005)

    def buy(self, name: str) -> None:
        """Send once; a refusal for the rate is waited for under another name."""
        ticket = OrderTicket(
            name, "day", SOL, OrderSide.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal("0.100"),
            self.now,
        )  # fmt: skip
        try:
            self.broker.submit(ticket)
        except (*TROUBLE, OutcomeUnknown):
            self.troubles += 1

    def close(self) -> None:
        self.bars.close()
        self.watch.close()
        self.http.close()


@pytest.fixture
def day() -> Iterator[Day]:
    config = ExchangeConfig(
        start=START, stepped=True, sim_controls=True, symbols=SYMBOLS, weight_limit=10**6
    )
    with running_exchange(config) as exchange:
        day = Day(exchange)
        day.broker._client.budget._limit = 10**6
        yield day
        day.close()


def misfortune(day: Day, number: int) -> None:
    """Drop both streams every ten minutes, and do something else besides."""
    day.control("fault", kind="ws_drop", line="market", code=0 if number % 2 else 1001)
    day.control("fault", kind="ws_drop", line="api")
    if number % 24 == 3:
        day.control("fault", kind="status", status=429, retry_after_s=1, count=2)
    if number % 5 == 1:
        match = {"path": "/api/v3/klines"}
        day.control("fault", kind="status", status=503, count=3, match=match)
    if number % 7 == 2:
        match = {"path": "/api/v3/myTrades"}
        day.control("fault", kind="garbage_body", style="html", count=2, match=match)
    if number % 9 == 4:
        match = {"path": "/api/v3/order", "method": "POST"}
        day.control("fault", kind="drop_reply", match=match)
    if number % 8 == 5:
        trade = {"account": "demo", "symbol": "SOLUSDT", "side": "BUY", "quantity": "0.200"}
        day.control("fault", kind="external_trade", **trade)
    if number % 24 == 6:
        until = (day.now + 60 * MINUTE) // 1000
        skew = 4000 if number % 48 == 6 else -900  # as much as a venue accepts
        day.control("fault", kind="skew_server_time", ms=skew, until=until)


def live_through(day: Day, number: int) -> None:
    sessions = (day.bars.sessions, day.stream.sessions)
    day.step(ROUND_MINUTES // 2)
    day.buy(f"ta-{number}-a")
    misfortune(day, number)
    day.buy(f"ta-{number}-b")
    day.step(ROUND_MINUTES - ROUND_MINUTES // 2)
    # A venue that says it is earlier has not finished the last bar.
    day.until(lambda: day.look(owed=1), "all bars")

    def is_back() -> bool:
        day.look()
        return day.bars.sessions > sessions[0] and day.stream.sessions > sessions[1]

    day.until(is_back, "both streams")


def test_a_day_of_misfortunes_costs_no_bar_and_no_fill(day: Day) -> None:
    day.until(lambda: day.look() or day.bars.sessions > 0 < day.stream.sessions, "the streams")
    for number in range(24 * 60 // ROUND_MINUTES):
        live_through(day, number)
    day.watch._poll_s = 0.0
    day.until(day.look, "the last look")

    for symbol, taken in day.taken.items():
        history = list(day.rest.bars(symbol, START, START + DAY))
        assert len(history) == 24 * 60
        assert [bar.ts for bar in taken] == [bar.ts for bar in history]
        assert all(map(same_trade_facts, taken, history))
    ledger = day.http.get(f"{day.exchange.url}/_sim/ledger").json()
    ours = sorted(int(fill.trade_id) for fill in day.fills)
    assert ours == sorted(trade["trade_id"] for trade in ledger["trades"])
    assert len(ours) >= 2 * 144
    assert day.bars.sessions > 144 < day.stream.sessions
    assert day.bars.streamed > 1000 < day.bars.filled
    assert day.troubles > 30

    known = len(day.fills)
    pushed: list[Fill] = []
    day.until(lambda: day.stream.take() is None or day.stream.is_open, "the user stream")
    day.buy("ta-last")

    def is_pushed() -> bool:
        pushed.extend(day.stream.take().fills)
        return bool(pushed)

    day.until(is_pushed, "a pushed fill")
    assert {fill.client_order_id for fill in pushed} == {"ta-last"}
    assert known == len(day.fills)
