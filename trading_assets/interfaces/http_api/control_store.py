"""What the control API remembers over restarts: families of tokens, one-time secrets, answers.

A SQLite file beside the books. Secrets stand in it by their SHA-256 only.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConflictError, RecoveryError
from trading_assets.domain.ids import Micros, sha256_hex

FILE = "control.sqlite"
_PATIENCE_S = 2.0
_DAY: Micros = 86_400_000_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS family (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, scope INTEGER NOT NULL,
    expires INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS secret (
    digest TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL,
    expires INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS answer (
    name TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL,
    status INTEGER, body BLOB, asked INTEGER NOT NULL, PRIMARY KEY (name, key)
) STRICT;
"""

_FORGET = (
    "DELETE FROM family WHERE expires < ?",
    "DELETE FROM secret WHERE expires < ?",
    "DELETE FROM answer WHERE asked < ?",
)


@dataclass(frozen=True, slots=True)
class Family:
    """Tokens that came of one log-in.

    Attributes:
        name: who logged in.
        scope: what they may, as a number of `Scope`.
        expires: of the whole family.
    """

    id: str
    name: str
    scope: int
    expires: Micros
    revoked: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer that a key had; `status` is None while it is not known."""

    request: str
    status: int | None
    body: bytes | None


class ControlStore:
    """One connection, for any number of threads."""

    def __init__(self, folder: Path) -> None:
        """Open or create; nobody but the owner can read it.

        Raises:
            RecoveryError: if it cannot be opened.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / FILE
        self._path = path
        self._lock = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=_PATIENCE_S, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise self._refusal(error) from error

    # Families

    def begin_family(self, family: Family, now: Micros) -> None:
        """Keep a log-in; what has expired long ago is forgotten."""
        row = (family.id, family.name, family.scope, family.expires)
        with self._change() as db:
            for forget in _FORGET:
                db.execute(forget, (now - _DAY,))
            db.execute("INSERT INTO family (id, name, scope, expires) VALUES (?, ?, ?, ?)", row)

    def family(self, family_id: str) -> Family | None:
        """Find a log-in."""
        query = "SELECT id, name, scope, expires, revoked FROM family WHERE id = ?"
        row = self._one(query, (family_id,))
        if row is None:
            return None
        found, name, scope, expires, revoked = row
        return Family(found, name, scope, expires, bool(revoked))

    def revoke(self, family_id: str) -> None:
        """Take back all tokens of a log-in."""
        with self._change() as db:
            db.execute("UPDATE family SET revoked = 1 WHERE id = ?", (family_id,))

    # Secrets that count once

    def keep_secret(self, secret: str, kind: str, subject: str, expires: Micros) -> None:
        """Keep a secret that can be used once."""
        row = (sha256_hex(secret.encode()), kind, subject, expires)
        with self._change() as db:
            db.execute(
                "INSERT INTO secret (digest, kind, subject, expires) VALUES (?, ?, ?, ?)", row
            )

    def use_secret(self, secret: str, kind: str, now: Micros) -> tuple[str, bool] | None:
        """Use a secret up.

        Returns:
            Its subject, and whether this was the first use in its time; None when there is none.
        """
        digest = sha256_hex(secret.encode(errors="replace"))
        with self._change() as db:
            query = "SELECT subject, expires, used FROM secret WHERE digest = ? AND kind = ?"
            row = db.execute(query, (digest, kind)).fetchone()
            if row is None:
                return None
            db.execute("UPDATE secret SET used = 1 WHERE digest = ?", (digest,))
        subject, expires, used = row
        return subject, not used and now < expires

    # Answers by their idempotency key

    def begin_answer(self, name: str, key: str, request: str, now: Micros) -> Kept | None:
        """Take a key for a request; give what was kept when it was taken before."""
        with self._change() as db:
            query = "SELECT request, status, body FROM answer WHERE name = ? AND key = ?"
            row = db.execute(query, (name, key)).fetchone()
            if row is not None:
                return Kept(*row)
            insert = "INSERT INTO answer (name, key, request, asked) VALUES (?, ?, ?, ?)"
            db.execute(insert, (name, key, request, now))
        return None

    def keep_answer(self, name: str, key: str, status: int, body: bytes) -> None:
        """Keep what was answered."""
        with self._change() as db:
            update = "UPDATE answer SET status = ?, body = ? WHERE name = ? AND key = ?"
            db.execute(update, (status, body, name, key))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _one(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        with self._lock:
            try:
                row: tuple[Any, ...] | None = self._db.execute(query, values).fetchone()
            except sqlite3.Error as error:
                raise self._refusal(error) from error
        return row

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.IntegrityError as error:
                raise ConflictError("This name is taken", found=str(error)) from error
            except sqlite3.Error as error:
                raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> RecoveryError:
        return RecoveryError(f"{self._path} cannot be used", found=str(error))
