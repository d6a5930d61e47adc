"""The inbox of a book: commands of people, from many writers to the one executor.

A SQLite file beside the journal (WAL, synchronous FULL). Rows are numbered by SQLite and never
changed nor removed; the journal says which of them were taken. The journal itself has one writer
only, so whoever is not the executor writes here.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Self

from trading_assets.domain.control import CommandKind, PersonCommand
from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.ids import Micros, canonical_json
from trading_assets.storage.roots import make_folder

FILE = "inbox.sqlite"
_PATIENCE_S = 5.0  # as of the journal
_LONGEST_TEXT = 500
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS command (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    asked INTEGER NOT NULL,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    source TEXT NOT NULL,
    arguments TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON command
BEGIN SELECT RAISE(ABORT, 'commands never change'); END;
CREATE TRIGGER IF NOT EXISTS never_removed BEFORE DELETE ON command
BEGIN SELECT RAISE(ABORT, 'commands are never removed'); END;
COMMIT;
"""


class Inbox:
    """One connection to an inbox; used by one thread."""

    def __init__(self, folder: Path) -> None:
        """Open or create.

        Raises:
            RecoveryError: if the file cannot be opened.
        """
        make_folder(folder)
        self._path = folder / FILE
        try:
            self._db = sqlite3.connect(self._path, isolation_level=None, timeout=_PATIENCE_S)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def add(
        self,
        kind: CommandKind,
        *,
        asked: Micros,
        who: str,
        reason: str,
        source: str,
        arguments: dict[str, Any] | None = None,
    ) -> int:
        """Write a command, durably, and give its id.

        Args:
            kind: what is asked.
            asked: the machine's clock, microseconds UTC.
            who: the person, or the machine in their place.
            reason: why; cut to 500 characters.
            source: by which way it came.
            arguments: plain values of the kind.

        Raises:
            RecoveryError: if it cannot be written.
        """
        row = (
            asked,
            kind.value,
            who[:_LONGEST_TEXT],
            reason[:_LONGEST_TEXT],
            source,
            canonical_json(arguments or {}).decode(),
        )
        query = (
            "INSERT INTO command (asked, kind, who, reason, source, arguments) "
            "VALUES (?, ?, ?, ?, ?, ?)"
        )
        try:
            return int(self._db.execute(query, row).lastrowid or 0)
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def after(self, inbox_id: int) -> tuple[PersonCommand, ...]:
        """List the commands after an id, in order.

        Raises:
            RecoveryError: if the file cannot be read, or holds what is no command.
        """
        query = "SELECT id, asked, kind, who, reason, source, arguments FROM command WHERE id > ?"
        try:
            rows = self._db.execute(f"{query} ORDER BY id", (inbox_id,)).fetchall()
            return tuple(
                PersonCommand(number, asked, CommandKind(kind), *rest)
                for number, asked, kind, *rest in rows
            )
        except (sqlite3.Error, ValueError) as error:
            raise self._refusal(error) from error

    def last(self) -> int:
        """Give the id of the newest command, 0 when there is none.

        Raises:
            RecoveryError: if the file cannot be read.
        """
        try:
            (last,) = self._db.execute("SELECT coalesce(max(id), 0) FROM command").fetchone()
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        return int(last)

    def begin_after(self, inbox_id: int) -> bool:
        """Let ids go on after what a journal has taken; tell whether they would have repeated.

        They would in an inbox that was made anew beside an older journal.

        Raises:
            RecoveryError: if the file cannot be written.
        """
        query = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'command'"
        try:
            (last,) = self._db.execute(query).fetchone()
            if last >= inbox_id:
                return False
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM sqlite_sequence WHERE name = 'command'")
            self._db.execute("INSERT INTO sqlite_sequence VALUES ('command', ?)", (inbox_id,))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        return True

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refusal(self, error: Exception) -> RecoveryError:
        return RecoveryError(
            f"The inbox {self._path} cannot be used",
            expected="a file that commands can be read from and written to",
            found=str(error),
            fix="Check space and health of the disk. The HALT file beside it works without it: "
            "`touch` it to stop entries.",
        )
