"""Bars for a chart: any symbol, size and span, made fewer on this side until they fit a screen."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from trading_assets.domain.bar import DAY, MINUTE, Timeframe
from trading_assets.domain.errors import MissingPartition, UnknownSymbol
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.instants import FOREVER
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.frame_span import reach
from trading_assets.workflows.market_tables import bars_table, is_of_own_source
from trading_assets.workflows.native_tables import native_size
from trading_assets.workflows.seen_bars import seen_bars

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from trading_assets.storage.partition_store import Manifest, PartitionStore

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_KEPT = 600
"""Months whose columns stay mapped, 2 MB each of minutes: fifty years of one symbol."""
_COLUMNS = ("open", "high", "low", "close", "volume")
_MINUTES = (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720)
_DAYS = (1, 2, 3, 7, 14, 28, 56, 91, 182, 364)
_WIDTHS = tuple(n * MINUTE for n in _MINUTES) + tuple(n * DAY for n in _DAYS)
"""Widths that people read off an axis; one is taken when the size of the bars divides it."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Bars as columns of equal length, ascending; `ts` in microseconds."""

    ts: Ints
    values: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A published month of one size, of which the bars from `begin` on are taken."""

    manifest: Manifest
    size: Timeframe
    begin: Micros = -FOREVER

    @property
    def end(self) -> Micros:
        """The instant behind its last bar, which may not have ended yet; -FOREVER without bars."""
        last = self.manifest.max_ts
        if last is None:
            return -FOREVER
        return min(last + self.size.micros, reach(self.manifest, self.size))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A version of a month; equal ones have equal rows."""

    address: str
    version: str
    tables: PartitionStore = field(compare=False)
    manifest: Manifest = field(compare=False)


