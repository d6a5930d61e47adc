"""Take a book back to the release before: by a person, or by a check that has gone red."""

from __future__ import annotations

from trading_assets.domain.control import HaltLevel, HaltRequest
from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.live.safety.latch import write_latch
from trading_assets.storage.release_store import Release
from trading_assets.workflows.armed import require_armed
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

    It only tightens, so that no person is needed; asked twice about one release, it acts once.
    Entries of every book that follows these releases with real money are halted as well, unless a
    person has named the release before as the fallback when arming it.

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
    before = desk.releases.before(place.traded, release_id)
    for follower in without_leave(desk, place, before):
        _pause(follower, reason, source)
    try:
        release = roll_back(desk, book, reason=reason, by=source)
    except TradingAssetsError as error:
        _pause(place, reason, source)
        return f"entries of book {book} are halted: {reason} ({error.what})"
    return f"book {book} goes back to release {release.release_id}: {reason}"


def without_leave(desk: Desk, place: LiveBook, release_id: str | None) -> list[LiveBook]:
    """List what cannot take a release without a person, of a book and the armed ones beside it.

    Args:
        desk: gives settings and this machine's clock.
        place: the book.
        release_id: None where there is none to take.
    """
    others = (live_book(desk.settings, name) for name in desk.settings.books if name != place.name)
    armed = [b for b in others if b.traded == place.traded and b.arm_token.exists()]
    return [book for book in (place, *armed) if not _may_trade(desk, book, release_id)]


def _may_trade(desk: Desk, place: LiveBook, release_id: str | None) -> bool:
    if release_id is None:  # there is no way back, which `roll_back` says
        return not place.arm_token.exists()
    try:
        require_armed(desk.settings, place, release_id=release_id, now=desk.clock.now())
    except TradingAssetsError:
        return False
    return True


def _pause(place: LiveBook, reason: str, source: str) -> None:
    write_latch(place.halt, HaltRequest(reason, HaltLevel.PAUSE, source))
