"""Flat everywhere, at once: every book is flattened, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.workflows.control_book import halt_book
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book


@dataclass(frozen=True, slots=True)
class Flattened:
    """One book that was told to be flat.

    Attributes:
        inbox_id: of the command, 0 when it could not be written.
        failure: what went wrong, "" when nothing did. The latch may be up all the same.
    """

    book: str
    inbox_id: int
    failure: str


def running_books(desk: Desk) -> tuple[str, ...]:
    """Name the books that an executor trades now, in the order of the settings."""
    names = desk.settings.books
    return tuple(name for name in names if live_book(desk.settings, name).is_running)


def flatten_all(
    desk: Desk, books: Iterable[str], *, who: str, reason: str, source: str
) -> tuple[Flattened, ...]:
    """Flatten books; a failure of one keeps no other from it.

    Args:
        desk: gives settings and this machine's clock.
        books: names in the settings.
        who: who asks.
        reason: why.
        source: by which way.
    """
    return tuple(_flattened(desk, book, who, reason, source) for book in books)


def _flattened(desk: Desk, book: str, who: str, reason: str, source: str) -> Flattened:
    level = HaltLevel.FLATTEN
    try:
        asked = halt_book(desk, book, level=level, who=who, reason=reason, source=source)
    except (TradingAssetsError, OSError) as error:
        return Flattened(book, 0, f"{type(error).__name__}: {error}")
    return Flattened(book, asked.inbox_id, "")
