"""Flat everywhere, at once: every book that runs is flattened, whatever becomes of the others."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.workflows.control_book import halt_book
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book


@dataclass(frozen=True, slots=True)
class Flattened:
    """One running book that was told to be flat.

    Attributes:
        failure: what went wrong, "" when nothing did. The latch may be up all the same.
    """

    book: str
    failure: str


def running_books(desk: Desk) -> tuple[str, ...]:
    """Name the books that an executor trades now, in the order of the settings."""
    names = desk.settings.books
    return tuple(name for name in names if live_book(desk.settings, name).is_running)


def flatten_all(desk: Desk, *, who: str, reason: str, source: str) -> tuple[Flattened, ...]:
    """Flatten every book that runs; a failure of one keeps no other from it.

    Args:
        desk: gives settings and this machine's clock.
        who: who asks.
        reason: why.
        source: by which way.
    """
    return tuple(_flattened(desk, book, who, reason, source) for book in running_books(desk))


def _flattened(desk: Desk, book: str, who: str, reason: str, source: str) -> Flattened:
    level = HaltLevel.FLATTEN
    try:
        halt_book(desk, book, level=level, who=who, reason=reason, source=source)
    except (TradingAssetsError, OSError) as error:
        return Flattened(book, f"{type(error).__name__}: {error}")
    return Flattened(book, "")
