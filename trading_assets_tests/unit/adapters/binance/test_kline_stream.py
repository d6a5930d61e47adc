"""Bars by WebSocket against the embedded exchange: whatever breaks, each bar once and in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.endpoints import endpoints_of
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager
from trading_assets.adapters.binance.kline_stream import StreamedBars
from trading_assets.adapters.binance.stream import StreamTerms
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.exchange.server import ExchangeConfig, RunningExchange, running_exchange
from trading_assets.market.live_minutes import same_trade_facts

START: Micros = Month(2024, 3).start + 1500 * MINUTE
SYMBOLS = (Symbol("BTCUSDT"), Symbol("SOLUSDT"))
BTC = SYMBOLS[0]
PATIENCE_S = 10.0


class Line:
    """An exchange whose time the test moves, and streamed bars of it."""

    def __init__(self, exchange: RunningExchange, terms: StreamTerms) -> None:
        self.exchange = exchange
        client = make_client(exchange.api_url, timeout_s=5, recv_window_ms=5000)
        self.rest = BinanceBarSource(KlinePager(client, WallClock(), max_attempts=2))
        self.bars = StreamedBars(self.rest, endpoints_of(exchange.api_url), SYMBOLS, terms=terms)
        self.now = START
        self.taken: list[Bar] = []
        self.next = START

    def control(self, name: str, **wish: object) -> None:
        httpx.post(f"{self.exchange.url}/_sim/{name}", json=wish, timeout=30).raise_for_status()

    def step(self, minutes: int = 1) -> None:
        self.control("step", seconds=60 * minutes)
        self.now += minutes * MINUTE

    def until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, f"waited in vain for {what}"
            threading.Event().wait(0.01)

    def open(self, sessions: int = 1) -> None:
        """Wait until so many sessions have been opened."""

        def is_open() -> bool:
            self.bars._listen()
            return self.bars.sessions >= sessions

        self.until(is_open, f"{sessions} sessions")

    def take(self) -> None:
        for bar in self.bars.bars(BTC, self.next, self.now):
            self.taken.append(bar)
            self.next = bar.ts + MINUTE

    def take_all(self) -> None:
        """Ask, as a feed does, until all that is over has come."""

        def is_all() -> bool:
            self.take()
            return self.next == self.now

        self.until(is_all, "all bars")

    def require_whole(self) -> None:
        """Each bar once, in order, as the venue's history has it."""
        history = list(self.rest.bars(BTC, START, self.now))
        assert [bar.ts for bar in self.taken] == [bar.ts for bar in history]
        assert all(map(same_trade_facts, self.taken, history))


@pytest.fixture
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    config = ExchangeConfig(start=START, stepped=True, sim_controls=True)
    terms = getattr(request, "param", StreamTerms())
    with running_exchange(config) as exchange:
        line = Line(exchange, terms)
        yield line
        line.bars.close()


def test_closed_bars_come_by_the_stream_and_nothing_before_its_end(line: Line) -> None:
    line.open()
    line.control("step", seconds=30)
    assert list(line.bars.bars(BTC, START, START + MINUTE)) == []
    line.control("step", seconds=30)
    line.now += MINUTE
    line.take_all()
    for _ in range(4):
        line.step()
        line.take_all()
    line.require_whole()
    assert line.bars.streamed >= 2 * 5
    assert line.bars.filled == 0


def test_what_passed_without_a_connection_is_read_by_rest(line: Line) -> None:
    line.open()
    line.step()
    line.take_all()
    line.control("fault", kind="ws_drop", line="market")
    line.step(7)
    line.open(sessions=2)
    line.take_all()
    line.step()
    line.take_all()
    line.require_whole()
    assert line.bars.filled > 0


def test_a_closing_that_was_lost_shows_by_the_next_bar(line: Line) -> None:
    line.open()
    line.step()
    line.take_all()
    line.control("fault", kind="ws_gap", stream="btcusdt@kline_1m", messages=40)
    line.step(2)
    line.take_all()
    line.require_whole()


def test_a_closing_that_is_overdue_is_read_by_rest(line: Line) -> None:
    line.open()
    line.step()
    line.take_all()
    line.control("fault", kind="ws_freeze", line="market")
    line.step()
    line.take()
    assert len(line.taken) == 1
    line.take_all()
    line.require_whole()


def test_doubled_and_reordered_messages_change_nothing(line: Line) -> None:
    line.open()
    for kind in ("ws_dup", "ws_reorder"):
        line.control("fault", kind=kind, stream="btcusdt@kline_1m")
        line.step(2)
        line.take_all()
    line.step()
    line.take_all()
    line.require_whole()
    assert line.bars.take_revisions() == []


@pytest.mark.parametrize("line", [StreamTerms(silence_s=0.3)], indirect=True)
def test_a_silent_connection_is_dead_and_is_opened_again(line: Line) -> None:
    line.open(sessions=3)
    line.step()
    line.take_all()
    line.require_whole()


@pytest.mark.parametrize("line", [StreamTerms(life_s=0.3)], indirect=True)
def test_a_connection_is_renewed_before_the_venue_ends_it(line: Line) -> None:
    line.open(sessions=3)
    line.step()
    line.take_all()
    line.require_whole()


def test_an_exchange_that_was_away_for_long_is_found_again() -> None:
    with running_exchange(ExchangeConfig(start=START, stepped=True, sim_controls=True)) as first:
        line = Line(first, StreamTerms(longest_pause_s=0.3))
        line.open()
    # The library gives up after 4 to 30 seconds; here is no end of attempts.
    config = ExchangeConfig(start=START, stepped=True, sim_controls=True, port=first.port)
    with running_exchange(config):
        line.open(sessions=2)
        line.step(3)
        line.take_all()
        line.require_whole()
        line.bars.close()
    assert not line.bars._supervisor._thread.is_alive()


def test_a_revised_bar_is_told(line: Line) -> None:
    line.open()
    line.step(2)
    line.take_all()
    was, sessions = line.bars._closed[BTC][START], line.bars.sessions
    line.bars._closed[BTC][START] = changed = Bar(BTC, START, 1.0, 2.0, 1.0, 2.0, 3.0, None, None)
    line.control("fault", kind="ws_drop", line="market")
    line.open(sessions=sessions + 1)
    line.step()
    line.take_all()
    (revision,) = line.bars.take_revisions()
    assert (revision.ts, revision.was) == (START, changed)
    assert revision.now is not None
    assert same_trade_facts(revision.now, was)


def test_a_burst_that_would_overflow_the_library_is_taken_in(line: Line) -> None:
    line.open()
    line.step()
    line.take_all()
    line.step(120)  # some thousands of messages at once; the library alone keeps a hundred
    line.take_all()
    line.until(lambda: line.bars.streamed + line.bars.filled >= 2 * 121 - 1, "the pushed bars")
    line.require_whole()
    assert line.bars.sessions == 1


def test_a_venue_that_says_goodbye_is_left_and_found_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = ExchangeConfig(start=START, stepped=True, sim_controls=True)
    with running_exchange(config) as first:
        line = Line(first, StreamTerms(longest_pause_s=0.3))
        line.open()
    line.until(lambda: "serverShutdown" in caplog.text, "the goodbye")
    line.bars.close()
