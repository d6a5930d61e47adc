"""The lines of the ledger of trials, each chained to the one before it, and the proof of them.

A line begins with its SHA-256 and that of the line before it, so an edit is seen. The head, a file
of its own, says how far the ledger had come, so a cut end or another file in its place is seen.
Lines beyond the head were written by somebody who was killed before anybody could rely on them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import CorruptFile, InvariantError, LedgerBroken
from trading_assets.domain.ids import canonical_json, sha256_hex
from trading_assets.storage import pointers

LEDGER, HEAD = "trials.jsonl", "trials-head.json"
RETURNS = "trial_returns"
"""Folder of the daily returns of trials: where it is, there was a ledger."""

_GENESIS = "0" * 64
_BEGIN, _REST = b'{"hash":"', b'",'
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

    def after(self, line: bytes) -> Head:
        """Give the head when a line that goes on from this one has followed."""
        return Head(self.rows + 1, self.size + len(line), hash_of(line))


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
    path, head = root / LEDGER, read_head(root)
    data = path.read_bytes() if path.is_file() else None
    if head is None:
        if data is None:
            refuse_lost(root)
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
    return proven_after(data or b"", Head(), head, path)


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
        head = read_head(root) or Head()
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


def is_unchained(root: Path) -> bool:
    """Tell whether there is a ledger of the time before it was chained."""
    path = root / LEDGER
    if not path.is_file() or (root / HEAD).exists():
        return False
    with path.open("rb") as file:
        begin = file.read(len(_BEGIN))
    return bool(begin) and begin != _BEGIN


def proven_after(data: bytes, after: Head, until: Head, path: Path) -> Proven:
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
        last, here = here.size, here.after(line)
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


def hash_of(line: bytes) -> str:
    """Give the hash that a line names as its own."""
    return line[len(_BEGIN) : len(_BEGIN) + 64].decode("ascii", "replace")


def read_head(root: Path) -> Head | None:
    """Give the head as it was written last; None where there is none.

    Raises:
        LedgerBroken: if it is damaged.
    """
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


def refuse_lost(root: Path) -> None:
    """Refuse to begin anew where trials were entered before.

    Raises:
        LedgerBroken: if their returns are there.
    """
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
