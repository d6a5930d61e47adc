"""Many clients, slow clients and long ways: nobody misses a bar, nobody delays another."""

import asyncio
import json
import socket
import struct
from collections import Counter
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect

NOON_MS = 1_709_294_400_000
DAY_MS = 86_400_000
INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")


def address(wire, names):
    url = str(wire.http.base_url).replace("http:", "ws:").rstrip("/")
    return f"{url}/stream?streams={'/'.join(names)}"


async def closings_until(ws, end_ms):
    """Read until a bar closes at `end_ms` or later; give (symbol, interval, open time) of all."""
    closed = []
    while True:
        data = json.loads(await asyncio.wait_for(ws.recv(), 20))["data"]
        if data["k"]["x"]:
            closed.append((data["s"], data["k"]["i"], data["k"]["t"]))
            if data["E"] >= end_ms:
                return closed


def test_fifty_clients_of_a_market_sixty_times_as_fast_get_every_bar(wired):
    async def main(wire):
        async with asyncio.TaskGroup() as group:
            sockets = [
                await connect(address(wire, ["btcusdt@kline_1m", "solusdt@kline_1m"]))
                for _ in range(50)
            ]
            begin = wire.get("time").json()["serverTime"]
            end = begin + 240_000
            tasks = [group.create_task(closings_until(ws, end)) for ws in sockets]
        late = wire.get("time").json()["serverTime"] - end
        for ws in sockets:
            await ws.close()
        return begin, [task.result() for task in tasks], late

    with wired(stepped=False, warp=60.0) as wire:
        begin, everyone, late = asyncio.run(main(wire))
    for closed in everyone:
        for symbol in ("BTCUSDT", "SOLUSDT"):
            opened = [t for s, _, t in closed if s == symbol and t >= begin]
            assert len(opened) >= 3
            assert opened == list(range(opened[0], opened[-1] + 1, 60_000))
    assert late < 240_000  # four seconds of ours, on a busy machine


@pytest.mark.slow
def test_fifteen_seconds_at_six_hundred_times_lose_no_bar(wired):
    names = [f"{s}@kline_{i}" for s in ("btcusdt", "ethusdt") for i in INTERVALS]

    async def main(wire):
        async with connect(address(wire, names), max_queue=None) as ws:
            begin = wire.get("time").json()["serverTime"]
            return begin, await closings_until(ws, begin + 150 * 60_000)

    with wired(stepped=False, warp=600.0) as wire:
        begin, closed = asyncio.run(main(wire))
        last = closed[-1]
        assert len(closed) == len(set(closed))
        for symbol in ("BTCUSDT", "ETHUSDT"):
            for interval in INTERVALS[:8]:
                rows = wire.get("klines", symbol=symbol, interval=interval, limit=1000).json()
                expected = [r[0] for r in rows if begin + 1_000 < r[6] + 1 < last[2]]
                got = [t for s, i, t in closed if (s, i) == (symbol, interval)]
                assert [t for t in got if t in expected] == expected, (symbol, interval)


@pytest.mark.long
@pytest.mark.slow
def test_a_week_of_steps_misses_and_doubles_no_bar_of_any_interval(wired):
    names = [f"{s}@kline_{i}" for s in ("btcusdt", "ethusdt") for i in INTERVALS]

    async def day(wire, end_ms):
        async with connect(address(wire, names), max_queue=None) as ws:
            # A connection lasts a day of market, so every day has its own.
            step = asyncio.to_thread(wire.sim, "step", seconds=86_400)
            closed, response = await asyncio.gather(closings_of_a_day(ws), step)
            assert response.json()["serverTime"] == end_ms
            return closed

    async def closings_of_a_day(ws):
        closed = []
        async for text in ws:  # ends with a closing code of 1000 or 1001
            data = json.loads(text)["data"]
            if data["k"]["x"]:
                closed.append((data["s"], data["k"]["i"], data["k"]["t"]))
        return closed

    end = NOON_MS + 7 * DAY_MS
    with wired() as wire:
        wire.http.timeout = 120
        closed = []
        for number in range(1, 8):
            closed += asyncio.run(day(wire, NOON_MS + number * DAY_MS))
        counts = Counter(closed)
        assert set(counts.values()) == {1}
        for symbol in ("BTCUSDT", "ETHUSDT"):
            for interval in INTERVALS:
                rows, since = [], NOON_MS - 7 * DAY_MS
                while True:
                    window = {"startTime": since, "limit": 1000}
                    page = wire.get("klines", symbol=symbol, interval=interval, **window).json()
                    if not page:
                        break
                    rows += page
                    since = page[-1][0] + 1
                expected = [r[0] for r in rows if NOON_MS < r[6] + 1 <= end]
                got = [t for s, i, t in closed if (s, i) == (symbol, interval)]
                assert got == expected, (symbol, interval)


