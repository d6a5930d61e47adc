"""What stands beside a journal, outside its database: a high-watermark, snapshots, and a seal.

SQLite drops everything after the first damaged frame of its write-ahead log without an error, so
the journal alone cannot prove that it is whole. Watermark and snapshots, its two witnesses, say how
far it had come and which chain value stood there. The seal only saves time.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.ids import canonical_json, sha256_hex
from trading_assets.storage.roots import sync_folder

_RECORD = struct.Struct("<qII")  # seq, chain value, checksum of both
_SLOTS = 2
_BLOCK = 1 << 20
_MOST_ROWS = 2**63 - 1
_KEPT_SNAPSHOTS = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a journal: the sequence number of a row and its chain value."""

    seq: int
    crc: int


@dataclass(frozen=True, slots=True)
class Seal:
    """The bytes of a database file when all rows up to `mark` were proven and in it.

    As long as the bytes are the same, so are the rows. It outlives snapshots: those that a newer
    version cannot use still leave it rows that it need not look at one by one.
    """

    mark: Mark
    size: int
    crc: int

    @classmethod
    def of(cls, path: Path, mark: Mark) -> Seal:
        """Read a file from end to end; a gigabyte takes some tenths of a second."""
        size = crc = 0
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                size += len(block)
                crc = zlib.crc32(block, crc)
        return cls(mark, size, crc)

    def save(self, path: Path) -> None:
        """Replace the file; one that is lost or torn costs the next start time, nothing else."""
        values = {"seq": self.mark.seq, "chain": self.mark.crc, "size": self.size, "crc": self.crc}
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(canonical_json(values))
        temporary.replace(path)

    @classmethod
    def read(cls, path: Path) -> Seal | None:
        """Read what `save` wrote, None when there is nothing whole."""
        try:
            values = json.loads(path.read_bytes())
            seq, chain, size, crc = (int(values[name]) for name in ("seq", "chain", "size", "crc"))
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None
        is_place = 0 < seq <= _MOST_ROWS  # else no database could be asked for it
        return cls(Mark(seq, chain), size, crc) if is_place else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State as it was right after the row at `mark`."""

    mark: Mark
    payload: bytes


class Watermark:
    """The last committed row, in a file of two slots written in turn, so one is always whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        self._turn = 0

    def create(self) -> None:
        """Write the mark of an empty journal; durable before the journal's first row."""
        self.advance(Mark(0, 0))
        sync_folder(self._path.parent)

    def advance(self, mark: Mark) -> None:
        """Move to `mark`, durably."""
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        body = struct.pack("<qI", mark.seq, mark.crc)
        record = _RECORD.pack(mark.seq, mark.crc, zlib.crc32(body))
        os.pwrite(self._fd, record, self._turn * _RECORD.size)
        os.fdatasync(self._fd)
        self._turn = (self._turn + 1) % _SLOTS

    def read(self) -> Mark | None:
        """Give the highest mark that is whole, or None when the file is missing.

        Raises:
            RecoveryError: if the file is there and no mark in it is whole.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        marks: list[tuple[Mark, int]] = []
        for slot in range(min(_SLOTS, len(data) // _RECORD.size)):
            seq, crc, check = _RECORD.unpack_from(data, slot * _RECORD.size)
            if zlib.crc32(struct.pack("<qI", seq, crc)) == check:
                marks.append((Mark(seq, crc), slot))
        if not marks:
            raise RecoveryError(
                f"Watermark {self._path} is damaged",
                expected="at least one whole mark",
                found=f"{len(data)} bytes",
                fix="Compare the journal with the venue's order history, then remove the file and "
                "start with a copy of the journal in a new folder.",
            )
        mark, slot = max(marks, key=lambda pair: pair[0].seq)
        self._turn = (slot + 1) % _SLOTS
        return mark

    def close(self) -> None:
        """Release the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class Snapshots:
    """Files `snapshot-<seq>.bin`: one JSON line of header, then the payload. The last few stay."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, snapshot: Snapshot) -> Path:
        """Write a snapshot: temporary file, fsync, rename, fsync of the folder."""
        header = {
            "seq": snapshot.mark.seq,
            "crc": snapshot.mark.crc,
            "sha256": sha256_hex(snapshot.payload),
        }
        path = self._folder / f"snapshot-{snapshot.mark.seq:012d}.bin"
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            file.write(canonical_json(header) + b"\n" + snapshot.payload)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(self._folder)
        for old in self._paths()[:-_KEPT_SNAPSHOTS]:
            old.unlink()
        return path

    def all(self) -> tuple[Snapshot, ...]:
        """List the snapshots that are whole, oldest first; the journal makes up for the others."""
        found = (_read_snapshot(path) for path in self._paths())
        return tuple(snapshot for snapshot in found if snapshot is not None)

    def damaged(self) -> tuple[Path, ...]:
        """List the files whose bytes are not what their header says."""
        return tuple(path for path in self._paths() if _read_snapshot(path) is None)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("snapshot-*.bin"))


def _read_snapshot(path: Path) -> Snapshot | None:
    head, _, payload = path.read_bytes().partition(b"\n")
    try:
        header = json.loads(head)
        mark = Mark(int(header["seq"]), int(header["crc"]))
        whole = header["sha256"] == sha256_hex(payload)
    except (ValueError, KeyError, TypeError):
        return None
    return Snapshot(mark, payload) if whole else None
