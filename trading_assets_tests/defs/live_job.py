"""A program for test_live_run.py: the job `live_trading` on a real instance, with a stand-in for
the executor, which has tests of its own. Arguments: DAGSTER_HOME, and what the executor does.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import dagster as dg

from trading_assets.defs.jobs import live_trading
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.errors import LeaseHeld
from trading_assets.live.executor_terms import LiveSummary, Observation
from trading_assets.workflows import run_live


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def trade_until_told(
    _: object, book: str, *, stop: threading.Event, observe: Callable[[Observation], None]
) -> LiveSummary:
    observe(Observation("trading", 0, 1, 0, 0, 10_000.0, 0.0))
    say(f"trading {book}")
    while not stop.wait(0.05):
        pass
    say("stopping")
    sys.stdin.readline()
    observe(Observation("stopped", 0, 9, 3, 0, 10_001.0, 0.0))
    return LiveSummary("stopped", 3, 0, {"BarReady": 3}, 0, 10_001.0, 0.0, 9, 0.1, 2.0, 5.0)


def find_another(_: object, book: str, **__: object) -> LiveSummary:
    raise LeaseHeld(f"Another executor trades {book}", found="process 4711")


def lose_the_venue(*_: object, **__: object) -> LiveSummary:
    raise RuntimeError("the venue is gone")


def main(home: str, what: str) -> None:
    stand_in: Any = {
        "trade": trade_until_told,
        "attached": find_another,
        "broken": lose_the_venue,
    }[what]
    run_live.run_live = stand_in
    with dg.DagsterInstance.local_temp(home) as instance:
        result = live_trading.execute_in_process(
            instance=instance,
            resources={"desk": DeskResource()},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
        say(f"success {result.success}")


if __name__ == "__main__":
    main(*sys.argv[1:])
