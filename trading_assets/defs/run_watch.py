"""A live run and what Dagster believes of it are kept together, whichever of the two is wrong.

Dagster's launcher reaches a run only by the code server that started it, and looks after none once
that server is gone: a run whose process died with the machine stays STARTED for ever, and one whose
code server died cannot be terminated. So the run itself looks at its status, and the sensor at the
lease.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from trading_assets.defs.books import PROMOTED_BOOK
from trading_assets.settings import load_settings

_LOG = logging.getLogger(__name__)
_EVERY_S = 5.0
_OVER = {
    dg.DagsterRunStatus.CANCELING,
    dg.DagsterRunStatus.CANCELED,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.SUCCESS,
}


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@contextmanager
def stop_when_over(
    instance: dg.DagsterInstance,
    run_id: str,
    *,
    every_s: float = _EVERY_S,
    end: Callable[[], None] = _interrupt,
) -> Iterator[None]:
    """Stop this process's executor when its run is to end, or is over for Dagster, or was deleted.

    An executor that trades on then has nobody who can stop it in the UI, and a second run may be
    started beside it. Must be left before the handlers of signals are.

    Args:
        instance: asked by a thread of its own.
        run_id: of the run that this process works on.
        every_s: seconds between two looks.
        end: called once, as a signal would be.
    """
    left = threading.Event()

    def look() -> None:
        while not left.wait(every_s):
            try:
                run = instance.get_run_by_id(run_id)
            except Exception:  # whatever Dagster's storage raises; it is asked again
                _LOG.warning("Dagster cannot be asked about run %s", run_id, exc_info=True)
                continue
            if run is None or run.status in _OVER:
                _LOG.warning("Run %s is %s: stopping", run_id, run.status.value if run else "gone")
                end()
                return

    thread = threading.Thread(target=look, name="run-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()


def report_dead(
    instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun], suspects: set[str]
) -> set[str]:
    """Report runs of the paper book as failed that are STARTED while nobody trades the account.

    A run that starts or closes has no lease either, for some seconds; so it is dead only when the
    look before, a minute ago, has found the same. Should it be alive nevertheless, it stops itself
    (`stop_when_over`).

    Args:
        instance: is told of the dead.
        runs: of the live job.
        suspects: what the look before gave.

    Returns:
        The runs that are dead if the next look finds the same.
    """
    from trading_assets.workflows.live_book import live_book

    if live_book(load_settings().settings, PROMOTED_BOOK).is_running:
        return set()
    started = [run for run in runs if run.status == dg.DagsterRunStatus.STARTED]
    for run in started:
        if run.run_id in suspects:
            instance.report_run_failed(
                run, "Nobody trades the book: the process of this run ended without a word."
            )
    return {run.run_id for run in started} - suspects
