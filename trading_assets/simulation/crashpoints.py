"""A process that ends at every single point of a schedule, with every state of its disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from trading_assets.simulation.campaign import run_schedule
from trading_assets.simulation.fault_plan import NONE
from trading_assets.simulation.world import DISK_OUTCOMES, Options

QUIET = replace(NONE, venue=0.5)
"""Nothing fails but the process; the venue fills in parts and lags as venues do."""


@dataclass(slots=True)
class Crossings:
    """What came of ending everywhere.

    Attributes:
        scenarios: schedules that were tried.
        points: of all of them together.
        runs: one per point and outcome of the disk.
        crashes: ends, by the name of the point.
        wrong: (seed, point, outcome, what) of every violation.
    """

    scenarios: int = 0
    points: int = 0
    runs: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[int, int, str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "scenarios": self.scenarios,
            "points": self.points,
            "runs": self.runs,
            "crashes": dict(sorted(self.crashes.items())),
            "violations": len(self.wrong),
        }


def cross_all(
    first: int, stop: int, bars: int, report: Callable[[int, int], None] = lambda done, wrong: None
) -> Crossings:
    """End the first process at point 1, 2, 3 ... of each schedule until one runs through.

    Args:
        first: the first seed.
        stop: the seed behind the last.
        bars: of each schedule.
        report: told (runs done, violations found) after each point.
    """
    found = Crossings()
    for seed in range(first, stop):
        found.scenarios += 1
        for outcome in DISK_OUTCOMES:
            point = 0
            while True:
                point += 1
                options = Options(bars=bars, armed=point, rates=QUIET, disk_outcome=outcome)
                world, wrong = run_schedule(seed, options)
                found.runs += 1
                found.wrong += [(seed, point, outcome, what) for what in wrong]
                found.crashes += world.failpoints.crashes
                report(found.runs, len(found.wrong))
                if not world.failpoints.crashes:
                    break
            found.points += point - 1
    return found
