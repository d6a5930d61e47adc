"""Tell people what begins and ends to alert, where no Prometheus does: from the books' alert files.

The files are the queue: durable, written by others, and read only as far as each channel has come,
so nothing waits for a channel that is slow, and nothing is lost while it, or this process, is down.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from trading_assets.adapters.alerting.message import AlertChannel, AlertMessage
from trading_assets.domain.errors import AlertRefused, AlertUndelivered, CorruptFile
from trading_assets.domain.ids import Micros
from trading_assets.domain.ports import Clock
from trading_assets.live.background import Background
from trading_assets.live.supervision.masking import Masking
from trading_assets.storage.alert_cursor import AlertCursor
from trading_assets.storage.alert_file import AlertFile, AlertLine, alert_files

MOST = 100
"""Messages of one turn: after so many the cursor's files are listed anew."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_LOG = logging.getLogger(__name__)


class Teller(Background):
    """Tells one channel, in a thread of its own, until it is left."""

    def __init__(
        self,
        channel: AlertChannel,
        roots: Sequence[Path],
        cursor: AlertCursor,
        clock: Clock,
        *,
        masking: Masking,
        poll_s: float,
        first_s: float,
    ) -> None:
        """Join a channel to what is told.

        Args:
            channel: to a person.
            roots: folders with a folder of each book.
            cursor: how far the channel has come.
            clock: the machine's.
            masking: keeps secrets out of messages and logs.
            poll_s: how often the files are looked at.
            first_s: a channel that is new begins with the alerts of so long ago.
        """
        super().__init__(f"alerts-{channel.name}")
        self._channel, self._roots, self._cursor = channel, roots, cursor
        self._clock, self._masking = clock, masking
        self._poll_s = poll_s
        self._first: Micros = int(first_s * 1_000_000)
        self._failures = 0
        self._told_all: list[tuple[Path, int, int]] | None = None
        self._unreadable: dict[Path, str] = {}

    def watch(self) -> None:
        """Tell until the end is asked for; what is being sent then is sent to its end."""
        while not self.ended.is_set():
            self.ended.wait(self.turn())

    def turn(self) -> float:
        """Tell what is new, and give the seconds until the next turn.

        Raises:
            CorruptFile: if the cursor cannot be read.
            StorageUnavailable: if it cannot be written; nothing more is told then, for it would be
                told again.
        """
        signature = self._signature()
        if signature is not None and signature == self._told_all:
            return self._poll_s
        told = self._begin()
        count = 0
        try:
            for name, line in self._waiting(told):
                if self.ended.is_set():
                    return 0.0
                self._send(self._message(name, line))
                told[name] = line.n
                self._cursor.save(told)
                count += 1
        except AlertUndelivered as error:
            self._failures += 1
            doubled = _FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 16)
            pause_s = max(min(doubled, _LONGEST_PAUSE_S), error.retry_after_s)
            said = self._masking.masked(str(error))
            _LOG.warning("%s; again in %.0f s (failure %d)", said, pause_s, self._failures)
            return pause_s
        self._failures = 0
        if count == MOST:
            return 0.0
        self._told_all = signature
        return self._poll_s

    def _send(self, message: AlertMessage) -> None:
        try:
            self._channel.send(message)
        except AlertRefused as error:
            said = self._masking.masked(str(error))
            _LOG.error("%s; left out: %s", said, self._masking.masked(message.text))

    def _begin(self) -> dict[str, int]:
        """Give how far the channel has come; a new one leaves out what is old."""
        told = self._cursor.read()
        if told is None:
            since = self._clock.now() - self._first
            told = {}
            for file, name in self._files():
                old = [line.n for line in file.lines() if line.ts < since]
                told[name] = max(old, default=0)
            self._cursor.save(told)
        return told

    def _waiting(self, told: dict[str, int]) -> Iterator[tuple[str, AlertLine]]:
        """Give what was not told, as it happened; of one file in its own order, come what may."""
        files = [self._after(file, name, told.get(name, 0)) for file, name in self._files()]
        return islice(heapq.merge(*files, key=lambda each: each[1].ts), MOST)

    def _after(self, file: AlertFile, name: str, n: int) -> Iterator[tuple[str, AlertLine]]:
        return ((name, line) for line in file.lines(n))

    def _message(self, name: str, line: AlertLine) -> AlertMessage:
        reason = self._masking.masked(line.reason)
        said = f"{name}-{line.n}"
        return AlertMessage(said, line.book, line.alert, line.ts, line.begins, reason)

    def _signature(self) -> list[tuple[Path, int, int]] | None:
        """Give what changes whenever a file does; None while a book is being set aside."""
        paths = [file.path for root in self._roots for file in alert_files(root)]
        try:
            found = [(path, path.stat()) for path in paths]
        except FileNotFoundError:
            return None
        return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in found]

    def _files(self) -> list[tuple[AlertFile, str]]:
        """List the files that have a line and can be read; one that cannot hides no other."""
        found = []
        for root in self._roots:
            for file in alert_files(root):
                try:
                    list(file.lines())
                    name = file.identity
                except (OSError, CorruptFile) as error:
                    if self._unreadable.get(file.path) != str(error):
                        _LOG.exception("The alerts in %s cannot be read", file.path)
                    self._unreadable[file.path] = str(error)
                    continue
                self._unreadable.pop(file.path, None)
                if name:
                    found.append((file, name))
        return found
