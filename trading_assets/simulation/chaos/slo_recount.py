"""Counts the minutes of a book's error budget again, by hand: from the journal's raw rows alone.

Nothing of the product's own arithmetic is used: it is what is judged.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

_MINUTE = 60_000_000
_WITHIN = 5_000_000
_ALLOWED = 0.005
_WINDOW_MINUTES = 30 * 24 * 60
_FAULTS = ("reconcile", "inbox", "watchdog")

_Row = tuple[str, int, dict[str, Any]]
_Span = tuple[int, int]


def minutes_of(database: Path, symbols: int) -> tuple[int, int]:
    """Give (good, bad) minutes of all symbols of a book of one-minute bars, to its last row.

    A minute is good when its bar was decided on in time; one that a clean stop touches is not
    judged. Meant for journals shorter than the window of 30 days, on a clock of their own.
    """
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT kind, ts, body FROM event ORDER BY seq").fetchall()
    rows: list[_Row] = [(kind, ts, json.loads(body)) for kind, ts, body in found]
    now = rows[-1][1]
    bars = {ts: body for kind, ts, body in rows if kind == "BarReady"}
    stops = _between(rows, now, "SessionClosed", "SessionOpened")
    faults = _between(
        [row for row in rows if row[0] != "TradingHalted" or row[2]["source"] in _FAULTS],
        now, "TradingHalted", "TradingResumed",
    )  # fmt: skip
    first = next(ts for kind, ts, _ in rows if kind == "SessionOpened")
    good = bad = 0
    minute = first - first % _MINUTE
    while minute + _MINUTE + _WITHIN <= now:
        if not _is_touched(minute, stops):
            decided = _decided(bars.get(minute)) if not _is_touched(minute, faults) else 0
            good += decided
            bad += symbols - decided
        minute += _MINUTE
    return good, bad


def share_left(bad: int, symbols: int) -> float:
    """Give the share of 30 days' budget that so many bad minutes leave."""
    return 1 - bad / (_ALLOWED * _WINDOW_MINUTES * symbols)


def _decided(bar: dict[str, Any] | None) -> int:
    """Count the symbols that a bar was decided on in time."""
    if bar is None or bar["late"]:
        return 0
    return len({row["symbol"] for row in bar["rows"]})


def _between(rows: list[_Row], now: int, begins: str, ends: str) -> list[_Span]:
    spans, since = [], None
    for kind, ts, _ in rows:
        if kind == begins and since is None:
            since = ts
        elif kind == ends and since is not None:
            spans.append((since, ts))
            since = None
    return spans if since is None else [*spans, (since, now)]


def _is_touched(minute: int, spans: list[_Span]) -> bool:
    return any(begin <= minute + _MINUTE and minute < end for begin, end in spans)
