"""Executors that end where they are told to, or lose orders on their way: programs, not imports."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from trading_assets.simulation.chaos.rig import BOOK, UNBOUNDED

POINTS = (
    "before_commit",
    "after_commit",
    "before_send",
    "after_send",
    "before_snapshot",
    "after_snapshot",
)
NOWHERE = "nowhere"

_PROGRAM = f"""{UNBOUNDED}
import os, signal, sys, threading, time
from trading_assets.bootstrap import desk
from trading_assets.domain.errors import OutcomeUnknown
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets.workflows.run_live import run_live
book, armed, left, lost = sys.argv[1], sys.argv[2], int(sys.argv[3]), set(sys.argv[4:])

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
        self.submit = around(self._submit, "send")
    def _submit(self, ticket):
        if ticket.client_order_id in lost:
            raise OutcomeUnknown("the order was lost on its way")
        return self._broker.submit(ticket)
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


def doomed(point: str = NOWHERE, passes: int = 1, lost: Iterable[str] = ()) -> list[str]:
    """Give the command line of an executor that ends by -9.

    Args:
        point: one of `POINTS`, or `NOWHERE`.
        passes: it ends when it comes there for so many a time.
        lost: client ids of orders that never reach the venue, whose answer stays away.
    """
    return [sys.executable, "-c", _PROGRAM, BOOK, point, str(passes), *lost]
