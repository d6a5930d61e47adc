"""What the rows of `make bench` have to reach: how many times a peer's bars per CPU second.

`must` is what a release has to have, `aim` what work on it goes for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A ratio of two rows: bars per CPU second of ours over theirs, larger is better."""

    work: str
    ours: str
    peer: str
    must: float
    aim: float


RATIOS = (
    Target("w1", "ours", "vectorbt", 8, 20),
    Target("w1", "ours", "backtesting", 100, 400),
    Target("w1", "ours", "nautilus", 500, 1_500),
    Target("w1", "ours", "backtrader", 1_500, 5_000),
    Target("w1", "ours-asked", "nautilus", 5, 15),
    Target("w1", "ours-loop", "limit-read", 1 / 20, 1 / 6),
    Target("w2", "ours", "backtesting", 80, 300),
    Target("w2", "ours", "nautilus", 2_000, 5_500),
    Target("w3", "ours", "vectorbt", 30, 400),
)

STEP_US = (2.0, 0.7)
"""CPU microseconds of one bar's step from Python: must, aim (at most)."""

LOAD_AND_RUN_MS = (60.0, 15.0)
"""CPU milliseconds to lay a year of bars out and run it, in a process that has done so before."""

PROCESS_RATIO = (1 / 4, 1 / 8)
"""CPU of a process that runs W1 once, compiled code on disk, over that of vectorbt's (at most)."""

SWEEP = (5.0, 25.0)
"""How many times cheaper 200 pairs are as one sweep than as single runs: must, aim."""
