"""Take a book back to the release before: by a person, or by a check that has gone red."""

from __future__ import annotations

from trading_assets.domain.control import HaltLevel, HaltRequest
from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.live.safety.latch import write_latch
from trading_assets.storage.release_store import Release
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook, live_book


def roll_back(desk: Desk, book: str, *, reason: str, by: str) -> Release:
    """Make the previous release of a book current again; a running executor takes it by itself.

    Args:
        desk: holds the releases.
        book: whose releases are meant; those of the book that it trades, where it names one.
        reason: why.
        by: who says so.

    Raises:
        ConfigurationError: if settings have no such book or tie it to one release, or reason or
            name are missing.
        MissingPartition: if there is no release before the current one.
        CorruptFile: if that release is damaged.
        ConflictError: if the book has got another release meanwhile.
    """
    place = live_book(desk.settings, book)
    if not reason.strip() or not by.strip():
        raise ConfigurationError(
            "A release is taken back with a reason and a name",
            expected="both",
            found="an empty text",
        )
    if place.settings.release:
        raise ConfigurationError(
            f"Settings tie book {book} to one release",
            expected=f"no `release` in [books.{book}]",
            found=place.settings.release,
            fix="Name another release there, or halt the book.",
        )
    return desk.releases.roll_back(place.traded, reason=reason.strip(), by=by.strip())


def demote(desk: Desk, book: str, *, release_id: str, reason: str, source: str) -> str:
    """Take a book back from a release that was found wanting; where that cannot be, halt entries.

    It only tightens, so that no person is needed; asked twice about one release, it acts once. A
    book at a real venue is halted as well: the release before may need a leave of its own.

    Args:
        desk: holds the releases.
        book: that is demoted.
        release_id: that was found wanting.
        reason: what was found.
        source: which part of the desk found it, such as `parity`.

    Returns:
        What was done, in words.
    """
    place = live_book(desk.settings, book)
    current = place.settings.release or desk.releases.current_id(place.traded)
    if release_id != current:
        return f"nothing: book {book} is to trade release {current}, not {release_id} any more"
    if place.settings.venue == "binance":
        _pause(place, reason, source)
    try:
        release = roll_back(desk, book, reason=reason, by=source)
    except TradingAssetsError as error:
        _pause(place, reason, source)
        return f"entries of book {book} are halted: {reason} ({error.what})"
    return f"book {book} goes back to release {release.release_id}: {reason}"


def _pause(place: LiveBook, reason: str, source: str) -> None:
    write_latch(place.halt, HaltRequest(reason, HaltLevel.PAUSE, source))
