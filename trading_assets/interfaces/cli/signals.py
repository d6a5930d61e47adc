"""A clean stop of a command that goes on until it is told to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Let Ctrl-C and SIGTERM ask for a clean stop; asking again changes nothing."""
    stop = threading.Event()
    asked = [False]

    def ask(_number: int, _frame: FrameType | None) -> None:
        if not asked[0]:
            asked[0] = True
            # A handler must not take the event's lock: the main thread may hold it.
            threading.Thread(target=stop.set, daemon=True).start()

    handlers = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
