"""Durations: the latest for quantiles that people read, all of them in buckets for Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field

from trading_assets.domain.ids import Micros

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds, inclusive, in seconds: fine below the second that an order may take from its bar's
close, coarse up to the minute after which it is unresolved."""

_KEPT = 1_000


@dataclass(slots=True)
class Timer:
    """Takes durations in.

    Attributes:
        latest_ms: the latest thousand, in milliseconds.
        counts: how many lie in each bucket of `BOUNDS_S` alone; the last is of those beyond.
        total_s: of all.
    """

    latest_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0

    def add(self, duration: Micros) -> None:
        """Take one in; one that clocks apart have made negative counts as it is."""
        self.latest_ms.append(duration / 1_000)
        seconds = duration / 1_000_000
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds
