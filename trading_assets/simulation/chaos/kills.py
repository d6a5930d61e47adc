"""A9: an executor killed with -9, again and again; the exchange's ledger says what it lost."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from trading_assets.domain.events import OrderIntentCreated, Reconciled
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.simulation.chaos.book_judge import violations
from trading_assets.simulation.chaos.rig import BOOK, START, UNBOUNDED, Rig
from trading_assets.simulation.chaos.verdict import Verdict

_WARP = 300
_BAR = "1m"
POINTS = (
    "before_commit",
    "after_commit",
    "before_send",
    "after_send",
    "before_snapshot",
    "after_snapshot",
)
_ANY_MOMENT = "any moment"
_LONGEST_LIFE_S = 1.0
_TO_REACH_A_POINT_S = 3.0
_TRADING = 0.8
"""Share of the kills from outside that wait for the executor's first row: most are to hit a book
that trades, the others the start."""

_DOOMED = f"""{UNBOUNDED}
import os, signal, sys, threading, time
from trading_assets.bootstrap import desk
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets.workflows.run_live import run_live
book, armed, left = sys.argv[1], sys.argv[2], int(sys.argv[3])

def point(name):
    global left
    if name == armed:
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

def around(method, name):
    def wrapped(*given):
        point("before_" + name)
        answer = method(*given)
        point("after_" + name)
        return answer
    return wrapped

class Hurried:
    # Twenty seconds pass in one that is waited for, so a proof of absence takes one second.
    gained = 0.0
    def monotonic(self):
        return time.monotonic() + self.gained
    def wait(self, seconds, stop):
        self.gained += seconds * 19
        return stop.wait(seconds)

class Doomed:
    def __init__(self, broker, local):
        self._broker, self._local = broker, local
        self.submit = around(broker.submit, "send")
    def __getattr__(self, name):
        return getattr(self._broker, name)
    def auth_now(self):
        return self._broker.auth_now() + int(self._local.gained * 1e6)

Journal.append = around(Journal.append, "commit")
Journal.save_snapshot = around(Journal.save_snapshot, "snapshot")
local = Hurried()
run_live(desk(load_settings().settings), book, stop=threading.Event(), local=local,
         wrap_broker=lambda broker: Doomed(broker, local))
"""


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
    point = dice.choice((_ANY_MOMENT,) * len(POINTS) + POINTS)
    passes = 1 if "snapshot" in point else dice.randint(1, 3)
    head = rig.head()
    process = rig.start([sys.executable, "-c", _DOOMED, BOOK, point, str(passes)])
    if point != _ANY_MOMENT or dice.random() < _TRADING:
        rig.until(lambda: rig.head() > head or process.poll() is not None, "a row", dies=True)
    deadline = time.monotonic() + dice.uniform(0, _LONGEST_LIFE_S)
    if point != _ANY_MOMENT:
        deadline += _TO_REACH_A_POINT_S
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    is_met = process.poll() is not None
    rig.kill()
    if is_met and process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"an executor ended by itself: {rig.said()}")
    return point if is_met else _ANY_MOMENT


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
