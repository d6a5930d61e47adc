"""A thread that works while one is inside of it, and is waited for on leaving."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Background(ABC):
    """Entering starts the thread, leaving asks it to end and waits for it.

    Attributes:
        ended: set once it is to end.
    """

    def __init__(self, name: str) -> None:
        """Get ready; `name` is the thread's."""
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self.watch, name=name, daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether it works; not before it is entered, after it is left, or when it has failed."""
        return self._thread.is_alive()

    @abstractmethod
    def watch(self) -> None:
        """Work until `ended` is set."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        self._thread.join()
