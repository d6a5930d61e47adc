"""python-binance's streams, unmodified but for their URLs, against the embedded exchange."""

import asyncio
import warnings

import pytest

from trading_assets.exchange.server import ExchangeConfig, running_exchange

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from binance import AsyncClient, BinanceSocketManager, DepthCacheManager

NOON = 1_709_294_400_000_000
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def running():
    config = ExchangeConfig(start=NOON, warp=60.0, sim_controls=True)
    with running_exchange(config) as running:
        yield running


class Desk:
    """A client and its socket manager for one running exchange."""

    def __init__(self, running):
        self.running = running

    async def __aenter__(self):
        class Client(AsyncClient):
            API_URL = self.running.api_url
            WS_API_URL = self.running.ws_api_url

        class Manager(BinanceSocketManager):
            STREAM_URL = self.running.stream_url

        self.client = await Client.create("demo-key", "demo-secret")
        self.manager = Manager(self.client)
        return self

    async def __aexit__(self, *error):
        if self.client.ws_api.ws is not None:
            # The library waits ten seconds for its own reader otherwise.
            await self.client.ws_api.ws.close()
        await self.client.session.close()

    async def simulate(self, name, **wish):
        url = f"{self.running.url}/_sim/{name}"
        async with self.client.session.post(url, json=wish) as response:
            assert response.status == 200


async def received(socket, count):
    return [await asyncio.wait_for(socket.recv(), 10) for _ in range(count)]


def test_klines_close_one_after_the_other(running):
    async def main():
        async with Desk(running) as desk, desk.manager.kline_socket("BTCUSDT", "1m") as socket:
            events = await received(socket, 4)
            rows = await desk.client.get_klines(symbol="BTCUSDT", interval="1m", limit=20)
            return events, rows

    events, rows = asyncio.run(main())
    closed = [event["k"] for event in events if event["k"]["x"]]
    assert len(closed) >= 2
    by_open = {row[0]: row for row in rows}
    for bar in closed:
        assert [bar[name] for name in "tohlcv"] == by_open[bar["t"]][:6]


def test_several_streams_over_one_socket(running):
    async def main():
        names = ["btcusdt@trade", "ethusdt@aggTrade"]
        async with Desk(running) as desk, desk.manager.multiplex_socket(names) as socket:
            return await received(socket, 50)

    events = asyncio.run(main())
    assert {event["stream"] for event in events} == {"btcusdt@trade", "ethusdt@aggTrade"}
    numbers = [e["data"]["t"] for e in events if e["data"]["e"] == "trade"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_the_user_socket_tells_of_orders_over_both_wires(running):
    async def main():
        async with Desk(running) as desk, desk.manager.user_socket() as socket:
            client = desk.client
            await client.create_order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="1")
            events = await received(socket, 3)
            await client.ws_create_order(
                symbol="SOLUSDT", side="SELL", type="MARKET", quantity="0.5"
            )
            return events + await received(socket, 3)

    events = asyncio.run(main())
    told = [(event["e"], event.get("x")) for event in events]
    assert told == 2 * [
        ("executionReport", "NEW"),
        ("executionReport", "TRADE"),
        ("outboundAccountPosition", None),
    ]


def test_the_depth_cache_keeps_the_book(running):
    async def main():
        async with Desk(running) as desk:
            manager = DepthCacheManager(desk.client, symbol="SOLUSDT", bm=desk.manager, limit=500)
            async with manager as socket:
                for _ in range(5):
                    cache = await asyncio.wait_for(socket.recv(), 10)
                    assert cache.get_bids()[0][0] < cache.get_asks()[0][0]
                await desk.simulate("clock", paused=True)
                await desk.simulate("step", seconds=61)
                snapshot = await desk.client.get_order_book(symbol="SOLUSDT", limit=500)
                stood = (await desk.client.get_server_time())["serverTime"]
                while cache.update_time < stood // 5_000 * 5_000:  # when the book last changed
                    cache = await asyncio.wait_for(socket.recv(), 10)
                await desk.simulate("clock", paused=False)
                return (cache.get_bids(), cache.get_asks()), snapshot

    kept, snapshot = asyncio.run(main())
    for mine, name in zip(kept, ("bids", "asks"), strict=True):
        assert mine == [[float(price), float(lots)] for price, lots in snapshot[name]]
