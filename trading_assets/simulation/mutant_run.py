"""The schedules of one mutant, in a process of its own: ends at the first that is violated."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from trading_assets.simulation.campaign import run_schedule
from trading_assets.simulation.crashpoints import QUIET
from trading_assets.simulation.world import DISK_OUTCOMES, Options

_CROSSED = 3
_BARS = 4


def main(seeds: int) -> None:
    """Print one JSON line: the seed and the violation that were found first, if any."""
    schedules, found = 0, (-1, "")
    for seed, options in _schedules(seeds):
        schedules += 1
        try:
            _, wrong = run_schedule(seed, options)
        except Exception as error:
            wrong = [f"error: {error!r}"]
        if wrong:
            found = (seed, wrong[0])
            break
    answer = {"seed": found[0], "what": found[1], "schedules": schedules}
    sys.stdout.write(json.dumps(answer) + "\n")


def _schedules(seeds: int) -> Iterator[tuple[int, Options | None]]:
    """Yield the schedules by seed, and after the first hundred the crash points of a few."""
    for seed in range(seeds):
        yield seed, None
        if seed == 100:
            for crossed in range(_CROSSED):
                for outcome in DISK_OUTCOMES:
                    for point in range(1, 200):
                        yield crossed, Options(_BARS, point, QUIET, outcome)


if __name__ == "__main__":
    main(int(sys.argv[1]))
