"""From the close of a bar to the order that it causes: percentiles, and where the time goes.

Three symbols with bars of one minute, the real executor by REST against the embedded exchange, a
process of its own on loopback; each time is of this machine, whatever the speed of the market's
clock. `close to question` is what an executor that asks in its own rhythm has to wait for; the rest
is work. `CPU of the thread` depends least on what else this machine does.

    python benchmarks/live_latency.py --warp 60 --bars 60
    python benchmarks/live_latency.py --warp 1 --bars 4
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exchange import served

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.live.feed import BarFeed
from trading_assets.live.session import Session
from trading_assets.live.supervision.counters import quantile
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets.storage.release_store import instrument_to_plain
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.run_live import run_live

MINUTE = 60_000_000
SPEC = """
name: eager
strategy: ema_trend
params: {fast: 1, slow: 3}
symbols: [BTCUSDT, ETHUSDT, SOLUSDT]
cash: 10000
bar_size: 1m
sizing: {mode: pct_of_equity, pos_pct: 30.0, cash_buffer_pct: 2.0, rebalance_pct: 10.0}
costs: {fees_bps: 10.0}
"""


class Stopwatch:
    """Adds up where the time goes; everything happens in the executor's thread."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self.stages: defaultdict[str, list[float]] = defaultdict(list)
        self.latency_ms: list[float] = []
        self.polled = self.polled_cpu = 0.0

    def watch(self, owner: Any, name: str, stage: str) -> None:
        """Time a method of a class from outside."""
        original = getattr(owner, name)

        def timed(*args: Any, **more: Any) -> Any:
            began = time.perf_counter()
            try:
                return original(*args, **more)
            finally:
                self.spent[stage] += time.perf_counter() - began

        setattr(owner, name, timed)

    def begin_turn(self, feed: BarFeed, now: int) -> Any:
        """Start anew with each question for bars."""
        self.spent.clear()
        self.polled, self.polled_cpu = time.perf_counter(), time.thread_time()
        return BarFeed.asked(feed, now)  # type: ignore[attr-defined]


class TimedBroker:
    """Notes when an order leaves, in time since the close of its bar."""

    def __init__(self, broker: Any, watch: Stopwatch, market: Any, warp: float) -> None:
        self._broker, self._watch, self._market, self._warp = broker, watch, market, warp

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def submit(self, ticket: Any) -> Any:
        """Send, and note when."""
        watch = self._watch
        work_ms = (time.perf_counter() - watch.polled) * 1_000
        total_ms = (self._market() - ticket.bar_ts - MINUTE) / self._warp / 1_000
        watch.latency_ms.append(total_ms)
        watch.stages["close to question (ms)"].append(total_ms - work_ms)
        watch.stages["question to order (ms)"].append(work_ms)
        cpu_ms = (time.thread_time() - watch.polled_cpu) * 1_000
        watch.stages["of it CPU of the thread (ms)"].append(cpu_ms)
        for stage, seconds in watch.spent.items():
            watch.stages[f"{stage} (ms)"].append(seconds * 1_000)
        began = time.perf_counter()
        try:
            return self._broker.submit(ticket)
        finally:
            watch.spent["orders before it"] += time.perf_counter() - began
            watch.stages["answer to the order (ms)"].append((time.perf_counter() - began) * 1_000)


def publish(desk: Any, api_url: str) -> None:
    spec = parse_spec(SPEC, where="benchmark")
    pager = KlinePager(
        make_client(api_url, timeout_s=2, recv_window_ms=5000), WallClock(), max_attempts=1
    )
    facts = {
        "decision_id": "d" * 64,
        "order_types": ["MARKET"],
        "models": {},
        "instruments": [instrument_to_plain(pager.instrument(s)) for s in spec.symbols],
    }
    files = {"spec.yaml": spec.canonical_yaml().encode(), "decision.json": b"{}"}
    desk.releases.publish("paper", facts, files, after=None)


def market_clock(api_url: str, warp: float) -> Callable[[], float]:
    """Give the exchange's market time without asking it again, by the quickest of five answers."""
    client = make_client(api_url, timeout_s=2, recv_window_ms=5000)
    tries = []
    for _ in range(5):
        before = time.perf_counter()
        market = client.get_server_time()["serverTime"] * 1_000
        after = time.perf_counter()
        tries.append((after - before, (before + after) / 2, market))
    _, moment, market = min(tries)
    client.close_connection()
    return lambda: market + (time.perf_counter() - moment) * 1_000_000 * warp


def trade(home: Path, warp: float, bars: int, poll_s: float) -> tuple[Any, Stopwatch]:
    """Trade so many bars in a folder, and give the session's summary and what was timed."""
    watch = Stopwatch()
    BarFeed.asked = BarFeed.poll  # type: ignore[attr-defined]
    # A bound method would not be handed the feed.
    BarFeed.poll = lambda feed, now: watch.begin_turn(feed, now)  # type: ignore[method-assign] # noqa: PLW0108
    watch.watch(BarFeed, "_read", "questions for bars")
    watch.watch(BarFeed, "_events", "signals")
    watch.watch(Session, "handle", "engine")
    watch.watch(Journal, "append", "commits")
    options = ("--warp", str(warp), "--weight-limit", str(10**9))
    with served(None, *options) as (_, port, _):
        environ = {
            "TA_HOME": str(home),
            "TA_EXCHANGE__PORT": str(port),
            "TA_LIVE__POLL_S": str(poll_s),
            "TA_LIVE__LATE_BAR_S": str(30 * warp),
        }
        desk = open_desk(load_settings(environ).settings)
        api_url = f"http://127.0.0.1:{port}/api"
        publish(desk, api_url)
        summary = run_live(
            desk,
            "demo",
            stop=threading.Event(),
            max_bars=bars,
            wrap_broker=lambda broker: TimedBroker(
                broker, watch, market_clock(api_url, warp), warp
            ),
        )
    if not watch.latency_ms:
        raise TradingAssetsError(
            f"No order left in {summary.bars} bars, so there is no latency to tell",
            expected="at least one order",
            found=f"{summary.late_bars} of them were later than {30 * warp:.0f} s of the market",
            fix="Give it more --bars (the strategy needs three), or a slower market (--warp).",
        )
    return summary, watch


def measure(warp: float, bars: int, poll_s: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        summary, watch = trade(Path(home), warp, bars, poll_s)
    found = watch.latency_ms
    return {
        "warp": warp,
        "poll_s": poll_s,
        "bars": summary.bars,
        "late_bars": summary.late_bars,
        "orders": len(found),
        "close_to_sent_ms": {f"p{p}": round(quantile(found, p / 100), 1) for p in (50, 95, 99)},
        "stages_p50_ms": {k: round(quantile(v, 0.5), 2) for k, v in watch.stages.items()},
        "stages_p95_ms": {k: round(quantile(v, 0.95), 2) for k, v in watch.stages.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warp", type=float, default=60.0)
    parser.add_argument("--bars", type=int, default=60)
    parser.add_argument("--poll-s", type=float, default=None)
    given = parser.parse_args()
    poll_s = given.poll_s or (1.0 if given.warp == 1 else 0.02)
    try:
        print(json.dumps(measure(given.warp, given.bars, poll_s)))
    except TradingAssetsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
