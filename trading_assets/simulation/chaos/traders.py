"""Who trades a book, seen from outside: by `/proc`, and nothing that an executor says of itself."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from trading_assets.live.background import Background

_PROC = Path("/proc")
_WRITES = os.O_WRONLY | os.O_RDWR
_EVERY_S = 0.1


def traders_of(journal: Path) -> frozenset[int]:
    """Give the processes that can write a journal: each of them could trade the book.

    The lease is not asked: whether it keeps a second one out is what is to be seen.
    """
    name = str(journal)
    found = set()
    for process in _PROC.iterdir():
        if process.name.isdecimal() and _writes(process, name):
            found.add(int(process.name))
    return frozenset(found)


def _writes(process: Path, name: str) -> bool:
    with suppress(OSError):  # it has ended, or is another user's
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                if str(link.readlink()) == name and _flags(process, link.name) & _WRITES:
                    return True
    return False


def _flags(process: Path, number: str) -> int:
    """Give how a file is open, as `open(2)` was asked."""
    for line in (process / "fdinfo" / number).read_text().splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8)
    return 0


class Watcher(Background):
    """Looks for traders ten times a second while it is entered.

    Attributes:
        most: traders that were seen at the same time, at most.
        seen: all of them, by process id.
        looks: how often it has looked.
    """

    def __init__(self, journal: Path) -> None:
        """Get ready; what has been opened for writing at `journal` counts as a trader."""
        super().__init__("traders")
        self._journal = journal
        self.most = 0
        self.seen: set[int] = set()
        self.looks = 0

    def __enter__(self) -> Self:
        self._look()  # before anything is done to them
        return super().__enter__()

    def watch(self) -> None:
        """Look until the end."""
        while not self.ended.wait(_EVERY_S):
            self._look()

    def _look(self) -> None:
        found = traders_of(self._journal)
        self.most = max(self.most, len(found))
        self.seen |= found
        self.looks += 1