def slow_reader(wire, names):
    """Connect by hand, with small buffers, and never read."""
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    tcp.connect(("127.0.0.1", wire.http.base_url.port))
    path = address(wire, names).split("/", 3)[3]
    tcp.sendall(
        f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert tcp.recv(12) == b"HTTP/1.1 101"
    return tcp


def bytes_until_cut(tcp):
    size = 0
    with suppress(ConnectionResetError):
        while chunk := tcp.recv(1 << 20):
            size += len(chunk)
    return size


def test_a_client_that_does_not_read_is_cut_and_delays_nobody(wired):
    heavy = [f"{s}usdt@{kind}" for s in ("btc", "eth", "sol") for kind in ("trade", "aggTrade")]

    async def main(wire):
        async with connect(address(wire, ["btcusdt@kline_1m"])) as ws:
            begin = wire.get("time").json()["serverTime"]
            return begin, await closings_until(ws, begin + 3_600_000)

    with wired(stepped=False, warp=600.0) as wire, slow_reader(wire, heavy) as tcp:
        begin, closed = asyncio.run(main(wire))
        tcp.settimeout(5)
        size = bytes_until_cut(tcp)
    opened = [t for _, _, t in closed if t >= begin]
    assert opened == list(range(opened[0], opened[-1] + 1, 60_000))
    assert size < 16 * 1024 * 1024


@pytest.mark.slow
def test_a_step_waits_a_while_for_a_slow_reader_and_then_leaves_it_behind(wired):
    heavy = [f"{s}usdt@{kind}" for s in ("btc", "eth", "sol") for kind in ("trade", "aggTrade")]

    async def main(wire):
        async with connect(address(wire, heavy), max_queue=None) as ws:
            step = asyncio.create_task(asyncio.to_thread(wire.sim, "step", seconds=2_400))
            last = {}
            while not (step.done() and len(last) == 2 and min(last.values()) >= 2_390_000):
                data = json.loads(await asyncio.wait_for(ws.recv(), 20))["data"]
                if data["e"] == "trade" and data["s"] != "SOLUSDT":
                    before = numbers.setdefault(data["s"], data["t"] - 1)
                    assert data["t"] == before + 1  # the reader that keeps up has every trade
                    numbers[data["s"]] = data["t"]
                    last[data["s"]] = data["T"] - NOON_MS
            return (await step).json()

    numbers = {}
    with wired() as wire, slow_reader(wire, heavy) as tcp:
        wire.http.timeout = 60
        assert asyncio.run(main(wire))["serverTime"] == NOON_MS + 2_400_000
        tcp.settimeout(5)
        bytes_until_cut(tcp)


def test_clients_that_vanish_are_no_event(wired, caplog):
    async def main(wire):
        heavy = [f"{s}usdt@{kind}" for s in ("btc", "eth") for kind in ("trade", "kline_1m")]
        async with connect(address(wire, ["btcusdt@kline_1m"])) as ws:
            for _ in range(5):
                with slow_reader(wire, heavy) as tcp:
                    linger = struct.pack("ii", 1, 0)  # closing resets the connection
                    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                begin = wire.get("time").json()["serverTime"]
                await closings_until(ws, begin + 120_000)

    with wired(stepped=False, warp=600.0) as wire:
        asyncio.run(main(wire))
    assert [r for r in caplog.records if not r.name.startswith("httpx")] == []
