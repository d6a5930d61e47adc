"""Whether a book may trade: with play money always, with real money by an arm token only."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import urlsplit

from trading_assets.adapters.http_reads import LOOPBACK
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.live.safety.arming import ArmToken, require_fit, unseal
from trading_assets.settings import Settings
from trading_assets.workflows.live_book import LiveBook, live_book, venue_keys, venue_url

PLAY_MONEY_HOSTS = (*LOOPBACK, "testnet.binance.vision", "demo-api.binance.com")


def real_host(settings: Settings, place: LiveBook) -> str:
    """Give the host at which a book trades real money, "" for play money."""
    if place.settings.is_simulated:
        return ""
    host = urlsplit(venue_url(settings, place)).hostname or ""
    return "" if host in PLAY_MONEY_HOSTS else host


def require_real(settings: Settings, book: str) -> str:
    """Give the host at which a book trades real money.

    Raises:
        ConfigurationError: if settings have no such book, or it trades play money.
    """
    host = real_host(settings, live_book(settings, book))
    if not host:
        raise ConfigurationError(
            f"Book {book} trades play money", expected="a real venue", found="nothing to arm"
        )
    return host


def require_armed(
    settings: Settings, place: LiveBook, *, release_id: str, now: Micros
) -> ArmToken | None:
    """Refuse to trade real money without a person's leave; None for play money.

    Args:
        settings: name the venue and hold the account's secret.
        place: the book.
        release_id: about to be traded; "" where that is not known yet.
        now: the machine's clock, microseconds UTC.

    Raises:
        ConfigurationError: if there is no token, or it is not for exactly this.
    """
    host = real_host(settings, place)
    if not host:
        return None
    _, secret = venue_keys(settings, place)
    token = unseal(_read(place.arm_token), secret)
    require_fit(
        token,
        book=place.name,
        account=place.settings.account,
        host=host,
        release_id=release_id,
        now=now,
    )
    return token


def take_leave(place: LiveBook) -> bool:
    """Take a book's token away, for good; tell whether there was one.

    It only tightens: whoever finds a book wanting may do so, and a person arms it anew.
    """
    was_armed = place.arm_token.exists()
    place.arm_token.unlink(missing_ok=True)
    return was_armed


def _read(path: Path) -> bytes:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        data = path.read_bytes()
    except FileNotFoundError:
        mode, data = 0o600, b""
    if mode & 0o077:
        raise ConfigurationError(
            f"Others can touch the arm token {path}",
            expected="mode 0600",
            found=f"{mode:04o}",
            fix="Arm the book again.",
        )
    return data
