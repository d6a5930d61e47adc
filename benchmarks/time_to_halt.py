"""How long after a trigger the exchange still receives an entry: six inputs, one warm stack.

Time to halt = last entry that the exchange's own ledger has from between a trigger and its resume,
less the moment at which the trigger's call returned; 0 when there is none. The executor is a real
process (`trading-assets live`) that trades three symbols at every minute bar, ten bars a second;
every trigger meets another phase, and by turns an order whose answer hangs, a feed that hangs, or
an undisturbed venue. `heard` is the time until the halt stands in the journal.

    python benchmarks/time_to_halt.py --n 60
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import OrderSubmitted, TradingHalted, TradingResumed
from trading_assets.exchange.server import ExchangeConfig, RunningExchange, running_exchange
from trading_assets.interfaces.http_api.routes import Routes
from trading_assets.interfaces.http_api.server import control_server, own_hosts
from trading_assets.interfaces.http_api.tokens import load_tokens
from trading_assets.settings import load_settings
from trading_assets.simulation.chaos.verdict import Verdict, record
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.storage.release_store import instrument_to_plain
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.control_book import halt_book, standing
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.resume_book import resume_book

BOOK = "demo"
START = 1_711_929_600_000_000  # 2024-04-01T00:00:00Z
WARP = 600
PATIENCE_S = 180.0  # a first start compiles the engine
SUPERVISOR_S = 0.5
LONGEST_S = 1.0
SPEC = """
name: eager
strategy: ema_trend
params: {fast: 1, slow: 3}
symbols: [BTCUSDT, ETHUSDT, SOLUSDT]
bar_size: 1m
cash: 10000
sizing: {mode: pct_of_equity, pos_pct: 1.0, cash_buffer_pct: 2.0, rebalance_pct: 0.0}
costs: {fees_bps: 10.0}
"""
LIVE = "from trading_assets.interfaces.cli.main import main; main()"
WAYS = ("cli", "http", "dagster", "file", "signal", "watchdog")
HARDSHIPS = (
    None,
    {"kind": "delay", "after_ms": 400, "match": {"method": "POST", "path": "/api/v3/order"}},
    {"kind": "delay", "before_ms": 1000, "match": {"method": "GET", "path": "/api/v3/klines"}},
)


class Stack:
    """Exchange, control endpoint and executor, warm."""

    def __init__(self, home: Path, exchange: RunningExchange) -> None:
        self.exchange = exchange
        environ = {
            "TA_HOME": str(home),
            "TA_EXCHANGE__PORT": str(exchange.port),
            "TA_LIVE__POLL_S": "0.02",
            "TA_LIVE__LATE_BAR_S": "3000",
            "TA_LIVE__SUPERVISOR_TIMEOUT_S": str(SUPERVISOR_S),
        }
        os.environ.update(environ)
        self.settings = load_settings().settings
        self.desk = open_desk(self.settings)
        self.place = live_book(self.settings, BOOK)
        self.tokens = load_tokens(self.settings.data_root / "live")
        self.http = httpx.Client(timeout=10)
        self.is_supervised = threading.Event()
        self.touched_s = 0.0
        self._publish()
        self.place.folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", LIVE, "live", "--book", BOOK],
            stdout=subprocess.DEVNULL,
            env={**os.environ, **environ},
        )

    def _publish(self) -> None:
        spec = parse_spec(SPEC, where="benchmark")
        client = make_client(self.exchange.api_url, timeout_s=2, recv_window_ms=5000)
        pager = KlinePager(client, WallClock(), max_attempts=1)
        facts = {
            "decision_id": "d" * 64,
            "order_types": ["MARKET"],
            "models": {},
            "instruments": [instrument_to_plain(pager.instrument(s)) for s in spec.symbols],
        }
        files = {"spec.yaml": spec.canonical_yaml().encode(), "decision.json": b"{}"}
        self.desk.releases.publish("paper", facts, files, after=None)
        client.close_connection()

    def supervise(self, ended: threading.Event) -> None:
        """Touch the supervisor's file, ten times a second while it is supervised."""
        while not ended.wait(0.1):
            if self.is_supervised.is_set():
                self.place.supervisor.touch()
                self.touched_s = time.monotonic()

    def latest(self, kind: type[Any]) -> int:
        """Give the number of the newest row of a kind, 0 when there is none."""
        with JournalReader(self.place.folder) as journal:
            row = journal.latest_row(kind.__name__)
        return 0 if row is None else row.seq

    def until(self, condition: Callable[[], object], what: str) -> float:
        """Wait for a condition; give when it held."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.process.poll() is None, f"the executor ended while waiting for {what}"
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.002)
        return time.monotonic()

    def entries(self) -> list[int]:
        """Give the market times at which the exchange took entries."""
        ledger = self.http.get(f"{self.exchange.url}/_sim/ledger").json()
        return sorted(o["placed_ts"] for o in ledger["orders"] if o["side"] == "BUY")

    def market_at(self, monotonic_s: float) -> float:
        """Give the exchange's market time at a moment of this machine, by the quickest answer."""
        tries = []
        for _ in range(5):
            before = time.monotonic()
            answer = self.http.get(f"{self.exchange.api_url}/v3/time").json()["serverTime"] * 1000
            after = time.monotonic()
            tries.append((after - before, answer, (before + after) / 2))
        _, market, moment = min(tries)
        return float(market + (monotonic_s - moment) * 1e6 * WARP)

    # Triggers: each returns when its call has returned

    def trigger(self, way: str) -> float:
        """Pull one; give the moment from which on no entry may arrive."""
        getattr(self, f"_{way}")()
        return self.touched_s + SUPERVISOR_S if way == "watchdog" else time.monotonic()

    def _cli(self) -> None:
        halt_book(self.desk, BOOK, level=HaltLevel.HALT, who="bench", reason="bench", source="cli")

    def _http(self) -> None:
        headers = {"Authorization": f"Bearer {self.tokens.halt}"}
        url = f"http://127.0.0.1:{self.control_port}/books/{BOOK}/halt"
        self.http.post(url, json={"who": "bench", "reason": "bench"}, headers=headers)

    def _dagster(self) -> None:
        import dagster as dg

        from trading_assets.defs.jobs import halt_book as job
        from trading_assets.defs.resources import DeskResource

        config = {"ops": {"put_up_latch": {"config": {"book": BOOK}}},
                  "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # fmt: skip
        with dg.DagsterInstance.ephemeral() as instance:
            resources = {"desk": DeskResource()}
            job.execute_in_process(instance=instance, resources=resources, run_config=config)

    def _file(self) -> None:
        self.place.halt.touch()

    def _signal(self) -> None:
        self.process.send_signal(signal.SIGUSR1)

    def _watchdog(self) -> None:
        self.is_supervised.clear()

    control_port = 0


@contextmanager
def warm_stack() -> Iterator[Stack]:
    config = ExchangeConfig(start=START, warp=WARP, sim_controls=True, weight_limit=10**9)
    ended = threading.Event()
    with (
        tempfile.TemporaryDirectory() as home,
        running_exchange(config) as exchange,
        control_server("127.0.0.1", 0) as server,
    ):
        stack = Stack(Path(home), exchange)
        stack.control_port = int(server.server_address[1])
        hosts = own_hosts("127.0.0.1", stack.control_port)
        server.routes = Routes(stack.desk, stack.tokens, hosts)
        threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,)),
            threading.Thread(target=stack.supervise, args=(ended,)),
        ]
        stack.is_supervised.set()
        for thread in threads:
            thread.start()
        try:
            yield stack
        finally:
            stack.process.terminate()
            stack.process.wait(60)
            ended.set()
            server.shutdown()
            for thread in threads:
                thread.join()


