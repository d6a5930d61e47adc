"""What 50 stream clients cost the embedded exchange, and how late they hear of a bar.

The exchange is a process of its own; all clients live in this one. `late` is from the instant at
which a bar closes by the exchange's market clock until a client has the closing event in hand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path

from exchange import Connection, cpu_s, memory_mb, served
from websockets.asyncio.client import connect

BARS = "btcusdt@kline_1m/ethusdt@kline_1m/solusdt@kline_1m"
EVERYTHING = f"{BARS}/btcusdt@bookTicker/btcusdt@depth@100ms/btcusdt@aggTrade/btcusdt@ticker"
WORKS = (
    ("bars", 1, BARS),
    ("bars", 60, BARS),
    ("bars", 600, BARS),
    ("everything", 1, EVERYTHING),
    ("everything", 60, EVERYTHING),
)


async def listen(port: int, names: str, end: float, heard: list[tuple[float, str]]) -> int:
    """Take everything until `end`; keep the closings of bars with the time of their arrival."""
    count = 0
    async with connect(f"ws://127.0.0.1:{port}/stream?streams={names}", max_queue=None) as ws:
        while (left := end - time.perf_counter()) > 0:
            try:
                text = str(await asyncio.wait_for(ws.recv(), left))
            except TimeoutError:
                break
            count += 1
            if '"x":true' in text:
                heard.append((time.perf_counter(), text))
    return count


def measured(warp: int, names: str, clients: int, seconds: float) -> dict[str, float]:
    """Let the clients listen; give what they got and what it cost."""
    with served(None, "--warp", str(warp)) as (process, port, _):
        sent = time.perf_counter()
        server_ms = json.loads(Connection(port).get("/api/v3/time")[1])["serverTime"]
        origin = (sent + time.perf_counter()) / 2
        heard: list[tuple[float, str]] = []

        async def all_of_them() -> list[int]:
            end = time.perf_counter() + seconds
            return await asyncio.gather(*(listen(port, names, end, heard) for _ in range(clients)))

        before = cpu_s(process.pid)
        counts = asyncio.run(all_of_them())
        used = cpu_s(process.pid) - before
        memory = memory_mb(process.pid)
    late = [
        at - origin - (json.loads(text)["data"]["E"] - server_ms) / 1_000 / warp
        for at, text in heard
    ]
    return {
        "events_per_s": sum(counts) / seconds,
        "core_share": used / seconds,
        "late_median_ms": statistics.median(late) * 1e3 if late else float("nan"),
        "late_p99_ms": statistics.quantiles(late, n=100)[98] * 1e3 if len(late) > 1 else 0.0,
        "memory_mb": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    wish = parser.parse_args()
    rows = []
    print(f"{'streams':12}{'warp':>5}{'events/s':>10}{'core':>8}{'late':>9}{'p99':>9}{'MB':>6}")
    for name, warp, names in WORKS:
        row = measured(warp, names, wish.clients, wish.seconds)
        rows.append({"streams": name, "warp": warp, **row})
        print(
            f"{name:12}{warp:>5}{row['events_per_s']:>10.0f}{row['core_share']:>8.1%}"
            f"{row['late_median_ms']:>6.0f} ms{row['late_p99_ms']:>6.0f} ms{row['memory_mb']:>6.0f}"
        )
    if wish.json:
        wish.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
