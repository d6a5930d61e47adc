"""Forecasts of outside: an append-only file of their own, which no model and no live book reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConflictError, StorageUnavailable
from trading_assets.domain.ids import Micros, canonical_json
from trading_assets.storage.roots import make_folder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS received (
    ts INTEGER NOT NULL,
    asset TEXT NOT NULL,
    horizon TEXT NOT NULL,
    model_version TEXT NOT NULL,
    said BLOB NOT NULL,
    received INTEGER NOT NULL,
    sender TEXT NOT NULL,
    PRIMARY KEY (ts, asset, horizon, model_version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON received
BEGIN SELECT RAISE(ABORT, 'forecasts that were received never change'); END;
CREATE TRIGGER IF NOT EXISTS never_removed BEFORE DELETE ON received
BEGIN SELECT RAISE(ABORT, 'forecasts that were received are never removed'); END;
"""
_INSERT = "INSERT INTO received VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_KNOWN = (
    "SELECT ts, said, received, sender FROM received "
    "WHERE ts = ? AND asset = ? AND horizon = ? AND model_version = ?"
)
_NEWEST = (
    "SELECT ts, said, received, sender FROM received WHERE ts >= ? AND ts < ? "
    "AND asset IN (SELECT value FROM json_each(?)) AND (? = '' OR horizon = ?) "
    "AND (ts < ? OR (asset, horizon, model_version) >= (?, ?, ?)) "
    "ORDER BY ts DESC, asset, horizon, model_version LIMIT ?"
)

Name = tuple[Micros, str, str, str]
"""When it was made, its asset, its horizon, and the version of the model outside."""


class ReceivedForecasts:
    """One SQLite file; any number of processes may add to it and read it."""

    def __init__(self, root: Path) -> None:
        self._path = root / "forecasts.sqlite"

    def add(
        self, name: Name, said: Mapping[str, Any], *, received: Micros, sender: str
    ) -> tuple[dict[str, Any], bool]:
        """Keep a forecast, durable when this returns.

        Args:
            name: tells it from all others.
            said: everything that it says, as plain values.
            received: the machine's clock.
            sender: who sent it.

        Returns:
            The row as it stands (`ts`, `said`, `received`, `sender`), and whether it is new; one
            that was sent again unchanged is not.

        Raises:
            ConflictError: if another forecast of that name stands; it is not changed.
            StorageUnavailable: if the file cannot be written.
        """
        make_folder(self._path.parent)
        with self._open() as db:
            db.executescript(_SCHEMA)
            row = (*name, canonical_json(said), received, sender)
            is_new = db.execute(_INSERT, row).rowcount == 1
            stored = _row(db.execute(_KNOWN, name).fetchone())
        if stored["said"] != json.loads(canonical_json(said)):
            raise ConflictError(
                "Another forecast of that name was received before",
                expected=f"the same values for {name[1]} {name[2]} of {name[3]} again",
                found=f"{said.get('prediction')}, and {stored['said'].get('prediction')} before",
                fix="Nothing was changed. Send a correction under another model_version.",
            )
        return stored, is_new

    def newest(
        self,
        assets: Sequence[str],
        horizon: str,
        since: Micros,
        until: Micros,
        *,
        count: int,
        after: Name | None = None,
    ) -> list[dict[str, Any]]:
        """List what was made in [since, until), the newest first, then by name.

        Args:
            assets: of these.
            horizon: of this one; "" for all.
            since: first instant.
            until: first instant after it.
            count: rows at most.
            after: begin with this one, or with what follows it.

        Raises:
            StorageUnavailable: if the file cannot be read.
        """
        if not self._path.is_file():
            return []
        ts, *names = after or (2**63 - 1, "", "", "")
        within = (since, min(until, ts + 1), json.dumps(list(assets)), horizon, horizon)
        with self._open() as db:
            return [_row(row) for row in db.execute(_NEWEST, (*within, ts, *names, count))]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=5.0, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous = FULL")
                yield db
        except sqlite3.Error as error:
            raise StorageUnavailable(
                f"{self._path} cannot be used", expected="a file of ours", found=str(error)
            ) from error


def _row(columns: Sequence[Any]) -> dict[str, Any]:
    ts, said, received, sender = columns
    return {"ts": ts, "said": json.loads(said), "received": received, "sender": sender}
