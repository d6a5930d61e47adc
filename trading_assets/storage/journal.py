"""The journal of a book: every event of its life, durable before it has any effect.

One SQLite file (WAL, synchronous FULL), one writer, which is the holder of the book's lease. Rows
are numbered without gaps, chained by checksum and never changed; an intent exists once per client
order id and a fill once per (symbol, trade id). A watermark and snapshots stand beside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, replace
from pathlib import Path

from trading_assets.domain.errors import InvariantError, JournalUnwritable, LeaseHeld, RecoveryError
from trading_assets.domain.events import (
    Event,
    ForeignFillSeen,
    OrderFilled,
    OrderIntentCreated,
)
from trading_assets.domain.ports import Clock
from trading_assets.storage.journal_codec import encode
from trading_assets.storage.journal_files import Mark, Seal, Snapshot, Watermark
from trading_assets.storage.journal_reader import FILE, SEAL, JournalReader, JournalRow, short
from trading_assets.storage.roots import make_folder, sync_folder

_FORMAT = "1"
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE lease (
    token INTEGER PRIMARY KEY, taken INTEGER NOT NULL, holder TEXT NOT NULL
) STRICT;
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    ts INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    kind TEXT NOT NULL,
    symbol TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    trade_id TEXT NOT NULL,
    body BLOB NOT NULL,
    crc INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_intent ON event (client_order_id) WHERE kind = 'OrderIntentCreated';
CREATE UNIQUE INDEX one_fill ON event (symbol, trade_id) WHERE trade_id <> '';
CREATE INDEX by_time ON event (ts);
CREATE INDEX by_order ON event (client_order_id) WHERE client_order_id <> '';
CREATE TRIGGER never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'journal rows never change'); END;
CREATE TRIGGER never_removed BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'journal rows are never removed'); END;
CREATE TRIGGER fenced BEFORE INSERT ON event
WHEN NEW.lease <> (SELECT max(token) FROM lease)
BEGIN SELECT RAISE(ABORT, 'lease lost'); END;
CREATE TRIGGER gapless BEFORE INSERT ON event
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM event)
BEGIN SELECT RAISE(ABORT, 'sequence broken'); END;
"""


