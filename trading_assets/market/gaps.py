"""What is missing between bars: a list of gaps, never filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.ids import Micros
from trading_assets.market.sessions import Sessions, Stretches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def gaps(
    frame: pl.DataFrame,
    start: Micros,
    end: Micros,
    *,
    sessions: Sessions | None = None,
    longest_silence_minutes: int = 0,
) -> tuple[Gap, ...]:
    """List what is missing of the minutes in [start, end).

    Args:
        frame: one-minute bars with open times inside, sorted and unique; those outside of the
            sessions neither fill a gap nor make one.
        start: first expected open time, a whole minute.
        end: first open time that is not expected.
        sessions: when minutes are expected; None for a market that never closes. What is missing
            over a close or a break is two gaps, one on each side.
        longest_silence_minutes: a shorter or equal absence is silence, no gap, for sources that
            have no bar for a minute without a trade.

    Raises:
        DataError: if `sessions` does not know the span.
    """
    import numpy as np

    ts, last = frame["ts"].to_physical().to_numpy(), max(start, end - end % MINUTE)
    if sessions is None or sessions.never_closes:
        edges = np.concatenate([[start - MINUTE], ts, [last]])
        stretches = np.zeros(len(edges), dtype=np.int64)
    else:
        sessions.require_known(start, max(start, end))
        edges, stretches = _edges(ts, sessions.clipped(start, last))
    absent = np.diff(edges) - MINUTE
    before = np.flatnonzero((absent > longest_silence_minutes * MINUTE) & (np.diff(stretches) == 0))
    return tuple(
        Gap(
            start=int(edges[i]) + MINUTE,
            end=int(edges[i + 1]) - MINUTE,
            minutes=int(absent[i]) // MINUTE,
        )
        for i in before
    )


def _edges(
    ts: NDArray[np.int64], expected: Stretches
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give each stretch's bars between the minute before it and its end, and whose they are."""
    import numpy as np

    at = np.searchsorted(expected.start, ts, side="right") - 1
    inside = (at >= 0) & (ts < np.concatenate([expected.end, [0]])[at])
    stretch = np.arange(len(expected.start))
    stretches = np.concatenate([stretch, at[inside], stretch])
    edges = np.concatenate([expected.start - MINUTE, ts[inside], expected.end])
    order = np.lexsort((edges, stretches))
    return edges[order], stretches[order]


def merge_gaps(found: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """Join gaps that touch, such as one that a month's end has cut; sorted by start."""
    merged: list[Gap] = []
    for gap in sorted(found):
        last = merged[-1] if merged else None
        if last is not None and gap.start == last.end + MINUTE and gap.cause == last.cause:
            merged[-1] = Gap(last.start, gap.end, last.minutes + gap.minutes, gap.cause)
        else:
            merged.append(gap)
    return tuple(merged)
