"""Where a process can end: counted, so that a schedule can end it at any of them."""

from __future__ import annotations

import random
from collections import Counter


class Crashed(BaseException):
    """The process is gone: nothing after it happens; no `except Exception` can hold it back."""


class Failpoints:
    """The ends that a process can meet.

    Args:
        dice: draws an end at each point by `rate`.
        rate: chance of an end at each point.
        armed: number of the one point (from 1) at which to end, whatever the rate; 0 for none.

    Attributes:
        passed: points passed by all processes of the schedule.
        crashes: ends met, by the name of the point.
    """

    def __init__(self, dice: random.Random, rate: float, armed: int = 0) -> None:
        self._dice = dice
        self.rate = rate
        self._armed = armed
        self.passed = 0
        self.crashes: Counter[str] = Counter()

    def point(self, name: str) -> None:
        """Pass a point at which the process can end.

        Raises:
            Crashed: if it does.
        """
        self.passed += 1
        if self.passed == self._armed or (self.rate and self._dice.random() < self.rate):
            self.crashes[name] += 1
            raise Crashed(name)
