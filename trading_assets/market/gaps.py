"""What is missing between bars: a list of gaps, never filled."""

from __future__ import annotations

import polars as pl

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.ids import Micros


def gaps(frame: pl.DataFrame, start: Micros, end: Micros) -> tuple[Gap, ...]:
    """List what is missing of the minutes in [start, end).

    Args:
        frame: one-minute bars with open times inside, sorted and unique.
        start: first expected open time, a whole minute.
        end: first open time that is not expected.
    """
    import numpy as np

    ts = frame["ts"].to_physical().to_numpy()
    edges = np.concatenate([[start - MINUTE], ts, [max(start, end - end % MINUTE)]])
    before = np.flatnonzero(np.diff(edges) > MINUTE)
    return tuple(
        Gap(
            start=int(edges[i]) + MINUTE,
            end=int(edges[i + 1]) - MINUTE,
            minutes=int(edges[i + 1] - edges[i]) // MINUTE - 1,
        )
        for i in before
    )


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