def chart_bars(
    desk: Desk,
    symbol: Symbol,
    timeframe: Timeframe,
    *,
    since: Micros | None = None,
    until: Micros | None = None,
    points: int,
    book: str = "",
) -> dict[str, Any]:
    """Give the bars of a span, aggregated to at most so many.

    Each month is read from the table of the size that is asked for, or from the largest smaller
    one where that is not published. When the bars are more than `points`, they are put together on
    the first coarser grid of UTC on which they are not: open of the first, highest high, lowest
    low, close of the last, sum of the volumes. A bucket without a bar has no row.

    With a book, the bars that it saw follow behind the last one that is published of any size that
    fits, and both are put together as one series. What is published later stands in their place.

    Args:
        desk: holds the tables, and the journals of books.
        symbol: one of the settings.
        timeframe: size of the bars that are asked for.
        since: first open time; None: the first there is.
        until: end of the span, exclusive; None: behind the last there is.
        points: rows at most.
        book: of the settings; "" for published bars alone.

    Returns:
        `t` (open times in seconds), `open`, `high`, `low`, `close` in quote, `volume` in base (None
        where a bar inside lacks it), `timeframe`, `aggregated_to` (such as `1h` or `2d`; the size
        itself when nothing was put together), `first`, `last`: what there is of the symbol, in
        seconds, None without a bar; and `live_from_s`: open time of the first bar behind what is
        published, when some of these bars are the book's; else None. The row of a wider bucket
        that begins before it is of both.

    Raises:
        UnknownSymbol: if settings do not have the symbol.
        MissingPartition: if nothing is published of a size that could be shown, nor has the book
            seen any; or if a release that it traded is gone.
        ConfigurationError: if settings have no such book.
        RecoveryError: if its journal cannot be read.
        CorruptFile: if a file is damaged.
    """
    if symbol not in desk.settings.symbols:
        raise UnknownSymbol(
            f"Symbol {symbol} is not configured",
            expected=f"one of {', '.join(desk.settings.symbols)}",
            found=str(symbol),
        )
    start, end = -FOREVER if since is None else since, FOREVER if until is None else until
    pieces = _months(desk, symbol, timeframe)
    seen = None
    if book:
        pieces += _finer_end(desk, symbol, timeframe, pieces)
        behind = max((piece.end for piece in pieces), default=-FOREVER)
        span = {"behind": behind, "start": start, "end": end}
        seen = seen_bars(desk, book, symbol, timeframe, **span)
    if not pieces and seen is None:
        raise _nothing(symbol, timeframe)
    rows = _read(pieces, desk.tables, start, end)
    edges = [ts for p in pieces for ts in (p.manifest.min_ts, p.manifest.max_ts) if ts is not None]
    live_from = None
    if seen is not None:
        edges += seen.first, seen.last
        if not seen.frame.is_empty():
            rows, live_from = _joined(rows, _columns(seen.frame)), seen.first
    width = _width(rows.ts, timeframe.micros, points)
    shown = _aggregated(rows, width)
    return {
        "t": (shown.ts // 1_000_000).tolist(),
        **{name: _plain(values) for name, values in shown.values.items()},
        "timeframe": timeframe.value,
        "aggregated_to": width_text(width),
        "first": _seconds(min(edges, default=None)),
        "last": _seconds(max(edges, default=None)),
        "live_from_s": _seconds(live_from),
    }


def width_text(width: Micros) -> str:
    """Write a width as `5m`, `4h` or `7d`."""
    for unit, size in (("d", DAY), ("h", 60 * MINUTE)):
        if width % size == 0:
            return f"{width // size}{unit}"
    return f"{width // MINUTE}m"


def _months(desk: Desk, symbol: Symbol, timeframe: Timeframe) -> list[_Piece]:
    """Choose for each month the largest published size that the wanted one can be made of."""
    chosen: dict[Month, _Piece] = {}
    for size in _sizes(timeframe):
        for month in desk.tables.months(bars_table(size), symbol):
            manifest = _published(desk, symbol, month, size)
            if manifest is not None:
                chosen[month] = _Piece(manifest, size)
    return [chosen[month] for month in sorted(chosen)]


def _finer_end(
    desk: Desk, symbol: Symbol, timeframe: Timeframe, pieces: list[_Piece]
) -> list[_Piece]:
    """Give what smaller sizes of the last month have behind its bars: they may reach further.

    Of a day that has not ended there is no daily bar, but there are its hours.
    """
    found = pieces[-1:]
    for last in found[:1]:
        month = last.manifest.month
        assert month is not None  # noqa: S101 - bars have one
        for size in reversed([s for s in _sizes(timeframe) if s.micros < last.size.micros]):
            manifest = _published(desk, symbol, month, size)
            if manifest is not None:
                finer = _Piece(manifest, size, found[-1].end)
                found += [finer] if finer.end > finer.begin else []
    return found[1:]


def _sizes(timeframe: Timeframe) -> list[Timeframe]:
    """List the sizes that the wanted one can be made of, ascending."""
    sizes = [s for s in Timeframe if timeframe.micros % s.micros == 0]
    return sorted(sizes, key=lambda s: s.micros)


def _published(desk: Desk, symbol: Symbol, month: Month, size: Timeframe) -> Manifest | None:
    manifest = desk.tables.current(bars_table(size), symbol, month)
    if manifest is None or not is_of_own_source(desk.settings, manifest):
        return None
    native = native_size(manifest)  # a month without minutes stands in their table, empty
    return manifest if native is None or native.micros <= size.micros else None


def _nothing(symbol: Symbol, timeframe: Timeframe) -> MissingPartition:
    names = ", ".join(bars_table(s) for s in _sizes(timeframe))
    return MissingPartition(
        f"There are no bars of {symbol} that {timeframe.value} could be made of",
        expected=f"a month of {names}",
        found="none",
        fix="Materialise the bars of the symbol first.",
    )


def _read(pieces: list[_Piece], tables: PartitionStore, start: Micros, end: Micros) -> _Rows:
    import numpy as np

    found = [_Rows(np.empty(0, np.int64), {name: np.empty(0) for name in _COLUMNS})]
    for piece in pieces:
        manifest, begin = piece.manifest, max(start, piece.begin)
        low, high = manifest.min_ts, manifest.max_ts
        if low is None or high is None or high < begin or low >= end:
            continue
        month = _mapped(_Wanted(manifest.address, manifest.version, tables, manifest))
        inside = slice(*np.searchsorted(month.ts, (begin, end)).tolist())
        values = {name: month.values[name][inside] for name in _COLUMNS}
        found.append(_Rows(month.ts[inside], values))
    return _concatenated(found)


def _joined(published: _Rows, seen: _Rows) -> _Rows:
    """Put bars of a book behind published ones: a bar that both have a part of is one."""
    return _aggregated(_concatenated([published, seen]), 1)


def _concatenated(parts: list[_Rows]) -> _Rows:
    import numpy as np

    values = {name: np.concatenate([part.values[name] for part in parts]) for name in _COLUMNS}
    return _Rows(np.concatenate([part.ts for part in parts]), values)


@lru_cache(maxsize=_KEPT)
def _mapped(wanted: _Wanted) -> _Rows:
    """Map a version and prove it, once in the life of the process."""
    return _columns(wanted.tables.read_mapped(wanted.manifest))


def _columns(frame: pl.DataFrame) -> _Rows:
    values = {name: frame[name].to_numpy() for name in _COLUMNS}
    return _Rows(frame["ts"].to_physical().to_numpy(), values)


def _width(ts: Ints, size: Micros, points: int) -> Micros:
    """Give the first width on whose grid the bars are few enough, the size itself if they are."""
    least = len(ts) * MINUTE // points  # no two bars are closer
    widths = [w for w in _WIDTHS if w > size and w % size == 0 and w >= least]
    widths = [size, *widths] if least <= size else widths or [size]
    while len(_starts(ts, widths[0])) > points:
        widths = widths[1:] or [2 * widths[0]]
    return widths[0]


def _starts(ts: Ints, width: Micros) -> Ints:
    """Give the first row of each bucket."""
    import numpy as np

    if not len(ts):
        return np.empty(0, np.int64)
    buckets = ts // width
    return np.concatenate(([0], np.flatnonzero(buckets[1:] != buckets[:-1]) + 1))


def _aggregated(rows: _Rows, width: Micros) -> _Rows:
    import numpy as np

    starts = _starts(rows.ts, width)
    if len(starts) == len(rows.ts):
        return rows
    ends = np.append(starts[1:], len(rows.ts)) - 1
    values = rows.values
    return _Rows(
        rows.ts[starts] // width * width,
        {
            "open": values["open"][starts],
            "high": np.maximum.reduceat(values["high"], starts),
            "low": np.minimum.reduceat(values["low"], starts),
            "close": values["close"][ends],
            "volume": np.add.reduceat(values["volume"], starts),
        },
    )


def _plain(values: Floats) -> list[float | None]:
    import numpy as np

    if not np.isnan(values).any():
        plain: list[float | None] = values.tolist()
        return plain
    return [None if math.isnan(value) else value for value in values.tolist()]


def _seconds(ts: Micros | None) -> int | None:
    return None if ts is None else ts // 1_000_000
