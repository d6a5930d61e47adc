"""A stop that a run surely gets: signals become an event, and a run that will not end is ended.

Dagster raises an exception in the middle of whatever runs, a second time inside the cleanup, and
marks a run cancelled while its process may go on trading (docs/adr/0009-live-run.md).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE_OF_THE_WATCHDOG = 75
"""sysexits' EX_TEMPFAIL: a restart recovers from the journal."""


@contextmanager
def stop_on_signals(
    budget_s: float, end_process: Callable[[int], object] = os._exit
) -> Iterator[threading.Event]:
    """Give an event that the first SIGINT or SIGTERM sets; later ones change nothing.

    A run that has not left this context `budget_s` seconds after the signal loses its process, so
    that none can trade on when everything believes it stopped. The handler only writes a byte to
    a pipe, since setting an event inside a handler can deadlock with a wait on it.

    Must be entered in the main thread. Earlier handlers are put back at the end.
    """
    stop, finished = threading.Event(), threading.Event()
    reader, writer = os.pipe()

    def notice(_number: int, _frame: FrameType | None) -> None:
        os.write(writer, b"s")

    def watch() -> None:
        os.read(reader, 1)
        if finished.is_set():
            return
        stop.set()
        if not finished.wait(budget_s):
            end_process(EXIT_CODE_OF_THE_WATCHDOG)

    watchdog = threading.Thread(target=watch, name="stop-watchdog", daemon=True)
    watchdog.start()
    before = {number: signal.signal(number, notice) for number in _SIGNALS}
    try:
        yield stop
    finally:
        finished.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        os.write(writer, b"e")
        watchdog.join()
        os.close(reader)
        os.close(writer)
