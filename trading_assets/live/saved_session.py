"""A session as bytes: what a snapshot of a book holds."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from trading_assets.domain.ids import canonical_json


@dataclass(frozen=True, slots=True)
class SavedSession:
    """The parts of a session; read once, since of a long book they are megabytes.

    Attributes:
        release_id: of the release that it trades.
        book: its state as plain values.
        engine: the bytes of its engine.
    """

    release_id: str
    book: dict[str, Any]
    engine: bytes

    def to_bytes(self) -> bytes:
        """Give all of it; equal sessions give equal bytes."""
        engine = base64.b64encode(self.engine).decode()
        return canonical_json({"release_id": self.release_id, "book": self.book, "engine": engine})

    def fields_apart(self, other: SavedSession) -> tuple[str, ...]:
        """Name the fields of the book that one has and the other has not; sorted.

        There are some where a program of another version has saved one of them.
        """
        return tuple(sorted(self.book.keys() ^ other.book.keys()))

    def is_like(self, other: SavedSession) -> bool:
        """Whether release, engine and all fields that both have are the same."""
        shared = self.book.keys() & other.book.keys()
        return (
            self.release_id == other.release_id
            and self.engine == other.engine
            and all(self.book[name] == other.book[name] for name in shared)
        )

    @classmethod
    def from_bytes(cls, payload: bytes) -> SavedSession:
        """Read what `to_bytes` gave.

        Raises:
            ValueError, KeyError, TypeError: if it is something else.
        """
        values = json.loads(payload)
        return cls(values["release_id"], values["book"], base64.b64decode(values["engine"]))
