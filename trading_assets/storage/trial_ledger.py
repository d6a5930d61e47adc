"""The desk's ledger of trials: one chained file of JSON lines, only appended to, and its head.

How often something was tried is part of what its result is worth, so nobody may make it less. A
line begins with its SHA-256 and that of the line before it, so an edit is seen. The head, a file of
its own, says how far the ledger had come, so a cut end or another file in its place is seen. Lines
beyond the head were written by somebody who was killed before anybody could rely on them.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import CorruptFile, InvariantError, LedgerBroken
from trading_assets.domain.ids import canonical_json, sha256_hex
from trading_assets.storage import pointers, roots

LEDGER, HEAD = "trials.jsonl", "trials-head.json"
RETURNS = "trial_returns"
"""Folder of the daily returns of trials: where it is, there was a ledger."""

_TURN = "trials.lock"
_GENESIS = "0" * 64
_BEGIN, _CHAINED, _REST = b'{"hash":"', b'","prev":"', b'",'
_HASHED = len(_BEGIN) + 64 + len(b'",')
_ADOPT = "`trading-assets trials adopt`"
_RESTORE = (
    f"Restore {LEDGER} and {HEAD}, both, from one copy. Where there is none, {_ADOPT} "
    "--accept-loss goes on with what can be read, and counts what cannot as tried."
)


@dataclass(frozen=True, slots=True)
class Head:
    """How far a ledger had come.

    Attributes:
        rows: number of its lines.
        size: bytes of all of them.
        hash: SHA-256 of the last line; of nothing, zeros.
    """

    rows: int = 0
    size: int = 0
    hash: str = _GENESIS


@dataclass(frozen=True, slots=True)
class Proven:
    """Rows that are whole and chained, up to the head.

    Attributes:
        rows: plain values, each with its `hash` and that of the row before it, `prev`.
        last: first byte of the last line.
    """

    rows: tuple[dict[str, Any], ...]
    head: Head
    last: int = 0


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
        with _turn(self.root, fcntl.LOCK_EX):
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
        with _turn(self.root, fcntl.LOCK_EX):
            self._catch_up()
        return set(wanted) - self._seen

    def read(self) -> Proven:
        """Read all rows and prove every byte of them.

        Raises:
            LedgerBroken: if a byte was changed, the end was cut, or a file is missing.
        """
        if not self.root.is_dir() or not (self.root / _TURN).exists():
            return read_proven(self.root)
        with _turn(self.root, fcntl.LOCK_SH):
            return read_proven(self.root)

    def _notice(self, row: Mapping[str, Any]) -> None:
        if "key" in row:
            self._seen.add((row["purpose"], row["key"]))

    def _catch_up(self) -> None:
        """Prove what this object has not seen yet: all of it, or what others have appended."""
        head = _read_head(self.root)
        if head is None and not self.path.exists():
            _refuse_lost(self.root)
            _write_head(self.root, Head())
            return
        if self._head.rows and head is not None and head.size >= self._head.size:
            data = _bytes_from(self.path, self._last)
            before = data[: self._head.size - self._last]
            if before.endswith(b"\n") and _hash_of(before) == self._head.hash:
                found = _proven_after(data[len(before) :], self._head, head, self.path)
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
            last, head = head.size, Head(head.rows + 1, head.size + len(line), _hash_of(line))
        if lines:
            _write_lines(self.path, self._head.size, bytes(lines))
            _write_head(self.root, head)
        self._head, self._last = head, last


@lru_cache(maxsize=64)
def ledger_at(root: Path) -> TrialLedger:
    """Give the one ledger object of this process for a desk."""
    return TrialLedger(root)


def chained(prev: str, row: Mapping[str, Any]) -> bytes:
    """Write a row as a line that goes on from the line with hash `prev`."""
    plain = {name: value for name, value in row.items() if name not in {"hash", "prev"}}
    if not plain:
        raise InvariantError("A row of the ledger says nothing")
    body = b'"prev":"' + prev.encode() + _REST + canonical_json(plain)[1:]
    return _BEGIN + sha256_hex(body).encode() + _REST + body + b"\n"


def read_proven(root: Path) -> Proven:
    """Read the ledger under a root and prove every byte of it.

    Raises:
        LedgerBroken: as `TrialLedger.read`.
    """
    path, head = root / LEDGER, _read_head(root)
    data = path.read_bytes() if path.is_file() else None
    if head is None:
        if data is None:
            _refuse_lost(root)
            return Proven((), Head())
        if not data.startswith(_BEGIN):
            raise _unchained(path)
        raise LedgerBroken(
            f"The head of the ledger {path} is missing",
            expected=HEAD,
            found="no such file: nobody can tell whether the end was cut",
            fix=_RESTORE,
        )
    if data is None and head.rows:
        raise LedgerBroken(
            f"The ledger of trials {path} is lost",
            expected=f"{head.rows} rows",
            found="no such file",
            fix=_RESTORE,
        )
    return _proven_after(data or b"", Head(), head, path)


def salvaged(root: Path) -> tuple[list[dict[str, Any]], int]:
    """Read what is left of a ledger: rows, and how many are lost at least.

    A row whose checksum is not its own is lost, whatever it says now; one of the time before there
    were checksums is taken as it is.
    """
    path = root / LEDGER
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    if lines and is_unchained(root) and not lines[-1].endswith(b"\n"):
        lines.pop()  # was never a row
    rows = [row for row in map(_row_of, lines) if row is not None]
    try:
        head = _read_head(root) or Head()
    except LedgerBroken:
        head = Head()
    return rows, max(head.rows, len(lines)) - len(rows)


def _row_of(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not {"key", "note"} & row.keys():
        return None
    is_whole = "hash" not in row or not _fault_of(line, str(row.get("prev")))
    return row if is_whole else None


def replace_ledger(root: Path, rows: Iterable[Mapping[str, Any]], *, aside: str) -> Head:
    """Chain rows anew, in place of a file that has no chain or is broken; it is kept as `aside`."""
    with _turn(root, fcntl.LOCK_EX):
        head, data = Head(), bytearray()
        for row in rows:
            line = chained(head.hash, row)
            head = Head(head.rows + 1, head.size + len(line), _hash_of(line))
            data += line
        path = root / LEDGER
        with roots.disk_errors(path):
            if path.is_file() and not (root / aside).exists():
                os.link(path, root / aside)
                roots.sync_folder(root)
            with roots.temporary(path, bytes(data)) as written:
                written.replace(path)
            roots.sync_folder(root)
        _write_head(root, head)
    ledger_at.cache_clear()
    return head


def is_unchained(root: Path) -> bool:
    """Tell whether there is a ledger of the time before it was chained."""
    path = root / LEDGER
    if not path.is_file() or (root / HEAD).exists():
        return False
    with path.open("rb") as file:
        begin = file.read(len(_BEGIN))
    return bool(begin) and begin != _BEGIN


def _proven_after(data: bytes, after: Head, until: Head, path: Path) -> Proven:
    """Prove lines that follow `after`; those up to `until` must be there."""
    rows: list[dict[str, Any]] = []
    here, has_met, last = after, after == until, after.size
    for line in data.splitlines(keepends=True):
        fault = _fault_of(line, here.hash)
        if fault:
            if here.size >= until.size:
                break  # the rest of somebody who was killed while writing
            raise LedgerBroken(
                f"Row {here.rows + 1} of the ledger {path} was changed",
                expected="a line that is whole and goes on from the one before it",
                found=fault,
                fix=_RESTORE,
            )
        last, here = here.size, Head(here.rows + 1, here.size + len(line), _hash_of(line))
        rows.append(json.loads(line))
        has_met = has_met or here == until
    if not has_met:
        raise LedgerBroken(
            f"The end of the ledger {path} was cut, or another file is in its place",
            expected=f"{until.rows} rows, the last with hash {until.hash[:16]}",
            found=f"{here.rows} rows, the last with hash {here.hash[:16]}",
            fix=_RESTORE,
        )
    return Proven(tuple(rows), here, last)


def _fault_of(line: bytes, prev: str) -> str:
    """Say what is wrong with a line; "" when nothing is."""
    begin = line[:_HASHED]
    body = line[_HASHED:-1]
    wanted = _BEGIN + sha256_hex(body).encode() + _REST
    if not line.endswith(b"\n"):
        return "a line that was cut"
    if begin != wanted:
        return "a line whose checksum is not its own"
    if not body.startswith(b'"prev":"' + prev.encode() + _REST):
        return "a line that goes on from another one"
    return ""


def _hash_of(line: bytes) -> str:
    return line[len(_BEGIN) : len(_BEGIN) + 64].decode("ascii", "replace")


def _bytes_from(path: Path, offset: int) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read()


def _read_head(root: Path) -> Head | None:
    path = root / HEAD
    if not path.is_file():
        return None
    try:
        facts = pointers.unsealed(path.read_bytes(), root)
        return Head(int(facts["rows"]), int(facts["size"]), str(facts["hash"]))
    except (CorruptFile, KeyError, UnicodeDecodeError) as error:
        raise LedgerBroken(
            f"The head of the ledger of trials, {path}, is damaged",
            expected="rows, size and hash with their checksum",
            found=str(error)[:120],
            fix=_RESTORE,
        ) from error


def _write_head(root: Path, head: Head) -> None:
    path = root / HEAD
    payload = pointers.sealed({"rows": head.rows, "size": head.size, "hash": head.hash})
    with roots.disk_errors(path):
        with roots.temporary(path, payload) as written:
            written.replace(path)
        roots.sync_folder(root)


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


def _refuse_lost(root: Path) -> None:
    """Refuse to begin anew where trials were entered before."""
    if (root / RETURNS).is_dir():
        raise LedgerBroken(
            f"The ledger of trials {root / LEDGER} is lost, and its head with it",
            expected=f"the ledger that the trials in {root / RETURNS} were entered in",
            found="neither file",
            fix=_RESTORE,
        )


def _unchained(path: Path) -> LedgerBroken:
    return LedgerBroken(
        f"The ledger {path} is of the time before it was chained",
        expected="lines that go on from one another",
        found="lines that anybody could have changed",
        fix=f"{_ADOPT} takes all of its rows over, once, and says so in the first row.",
    )


@contextmanager
def _turn(root: Path, kind: int) -> Iterator[None]:
    """Wait for the others; a killed one frees its turn by dying."""
    roots.make_folder(root)
    descriptor = os.open(root / _TURN, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
