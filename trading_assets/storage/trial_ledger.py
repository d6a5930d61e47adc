"""The desk's ledger of trials: one chained file of JSON lines, only appended to, and its head.

How often something was tried is part of what its result is worth, so nobody may make it less. What
is noticed is said in `trial_chain`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from trading_assets.storage import pointers, roots
from trading_assets.storage.trial_chain import (
    HEAD,
    LEDGER,
    Head,
    Proven,
    chained,
    hash_of,
    proven_after,
    read_head,
    read_proven,
    refuse_lost,
)

_TURN = "trials.lock"


class TrialLedger:
    """The ledger of one desk; writers of all processes take turns.

    What this object has proven once is not read again when it appends, only what others have
    appended since.

    Args:
        root: of the desk.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen: set[tuple[str, str]] = set()
        self._head, self._last = Head(), 0

    @property
    def path(self) -> Path:
        """The file of lines."""
        return self.root / LEDGER

    def append(self, rows: Iterable[Mapping[str, Any]]) -> Head:
        """Append the rows whose `key` and `purpose` are not there yet; durable when it returns.

        Args:
            rows: plain values, each with `key` and `purpose`.

        Raises:
            LedgerBroken: if lines that were there are not; nothing is appended.
            StorageUnavailable: if the disk is full; what stood before is intact.
        """
        with turn(self.root):
            self._catch_up()
            try:
                self._write(rows)
            except BaseException:
                self._head = Head()  # what was noticed may not be there: read all of it next time
                raise
            return self._head

    def lacking(self, wanted: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Give those of these pairs of purpose and key that have no row yet.

        From then on there is a head, so that a lost ledger is noticed.
        """
        with turn(self.root):
            self._catch_up()
            return set(wanted) - self._seen

    def read(self) -> Proven:
        """Read all rows and prove every byte of them.

        Raises:
            LedgerBroken: if a byte was changed, the end was cut, or a file is missing.
        """
        if not self.root.is_dir() or not (self.root / _TURN).exists():
            return read_proven(self.root)
        with turn(self.root, shared=True):
            return read_proven(self.root)

    def _notice(self, row: Mapping[str, Any]) -> None:
        if "key" in row:
            self._seen.add((row["purpose"], row["key"]))

    def _catch_up(self) -> None:
        """Prove what this object has not seen yet: all of it, or what others have appended."""
        head = read_head(self.root)
        if head is None and not self.path.exists():
            refuse_lost(self.root)
            head = Head()
            _write_head(self.root, head)
        if self._head.rows and head is not None and head.size >= self._head.size:
            data = _bytes_from(self.path, self._last)
            before = data[: self._head.size - self._last]
            if before.endswith(b"\n") and hash_of(before) == self._head.hash:
                found = proven_after(data[len(before) :], self._head, head, self.path)
                self._take(found)
                return
        self._seen = set()
        self._take(read_proven(self.root))

    def _take(self, found: Proven) -> None:
        for row in found.rows:
            self._notice(row)
        if found.rows:
            self._last = found.last
        self._head = found.head

    def _write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        head, last, lines = self._head, self._last, bytearray()
        for row in rows:
            if (row["purpose"], row["key"]) in self._seen:
                continue
            self._notice(row)
            line = chained(head.hash, row)
            lines += line
            last, head = head.size, head.after(line)
        if lines:
            _write_lines(self.path, self._head.size, bytes(lines))
            _write_head(self.root, head)
        self._head, self._last = head, last


@contextmanager
def turn(root: Path, *, shared: bool = False) -> Iterator[None]:
    """Have the ledger of a desk to oneself, or share it with other readers."""
    roots.make_folder(root)
    with roots.turn(root / _TURN, shared=shared):
        yield


@lru_cache(maxsize=64)
def ledger_at(root: Path) -> TrialLedger:
    """Give the one ledger object of this process for a desk."""
    return TrialLedger(root)


def replace_ledger(root: Path, rows: Iterable[Mapping[str, Any]], *, aside: str) -> Head:
    """Chain rows anew, in place of a file that has no chain or is broken; it is kept as `aside`.

    The caller has its turn since before it read the rows.
    """
    head, data = Head(), bytearray()
    for row in rows:
        line = chained(head.hash, row)
        head = head.after(line)
        data += line
    path = root / LEDGER
    if path.is_file() and not (root / aside).exists():
        with roots.disk_errors(path):
            os.link(path, root / aside)
            roots.sync_folder(root)
    roots.replace(path, bytes(data))
    _write_head(root, head)
    return head


def _bytes_from(path: Path, offset: int) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read()


def _write_head(root: Path, head: Head) -> None:
    facts = {"rows": head.rows, "size": head.size, "hash": head.hash}
    roots.replace(root / HEAD, pointers.sealed(facts))


def _write_lines(path: Path, size: int, lines: bytes) -> None:
    """Write lines behind the first `size` bytes, durably; what else is behind them goes."""
    is_new = not path.exists()
    with roots.disk_errors(path), path.open("ab", buffering=0) as file:
        descriptor = file.fileno()
        os.ftruncate(descriptor, size)
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    if is_new:
        roots.sync_folder(path.parent)
