"""The alerts of a live book, one line when each begins and one when it is over; only added to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Micros, canonical_json, content_hash

FILE = "alerts.jsonl"


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One change.

    Attributes:
        n: number of the line in its file, from 1.
        ts: the machine's clock.
        alert: name of the rule.
        begins: whether it begins; else it is over.
        reason: its text, at the beginning.
    """

    book: str
    n: int
    ts: Micros
    alert: str
    begins: bool
    reason: str


class AlertFile:
    """The file in a book's folder; one process at a time adds to it, anybody reads."""

    def __init__(self, folder: Path) -> None:
        """Name the file; nothing is touched."""
        self.path = folder / FILE

    @property
    def identity(self) -> str:
        """Name this very file by its first line, wherever it is moved; "" without one."""
        first = next(self.lines(), None)
        return "" if first is None else content_hash(asdict(first))[:16]

    def add(self, book: str, alert: str, reason: str, ts: Micros, *, begins: bool) -> AlertLine:
        """Add a line, durably; what a process that was killed left of its last line is cut off.

        Raises:
            OSError: if the disk refuses.
        """
        n = 0
        for line in self.lines():
            n = line.n
        added = AlertLine(book, n + 1, ts, alert, begins, reason)
        with self.path.open("ab+") as file:
            file.truncate(_whole(self.path))
            file.write(canonical_json(asdict(added)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return added

    def lines(self, after: int = 0) -> Iterator[AlertLine]:
        """Yield the whole lines after a number, in order.

        Raises:
            CorruptFile: if a line is none of ours.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        for text in data.split(b"\n")[:-1]:
            try:
                line = AlertLine(**json.loads(text))
            except (ValueError, TypeError) as error:
                raise CorruptFile(
                    f"{self.path} cannot be read",
                    expected="an alert on each line",
                    found=text[:80].decode(errors="replace"),
                    fix="Move the file away; the book begins another.",
                ) from error
            if line.n > after:
                yield line

    def standing(self) -> dict[str, str]:
        """Give the alerts that have begun and are not over, each with its text."""
        found: dict[str, str] = {}
        for line in self.lines():
            if line.begins:
                found[line.alert] = line.reason
            else:
                found.pop(line.alert, None)
        return found


def alert_files(root: Path) -> list[AlertFile]:
    """List the files of all books of a desk, also of those that were set aside.

    Args:
        root: the folder of the live books.
    """
    return [AlertFile(path.parent) for path in sorted(root.glob(f"*/{FILE}"))]


def _whole(path: Path) -> int:
    """Give the size of the whole lines of a file."""
    return path.read_bytes().rfind(b"\n") + 1
