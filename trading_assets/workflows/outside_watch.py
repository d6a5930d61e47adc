"""What an executor that is gone cannot say of itself: that it is down, or gives no sign of life.

Prometheus has rules for this; where there is none, the alerter looks by itself.
"""

from __future__ import annotations

import logging
from pathlib import Path

from trading_assets.domain.errors import TradingAssetsError
from trading_assets.domain.events import SessionClosed
from trading_assets.live.background import Background
from trading_assets.live.heartbeat import read_heartbeat
from trading_assets.live.ports import LocalTime
from trading_assets.storage.alert_file import AlertFile
from trading_assets.storage.journal_reader import FILE
from trading_assets.storage.roots import make_folder
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook, live_book
from trading_assets.workflows.live_status import NOT_RUNNING, STALE, verdict

DOWN, SILENT = "book_down", "book_silent"
_PERIOD_S = 5.0
_SAID = {
    DOWN: "no executor runs, and none has stopped cleanly",
    SILENT: "the executor runs, and gives no sign of life",
}
_LOG = logging.getLogger(__name__)


class OutsideWatch(Background):
    """Watches every book that has a journal on the world's clock, and writes what changes.

    A book's alerts stand in `<root>/<book>/alerts.jsonl`, in the form of its own, which only its
    executor may add to.
    """

    def __init__(self, desk: Desk, root: Path, local: LocalTime, *, down_s: float) -> None:
        """Get ready.

        Args:
            desk: whose books.
            root: of the files that are written.
            local: monotonic time, to count how long something lasts.
            down_s: it alerts once it has lasted so long, for a restart takes a while.
        """
        super().__init__("outside-watch")
        self._desk, self._root, self._local, self._down_s = desk, root, local, down_s
        self._since: dict[tuple[str, str], float] = {}

    def watch(self) -> None:
        """Look until the end is asked for."""
        while not self.ended.is_set():
            self.look()
            self.ended.wait(_PERIOD_S)

    def look(self) -> None:
        """Look once at every book."""
        for name in self._desk.settings.books:
            place = live_book(self._desk.settings, name)
            if not (place.folder / FILE).is_file():
                continue
            try:
                self._note(name, self._found(place))
            except (TradingAssetsError, OSError, ValueError):
                _LOG.exception("Book %s cannot be looked at", name)

    def _found(self, place: LiveBook) -> str:
        """Give what is wrong with a book, "" for nothing."""
        heartbeat = read_heartbeat(place.heartbeat)
        age_s = None
        if heartbeat is not None:
            age_s = (self._desk.clock.now() - heartbeat.beat) / 1_000_000
        code, _ = verdict(self._desk, place, heartbeat, age_s, is_halted=False)
        if code == STALE:
            return SILENT
        if code != NOT_RUNNING:
            return ""
        with place.journal() as journal:
            last = journal.tail(1)
            is_closed = not last or last[0].kind == SessionClosed.__name__
            return "" if is_closed or journal.epoch != "wall" else DOWN

    def _note(self, book: str, found: str) -> None:
        """Write what has begun, once it has lasted, and what is over."""
        file = AlertFile(self._root / book)
        standing = file.standing()
        now, wall = self._local.monotonic(), self._desk.clock.now()
        for alert, said in _SAID.items():
            if alert != found:
                self._since.pop((book, alert), None)
                if alert in standing:
                    file.add(book, alert, "", wall, begins=False)
                continue
            since = self._since.setdefault((book, alert), now)
            if alert not in standing and now - since >= self._down_s:
                make_folder(file.path.parent)
                file.add(book, alert, said, wall, begins=True)
