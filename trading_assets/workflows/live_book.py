"""Where a live book lives: its folder, its lease, its venue; and who may read its journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.http_reads import LOOPBACK
from trading_assets.declarations.sections import Book
from trading_assets.domain.control import HaltRequest
from trading_assets.domain.errors import ConfigurationError, LeaseHeld
from trading_assets.live.lease import is_held
from trading_assets.live.safety.latch import read_latch
from trading_assets.settings import Settings
from trading_assets.storage.journal_reader import FILE, JournalReader

_LOOPBACK_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class LiveBook:
    """One book of the settings.

    Attributes:
        folder: journal, snapshots, heartbeat and HALT file.
        lease: one per venue account, whichever book trades it, or one per simulated book; outside
            of `folder`, which may be moved away.
        traded: the book whose releases it trades.
    """

    name: str
    settings: Book
    folder: Path
    lease: Path
    traded: str

    @property
    def heartbeat(self) -> Path:
        """The latest sign of life."""
        return self.folder / "heartbeat.json"

    @property
    def halt(self) -> Path:
        """The latch: while this file exists, entries are stopped."""
        return self.folder / "HALT"

    @property
    def supervisor(self) -> Path:
        """Touched by whoever watches over the executor, see `live.supervisor_timeout_s`."""
        return self.folder / "supervisor"

    @property
    def arm_token(self) -> Path:
        """A person's leave to trade real money, see `live.safety.arming`."""
        return self.folder / "arm.token"

    @property
    def is_running(self) -> bool:
        """Whether an executor trades the account at this moment."""
        return is_held(self.lease)

    def journal(self) -> JournalReader:
        """Open the journal for reading; works while the executor writes.

        Raises:
            RecoveryError: if there is none, or it cannot be read.
        """
        return JournalReader(self.folder)

    def latched(self) -> HaltRequest | None:
        """Give the halt that the latch asks for, None while it is down."""
        return read_latch(self.halt)


def live_book(settings: Settings, name: str) -> LiveBook:
    """Find a book.

    Raises:
        ConfigurationError: if settings have no such book.
    """
    book = settings.books.get(name)
    if book is None:
        raise ConfigurationError(
            "No such book",
            expected=f"one of {', '.join(sorted(settings.books))}",
            found=repr(name)[:80],
            fix="Add a section [books.<name>] to the settings.",
        )
    root = settings.data_root / "live"
    of = f"simulated-{name}" if book.is_simulated else f"{book.venue}-{book.account}"
    lease = root / f"{of}.lock"
    return LiveBook(name, book, root / name, lease, book.trades or name)


def journals(settings: Settings) -> Iterator[JournalReader]:
    """Open every journal there is, one after the other, also those that were set aside.

    Raises:
        RecoveryError: if one cannot be read.
    """
    for path in sorted((settings.data_root / "live").glob(f"*/{FILE}")):
        with JournalReader(path.parent) as journal:
            yield journal


def set_aside(book: LiveBook) -> Path | None:
    """Move a book's folder away, so that its next start begins a new journal.

    Returns:
        Where it is now; None when there was none.

    Raises:
        LeaseHeld: if the book is being traded.
    """
    if book.is_running:
        raise LeaseHeld(
            f"Book {book.name} is being traded", fix="Stop the executor first, then try again."
        )
    if not book.folder.exists():
        return None
    taken = [path.name for path in book.folder.parent.glob(f"{book.name}.old-*")]
    number = 1 + max((int(name.rsplit("-", 1)[1]) for name in taken), default=0)
    target = book.folder.with_name(f"{book.name}.old-{number}")
    book.folder.rename(target)
    return target


def venue_url(settings: Settings, book: LiveBook) -> str:
    """Give the address of a book's venue."""
    if book.settings.market != "embedded":
        return settings.binance.api_url
    exchange = settings.exchange
    host = f"[{exchange.host}]" if ":" in exchange.host else exchange.host
    return f"http://{host}:{exchange.port}/api"


def venue_client(settings: Settings, book: LiveBook) -> Any:
    """Build a client for the book's account; the network is not touched.

    Whoever trades with it must ask `armed.require_armed` first.

    Raises:
        ConfigurationError: if a key is missing.
    """
    url = venue_url(settings, book)
    key, secret = venue_keys(settings, book)
    timeout_s = settings.binance.timeout_s
    if urlsplit(url).hostname in LOOPBACK:
        timeout_s = min(timeout_s, _LOOPBACK_TIMEOUT_S)
    window_ms = settings.binance.recv_window_ms
    return make_client(url, key, secret, timeout_s=timeout_s, recv_window_ms=window_ms)


def venue_keys(settings: Settings, book: LiveBook) -> tuple[str, str]:
    """Give key and secret of a book's account; empty where it has none at a venue.

    Raises:
        ConfigurationError: if one is missing.
    """
    if book.settings.is_simulated:
        return "", ""
    if book.settings.venue == "embedded":
        from trading_assets.exchange.config import DEMO_KEY, DEMO_SECRET

        return DEMO_KEY, DEMO_SECRET
    key, secret = settings.binance_api_key, settings.binance_api_secret
    if key is None or secret is None:
        raise ConfigurationError(
            f"Book {book.name} has no key for {book.settings.venue}",
            expected="TA_BINANCE_API_KEY and TA_BINANCE_API_SECRET, or files in TA_SECRETS_DIR",
            found="none" if key is None and secret is None else "only one of the two",
        )
    return key.get_secret_value(), secret.get_secret_value()
