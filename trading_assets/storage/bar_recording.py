"""A journal of finished bars and their revisions: lines of JSON, each on disk before it is told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from trading_assets.domain.bar import Bar
from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.market.live_minutes import Revision, same_trade_facts


class BarRecording:
    """A file that grows by whole lines; a line that was cut off by a crash is removed.

    Args:
        path: the file; made when it is not there.

    Raises:
        CorruptFile: if a line of it is not one of a recording.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab+")
        self._newest: dict[Symbol, Bar] = {}
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    @property
    def last_ts(self) -> Micros | None:
        """Open time of the newest bar; a recording goes on with this minute."""
        return max((bar.ts for bar in self._newest.values()), default=None)

    def append(self, events: Iterable[Bar | Revision]) -> list[Bar | Revision]:
        """Write events, and return when they are on disk.

        Returns:
            What was written: a bar that it has is left out, one that differs is a revision.
        """
        written: list[Bar | Revision] = []
        for event in events:
            if isinstance(event, Bar):
                was = self._newest.get(event.symbol)
                if was is not None and was.ts >= event.ts:
                    if was.ts == event.ts and not same_trade_facts(was, event):
                        written.append(Revision(event.symbol, event.ts, was, event))
                    continue
                self._newest[event.symbol] = event
            written.append(event)
        self._file.write(b"".join(recorded_line(event) for event in written))
        self._file.flush()
        os.fsync(self._file.fileno())
        return written

    def __enter__(self) -> BarRecording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _read(self) -> None:
        self._file.seek(0)
        whole = 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                self._file.truncate(whole)
                break
            whole += len(line)
            bar = self._bar(line, number)
            if bar is not None and bar.ts >= self._newest.get(bar.symbol, bar).ts:
                self._newest[bar.symbol] = bar

    def _bar(self, line: bytes, number: int) -> Bar | None:
        try:
            fields: dict[str, Any] = json.loads(line)
            event = fields.pop("event")
            return Bar(**fields) if event == "bar" else None
        except (ValueError, TypeError, KeyError, AttributeError):
            bad = line
        raise CorruptFile(
            f"{self._path} is no recording of bars",
            expected='lines with "event": "bar" or "revision"',
            found=f"line {number}: {bad[:60]!r}",
            fix="Choose another file.",
        )


def recorded_line(event: Bar | Revision) -> bytes:
    """Write an event as a line of JSON, with its end."""
    kind = "bar" if isinstance(event, Bar) else "revision"
    return json.dumps({"event": kind} | asdict(event)).encode() + b"\n"
