"""Live bars and the current month, read from the embedded exchange while its clock is stepped."""

import json
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager, RestHistory
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import UnknownSymbol
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.exchange.server import ExchangeConfig, RunningExchange, running_exchange

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
START = MARCH.start + 1500 * MINUTE + 20_000_000


@pytest.fixture
def exchange() -> Iterator[RunningExchange]:
    config = ExchangeConfig(port=0, start=START, stepped=True, sim_controls=True)
    with running_exchange(config) as running:
        yield running


@pytest.fixture
def pager(exchange: RunningExchange) -> Iterator[KlinePager]:
    client = make_client(exchange.api_url, timeout_s=5, recv_window_ms=5000)
    yield KlinePager(client, WallClock(), max_attempts=2)
    client.close_connection()


def step(exchange: RunningExchange, seconds: float) -> None:
    body = json.dumps({"seconds": seconds}).encode()
    with urlopen(Request(f"{exchange.url}/_sim/step", body)) as answer:  # noqa: S310 - loopback
        assert answer.status == 200


def opens(source: BinanceBarSource, start: Micros, end: Micros) -> list[Micros]:
    return [bar.ts for bar in source.bars(BTC, start, end)]


def test_a_bar_appears_when_its_minute_is_over(
    exchange: RunningExchange, pager: KlinePager
) -> None:
    source = BinanceBarSource(pager)
    first = MARCH.start + 1495 * MINUTE
    far = first + 1000 * MINUTE
    assert source.now() == START
    assert opens(source, first, far) == [first + i * MINUTE for i in range(5)]
    step(exchange, 39.999)
    assert len(opens(source, first, far)) == 5
    step(exchange, 0.001)
    assert len(opens(source, first, far)) == 6
    assert opens(source, first, first + 2 * MINUTE) == [first, first + MINUTE]
    assert opens(source, far, far + MINUTE) == []


def test_finished_bars_never_change(exchange: RunningExchange, pager: KlinePager) -> None:
    source = BinanceBarSource(pager)
    first = MARCH.start + 1000 * MINUTE
    before = list(source.bars(BTC, first, START))
    step(exchange, 7200)
    assert list(source.bars(BTC, first, START))[: len(before)] == before
    assert len(before) == 500


def test_grids_and_unknown_symbols(pager: KlinePager) -> None:
    source = BinanceBarSource(pager)
    (instrument,) = source.instruments((BTC,))
    assert str(instrument.tick) == "0.01"
    with pytest.raises(UnknownSymbol, match="NOPEXYZ"):
        list(source.bars(Symbol("NOPEXYZ"), MARCH.start, START))


def test_the_windows_of_the_current_month_grow_and_then_stand(
    exchange: RunningExchange, pager: KlinePager
) -> None:
    history = RestHistory(pager, name="embedded", store="embedded")
    first = history.listing(BTC, MARCH)
    assert [item.finished for item in first.objects] == [True, False]
    assert first.end == MARCH.start + 1500 * MINUTE
    pages = [history.fetch(BTC, item) for item in first.objects]
    assert [len(json.loads(page)) for page in pages] == [1000, 500]
    step(exchange, 60 * 600)
    second = history.listing(BTC, MARCH)
    assert [item.finished for item in second.objects] == [True, True, False]
    assert history.fetch(BTC, second.objects[0]) == pages[0]
    assert json.loads(history.fetch(BTC, second.objects[1]))[:500] == json.loads(pages[1])
