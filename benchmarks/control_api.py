"""What readers of the control API cost an executor, and how many reads the API bears.

The real executor trades three symbols by REST on the embedded exchange, a process of its own, while
`trading-assets control serve` serves its desk. Rounds with readers and without them take turns;
what is told of an order is the time from the close of its bar until it is sent. Then the executor
rests, and clients ask as fast as they can.

    python benchmarks/control_api.py --rounds 2 --bars 300 --reads 100
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import live_latency
from exchange import Connection, cpu_s

from trading_assets.live.supervision.counters import quantile

COMMAND = Path(sys.executable).with_name("trading-assets")
BOOK = "/api/books/demo"
PATHS = (
    "/status",
    BOOK,
    f"{BOOK}/equity",
    f"{BOOK}/orders",
    f"{BOOK}/fills",
    f"{BOOK}/decisions",
    f"{BOOK}/events",
    f"{BOOK}/strategies",
    "/api/performance?book=demo",
    "/api/desk",
)
"""What the desk's page asks for, each as often as the others."""
CLIENTS = 4
Traded = tuple[list[float], dict[str, list[float]]]
"""Milliseconds from close to sent of every order, and of the stages of each."""


@contextmanager
def api(environ: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Serve the control API of the desk that an environment names; give its process and port."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [str(COMMAND), "control", "serve", "--port", "0", "--no-link"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ, "COLUMNS": "200"},
    )
    try:
        assert process.stdout is not None
        line = next((text for text in process.stdout if "http://" in text), "")
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, "the control API did not start"
        yield process.pid, int(found[1])
    finally:
        process.terminate()
        process.wait(20)


def tokens(home: Path, count: int) -> list[str]:
    """Log in so many times: what one session may ask is limited."""
    return [_token({**os.environ, "TA_HOME": str(home)}) for _ in range(count)]


