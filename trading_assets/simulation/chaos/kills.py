"""A9: an executor killed with -9, again and again; the exchange's ledger says what it lost."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from trading_assets.domain.events import OrderIntentCreated, Reconciled
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.simulation.chaos.book_judge import violations
from trading_assets.simulation.chaos.doomed import POINTS, doomed
from trading_assets.simulation.chaos.rig import START, Rig
from trading_assets.simulation.chaos.verdict import Verdict

_WARP = 300
_BAR = "1m"
ANY_MOMENT = "any moment"
_LONGEST_LIFE_S = 1.0
_TO_REACH_A_POINT_S = 3.0
_TRADING = 0.8
"""Share of the kills from outside that wait for the executor's first row: most are to hit a book
that trades, the others the start."""


def kill_again_and_again(
    rounds: int, seed: int, folder: Path, report: Callable[[int, int], None] = lambda *_: None
) -> Verdict:
    """Kill an executor `rounds` times, start it once more as a user does, and judge the book.

    Half of the kills come from outside at any moment, from the interpreter's start on; the others
    right before or after a commit, a send or a snapshot.

    Args:
        rounds: number of kills.
        seed: draws place and moment.
        folder: empty, on a local disk.
        report: told (kills done, 0) now and then.
    """
    dice = random.Random(seed)  # noqa: S311 - chance that has to be repeatable
    met: Counter[str] = Counter()
    config = ExchangeConfig(
        start=START, warp=_WARP, sim_controls=True, weight_limit=10**9, seed=seed
    )
    with running_exchange(config) as exchange:
        rig = Rig(folder, exchange)
        try:
            rig.publish(_BAR)
            rig.warm_up()
            began = time.monotonic()
            for done in range(rounds):
                met[_live_and_die(rig, dice)] += 1
                report(done + 1, 0)
            killing_s = time.monotonic() - began
            wrong = _last_life(rig)
            ledger, decided = rig.ledger(), rig.count(OrderIntentCreated)
        finally:
            rig.close()
    figures = {
        "kills": rounds,
        "seed": seed,
        "kills_by_place": dict(sorted(met.items())),
        "seconds_per_kill": round(killing_s / rounds, 2),
        "seconds": round(time.monotonic() - began, 1),
        "orders_decided": decided,
        "orders_placed": len(ledger["orders"]),
        "fills": len(ledger["trades"]),
    }
    if not ledger["orders"]:
        wrong.append("nothing was traded, so nothing was proven")
    return Verdict("A9", figures, tuple(wrong))


def _live_and_die(rig: Rig, dice: random.Random) -> str:
    """Let one executor live for a while; give the place where it was killed."""
    point = dice.choice((ANY_MOMENT,) * len(POINTS) + POINTS)
    passes = 1 if "snapshot" in point else dice.randint(1, 3)
    head = rig.head()
    process = rig.start(doomed(point, passes))
    if point != ANY_MOMENT or dice.random() < _TRADING:
        rig.until(lambda: rig.head() > head or process.poll() is not None, "a row", dies=True)
    deadline = time.monotonic() + dice.uniform(0, _LONGEST_LIFE_S)
    if point != ANY_MOMENT:
        deadline += _TO_REACH_A_POINT_S
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    is_met = process.poll() is not None
    rig.kill()
    if is_met and process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"an executor ended by itself: {rig.said()}")
    return point if is_met else ANY_MOMENT


def _last_life(rig: Rig) -> list[str]:
    """Start the executor as a user does, let it settle everything, stop it, and judge."""
    reconciled = rig.count(Reconciled)
    rig.start()
    rig.until(lambda: rig.count(Reconciled) > reconciled, "the last start to be reconciled")
    status = rig.stop()
    wrong = violations(rig)
    if status:
        wrong.append(f"the last executor ended with {status}: {rig.said()}")
    return wrong
