"""A person arms a book for real money, and disarms it; nothing that Dagster runs can get here."""

from __future__ import annotations

import os

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.live.safety.arming import ArmToken, seal
from trading_assets.storage.release_store import Release
from trading_assets.workflows.armed import require_real, take_leave
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book, venue_keys
from trading_assets.workflows.ramp import Allowance

MOST_HOURS = 24 * 31
_HOUR: Micros = 3_600_000_000


def arm_book(
    desk: Desk,
    book: str,
    *,
    release_id: str,
    by: str,
    reason: str,
    hours: int,
    within: Allowance,
    fallback: str = "",
) -> ArmToken:
    """Write the token that lets a book trade one release with real money.

    The caller has asked a person to confirm; name and reason are that person's approval, and stand
    in the journal of every session that trades by the token.

    Args:
        desk: gives settings, releases and this machine's clock.
        book: name in the settings; its venue must be a real one.
        release_id: of a release of the book that it trades.
        by: who approves.
        reason: why.
        hours: how long it holds, at most 31 days.
        within: what the release has earned, by `workflows.ramp`.
        fallback: the release before it, to which the book may go back without another leave.

    Raises:
        ConfigurationError: if the book trades play money or has no keys, or name, reason or hours
            make no sense; or if the fallback is not the release before, or has a wider limit.
        MissingPartition: if there is no such release.
    """
    if not by.strip() or not reason.strip() or not 1 <= hours <= MOST_HOURS:
        raise ConfigurationError(
            "A book is armed by a person, for a reason and a time",
            expected=f"a name, a reason, 1 to {MOST_HOURS} hours",
            found=f"{by!r}, {reason!r}, {hours}",
        )
    place = live_book(desk.settings, book)
    host = require_real(desk.settings, book)
    _, secret = venue_keys(desk.settings, place)
    release = desk.releases.get(release_id)
    if fallback:
        _require_tighter(desk, place.traded, release, fallback)
    now = desk.clock.now()
    token = ArmToken(
        book=book,
        account=place.settings.account,
        host=host,
        release_id=release.release_id,
        by=by.strip(),
        reason=reason.strip(),
        armed=now,
        expires=now + hours * _HOUR,
        fallback=fallback,
        capital=str(within.capital),
        step=within.step,
        conduct_id=within.conduct_id,
    )
    place.folder.mkdir(parents=True, exist_ok=True)
    temporary = place.arm_token.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(seal(token, secret))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(place.arm_token)
    return token


def _require_tighter(desk: Desk, traded: str, release: Release, fallback: str) -> None:
    """Refuse a way back that no rollback takes, or that would widen a limit by itself."""
    before = desk.releases.before(traded, release.release_id)
    if fallback != before:
        raise ConfigurationError(
            f"Release {release.release_id} of book {traded} does not go back to {fallback}",
            expected=f"the release before it, {before}" if before else "none: it is the first",
            found=fallback,
        )
    limits = release.spec.engine_setup(release.instruments).limits
    other = desk.releases.get(fallback)
    wider = other.spec.engine_setup(other.instruments).limits.wider_than(limits)
    if wider:
        raise ConfigurationError(
            f"Release {fallback} lets more pass than {release.release_id} does",
            expected="limits as tight, since nobody is asked when the book goes back",
            found=", ".join(wider),
            fix="Arm without --fallback; a demotion then halts entries, and a person arms anew.",
        )


def disarm_book(desk: Desk, book: str) -> bool:
    """Take the token away; a running executor halts within a second. Tell whether there was one.

    Raises:
        ConfigurationError: if the book is unknown.
    """
    return take_leave(live_book(desk.settings, book))
