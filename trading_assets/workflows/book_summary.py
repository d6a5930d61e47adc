"""All live books at a glance, read again only where something has happened."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from trading_assets.domain.errors import TradingAssetsError
from trading_assets.domain.instants import iso_text
from trading_assets.workflows.armed import real_host
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_status import STALE, BookStatus, live_status


class BookStatuses:
    """The states of the books of a desk; what stands still is not rebuilt. Any thread."""

    def __init__(self, desk: Desk) -> None:
        """Begin; nothing is read yet.

        Args:
            desk: whose books.
        """
        self._desk = desk
        self._known: dict[str, BookStatus] = {}
        self._begun: Counter[str] = Counter()
        self._lock = threading.Lock()

    def of(self, book: str) -> BookStatus:
        """Look at a book; whoever waits for their turn shares one look, begun after they asked.

        Raises:
            ConfigurationError: if settings have no such book.
            RecoveryError: if its journal cannot be read.
        """
        asked = self._begun[book]
        with self._lock:
            if self._begun[book] > asked and book in self._known:
                return self._known[book]
            self._begun[book] += 1
            found = live_status(self._desk, book, before=self._known.pop(book, None))
            self._known[book] = found
            return found

    def all(self) -> Mapping[str, BookStatus]:
        """Look at every book; one that cannot be read says so and hides no other."""
        return {name: self._tried(name) for name in sorted(self._desk.settings.books)}

    def _tried(self, book: str) -> BookStatus:
        try:
            return self.of(book)
        except TradingAssetsError as error:
            return unreadable(book, str(error))


def unreadable(book: str, why: str) -> BookStatus:
    """Give the state of a book of which nothing can be said but why."""
    return BookStatus(
        name=book,
        code=STALE,
        verdict="cannot be read",
        state="",
        holder="",
        heartbeat_age_s=None,
        level="NONE",
        reason=why,
        seq=0,
        release_id="",
        bar_lag_s=None,
        budget_left=None,
        book={},
    )


def summary(desk: Desk, status: BookStatus) -> dict[str, Any]:
    """Give the line of a book: what it trades, whether it does, and how it stands.

    `code` is 0 while it trades, 1 when it runs and opens nothing, 2 when it does not run, 3 when it
    gives no sign of life. Equity is in quote, drawdown a fraction, lags in seconds.
    """
    place = live_book(desk.settings, status.name)
    return {
        "name": status.name,
        "venue": place.settings.venue,
        "account": place.settings.account,
        "is_real": bool(real_host(desk.settings, place)),
        "code": status.code,
        "verdict": status.verdict,
        "state": status.state,
        "note": status.note,
        "level": status.level,
        "reason": status.reason,
        "release_id": status.release_id,
        "spec": status.spec,
        "equity": status.book.get("equity"),
        "drawdown": status.book.get("drawdown"),
        "realised_pnl": status.book.get("realised_pnl"),
        "ts": iso_text(status.book["ts"]) if "ts" in status.book else None,
        "bar_lag_s": status.bar_lag_s,
        "heartbeat_age_s": status.heartbeat_age_s,
        "budget_left": status.budget_left,
        "seq": status.seq,
    }
