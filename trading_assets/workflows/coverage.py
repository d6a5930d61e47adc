"""How much of each hour of a month is there: expected minutes against the gaps of its manifest."""

from __future__ import annotations

from collections.abc import Sequence

from trading_assets.domain.bar import MINUTE, Gap, Timeframe
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.sessions import Sessions
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.market_tables import bars_table
from trading_assets.workflows.native_tables import bars_of_source, expected_end, native_size

HOURS = 24

Shares = tuple[tuple[float | None, ...], ...]


def minutes_behind(desk: Desk, manifest: Manifest) -> int:
    """Count the minutes of trading between the last bar of a month and the end of what was fetched.

    A weekend, a night or a break of the symbol's calendar counts for nothing. Of a source of larger
    bars those count that are owed and missing, not one that has not ended.
    """
    if native_size(manifest) is not None:
        until = expected_end(manifest)
        return sum(gap.minutes for gap in manifest.gaps if gap.end + MINUTE == until)
    first = manifest.month.start if manifest.month else 0
    start = first if manifest.max_ts is None else manifest.max_ts + MINUTE
    end = max(start, manifest.extra["expected_end"])
    sessions = sessions_of_symbol(desk, manifest.symbol) if manifest.symbol else None
    return (end - start) // MINUTE if sessions is None else sessions.expected_minutes(start, end)


def month_coverage(desk: Desk, symbol: Symbol, month: Month) -> Shares:
    """Give, by day and hour of UTC, the share of expected minutes that is not in a gap.

    What is expected is what the calendar's sessions say, from the first expected minute to the end
    of what was fetched; silence that the source does not write down is no gap.

    Returns:
        `month.days` rows of 24 shares in [0, 1]; None where nothing is expected.

    Raises:
        MissingPartition: if the one-minute bars are not there.
    """
    manifest = desk.tables.require(bars_table(Timeframe.M1), symbol, month)
    first = bars_of_source(desk.tables, manifest).min_ts
    known = [ts for ts in (first, *(gap.start for gap in manifest.gaps)) if ts is not None]
    start, end = min(known, default=month.end), expected_end(manifest)
    return coverage_of(month, manifest.gaps, start, end, sessions_of_symbol(desk, symbol))


def coverage_of(
    month: Month, gaps: Sequence[Gap], start: Micros, end: Micros, sessions: Sessions | None
) -> Shares:
    """Do the same for minutes that need not be published.

    Args:
        month: whose hours to look at.
        gaps: what is missing, in order.
        start: first expected minute.
        end: until when minutes are expected; the month's end at the latest.
        sessions: None for a market that never closes.
    """
    import numpy as np

    end = min(end, month.end)
    if end <= start:
        expected = np.empty(0, dtype=np.int64)
    elif sessions is None:
        expected = np.arange(start, end - end % MINUTE, MINUTE)
    else:
        expected = sessions.minutes(start, end)
    edges = np.array([(gap.start, gap.end + MINUTE) for gap in gaps]).reshape(-1)
    missing = np.searchsorted(edges, expected, side="right") % 2 == 1
    hour = (expected - month.start) // (60 * MINUTE)
    counts = np.bincount(hour, minlength=month.days * HOURS)
    there = np.bincount(hour[~missing], minlength=month.days * HOURS)
    shares = [int(t) / int(c) if c else None for t, c in zip(there, counts, strict=True)]
    return tuple(tuple(shares[i : i + HOURS]) for i in range(0, len(shares), HOURS))
