"""What every live feed does, whether it is sent its bars or asks for them."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from urllib.request import Request, urlopen

import pytest

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.endpoints import endpoints_of
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager
from trading_assets.adapters.binance.kline_stream import StreamedBars
from trading_assets.adapters.binance.stream import StreamTerms
from trading_assets.adapters.polled_live import PolledLive
from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.ports import BarSource
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.market.live_minutes import LiveFeed, same_trade_facts
from trading_assets.settings import load_settings
from trading_assets.workflows.history_sources import traits_of
from trading_assets.workflows.vendor_sources import polygon_live
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.stand_ins.polygon import polygon
from trading_assets_tests.stand_ins.polygon_stream import aggregate, polygon_stream

SYMBOLS = (Symbol("BTCUSDT"), Symbol("ETHUSDT"))
START: Micros = Month(2024, 3).start + 1500 * MINUTE


class World(ABC):
    """A source with a clock that the test moves, and a line to it that the test cuts."""

    feed: LiveFeed
    source: BarSource  # the same bars, asked for afterwards

    def __init__(self) -> None:
        self.clock = JumpingClock(START)
        self.minute = 0
        self.found: list[Bar] = []

    @abstractmethod
    def pass_minutes(self, count: int) -> None:
        """Let so many minutes happen."""

    @abstractmethod
    def cut(self) -> None:
        """Break the line; the next reads fail once."""

    def take(self, count: int) -> list[Bar]:
        for _ in range(5):
            if len(self.found) >= count:
                found, self.found = self.found, []
                return found
            self.listen(0)
        raise AssertionError(f"{self.found}, {self.feed.trouble}")

    def listen(self, wait_s: float) -> None:
        self.found += [event for event in self.feed.events(wait_s) if isinstance(event, Bar)]


class Streamed(World):
    def __init__(self, opened: ExitStack, root: Path) -> None:
        super().__init__()
        self.stream = opened.enter_context(polygon_stream())
        rest = opened.enter_context(polygon())
        (root / "trading_assets.toml").write_text(f"""
            [sources.vendor]
            kind = "polygon"
            url = "{rest.url}"
            stream_url = "{self.stream.url}"
            delay_minutes = 0
            requests_per_minute = 1000
            """)
        rest.list_dates |= dict.fromkeys(SYMBOLS, "2020-01-01")
        environ = {"TA_HOME": str(root), "TA_POLYGON_API_KEY": rest.key}
        settings = load_settings(environ).settings
        traits, declared = traits_of(settings, "vendor"), settings.sources["vendor"]
        live = polygon_live(settings, self.clock, traits, declared, symbols=SYMBOLS, first=None)
        self.feed = self.source = opened.enter_context(live)
        self.is_cut = False
        self.feed.events(0)

    def pass_minutes(self, count: int) -> None:
        for _ in range(count):
            self.clock.instant = START + (self.minute + 1) * MINUTE
            at = (START + self.minute * MINUTE) // 1000
            self.minute += 1
            if not self.is_cut:
                self.stream.send(*(aggregate(symbol, at) for symbol in reversed(SYMBOLS)))
                self.listen(5)

    def cut(self) -> None:
        self.is_cut = True
        self.stream.drop()


class Polled(World):
    def __init__(self, opened: ExitStack) -> None:
        super().__init__()
        config = ExchangeConfig(start=START, stepped=True, sim_controls=True)
        self.exchange = opened.enter_context(running_exchange(config))
        client = make_client(self.exchange.api_url, timeout_s=5, recv_window_ms=5000)
        opened.callback(client.close_connection)
        self.source = self.rest = BinanceBarSource(KlinePager(client, self.clock, max_attempts=1))
        self.feed: LiveFeed = PolledLive(self.source, self.clock, SYMBOLS)

    def pass_minutes(self, count: int) -> None:
        self._control("step", {"seconds": 60 * count})
        self.clock.instant += count * MINUTE
        self.minute += count

    def cut(self) -> None:
        match = {"path": "/api/v3/klines"}
        self._control("fault", {"kind": "status", "status": 503, "match": match})

    def _control(self, name: str, wish: dict[str, object]) -> None:
        request = Request(f"{self.exchange.url}/_sim/{name}", json.dumps(wish).encode())  # noqa: S310 - loopback
        with urlopen(request) as answer:  # noqa: S310
            assert answer.status == 200


class Pushed(Polled):
    """The same exchange, whose WebSocket brings the bars."""

    def __init__(self, opened: ExitStack) -> None:
        super().__init__(opened)
        terms = StreamTerms(first_pause_s=0.01)
        endpoints = endpoints_of(self.exchange.api_url)
        self.bars = StreamedBars(self.rest, endpoints, SYMBOLS, terms=terms)
        opened.callback(self.bars.close)
        told = self.bars.take_revisions
        self.feed = PolledLive(self.bars, self.clock, SYMBOLS, revisions=told)
        self.until(lambda: self.bars.sessions == 1)
        self.feed.events(0)

    def pass_minutes(self, count: int) -> None:
        super().pass_minutes(count)
        ended = START + (self.minute - 1) * MINUTE
        self.until(lambda: all(ended in known for known in self.bars._closed.values()))

    def cut(self) -> None:
        sessions = self.bars.sessions
        self._control("fault", {"kind": "ws_drop", "line": "market"})
        self.until(lambda: self.bars.sessions > sessions)
        super().cut()

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end
            Event().wait(0.01)
            self.bars._listen()


@pytest.fixture(params=["streamed", "polled", "pushed"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as opened:
        if request.param == "streamed":
            yield Streamed(opened, tmp_path)
        else:
            yield Pushed(opened) if request.param == "pushed" else Polled(opened)


def keys(bars: list[Bar]) -> list[tuple[int, Symbol]]:
    return [((bar.ts - START) // MINUTE, bar.symbol) for bar in bars]


def in_order(*minutes: int) -> list[tuple[int, Symbol]]:
    return [(minute, symbol) for minute in minutes for symbol in SYMBOLS]


def test_nothing_comes_before_its_minute_is_over_and_then_each_symbol_once(world: World) -> None:
    assert world.feed.events(0) == []
    world.pass_minutes(2)
    assert keys(world.take(4)) == in_order(0, 1)
    assert world.feed.events(0) == []
    world.pass_minutes(1)
    assert keys(world.take(2)) == in_order(2)


def test_what_passed_while_the_line_was_cut_comes_first_and_in_order(world: World) -> None:
    world.pass_minutes(1)
    assert keys(world.take(2)) == in_order(0)
    world.cut()
    world.pass_minutes(3)
    assert world.feed.events(5) == []
    assert world.feed.trouble is not None
    world.clock.instant += 10_000_000
    assert keys(world.take(6)) == in_order(1, 2, 3)
    assert world.feed.trouble is None


def test_live_bars_are_those_of_the_sources_history(world: World) -> None:
    world.pass_minutes(3)
    live = world.take(6)
    for symbol in SYMBOLS:
        later = list(world.source.bars(symbol, START - 5 * MINUTE, START + 3 * MINUTE))
        assert len(later) == 8
        ours = [bar for bar in live if bar.symbol == symbol]
        assert all(map(same_trade_facts, ours, later[5:]))
        assert [bar.ts for bar in ours] == [bar.ts for bar in later[5:]]
