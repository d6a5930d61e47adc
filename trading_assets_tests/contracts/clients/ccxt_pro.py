"""ccxt.pro's streams and its WebSocket API: `python ccxt_pro.py URL` inside its environment."""

import asyncio
import sys
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise

import ccxt.pro
from harness import Exchange, main

PAIR = "SOL/USDT"
MINUTE_MS = 60_000


@asynccontextmanager
async def client_of(exchange):
    client = ccxt.pro.binance({"apiKey": "demo-key", "secret": "demo-secret"})
    sockets = exchange.url.replace("http", "ws")
    for name in ("public", "private"):
        client.urls["api"][name] = f"{exchange.url}/api/v3"
    client.urls["api"]["sapi"] = f"{exchange.url}/sapi/v1"
    client.urls["api"]["ws"]["spot"] = f"{sockets}/stream"
    client.urls["api"]["ws"]["ws-api"]["spot"] = f"{sockets}/ws-api/v3"
    client.options["fetchMarkets"] = {"types": ["spot"]}
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


async def subscribed(client):
    """Have the user events come before the first order."""
    await client.ensure_user_data_stream_ws_subscribe_signature("spot")


async def check_bars_follow_each_other(exchange):
    async with client_of(exchange) as client:
        opened = []
        while len(opened) < 3:
            for bar in await client.watch_ohlcv(PAIR, "1m"):
                if bar[0] not in opened:
                    opened.append(bar[0])
                assert bar[3] <= bar[4] <= bar[2]
        assert [b - a for a, b in pairwise(opened)] == [MINUTE_MS] * 2


async def check_trades_are_numbered_without_gaps(exchange):
    async with client_of(exchange) as client:
        seen = []
        while len(seen) < 40:
            seen += [int(trade["id"]) for trade in await client.watch_trades(PAIR)]
        assert sorted(set(seen)) == list(range(min(seen), max(seen) + 1))


async def check_the_order_book_stays_in_order(exchange):
    async with client_of(exchange) as client:
        before = 0
        for _ in range(8):
            book = await client.watch_order_book(PAIR)
            bids, asks = ([level[0] for level in book[side]] for side in ("bids", "asks"))
            assert bids == sorted(set(bids), reverse=True)
            assert asks == sorted(set(asks))
            assert bids[0] < asks[0]
            assert book["nonce"] >= before
            before = book["nonce"]


async def check_tickers(exchange):
    async with client_of(exchange) as client:
        ticker = await client.watch_ticker(PAIR)
        assert ticker["low"] <= ticker["last"] <= ticker["high"]
        best = (await client.watch_bids_asks([PAIR]))[PAIR]
        assert best["bid"] < best["ask"]


async def check_orders_are_told_as_they_change(exchange):
    async with client_of(exchange) as client:
        await subscribed(client)
        price = float(exchange.away("0.8"))
        told = asyncio.create_task(client.watch_orders(PAIR))
        order = await client.create_order(PAIR, "limit", "buy", 1, price)
        (report,) = await told
        assert report["id"] == order["id"]
        assert (report["status"], report["price"], report["amount"]) == ("open", price, 1)
        told = asyncio.create_task(client.watch_orders(PAIR))
        await client.cancel_order(order["id"], PAIR)
        assert [each["status"] for each in await told] == ["canceled"]


async def check_fills_and_balances_are_told(exchange):
    async with client_of(exchange) as client:
        await subscribed(client)
        balance = asyncio.create_task(client.watch_balance())
        told = asyncio.create_task(client.watch_my_trades(PAIR))
        order = await client.create_order(PAIR, "market", "buy", 1)
        assert (await balance)["SOL"]["total"] > 0
        trades = await told
        while sum(Decimal(str(t["amount"])) for t in trades) < 1:
            trades += await client.watch_my_trades(PAIR)
        assert {trade["order"] for trade in trades} == {order["id"]}
        assert {trade["fee"]["currency"] for trade in trades} == {"SOL"}


async def check_orders_over_the_websocket_api(exchange):
    async with client_of(exchange) as client:
        price = float(exchange.away("0.8"))
        order = await client.create_order_ws(PAIR, "limit", "buy", 1, price)
        assert order["status"] == "open"
        found = await client.fetch_order_ws(order["id"], PAIR)
        assert found["price"] == price
        assert [o["id"] for o in await client.fetch_open_orders_ws(PAIR)] == [order["id"]]
        assert (await client.cancel_order_ws(order["id"], PAIR))["status"] == "canceled"
        filled = await client.create_order_ws(PAIR, "market", "buy", 1)
        assert filled["status"] == "closed"
        held = (await client.fetch_balance_ws())["info"]["balances"]  # ccxt leaves them unread
        assert "SOL" in {balance["asset"] for balance in held}
        assert filled["id"] in {t["order"] for t in await client.fetch_my_trades_ws(PAIR)}


async def check_a_dropped_stream_is_taken_up_again(exchange):
    async with client_of(exchange) as client:
        await client.watch_trades(PAIR)
        exchange.sim("fault", kind="ws_drop", line="market")
        try:
            while True:
                await client.watch_trades(PAIR)
        except ccxt.NetworkError:
            pass
        assert await client.watch_trades(PAIR)


if __name__ == "__main__":
    main(dict(globals()), Exchange(sys.argv[1]))
