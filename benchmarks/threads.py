"""Training, prediction and the gate: idle, and beside a spinning process per core.

OpenMP's threads wait for each other: where they spin, a busy machine makes them many times slower.
Here they sleep (`OMP_WAIT_POLICY=passive`), and so few of them run as there are cores.

    python benchmarks/threads.py
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import trading_assets  # noqa: F401 - before Polars: it says how many threads tables take

# isort: split

import numpy as np
from gate_study import families, one

from trading_assets.domain.ids import Month
from trading_assets.evaluation.cscv import cscv
from trading_assets.forecasting.booster import Booster, cpu_quota
from trading_assets.forecasting.horizons import horizon_micros
from trading_assets.forecasting.past_returns import PAST_COLUMNS
from trading_assets.forecasting.sample import SCALE, Sample
from trading_assets.forecasting.trainer import TrainedModel, TrainingConfig, train

MONTH, ROWS, COLUMNS, REPEATS = Month(2024, 7), 60_000, 30, 3
BAR = 300_000_000


def made_up() -> Sample:
    """Draw rows of noise with a little to learn: 60,000 x 30, as seven months of one symbol."""
    rng = np.random.default_rng(7)
    decided = MONTH.start - BAR * np.arange(ROWS, 0, -1) - horizon_micros("1h")
    x = rng.standard_normal((ROWS, COLUMNS))
    volatility = np.full(ROWS, 3e-4)
    x[:, -1] = volatility
    y = 1e-3 * (0.05 * x[:, 0] + rng.standard_normal(ROWS))
    return Sample(
        horizon="1h",
        features=(*(f"f{n}" for n in range(COLUMNS - 1)), SCALE),
        decided=decided,
        known=decided + horizon_micros("1h"),
        x=np.ascontiguousarray(x),
        y=y,
        volatility=volatility,
        past=np.zeros((ROWS, len(PAST_COLUMNS))),
    )


def trained(sample: Sample, threads: int) -> TrainedModel:
    """Train as the desk does, by its default settings."""
    config = TrainingConfig(120, 15, 0.03, 400, 7, threads)
    return train(
        sample, config, month=MONTH, symbols=("BTCUSDT",), features_code_version="x", dataset="x"
    )


def works() -> dict[str, Callable[[], object]]:
    """Name what is timed."""
    sample = made_up()
    booster = Booster(trained(sample, 2).booster_text)
    returns = np.random.default_rng(3).standard_normal((730, 1000)) / 100
    family = next(families("edge", range(1), 2.0, 1.5))
    return {
        "train, 1 thread": lambda: trained(sample, 1),
        "train, 2 threads": lambda: trained(sample, 2),
        "predict 60,000 rows": lambda: booster.predict(sample.x),
        "overfitting of 1,000 trials over two years": lambda: cscv(returns),
        "a desk: bars, runs, examination, decision": lambda: one(family),
    }


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many processes spinning."""
    spinning = [multiprocessing.Process(target=spin, daemon=True) for _ in range(processes)]
    for process in spinning:
        process.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        for process in spinning:
            process.kill()


def spin() -> None:
    """Use a core."""
    while True:
        pass


def seconds(work: Callable[[], object]) -> float:
    """Give the median wall time."""
    taken = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def main() -> None:
    """Time everything idle and busy, and print both with their ratio."""
    cores = cpu_quota()
    rows = []
    for name, work in works().items():
        work()
        idle = seconds(work)
        with busy(cores):
            loaded = seconds(work)
        rows.append({"work": name, "idle_s": idle, "busy_s": loaded, "ratio": loaded / idle})
        print(f"{name:45} {idle:8.3f} {loaded:8.3f} {loaded / idle:6.2f}", file=sys.stderr)
    print(json.dumps({"cores": cores, "rows": rows}))


if __name__ == "__main__":
    main()
