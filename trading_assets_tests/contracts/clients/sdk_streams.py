"""Binance's own SDK on streams and the WebSocket API: `python sdk_streams.py URL`."""

import asyncio
import logging
import sys
from contextlib import asynccontextmanager

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_spot import Spot
from harness import SOL, Exchange, main

PATIENCE_S = 10


class Strict(logging.Handler):
    """The SDK only warns of what does not fit its model; here that is a failure."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.heard = []

    def emit(self, record):
        self.heard.append(record.getMessage())


STRICT = Strict()


def spot_of(url):
    sockets = url.replace("http:", "ws:")
    keys = {"api_key": "demo-key", "api_secret": "demo-secret"}
    return Spot(
        config_rest_api=ConfigurationRestAPI(base_path=url, **keys),
        config_ws_api=ConfigurationWebSocketAPI(stream_url=f"{sockets}/ws-api/v3", **keys),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"{sockets}/stream"),
    )


def run(main_of):
    STRICT.heard.clear()
    answer = asyncio.run(main_of())
    assert not STRICT.heard, STRICT.heard
    return answer


@asynccontextmanager
async def streams_of(url):
    connection = await spot_of(url).websocket_streams.create_connection()
    try:
        yield connection
    finally:
        await connection.close_connection(close_session=True)


@asynccontextmanager
async def api_of(url):
    connection = await spot_of(url).websocket_api.create_connection()
    try:
        yield connection
    finally:
        await connection.close_connection(close_session=True)


def pushed(url, exchange, name, **settings):
    """Give the first event of a stream as the SDK's model, while market time moves."""

    async def main_of():
        async with streams_of(url) as streams:
            arrived = asyncio.get_running_loop().create_future()
            stream = await getattr(streams, name)(**settings)
            stream.on("message", lambda data: arrived.done() or arrived.set_result(data))
            async with asyncio.timeout(PATIENCE_S):
                while not arrived.done():
                    await asyncio.to_thread(exchange.sim, "step", seconds=2)
            await stream.unsubscribe()
            return await arrived

    return run(main_of)


def check_kline_stream(url, exchange):
    event = pushed(url, exchange, "kline", symbol="solusdt", interval="1m")
    assert (event.s, event.k.i, event.k.x) == (SOL, "1m", False)
    assert event.k.T - event.k.t == 59_999


def check_trade_streams(url, exchange):
    trade = pushed(url, exchange, "trade", symbol="solusdt")
    grouped = pushed(url, exchange, "agg_trade", symbol="solusdt")
    assert trade.t > 0
    assert grouped.l >= grouped.f > 0


def check_book_streams(url, exchange):
    quotes = pushed(url, exchange, "book_ticker", symbol="solusdt")
    assert float(quotes.b) < float(quotes.a)
    top = pushed(url, exchange, "partial_book_depth", symbol="solusdt", levels="5")
    assert len(top.bids) == 5
    changes = pushed(url, exchange, "diff_book_depth", symbol="solusdt")
    assert changes.u >= changes.U


def check_ticker_streams(url, exchange):
    assert pushed(url, exchange, "ticker", symbol="solusdt").s == SOL
    assert pushed(url, exchange, "mini_ticker", symbol="solusdt").s == SOL
    assert pushed(url, exchange, "avg_price", symbol="solusdt").i == "5m"
    window = pushed(url, exchange, "rolling_window_ticker", symbol="solusdt", window_size="1h")
    assert window.s == SOL


def check_requests_over_the_socket(url, exchange):
    async def main_of():
        async with api_of(url) as api:
            answers = [await api.time(), await api.ping()]
            answers.append(await api.exchange_info(symbol=SOL))
            answers.append(await api.klines(symbol=SOL, interval="1m", limit=3))
            answers.append(await api.depth(symbol=SOL, limit=5))
            answers.append(await api.ticker_price(symbol=SOL))
            placed = await api.order_place(
                symbol=SOL, side="BUY", type="MARKET", quantity=1, new_client_order_id="ws-one"
            )
            seen = await api.order_status(symbol=SOL, orig_client_order_id="ws-one")
            account = await api.account_status()
            return [answer.data() for answer in (*answers, placed, seen, account)]

    *public, placed, seen, account = run(main_of)
    assert public[0].result.server_time == exchange.get("/api/v3/time")["serverTime"]
    assert len(public[3].result) == 3
    assert placed.result.status == seen.result.status == "FILLED"
    assert len(account.result.balances) >= 3


def check_user_stream(url, exchange):
    async def main_of():
        async with api_of(url) as api:
            events, complete = [], asyncio.Event()

            def take(data):
                events.append(data)
                if len(events) == 3:
                    complete.set()

            subscription = await api.user_data_stream_subscribe_signature()
            subscription.stream.on("message", take)
            await api.order_place(symbol=SOL, side="BUY", type="MARKET", quantity=1)
            async with asyncio.timeout(PATIENCE_S):
                await complete.wait()
            return events

    events = run(main_of)
    kinds = [type(getattr(event, "actual_instance", event)).__name__ for event in events]
    assert kinds == ["ExecutionReport", "ExecutionReport", "OutboundAccountPosition"], kinds


if __name__ == "__main__":
    logging.getLogger().addHandler(STRICT)
    main(dict(globals()), sys.argv[1], Exchange(sys.argv[1]))
