"""SIGUSR1 halts the book of the process that gets it.

The handler does what is safe wherever the process is interrupted: it notes the signal in memory,
which closes the gate at once, and makes the HALT file by three plain system calls. The watcher and
the executor do the rest.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from trading_assets.domain.control import HaltLevel, HaltRequest
from trading_assets.domain.ids import canonical_json

NUMBER = signal.SIGUSR1
_REASON = "SIGUSR1"


class HaltSignal:
    """What the signal leaves in memory, for a disk that takes no file."""

    def __init__(self, path: Path) -> None:
        self._path = os.fsencode(path)
        self._text = canonical_json(
            {"level": HaltLevel.HALT.name, "reason": _REASON, "source": "signal", "who": ""}
        )
        self._is_up = False

    def latched(self) -> HaltRequest | None:
        """Give the halt while the signal has not been answered by a resume."""
        return HaltRequest(_REASON, source="signal") if self._is_up else None

    def lift(self) -> None:
        """Forget the signal."""
        self._is_up = False

    def notice(self, _number: int, _frame: FrameType | None) -> None:
        """Handle the signal."""
        self._is_up = True
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            os.write(descriptor, self._text)
            os.close(descriptor)
        except OSError:  # a latch is up already, or the disk takes none: memory has it
            return


@contextmanager
def halt_on_signal(path: Path) -> Iterator[HaltSignal]:
    """Let SIGUSR1 put the latch at `path` up while inside; the earlier handler comes back.

    Only a process's main thread can have handlers: elsewhere the signal stays what it was.
    """
    halted = HaltSignal(path)
    if threading.current_thread() is not threading.main_thread():
        yield halted
        return
    before = signal.signal(NUMBER, halted.notice)
    try:
        yield halted
    finally:
        signal.signal(NUMBER, before)
