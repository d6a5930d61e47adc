"""A journal as anybody may read it, and the proof that it is whole."""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import Event
from trading_assets.domain.ids import Micros
from trading_assets.storage.journal_codec import decode
from trading_assets.storage.journal_files import Mark, Seal, Snapshots, Watermark

FILE, SEAL = "journal.sqlite", "seal.json"
_BEYOND = 2**62
_HEAD, _length = struct.Struct("<Iqqqq"), struct.Struct("<I").pack


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One row: `ts` is market time, `recorded` the machine's clock at the commit."""

    seq: int
    ts: Micros
    recorded: Micros
    lease: int
    kind: str
    symbol: str
    client_order_id: str
    trade_id: str
    body: bytes
    crc: int

    @property
    def event(self) -> Event:
        """What happened."""
        return decode(self.kind, self.body)

    def to_json(self) -> dict[str, Any]:
        """Give the row as plain values, its body read."""
        return {
            "seq": self.seq,
            "ts": self.ts,
            "recorded": self.recorded,
            "lease": self.lease,
            "kind": self.kind,
            "body": json.loads(self.body),
            "crc": self.crc,
        }

    def chained(self, previous: int) -> int:
        """Give the checksum over the previous row's checksum and all columns of this one."""
        names = (self.kind, self.symbol, self.client_order_id, self.trade_id)
        return _crc((self.seq, self.ts, self.recorded, self.lease, *names, self.body, 0), previous)


