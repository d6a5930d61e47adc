"""Bars that a live book saw, from its journal: what a chart shows behind the published ones."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from trading_assets.domain.bar import Bar, Timeframe
from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import BarReady, ReleaseSwitched, SessionOpened
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instants import FOREVER
from trading_assets.market.bar_builder import bars_frame
from trading_assets.market.resample import resample
from trading_assets.storage.journal_reader import JournalReader, JournalRow
from trading_assets.workflows.book_history import has_journal
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.live_book import live_book

_BARS = (BarReady.__name__,)
_TAKES = (SessionOpened.__name__, ReleaseSwitched.__name__)
_PLACES = 64
_BACK = 100
"""Bars read at a time while the last one of a symbol is looked for."""


@dataclass(frozen=True, slots=True)
class SeenBars:
    """Bars of one symbol that a book saw from some instant on.

    Attributes:
        first, last: open times of the first and the last that there is, whatever span was asked.
        frame: BAR_SCHEMA or RESAMPLED_SCHEMA, ascending: those of the span, of the size asked; the
            last one may still lack bars of the book.
    """

    first: Micros
    last: Micros
    frame: pl.DataFrame


def seen_bars(
    desk: Desk,
    book: str,
    symbol: Symbol,
    timeframe: Timeframe,
    *,
    behind: Micros,
    start: Micros,
    end: Micros,
) -> SeenBars | None:
    """Give the bars of a symbol that a book handled, late ones as well.

    Works while the executor trades, and decodes no bar outside of the span but a few. Bars smaller
    than `timeframe` are put together by its sessions, as history is.

    Args:
        desk: holds the settings and the releases, which say of what size the bars are.
        book: of the settings.
        symbol: whose bars.
        timeframe: size to give.
        behind: first instant of what is looked at at all.
        start: first open time, in microseconds UTC.
        end: end of the span, exclusive.

    Returns:
        None where the book has not begun, or saw no bar of the symbol from `behind` on of which
        `timeframe` could be made.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if its journal cannot be read.
        MissingPartition: if a release that it traded is gone.
    """
    if not has_journal(desk, book):
        return None
    with live_book(desk.settings, book).journal() as journal:
        opening = next(journal.of_kinds_between(_BARS, behind, FOREVER), None)
        if opening is None:
            return None
        sizes = _Sizes(desk, journal, opening, symbol, timeframe)
        if not sizes.fit:
            return None
        first = next(
            _of_symbol(journal.of_kinds_between(_BARS, behind, FOREVER), symbol, sizes), None
        )
        if first is None:
            return None
        last = _last(journal, symbol, sizes)
        rows = journal.of_kinds_between(_BARS, max(behind, start), end)
        found = list(_of_symbol(rows, symbol, sizes))
    return SeenBars(first[0].ts, last, _frame(desk, symbol, timeframe, found))


class _Sizes:
    """The size of the bars of a symbol by row: 0 where they are not traded, or do not fit."""

    def __init__(
        self,
        desk: Desk,
        journal: JournalReader,
        opening: JournalRow,
        symbol: Symbol,
        timeframe: Timeframe,
    ) -> None:
        """Look up the release of row `opening`, and those that were taken after it."""
        later = journal.of_kinds_between(_TAKES, opening.ts, FOREVER)
        taken = {row.seq: _release_id(row) for row in later if row.seq > opening.seq}
        taken[opening.seq] = _release_at(journal.folder, opening.seq, opening.crc)
        self._rows = sorted(taken)
        self._minutes = []
        for seq in self._rows:
            spec = desk.releases.get(taken[seq]).spec
            fits = symbol in spec.symbols and timeframe.micros % spec.timeframe.micros == 0
            self._minutes.append(spec.timeframe.minutes if fits else 0)

    @property
    def fit(self) -> bool:
        """Whether any do."""
        return any(self._minutes)

    def at(self, seq: int) -> int:
        """Give the minutes of a bar of row `seq`, which is the opening one or comes later."""
        return self._minutes[bisect(self._rows, seq) - 1]


@lru_cache(maxsize=_PLACES)
def _release_at(folder: Path, seq: int, crc: int) -> str:
    """Give the release that was traded at a row; its checksum stands for all rows before it.

    No index leads there, and a session may be months long: looked for once per row.
    """
    with JournalReader(folder) as journal:
        rows = journal.newest(_TAKES, count=1, before=seq)
    if not rows:
        raise RecoveryError(
            f"The journal in {folder} has a bar before any session",
            expected=f"one of {', '.join(_TAKES)} before row {seq}",
            found="none",
            fix="Prove it by `trading-assets journal verify`.",
        )
    return _release_id(rows[0])


def _release_id(row: JournalRow) -> str:
    event = row.event
    assert isinstance(event, SessionOpened | ReleaseSwitched)  # noqa: S101 - by its kind
    return event.release_id


def _of_symbol(
    rows: Iterable[JournalRow], symbol: Symbol, sizes: _Sizes
) -> Iterator[tuple[Bar, int]]:
    """Yield the bars of a symbol and their minutes, in the order of the rows."""
    for row in rows:
        minutes = sizes.at(row.seq)
        event = row.event if minutes else None
        if isinstance(event, BarReady):
            yield from ((bar, minutes) for bar in event.bars if bar.symbol == symbol)


def _last(journal: JournalReader, symbol: Symbol, sizes: _Sizes) -> Micros:
    """Give the open time of the last bar of a symbol, of which there is one."""
    rows = journal.newest(_BARS, count=_BACK)
    while (found := next(_of_symbol(rows, symbol, sizes), None)) is None:
        rows = journal.newest(_BARS, count=_BACK, before=rows[-1].seq)
    return found[0].ts


def _frame(
    desk: Desk, symbol: Symbol, timeframe: Timeframe, found: list[tuple[Bar, int]]
) -> pl.DataFrame:
    frame = bars_frame((bar for bar, _ in found), "venue")
    minutes = pl.Series("n_minutes", [count for _, count in found], dtype=pl.Int32)
    if (minutes == timeframe.minutes).all():
        return frame
    sessions = sessions_of_symbol(desk, symbol)
    return resample(frame.with_columns(minutes), timeframe, sessions=sessions)