class Journal(JournalReader):
    """The journal as its one writer sees it; used by one thread."""

    _read_only = False

    def __init__(
        self, folder: Path, *, book: str, epoch: str, clock: Clock, holder: str = ""
    ) -> None:
        """Open or create, prove it whole, and take the next fencing token.

        Args:
            folder: on a local disk; one book's.
            book: whose journal this is.
            epoch: name of the market clock; instants of two clocks must never stand in one journal.
            clock: the machine's clock, for the time of recording only.
            holder: who writes (process, host), for people.

        Raises:
            RecoveryError: if the journal is damaged, shorter than its witnesses, another book's, or
                of another clock.
        """
        make_folder(folder)
        self._clock = clock
        self._failed = ""
        _create(folder, book, epoch)
        super().__init__(folder)
        self._refuse_another("book", book)
        self._refuse_another("clock epoch", epoch)
        self._db.execute("PRAGMA wal_autocheckpoint = 0")  # only a snapshot folds the log in
        self._end = self.verify()
        self.lease = self._take_lease(holder)

    @property
    def head(self) -> int:
        """Sequence number of the last row; 0 when there is none."""
        return self._end.seq

    def append(self, events: Sequence[Event]) -> int:
        """Commit events together, durably, and give the sequence number of the last.

        Raises:
            InvariantError: if an intent or a fill stands in the journal already.
            LeaseHeld: if a later executor has taken the journal over.
            JournalUnwritable: if the disk refuses; nothing was written and nothing more will be.
        """
        if self._failed:
            raise self._refusal(self._failed)
        rows = []
        end = self._end
        for event in events:
            row = self._row(event, end)
            rows.append(row)
            end = Mark(row.seq, row.crc)
        try:
            self._commit(rows)
            self._watermark.advance(end)
        except sqlite3.Error as error:
            raise self._translated(error) from error
        except OSError as error:
            self._failed = str(error)
            raise self._refusal(str(error)) from error
        self._end = end
        return end.seq

    def save_snapshot(self, payload: bytes) -> None:
        """Store state as of the last row, and fold the write-ahead log into the database.

        The database stays as it is until the next snapshot: what is written meanwhile stands in the
        log. So the next start need not look at every row that is older.
        """
        try:
            busy, *_ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._snapshots.save(Snapshot(self._end, payload))
            if not busy:
                Seal.of(self.folder / FILE, self._end).save(self.folder / SEAL)
        except (OSError, sqlite3.Error) as error:
            self._failed = str(error)
            raise self._refusal(str(error)) from error

    def _row(self, event: Event, end: Mark) -> JournalRow:
        kind, body = encode(event)
        symbol, client_order_id, trade_id = _keys(event)
        row = JournalRow(
            seq=end.seq + 1,
            ts=event.ts,
            recorded=self._clock.now(),
            lease=self.lease,
            kind=kind,
            symbol=symbol,
            client_order_id=client_order_id,
            trade_id=trade_id,
            body=body,
            crc=0,
        )
        return replace(row, crc=row.chained(end.crc))

    def _commit(self, rows: Sequence[JournalRow]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, rows)
            )
            self._db.execute("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):  # a failed commit may have rolled back by itself
                self._db.execute("ROLLBACK")
            raise

    def _translated(self, error: sqlite3.Error) -> Exception:
        text = str(error)
        if "lease lost" in text or "sequence broken" in text:
            self._failed = text
            return LeaseHeld(
                f"Another executor writes the journal in {self.folder}",
                expected=f"to hold its newest lease ({self.lease})",
                found=text,
                fix="Leave this book to the other executor.",
            )
        if isinstance(error, sqlite3.IntegrityError) and "UNIQUE" in text:
            return InvariantError(
                "The journal already holds this intent or fill",
                expected="each client order id to be decided once and each fill to be booked once",
                found=text,
            )
        self._failed = text
        return self._refusal(text)

    def _refusal(self, found: str) -> JournalUnwritable:
        return JournalUnwritable(
            f"The journal in {self.folder} cannot be written",
            expected="a durable commit",
            found=found,
            fix="Nothing was sent after it. Check space and health of the disk, then start again.",
        )

    def _refuse_another(self, what: str, value: str) -> None:
        found = self.book if what == "book" else self.epoch
        if found != value:
            raise RecoveryError(
                f"The journal in {self.folder} is of another {what}",
                expected=value,
                found=found,
                fix="Move the folder away to start a new journal, or start the book it belongs to.",
            )

    def _take_lease(self, holder: str) -> int:
        self._db.execute("BEGIN IMMEDIATE")
        (token,) = self._db.execute("SELECT coalesce(max(token), 0) + 1 FROM lease").fetchone()
        self._db.execute("INSERT INTO lease VALUES (?, ?, ?)", (token, self._clock.now(), holder))
        self._db.execute("COMMIT")
        return int(token)


def _keys(event: Event) -> tuple[str, str, str]:
    """Give (symbol, client order id, trade id) of an event, "" for what it has not."""
    if isinstance(event, OrderFilled | ForeignFillSeen):
        return event.fill.symbol, event.fill.client_order_id, event.fill.trade_id
    if isinstance(event, OrderIntentCreated):
        return event.ticket.symbol, event.ticket.client_order_id, ""
    inner = getattr(event, "report", event)
    return getattr(inner, "symbol", ""), getattr(inner, "client_order_id", ""), ""


def _create(folder: Path, book: str, epoch: str) -> None:
    """Make an empty journal, complete or not at all; leave one that is there alone."""
    path = folder / FILE
    if path.exists():
        return
    watermark = Watermark(folder / "watermark")
    mark = watermark.read()
    if mark is not None and mark.seq > 0:
        raise short(folder, "the watermark", mark.seq, 0)
    watermark.create()
    watermark.close()
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    db = sqlite3.connect(unfinished, isolation_level=None)
    db.executescript(_SCHEMA)
    meta = [("book", book), ("epoch", epoch), ("format", _FORMAT)]
    db.executemany("INSERT INTO meta VALUES (?, ?)", meta)
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    unfinished.replace(path)
    sync_folder(folder)
