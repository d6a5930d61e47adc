"""Answers that follow from a book's journal alone, made anew only when it has another row."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import Request
from starlette.responses import Response

from trading_assets.interfaces.http_api.answers import Answer

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

_MOST_BYTES = 8_000_000


@dataclass(slots=True)
class _Kept:
    """Answers by path and query, as of one end of the journal; those asked for last stand last."""

    end: tuple[int, int] | None = None
    answers: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    size: int = 0


class JournalAnswers:
    """Bytes of answers by what was asked, while a journal ends as it ended then. Any thread.

    The end is number and checksum of the last row. The checksum covers all rows before it, so that
    an answer never outlives what it was made of, also where another journal took its place.
    """

    def __init__(self, desk: Desk) -> None:
        """Begin with nothing kept.

        Args:
            desk: whose books.
        """
        self._desk = desk
        self._lock = threading.Lock()
        self._books: dict[str, _Kept] = {}

    def of(self, book: str, asked: str, make: Callable[[], Any]) -> bytes:
        """Give an answer that was made of the same journal, or make it.

        Args:
            book: name of one that has begun.
            asked: path and query, which say all that the answer depends on beside the journal.
            make: gives what `Answer` can write.

        Raises:
            RecoveryError: if the journal cannot be read.
            Whatever `make` raises; then nothing is kept.
        """
        end = self._end(book)
        with self._lock:
            kept = self._books.setdefault(book, _Kept())
            if kept.end == end and asked in kept.answers:
                kept.answers.move_to_end(asked)
                return kept.answers[asked]
        # Made of a journal that ends there or later: the next question sees that it has grown.
        body = bytes(Answer(make()).body)
        with self._lock:
            if kept.end != end:
                kept.end, kept.size = end, 0
                kept.answers.clear()
            kept.size += len(body) - len(kept.answers.pop(asked, b""))
            kept.answers[asked] = body
            while kept.size > _MOST_BYTES:
                kept.size -= len(kept.answers.popitem(last=False)[1])
        return body

    def to(self, request: Request, book: str, make: Callable[[], Any]) -> Response:
        """Answer a request whose answer follows from a journal and its own path and query."""
        body = self.of(book, f"{request.url.path}?{request.url.query}", make)
        return Response(body, media_type=Answer.media_type)

    def _end(self, book: str) -> tuple[int, int]:
        from trading_assets.workflows.live_book import live_book

        with live_book(self._desk.settings, book).journal() as journal:
            rows = journal.tail(1)
        return (rows[-1].seq, rows[-1].crc) if rows else (0, 0)
