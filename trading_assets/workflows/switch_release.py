"""Take a book back to the release before: by a person, or by a check that has gone red."""

from __future__ import annotations

from trading_assets.domain.control import HaltLevel, HaltRequest
from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.live.safety.latch import write_latch
from trading_assets.storage.release_store import Release
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book


def roll_back(desk: Desk, book: str, *, reason: str, by: str) -> Release:
    """Make the previous release of a book current again; a running executor takes it by itself.

    Args:
        desk: holds the releases.
        book: whose releases are meant.
        reason: why.
        by: who says so.

    Raises:
        ConfigurationError: if settings have no such book, or reason or name are missing.
        MissingPartition: if there is no release before the current one.
        ConflictError: if the book has got another release meanwhile.
    """
    place = live_book(desk.settings, book)
    if not reason.strip() or not by.strip():
        raise ConfigurationError(
            "A release is taken back with a reason and a name",
            expected="both",
            found="an empty text",
        )
    return desk.releases.roll_back(place.traded, reason=reason.strip(), by=by.strip())


def demote(desk: Desk, book: str, *, reason: str, source: str) -> str:
    """Take a book back, or halt its entries when it has no release to go back to.

    Both only tighten, so that no person is needed.

    Args:
        desk: holds the releases.
        book: that is demoted.
        reason: what was found.
        source: which part of the desk found it: `parity`, `slo`.

    Returns:
        What was done, in words.
    """
    place = live_book(desk.settings, book)
    try:
        release = roll_back(desk, book, reason=reason, by=source)
    except MissingPartition:
        write_latch(place.halt, HaltRequest(reason, HaltLevel.PAUSE, source))
        return f"entries of book {book} are halted: {reason}"
    return f"book {book} goes back to release {release.release_id}: {reason}"
