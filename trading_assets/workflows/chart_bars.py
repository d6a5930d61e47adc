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
from trading_assets.workflows.market_tables import bars_table, is_of_own_source
from trading_assets.workflows.native_tables import native_size

if TYPE_CHECKING:
    import numpy as np
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
) -> dict[str, Any]:
    """Give the bars of a span, aggregated to at most so many.

    Each month is read from the table of the size that is asked for, or from the largest smaller
    one where that is not published. When the bars are more than `points`, they are put together on
    the first coarser grid of UTC on which they are not: open of the first, highest high, lowest
    low, close of the last, sum of the volumes. A bucket without a bar has no row.

    Args:
        desk: holds the tables.
        symbol: one of the settings.
        timeframe: size of the bars that are asked for.
        since: first open time; None: the first there is.
        until: end of the span, exclusive; None: behind the last there is.
        points: rows at most.

    Returns:
        `t` (open times in seconds), `open`, `high`, `low`, `close` in quote, `volume` in base (None
        where a bar inside lacks it), `timeframe`, `aggregated_to` (such as `1h` or `2d`; the size
        itself when nothing was put together) and `first`, `last`: what there is of the symbol, in
        seconds, None without a bar.

    Raises:
        UnknownSymbol: if settings do not have the symbol.
        MissingPartition: if nothing is published of a size that could be shown.
        CorruptFile: if a file is damaged.
    """
    if symbol not in desk.settings.symbols:
        raise UnknownSymbol(
            f"Symbol {symbol} is not configured",
            expected=f"one of {', '.join(desk.settings.symbols)}",
            found=str(symbol),
        )
    months = _months(desk, symbol, timeframe)
    spans = [(m.min_ts, m.max_ts) for m in months if m.min_ts is not None and m.max_ts is not None]
    first = min((span[0] for span in spans), default=None)
    last = max((span[1] for span in spans), default=None)
    start = -FOREVER if since is None else since
    rows = _read(desk, months, start, FOREVER if until is None else until)
    width = _width(rows.ts, timeframe.micros, points)
    shown = _aggregated(rows, width)
    return {
        "t": (shown.ts // 1_000_000).tolist(),
        **{name: _plain(values) for name, values in shown.values.items()},
        "timeframe": timeframe.value,
        "aggregated_to": width_text(width),
        "first": None if first is None else first // 1_000_000,
        "last": None if last is None else last // 1_000_000,
    }


def width_text(width: Micros) -> str:
    """Write a width as `5m`, `4h` or `7d`."""
    for unit, size in (("d", DAY), ("h", 60 * MINUTE)):
        if width % size == 0:
            return f"{width // size}{unit}"
    return f"{width // MINUTE}m"


def _months(desk: Desk, symbol: Symbol, timeframe: Timeframe) -> list[Manifest]:
    """Choose for each month the largest published size that the wanted one can be made of."""
    sizes = [s for s in Timeframe if timeframe.micros % s.micros == 0]
    chosen: dict[Month, Manifest] = {}
    for size in sorted(sizes, key=lambda s: s.micros):
        for month in desk.tables.months(bars_table(size), symbol):
            manifest = desk.tables.current(bars_table(size), symbol, month)
            if manifest is None or not is_of_own_source(desk.settings, manifest):
                continue
            native = native_size(manifest)  # a month without minutes stands in their table, empty
            if native is None or native.micros <= size.micros:
                chosen[month] = manifest
    if not chosen:
        names = ", ".join(bars_table(s) for s in sizes)
        raise MissingPartition(
            f"There are no bars of {symbol} that {timeframe.value} could be made of",
            expected=f"a month of {names}",
            found="none",
            fix="Materialise the bars of the symbol first.",
        )
    return [chosen[month] for month in sorted(chosen)]


def _read(desk: Desk, months: list[Manifest], start: Micros, end: Micros) -> _Rows:
    import numpy as np

    ts: list[Ints] = []
    values: dict[str, list[Floats]] = {name: [] for name in _COLUMNS}
    for manifest in months:
        low, high = manifest.min_ts, manifest.max_ts
        if low is None or high is None or high < start or low >= end:
            continue
        month = _mapped(_Wanted(manifest.address, manifest.version, desk.tables, manifest))
        inside = slice(*np.searchsorted(month.ts, (start, end)).tolist())
        ts.append(month.ts[inside])
        for name in _COLUMNS:
            values[name].append(month.values[name][inside])
    if not ts:
        return _Rows(np.empty(0, np.int64), {name: np.empty(0) for name in _COLUMNS})
    return _Rows(np.concatenate(ts), {name: np.concatenate(of) for name, of in values.items()})


@lru_cache(maxsize=_KEPT)
def _mapped(wanted: _Wanted) -> _Rows:
    """Map a version and prove it, once in the life of the process."""
    frame = wanted.tables.read_mapped(wanted.manifest)
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
