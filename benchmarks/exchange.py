"""What the embedded exchange bears: signed orders and klines a second, its start and its memory.

The exchange is a process of its own, as `trading-assets exchange serve` starts it; clients are
processes with one kept connection each. `rate` is by the wall clock of the run; `per core` is by
the CPU time that the exchange took, so that clients on the same cores do not count.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import multiprocessing
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SECRET = b"demo-secret"
AIMS = {"orders": 1_500, "klines": 3_000, "price": 0}
SYMBOL = "BTCUSDT"


@contextmanager
def served(
    ledger: Path | None, *options: str
) -> Iterator[tuple[subprocess.Popen[str], int, float]]:
    """Start the exchange; give its process, its port and how long it took to answer."""
    begun = time.perf_counter()
    where = ("--ledger", str(ledger)) if ledger else ("--start", "2024-03-01T12:00:00Z")
    command = [str(Path(sys.executable).with_name("trading-assets")), "exchange", "serve"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "--port", "0", *where, *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    try:
        assert process.stdout is not None
        port = 0
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)\s*$", line):
                port = int(found[1])
                break
        assert port, "the exchange did not start"
        Connection(port).get("/api/v3/ping")
        yield process, port, time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(20)


class Connection:
    """One kept connection with as little client as possible."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def get(self, path: str, *headers: str) -> tuple[int, bytes]:
        """Ask for a path, with headers such as `Accept: text/html`."""
        more = "".join(f"{header}\r\n" for header in headers)
        return self._ask(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{more}\r\n")

    def signed(self, method: str, path: str, query: str) -> tuple[int, bytes]:
        """Sign a request and send it."""
        query = f"{query}&timestamp={int(time.time() * 1000)}"  # noqa: TID251 - a client's clock
        signature = hmac.new(SECRET, query.encode(), hashlib.sha256).hexdigest()
        head = f"{method} /api/v3/{path}?{query}&signature={signature} HTTP/1.1"
        return self._ask(f"{head}\r\nHost: 127.0.0.1\r\nX-MBX-APIKEY: demo-key\r\n\r\n")

    def _ask(self, text: str) -> tuple[int, bytes]:
        self._socket.sendall(text.encode())
        while b"\r\n\r\n" not in self._left:
            self._left += self._more()
        head, _, rest = self._left.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
        while len(rest) < length:
            rest += self._more()
        self._left = rest[length:]
        return int(head[9:12]), rest[:length]

    def _more(self) -> bytes:
        more = self._socket.recv(1 << 18)
        assert more, "the server closed the connection"
        return more


def orders(connection: Connection, number: int) -> None:
    """A signed market order, bought and sold in turn."""
    side = "BUY" if number % 2 == 0 else "SELL"
    query = f"symbol={SYMBOL}&side={side}&type=MARKET&quantity=0.001"
    status, body = connection.signed("POST", "order", query)
    assert status == 200, body


def klines(connection: Connection, number: int) -> None:
    """The newest 100 bars of a minute."""
    status, _ = connection.get(f"/api/v3/klines?symbol={SYMBOL}&interval=1m&limit=100")
    assert status == 200


def price(connection: Connection, number: int) -> None:
    """The last price: what one request costs at least."""
    status, _ = connection.get(f"/api/v3/ticker/price?symbol={SYMBOL}")
    assert status == 200


WORKS: dict[str, Callable[[Connection, int], None]] = {
    "orders": orders,
    "klines": klines,
    "price": price,
}


def client(port: int, work: str, count: int, results: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    connection = Connection(port)
    taken = []
    begun = time.perf_counter()
    for number in range(count):
        start = time.perf_counter()
        WORKS[work](connection, number)
        taken.append(time.perf_counter() - start)
    results.put((begun, time.perf_counter(), taken))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    line = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert line is not None
    return int(line[1]) / 1024


def measured(pid: int, port: int, work: str, clients: int, count: int) -> dict[str, float]:
    connection = Connection(port)
    for number in range(20):  # the first asks for the day's path
        WORKS[work](connection, number)
    results: multiprocessing.Queue = multiprocessing.Queue()  # type: ignore[type-arg]
    before = cpu_s(pid)
    workers = [
        multiprocessing.Process(target=client, args=(port, work, count, results))
        for _ in range(clients)
    ]
    for worker in workers:
        worker.start()
    rows = [results.get(timeout=300) for _ in workers]
    used = cpu_s(pid) - before
    wall = max(row[1] for row in rows) - min(row[0] for row in rows)
    taken = [each for row in rows for each in row[2]]
    requests = clients * count
    return {
        "requests": requests,
        "rate": requests / wall,
        "per_core": requests / used,
        "median_ms": statistics.median(taken) * 1e3,
        "p99_ms": statistics.quantiles(taken, n=100)[98] * 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--count", type=int, default=2_000, help="pieces of work per client")
    parser.add_argument("--only", choices=tuple(WORKS), action="append")
    parser.add_argument("--ledger", type=Path, help="a ledger file; in memory without one")
    parser.add_argument("--json", action="store_true")
    wish = parser.parse_args()
    works = wish.only or list(WORKS)
    with served(wish.ledger, "--weight-limit", "1000000000") as (process, port, start_s):
        fresh_mb = memory_mb(process.pid)
        table = {w: measured(process.pid, port, w, wish.clients, wish.count) for w in works}
        end_mb = memory_mb(process.pid)
    if wish.json:
        print(json.dumps({"start_s": start_s, "memory_mb": [fresh_mb, end_mb], "works": table}))
        return
    print(f"start to first answer {start_s:.2f} s; memory {fresh_mb:.0f} MB, after {end_mb:.0f} MB")
    print(f"{'work':10}{'rate /s':>10}{'per core':>10}{'aim':>8}{'median ms':>11}{'p99 ms':>9}")
    for name, row in table.items():
        aim = AIMS[name] or ""
        print(
            f"{name:10}{row['rate']:>10.0f}{row['per_core']:>10.0f}{aim:>8}"
            f"{row['median_ms']:>11.2f}{row['p99_ms']:>9.2f}"
        )


if __name__ == "__main__":
    main()
