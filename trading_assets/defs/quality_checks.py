"""Checks of what is odd in a month of minutes: they warn and show the rows, and never block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.defs.partition_events import Finding
from trading_assets.defs.presentation import table
from trading_assets.domain.bar import minute_text
from trading_assets.market.outages import UNEXPLAINED, unexplained

if TYPE_CHECKING:
    from trading_assets.storage.partition_store import Manifest

ODDITIES = {
    "moves_are_usual": "No bar moves more than quality.jump_factor times the month's median. "
    "Crashes are real, wrong prices are not: look at them. Never blocks.",
    "bars_end_on_time": "The vendor's close times are the ends of the minutes. The last bar before "
    "an outage often ends early. Never blocks.",
}
"""Names of the checks, and what they say."""

_SHOWN = 20


def judge_gaps(manifest: Manifest, max_gap_minutes: int) -> Finding:
    """Pass without unexplained gaps; warn with short ones, and block beyond the setting."""
    longest = max((gap.minutes for gap in unexplained(manifest.gaps)), default=0)
    grave = longest > max_gap_minutes
    rows = [
        {
            "first missing": minute_text(gap.start),
            "last missing": minute_text(gap.end),
            "minutes": gap.minutes,
            "cause": gap.cause,
        }
        for gap in sorted(manifest.gaps, key=lambda gap: (gap.cause != UNEXPLAINED, gap.start))
    ]
    return Finding(
        "has_no_gaps",
        passed=not unexplained(manifest.gaps),
        metadata={
            "gaps": len(manifest.gaps),
            "unexplained": len(unexplained(manifest.gaps)),
            "longest_minutes": longest,
            "list": table(rows[:_SHOWN], ("first missing", "last missing", "minutes", "cause")),
        },
        severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
    )


def judge_oddities(manifest: Manifest) -> list[Finding]:
    """Show jumps and early closes as warnings."""
    jumps, closes = manifest.extra["jumps"], manifest.extra["early_closes"]
    moves = [
        {
            "bar": minute_text(ts),
            "kind": kind.replace("_", " "),
            "move %": 100 * move,
            "times the median": times,
        }
        for ts, kind, move, times in jumps["rows"]
    ]
    ends = [
        {"bar": minute_text(ts), "seconds": (close_ts - ts) / 1_000_000}
        for ts, close_ts in closes["rows"]
    ]
    factor = manifest.extra["jump_factor"]
    return [
        _warning("moves_are_usual", jumps["count"], moves, {"factor": factor}),
        _warning("bars_end_on_time", closes["count"], ends, {}),
    ]


def _warning(
    check: str, count: int, rows: Sequence[dict[str, Any]], metadata: dict[str, Any]
) -> Finding:
    names = tuple(rows[0]) if rows else ("bar",)
    return Finding(
        check,
        passed=count == 0,
        metadata={"count": count, **metadata, "list": table(rows[:_SHOWN], names)},
        severity=dg.AssetCheckSeverity.WARN,
    )
