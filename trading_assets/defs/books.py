"""Which books Dagster may trade or publish to: never one with real money."""

from __future__ import annotations

from trading_assets.domain.errors import ConfigurationError
from trading_assets.settings import Settings

PROMOTED_BOOK = "paper"
"""The book that decisions are about and releases are published to."""


def play_money_books(settings: Settings) -> tuple[str, ...]:
    """List the books on the embedded exchange or on none, in the order of settings."""
    books = settings.books.items()
    return tuple(name for name, book in books if book.venue == "embedded" or book.is_simulated)


def traded_book(settings: Settings, book: str) -> str:
    """Give the book whose releases this one trades: its own, unless settings name another."""
    return settings.books[book].trades or book


def require_play_money(settings: Settings, book: str) -> None:
    """Refuse a book that Dagster must not touch.

    The Dagster UI has no login, so whatever it can start, any program on this machine can start.

    Raises:
        ConfigurationError: if the book is unknown, or its venue is a real one.
    """
    allowed = play_money_books(settings)
    if book in allowed:
        return
    known = settings.books.get(book)
    raise ConfigurationError(
        f"Dagster cannot trade or publish to book {book}",
        expected=f"a book on the embedded exchange: {', '.join(allowed) or 'none is configured'}",
        found=f"venue {known.venue}" if known else "no such book",
        fix="Real money is armed from the command line by a person, never from Dagster.",
    )
