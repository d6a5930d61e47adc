"""What the benchmark needs where the folder of peers is absent: bars, options, timing, a report.

It has the names of the peers' `common.py`, so that either can stand for the other; the bars are of
its own making.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SEED = 7
N = 525_600
FAST, SLOW = 20, 60
WARMUP = 1000
CASH0 = 100_000.0
FEE, SLIP = 0.0010, 0.0001
PCT, QTY, QTY_W2 = 0.10, 0.1, 0.01
TICK = 0.01
EOD_SUBMIT_MINUTE = 1438

CPU: list[float] = []
"""CPU seconds of the calls of the latest `timed`."""


def make_bars(n: int = N, seed: int = SEED, s0: float = 30_000.0) -> dict[str, np.ndarray]:
    """Make bars whose volatility comes in waves: open gaps, cent ticks, a range."""
    chance = np.random.default_rng(seed)
    calm = np.repeat(chance.lognormal(0.0, 0.4, -(-n // 240)), 240)[:n]
    sigma = 4.5e-4 * calm
    steps = sigma * chance.standard_normal(n)
    close = s0 * np.exp(np.cumsum(steps))
    open_ = np.append(s0, close[:-1]) * (1.0 + 0.15 * sigma * chance.standard_normal(n))
    reach = sigma * np.abs(chance.standard_normal((2, n)))
    high = np.maximum(open_, close) * (1.0 + 0.4 * reach[0])
    low = np.minimum(open_, close) * (1.0 - 0.4 * reach[1])
    open_, high, low, close = (np.round(x, 2) for x in (open_, high, low, close))
    high = np.maximum(high, np.maximum(open_, close))
    low = np.minimum(low, np.minimum(open_, close))
    volume = np.round(chance.exponential(20.0, n), 5)
    ts = np.arange(n, dtype=np.int64) * 60_000_000_000
    return {"ts": ts, "open": open_, "high": high, "low": low, "close": close, "volume": volume}


def load_bars() -> dict[str, np.ndarray]:
    return make_bars()


def head(bars: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    return {name: column[:n] for name, column in bars.items()} if n else bars


def args(**extra: Any) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", default="w1", choices=["w1", "w2", "w3"])
    parser.add_argument("--mode", default="pct", choices=["pct", "qty"])
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--bars", type=int, default=0, help="only the first BARS bars")
    for name, value in extra.items():
        parser.add_argument(f"--{name}", default=value, type=type(value))
    return parser.parse_args()


def timed(work: Callable[[], Any], repeat: int = 1) -> tuple[Any, list[float]]:
    """Give the latest result and the wall seconds of every call; CPU seconds go to `CPU`."""
    CPU.clear()
    walls: list[float] = []
    result = None
    for _ in range(max(1, repeat)):
        wall, worked = time.perf_counter(), time.process_time()
        result = work()
        CPU.append(time.process_time() - worked)
        walls.append(time.perf_counter() - wall)
    return result, walls


def report(
    peer: str, version: str, work: str, mode: str, bars: int, run_s: list[float], **more: Any
) -> None:
    """Print one line of JSON behind the mark that the runner looks for."""
    row = {
        "peer": peer, "version": version, "work": work, "mode": mode, "bars": int(bars),
        "run_s": [round(x, 6) for x in run_s], "run_s_median": float(np.median(run_s)),
        "bars_per_s": bars / float(np.median(run_s)),
        "bars_per_cpu_s": bars / float(np.median(CPU)) if CPU else None,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        **more,
    }  # fmt: skip
    sys.stdout.write("\nPEERS_JSON " + json.dumps(row) + "\n")
