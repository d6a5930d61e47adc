"""A person allows a halted book to open positions again."""

from __future__ import annotations

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import TradingResumed
from trading_assets.live.lease import Lease, holder
from trading_assets.storage.journal import Journal
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book


def resume_book(desk: Desk, book: str, *, reason: str, operator: str) -> None:
    """Journal that entries are allowed again, and remove the HALT file.

    Args:
        desk: gives settings and this machine's clock.
        book: name in the settings; its executor must be stopped.
        reason: why it is safe again.
        operator: who says so.

    Raises:
        ConfigurationError: if reason or operator are missing.
        LeaseHeld: if the executor runs.
        RecoveryError: if the book has no journal, or it is damaged.
    """
    if not reason.strip() or not operator.strip():
        raise ConfigurationError(
            "A book is resumed with a reason and a name", expected="both", found="an empty text"
        )
    place = live_book(desk.settings, book)
    with Lease(place.lease):
        with place.journal() as reader:
            epoch, last = reader.epoch, reader.tail(1)
        holding = "process {pid} on {host}".format(**holder())
        with Journal(
            place.folder, book=book, epoch=epoch, clock=desk.clock, holder=holding
        ) as journal:
            ts = last[-1].ts if last else 0
            journal.append([TradingResumed(ts, reason.strip(), operator.strip())])
        place.halt.unlink(missing_ok=True)
