"""The structured log of a live book: where its lines go, and what never gets into them."""

from __future__ import annotations

import json
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from trading_assets.domain.ids import Micros
from trading_assets.live.supervision.log_lines import LogLines, text_of
from trading_assets.live.supervision.masking import Masking
from trading_assets.settings import Settings
from trading_assets.storage.journal_reader import JournalReader, JournalRow
from trading_assets.workflows.live_book import LiveBook

_BYTES = 10_000_000
_KEPT = 5


class LiveLog:
    """Writes a line for every row; closed by `close`.

    A file is rotated at ten megabytes, and five old ones are kept.
    """

    def __init__(self, settings: Settings, place: LiveBook) -> None:
        """Open the log that `live.log_file` names: "" for none, "-" for stderr, else a file.

        A path that is not absolute lies in the book's folder.

        Raises:
            OSError: if the file cannot be opened.
        """
        target = settings.live.log_file
        self._book = place.name
        self._handler: logging.Handler | None = None
        self._lines: LogLines | None = None
        if target == "-":
            self._handler = logging.StreamHandler(sys.stderr)
        elif target:
            path = place.folder / Path(target).expanduser()
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_KEPT)
        if self._handler is not None:
            self._handler.addFilter(Masking(settings.secret_values))

    def write(self, row: JournalRow, journal: JournalReader) -> None:
        """Write one row."""
        if self._handler is None:
            return
        if self._lines is None:
            self._lines = LogLines(self._book, journal.of_order)
        values = self._lines.line(row.event, seq=row.seq, recorded=row.recorded, lease=row.lease)
        self.say(values)

    def say(self, values: dict[str, object]) -> None:
        """Write one line that is no row of the journal."""
        if self._handler is not None:
            text = json.dumps(values, ensure_ascii=False)
            record = logging.LogRecord("live", logging.INFO, "", 0, "%s", (text,), None)
            self._handler.handle(record)

    def alert(self, name: str, text: str, now: Micros, *, is_new: bool) -> None:
        """Say that an alert begins or is over."""
        self.say(
            {
                "ts": text_of(now),
                "level": "error" if is_new else "info",
                "event": "Alert" if is_new else "AlertOver",
                "book": self._book,
                "alert": name,
                "reason": text,
            }
        )

    def close(self) -> None:
        """Close the file."""
        if self._handler is not None:
            self._handler.close()