class JournalReader:
    """A journal as anybody may see it, while its writer works."""

    _read_only = True

    def __init__(self, folder: Path) -> None:
        """Open for reading.

        Raises:
            RecoveryError: if there is none, or it cannot be read.
        """
        self.folder = folder
        self._watermark = Watermark(folder / "watermark")
        self._snapshots = Snapshots(folder)
        path = folder / FILE
        if not path.is_file():
            raise RecoveryError(
                f"No journal in {folder}",
                expected=FILE,
                found="no such file",
                fix="Start the book: `trading-assets live --book <name>`.",
            )
        self._db = _connect(path, read_only=self._read_only)
        self._meta: dict[str, str] = dict(self._rows("SELECT key, value FROM meta"))

    @property
    def book(self) -> str:
        """The book it belongs to."""
        return self._meta["book"]

    @property
    def epoch(self) -> str:
        """The clock its instants are of."""
        return self._meta["epoch"]

    def rows(self, since: int = 0) -> Iterator[JournalRow]:
        """Yield the rows after `since`, in order."""
        query = "SELECT * FROM event WHERE seq > ? ORDER BY seq"
        return (JournalRow(*row) for row in self._rows(query, (since,)))

    def read(self, since: int = 0) -> Iterator[tuple[int, Event]]:
        """Yield (seq, event) of the rows after `since`, in order."""
        query = "SELECT seq, kind, body FROM event WHERE seq > ? ORDER BY seq"
        return ((seq, decode(kind, body)) for seq, kind, body in self._rows(query, (since,)))

    def goes_on(self, seq: int, crc: int) -> bool:
        """Tell whether a row that was read before is here: a fresh journal may replace one.

        Args:
            seq: number of that row, 0 for none.
            crc: its checksum, which covers all rows before it.
        """
        row = next(self.rows(seq - 1), None) if seq else None
        return not seq or (row is not None and (row.seq, row.crc) == (seq, crc))

    def between(self, start: Micros, end: Micros) -> Iterator[JournalRow]:
        """Yield the rows whose market time lies in [start, end), in order."""
        query = "SELECT * FROM event WHERE ts >= ? AND ts < ? ORDER BY seq"
        return (JournalRow(*row) for row in self._rows(query, (start, end)))

    def of_kinds_between(
        self, kinds: Sequence[str], start: Micros, end: Micros
    ) -> Iterator[JournalRow]:
        """Yield the rows of some kinds with market time in [start, end), in its order.

        The index by time leads to them: what lies before or after is not read.
        """
        query = (
            "SELECT * FROM event WHERE ts >= ? AND ts < ? "
            "AND kind IN (SELECT value FROM json_each(?)) ORDER BY ts, seq"
        )
        values = (start, end, json.dumps(list(kinds)))
        return (JournalRow(*row) for row in self._rows(query, values))

    def of_kinds(
        self, kinds: Sequence[str], *, since: int = 0, start: Micros = 0
    ) -> Iterator[JournalRow]:
        """Yield the rows of some kinds after row `since` and from market time `start` on."""
        query = (
            "SELECT * FROM event WHERE seq > ? AND ts >= ? "
            "AND kind IN (SELECT value FROM json_each(?)) ORDER BY seq"
        )
        values = (since, start, json.dumps(list(kinds)))
        return (JournalRow(*row) for row in self._rows(query, values))

    def newest(
        self, kinds: Sequence[str], *, count: int, before: int | None = None, symbol: str = ""
    ) -> tuple[JournalRow, ...]:
        """List rows, newest first.

        Args:
            kinds: of events; none of them: of all kinds.
            count: at most so many.
            before: only rows with a lower number.
            symbol: only of this one.
        """
        query = (
            "SELECT * FROM event WHERE (? = '[]' OR kind IN (SELECT value FROM json_each(?))) "
            "AND seq < ? AND (? = '' OR symbol = ?) ORDER BY seq DESC LIMIT ?"
        )
        named, end = json.dumps(list(kinds)), _BEYOND if before is None else before
        rows = self._rows(query, (named, named, end, symbol, symbol, count))
        return tuple(JournalRow(*row) for row in rows)

    def of_order(self, client_order_id: str) -> tuple[Event, ...]:
        """List the events of one order, in order."""
        query = "SELECT * FROM event WHERE client_order_id = ? AND client_order_id <> '' "
        rows = self._rows(f"{query} ORDER BY seq", (client_order_id,))
        return tuple(JournalRow(*row).event for row in rows)

    def latest(self, kind: str) -> Event | None:
        """Give the newest event of a kind, None when there is none."""
        row = self.latest_row(kind)
        return None if row is None else row.event

    def latest_row(self, kind: str) -> JournalRow | None:
        """Give the newest row of a kind, None when there is none."""
        query = "SELECT * FROM event WHERE kind = ? ORDER BY seq DESC LIMIT 1"
        return next((JournalRow(*row) for row in self._rows(query, (kind,))), None)

    def tail(self, count: int) -> tuple[JournalRow, ...]:
        """List the last rows, oldest first."""
        query = "SELECT * FROM event ORDER BY seq DESC LIMIT ?"
        return tuple(JournalRow(*row) for row in self._rows(query, (count,)))[::-1]

    def verify(self) -> Mark:
        """Prove that the journal is whole and give its end.

        Rows that are sealed are whole when not a byte of the database has changed since; else each
        of them is proven, as the later ones are.

        Raises:
            RecoveryError: if a row is missing or altered, or if the journal is shorter than its
                watermark or a snapshot, or differs from them there.
        """
        witnesses = [(self._require_watermark(), "the watermark")]
        for snapshot in self._snapshots.all():
            name = f"snapshot {snapshot.mark.seq}"
            witnesses.append((snapshot.mark, name))
        expected = {mark.seq: (mark.crc, name) for mark, name in witnesses}
        end = self._sealed()
        for mark, name in witnesses:
            if 0 < mark.seq <= end.seq and self._mark_of(mark.seq) != mark:
                raise _differs(self.folder, name, mark.seq)
        query = "SELECT * FROM event WHERE seq > ? ORDER BY seq"
        last, chain = end.seq, end.crc
        row: tuple[Any, ...] = ()
        try:
            for row in self._rows(query, (end.seq,)):
                crc = _crc(row, chain)
                if row[0] != last + 1 or row[-1] != crc:
                    raise _damaged(self.folder, JournalRow(*row), Mark(last, chain))
                last, chain = row[0], crc
                if last in expected and expected[last][0] != crc:
                    raise _differs(self.folder, expected[last][1], last)
        except (AttributeError, TypeError, UnicodeError, struct.error) as error:
            # Damage has changed the type of a column.
            raise _damaged(self.folder, JournalRow(*row), Mark(last, chain)) from error
        end = Mark(last, chain)
        for mark, name in witnesses:
            if mark.seq > end.seq:
                raise short(self.folder, name, mark.seq, end.seq)
        return end

    def verify_indexes(self) -> None:
        """Prove that the database's indexes say what its rows say; reads all of both.

        `verify` proves the rows and does not look here: an index that has lost a row hides an order
        or a fill from those who ask for it by name.

        Raises:
            RecoveryError: if an index and the rows differ, or the file is damaged.
        """
        found = [text for (text,) in self._rows("PRAGMA integrity_check(10)")]
        if found != ["ok"]:
            raise RecoveryError(
                f"The indexes of the journal in {self.folder} do not say what its rows say",
                expected="ok from SQLite's integrity_check",
                found="; ".join(found),
                fix="Stop the book and restore the folder from a copy; or, where `verify` finds "
                f"the rows whole, make the indexes anew: `sqlite3 {FILE} REINDEX`.",
            )

    def _sealed(self) -> Mark:
        """Give the place up to which the database is byte for byte what was sealed."""
        seal = Seal.read(self.folder / SEAL)
        if seal is None or self._mark_of(seal.mark.seq) != seal.mark:
            return Mark(0, 0)
        is_same = Seal.of(self.folder / FILE, seal.mark) == seal
        return seal.mark if is_same else Mark(0, 0)

    def _mark_of(self, seq: int) -> Mark | None:
        row = next(self.rows(seq - 1), None)
        return None if row is None else Mark(row.seq, row.crc)

    def latest_snapshot(self) -> tuple[int, bytes] | None:
        """Give (seq, payload) of the newest whole snapshot."""
        found = self._snapshots.all()
        return (found[-1].mark.seq, found[-1].payload) if found else None

    def snapshots(self) -> dict[int, bytes]:
        """Give the payloads of the whole snapshots that are still there, by row number."""
        return {snapshot.mark.seq: snapshot.payload for snapshot in self._snapshots.all()}

    def backup(self, target: Path) -> int:
        """Copy journal and witnesses to a new folder, also while the writer works.

        The witnesses go first: a journal may be longer than they say, never shorter.

        Returns:
            The number of rows copied.

        Raises:
            FileExistsError: if the folder is there.
            RecoveryError: if the copy does not prove whole.
        """
        target.mkdir(parents=True)
        for path in (self.folder / "watermark", *sorted(self.folder.glob("snapshot-*.bin"))):
            shutil.copy(path, target / path.name)
        with closing(sqlite3.connect(target / FILE)) as copy:
            self._db.backup(copy)
        with JournalReader(target) as reader:
            return reader.verify().seq

    def close(self) -> None:
        """Release the files."""
        self._db.close()
        self._watermark.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _require_watermark(self) -> Mark:
        mark = self._watermark.read()
        if mark is None:
            raise RecoveryError(
                f"The watermark of the journal in {self.folder} is missing",
                expected="the file `watermark`, written before the journal's first row",
                found="no such file",
                fix="Restore the whole folder from one copy, or compare the journal with the "
                "venue's order history and start a new folder.",
            )
        return mark

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> Iterator[Any]:
        try:
            yield from self._db.execute(query, values)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter for a damaged schema
            raise RecoveryError(
                f"The journal in {self.folder} cannot be read",
                found=str(error),
                fix="Restore the folder from a copy made by `trading-assets journal backup`, then "
                "compare with the venue.",
            ) from error