def _token(environ: Mapping[str, str]) -> str:
    told = subprocess.run(  # noqa: S603 - our own command
        [str(COMMAND), "control", "token"], env=environ, capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


class Reader(threading.Thread):
    """Asks the paths in turn over one kept connection: every `every_s`, or at once if it is 0."""

    def __init__(self, port: int, token: str, first: int, every_s: float) -> None:
        super().__init__()
        self._connection, self._token = Connection(port), token
        self._first, self._every_s = first, every_s
        self.ended = threading.Event()
        self.taken_ms: defaultdict[str, list[float]] = defaultdict(list)
        self.refused: defaultdict[int, int] = defaultdict(int)

    def run(self) -> None:
        """Ask until the end; a late answer is not made up for by haste."""
        number, due = self._first, time.perf_counter()
        while not self.ended.is_set():
            path = PATHS[number % len(PATHS)]
            began = time.perf_counter()
            status, _ = self._connection.get(path, f"Authorization: Bearer {self._token}")
            if status == 200:
                self.taken_ms[path].append((time.perf_counter() - began) * 1_000)
            else:
                self.refused[status] += 1
            number += 1
            due = max(due + self._every_s, began)
            self.ended.wait(max(0.0, due - time.perf_counter()))


@contextmanager
def reading(port: int, keys: list[str], every_s: float) -> Iterator[list[Reader]]:
    """Read with one client per key until the end."""
    readers = [Reader(port, key, 3 * i, every_s) for i, key in enumerate(keys)]
    for reader in readers:
        reader.start()
    try:
        yield readers
    finally:
        for reader in readers:
            reader.ended.set()
        for reader in readers:
            reader.join()


def told(readers: list[Reader], seconds: float, cpu: float) -> dict[str, Any]:
    """Say how many reads were answered, how fast, and what one took of the server."""
    by_path: defaultdict[str, list[float]] = defaultdict(list)
    refused: defaultdict[int, int] = defaultdict(int)
    for reader in readers:
        for path, taken in reader.taken_ms.items():
            by_path[path] += taken
        for status, count in reader.refused.items():
            refused[status] += count
    every = [each for taken in by_path.values() for each in taken]
    return {
        "reads_s": round(len(every) / seconds, 1),
        "refused": dict(refused),
        "ms": {f"p{p}": round(quantile(every, p / 100), 1) for p in (50, 95, 99)},
        "cpu_ms_per_read": round(cpu * 1_000 / len(every), 2),
        "p50_ms_by_path": {path: round(quantile(by_path[path], 0.5), 1) for path in by_path},
    }


def executor(home: Path, warp: float, bars: int, found: Any) -> None:
    """Trade, and hand over the milliseconds of every order; runs in a process of its own."""
    _, watch = live_latency.trade(home, warp, bars, 0.02)
    found.put((watch.latency_ms, dict(watch.stages)))


def begun_book(port: int, token: str) -> None:
    """Wait until the executor has written its first order."""
    connection, until = Connection(port), time.perf_counter() + 60
    while time.perf_counter() < until:
        status, body = connection.get(f"{BOOK}/orders", f"Authorization: Bearer {token}")
        if status == 200 and json.loads(body)["items"]:
            return
        time.sleep(0.2)
    raise SystemExit("the executor sent no order within a minute")


def one_round(
    warp: float, bars: int, reads_s: float, *, ask_more: bool = False
) -> tuple[Traded, dict[str, Any]]:
    """Trade once in a new home, with so many reads a second; give orders' times and reads'."""
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        work = context.Process(target=executor, args=(home, warp, bars, found))
        with api({"TA_HOME": str(home)}) as (pid, port):
            keys = tokens(home, CLIENTS)
            work.start()
            begun_book(port, keys[0])
            told_of_reads: dict[str, Any] = {}
            began, cpu = time.perf_counter(), cpu_s(pid)
            if reads_s:
                with reading(port, keys, CLIENTS / reads_s) as readers:
                    latency = found.get(timeout=600)
                    seconds, used = time.perf_counter() - began, cpu_s(pid) - cpu
                told_of_reads = told(readers, seconds, used)
            else:
                latency = found.get(timeout=600)
            work.join()
            if ask_more:
                told_of_reads["ceiling"] = ceiling(home, pid, port)
    return latency, told_of_reads


def ceiling(home: Path, pid: int, port: int) -> list[dict[str, Any]]:
    """Ask the same book as fast as 1, 4 and 16 clients can, ten seconds each."""
    rows = []
    for clients in (1, 4, 16):
        keys = tokens(home, clients)
        began, cpu = time.perf_counter(), cpu_s(pid)
        with reading(port, keys, 0.0) as readers:
            time.sleep(10)
        seconds = time.perf_counter() - began
        rows.append({"clients": clients, **told(readers, seconds, cpu_s(pid) - cpu)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warp", type=float, default=240.0)
    parser.add_argument("--bars", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=2, help="pairs of a quiet and a read one")
    parser.add_argument("--reads", type=float, default=100.0, help="reads a second")
    given = parser.parse_args()
    quiet: list[Traded] = []
    busy: list[Traded] = []
    for number in range(given.rounds):
        is_last = number == given.rounds - 1
        quiet.append(one_round(given.warp, given.bars, 0.0)[0])
        traded, reads = one_round(given.warp, given.bars, given.reads, ask_more=is_last)
        busy.append(traded)
        print(json.dumps({"round": number, **reads}))
    for name, rounds in (("without readers", quiet), (f"{given.reads:.0f} reads/s", busy)):
        times = [each for latency, _ in rounds for each in latency]
        row = {f"p{p}": round(quantile(times, p / 100), 1) for p in (50, 95, 99)}
        print(json.dumps({"close_to_sent_ms": name, "orders": len(times), **row}))
        stages: defaultdict[str, list[float]] = defaultdict(list)
        for _, of_round in rounds:
            for stage, spent in of_round.items():
                stages[stage] += spent
        print(json.dumps({stage: round(quantile(ms, 0.99), 1) for stage, ms in stages.items()}))


if __name__ == "__main__":
    main()
