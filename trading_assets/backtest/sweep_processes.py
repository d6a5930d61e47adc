"""Trials of a sweep in several processes, with the results of one."""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager

from trading_assets.backtest.plan import Plan
from trading_assets.backtest.prepared import Prepared
from trading_assets.backtest.space import Params, varied
from trading_assets.backtest.trials import Ground, Trial, alone, ground_of, run_trials
from trading_assets.features.memo import shared_columns

_THREADS = "POLARS_MAX_THREADS"
_grounds: list[Ground] = []
_open = ExitStack()


RunBatch = Callable[[list[Params]], Iterable[Trial]]


@contextmanager
def batches_of(ground: Ground, plan: Plan, processes: int) -> Iterator[RunBatch | None]:
    """Give what runs the batches of a plan: None (this process) for one, else new processes."""
    if processes == 1:
        yield None
        return
    with in_processes(ground.prepared, processes, plan.memo_bytes) as run_batch:
        yield run_batch


@contextmanager
def in_processes(
    prepared: Prepared, processes: int, memo_bytes: int, threads: int = 1
) -> Iterator[RunBatch]:
    """Give what runs a batch in so many new processes, in the order of the batch.

    Args:
        prepared: the spec that is varied, on its bars; each process has a copy of them. Its
            strategy has to be one that another process can import.
        processes: how many.
        memo_bytes: most memory for shared columns, of each process.
        threads: most threads of each for tables.
    """
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = str(threads)
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(prepared, memo_bytes),
    )

    def run_batch(batch: list[Params]) -> Iterable[Trial]:
        # Neighbours share columns, so each process gets a stretch of the batch.
        cuts = [len(batch) * k // processes for k in range(processes + 1)]
        parts = [batch[a:b] for a, b in itertools.pairwise(cuts)]
        futures = [pool.submit(_work, part, memo_bytes) for part in parts]
        return [trial for future in futures for trial in future.result()]

    try:
        yield run_batch
    finally:
        pool.shutdown(cancel_futures=True)
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


def _begin(prepared: Prepared, memo_bytes: int) -> None:
    _grounds.append(ground_of(prepared))
    _open.enter_context(shared_columns(tuple(prepared.frames.values()), memo_bytes))


def _work(batch: list[Params], memo_bytes: int) -> list[Trial]:
    ground = _grounds[0]
    spec, _, _ = alone(ground.prepared)
    specs = ((params, varied(spec, params)) for params in batch)
    return list(run_trials(ground, specs, memo_bytes=memo_bytes))