def _crc(row: tuple[Any, ...], previous: int) -> int:
    """Give the checksum of a row's columns; its own stands last and is not looked at."""
    seq, ts, recorded, lease, kind, symbol, client_order_id, trade_id, body, _ = row
    a, b, c, d = kind.encode(), symbol.encode(), client_order_id.encode(), trade_id.encode()
    head = _HEAD.pack(previous, seq, ts, recorded, lease)
    names = (_length(len(a)), a, _length(len(b)), b, _length(len(c)), c, _length(len(d)), d)
    return zlib.crc32(body, zlib.crc32(b"".join((head, *names))))


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    db.execute("PRAGMA busy_timeout = 5000")
    if not read_only:
        db.execute("PRAGMA synchronous = FULL")
    return db


def _damaged(folder: Path, row: JournalRow, end: Mark) -> RecoveryError:
    return RecoveryError(
        f"The journal in {folder} is damaged after row {end.seq}",
        expected=f"row {end.seq + 1}, chained to the row before it",
        found=f"row {row.seq} of kind {row.kind}, checksum {row.crc}",
        fix="Restore the folder from a copy, then compare with the venue's order history.",
    )


def _differs(folder: Path, name: str, seq: int) -> RecoveryError:
    return RecoveryError(
        f"The journal in {folder} is not the one that {name} was made from",
        expected="the same checksum",
        found=f"another one at row {seq}",
        fix="Restore journal, watermark and snapshots together, from one copy.",
    )


def short(folder: Path, name: str, expected: int, found: int) -> RecoveryError:
    """Say that a journal ends before `name` says it does."""
    return RecoveryError(
        f"The journal in {folder} has lost its last rows",
        expected=f"at least {expected} rows, as {name} says",
        found=f"{found}",
        fix="Restore the whole folder from one copy; the venue's order history tells what the lost "
        "rows were.",
    )