class Trial:
    """One trigger and its resume: market times between which no entry may arrive."""

    def __init__(self, stack: Stack, way: str, hardship: dict[str, Any] | None) -> None:
        halts, resumes = stack.latest(TradingHalted), stack.latest(TradingResumed)
        if hardship:
            httpx.post(f"{stack.exchange.url}/_sim/fault", json=hardship).raise_for_status()
        returned_s = stack.trigger(way)
        self.way = way
        self.halt = 0.0
        self.begin = stack.market_at(returned_s)
        heard_s = stack.until(lambda: stack.latest(TradingHalted) > halts, f"the halt by {way}")
        self.heard_s = heard_s - returned_s
        time.sleep(0.3)  # what was on its way has arrived
        httpx.delete(f"{stack.exchange.url}/_sim/fault").raise_for_status()
        stack.is_supervised.set()
        code = standing(stack.place).code
        self.end = stack.market_at(time.monotonic())
        resume_book(stack.desk, BOOK, reason="bench", operator="bench", code=code, source="cli")
        stack.until(lambda: stack.latest(TradingResumed) > resumes, "the resume")
        sent = stack.latest(OrderSubmitted)
        stack.until(lambda: stack.latest(OrderSubmitted) > sent, "an order after the resume")

    def judge(self, entries: list[int]) -> float:
        """Give the seconds from the trigger's return to the last entry before the resume."""
        late = [ts for ts in entries if self.begin < ts < self.end]
        self.halt = (late[-1] - self.begin) / 1e6 / WARP if late else 0.0
        return self.halt


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=60, help="triggers in total")
    parser.add_argument("--record", type=Path, help="file of evidence, such as docs/evidence.json")
    parser.add_argument("--seed", type=int, default=1, help="of the phases")
    options = parser.parse_args()
    dice = random.Random(options.seed)  # noqa: S311 - phases that can be repeated
    trials: list[Trial] = []
    with warm_stack() as stack:
        stack.until(lambda: stack.place.folder.joinpath("journal.sqlite").exists(), "the journal")
        stack.until(stack.entries, "the first entry")
        for number in range(options.n):
            way = WAYS[number % len(WAYS)]
            time.sleep(dice.uniform(0, 0.3))
            hardship = HARDSHIPS[number // len(WAYS) % len(HARDSHIPS)]
            trials.append(Trial(stack, way, hardship))
            if (number + 1) % 100 == 0:
                print(json.dumps(summary(stack, trials)), file=sys.stderr, flush=True)
        result = summary(stack, trials)
    late = [t.way for t in trials if t.halt > LONGEST_S]
    wrong = tuple(f"an entry arrived more than {LONGEST_S} s after a trigger by {w}" for w in late)
    verdict = Verdict("A10", result, wrong)
    print(json.dumps(verdict.to_json()))
    if options.record and not wrong:
        command = f"python benchmarks/time_to_halt.py --n {options.n} --seed {options.seed}"
        record(options.record, verdict, command)
    return 1 if wrong else 0


def summary(stack: Stack, trials: list[Trial]) -> dict[str, Any]:
    entries = stack.entries()
    halted = [trial.judge(entries) for trial in trials]
    heard = {way: [t.heard_s for t in trials if t.way == way] for way in WAYS}
    return {
        "triggers": len(trials),
        "entries": len(entries),
        "halt_s": {"p99": quantile(halted, 0.99), "p100": max(halted)},
        "entries_after_a_trigger": sum(value > 0 for value in halted),
        "heard_s": {
            way: {"n": len(values), "p50": quantile(values, 0.5), "p100": max(values)}
            for way, values in heard.items()
            if values
        },
    }


if __name__ == "__main__":
    sys.exit(main())
