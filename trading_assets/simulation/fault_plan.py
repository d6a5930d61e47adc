"""What may go wrong in a schedule, and how often: drawn from its seed, counted as it happens."""

from __future__ import annotations

import random
from bisect import bisect
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

from trading_assets.domain.ids import Micros

SUBMIT_FAULTS: Mapping[str, int] = {
    "lost_request": 4,
    "lost_reply": 5,
    "late_arrival": 4,
    "status_503_before": 2,
    "status_503_after": 2,
    "garbage_reply": 2,
    "unreachable": 2,
    "status_429": 1,
    "status_418": 1,
    "timeout_1007": 2,
}
"""Faults of an order on its way, and their weights."""

READ_FAULTS: Mapping[str, int] = {
    "read_lost": 4,
    "read_503": 2,
    "read_garbage": 2,
    "read_429": 1,
    "read_slow": 3,
}
"""Faults of a request that changes nothing."""

CANCEL_FAULTS: Mapping[str, int] = {
    "cancel_lost_request": 3,
    "cancel_lost_reply": 4,
    "cancel_503": 2,
    "cancel_429": 1,
}
"""Faults of a withdrawal."""

VENUE_FAULTS: Mapping[str, int] = {
    "order_not_visible": 6,
    "fills_not_visible": 4,
    "reports_lag": 4,
    "partial_then_expired": 6,
    "filled_in_parts": 6,
}
"""What a venue that works well does all the same, per accepted order."""

BAR_FAULTS: Mapping[str, int] = {
    "bar_repeated": 4,
    "bar_late": 3,
    "bars_together": 3,
    "symbol_missing": 3,
}
"""What happens to a bar on its way."""

WORLD_FAULTS: Mapping[str, int] = {
    "outage": 3,
    "clock_ahead": 2,
    "clock_behind": 2,
    "suspended": 2,
    "disk_full": 2,
    "fsync_failed": 2,
    "foreign_trade": 3,
    "foreign_cancel": 2,
    "filter_changed": 2,
    "symbol_halted": 2,
    "stopped_cleanly": 3,
    "released": 2,
    "cancel_all": 2,
    "tightened": 1,
    "strategy_stopped": 1,
    "compared": 1,
}
"""What happens around the book, per bar."""

TERMINAL_FAULTS = ("halt", "halt_and_resume", "flatten", "deposit", "stale_copy")
"""What a schedule has at most once; entries have to stop then."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Chances of one schedule, each from 0 to 1.

    Attributes:
        network: of a fault, per question.
        orders: of a fault, per order on its way and per withdrawal.
        venue: of a trait of `VENUE_FAULTS`, per accepted order.
        bar: of a fault, per bar.
        world: of a fault, per bar.
        crash: of the end of the process, per point at which it could end.
        terminal: of one of `TERMINAL_FAULTS`, per schedule.
    """

    network: float
    orders: float
    venue: float
    bar: float
    world: float
    crash: float
    terminal: float


_CALM = 0.03

NONE = Rates(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""The second phase of a schedule: everything has to come right."""


def swarm_rates(dice: random.Random) -> Rates:
    """Draw the rates of a schedule: schedules of one kind of misfortune find what a mixture hides.

    A rare fault needs company of its own kind: a duplicate order after a crash shows only where
    crashes are many and the network is good. Where every second question fails, a book does not
    get as far as to trade; so orders, on which everything depends, have a rate of their own. And
    where nothing fails it has to be seen that the book does its work.
    """
    if dice.random() < _CALM:
        return replace(NONE, venue=dice.choice((0.0, 0.8)))
    return Rates(
        network=dice.choice((0.0, 0.05, 0.2, 0.4)),
        orders=dice.choice((0.0, 0.1, 0.3, 0.6)),
        venue=dice.choice((0.0, 0.3, 0.8)),
        bar=dice.choice((0.0, 0.1, 0.3)),
        world=dice.choice((0.0, 0.1, 0.3)),
        crash=dice.choice((0.0, 0.003, 0.012, 0.045)),
        terminal=0.15,
    )


class _Weighted:
    """Names drawn by their weights."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        self._names = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))

    def draw(self, dice: random.Random) -> str:
        return self._names[bisect(self._bounds, dice.random() * self._bounds[-1])]


_SUBMIT, _READ, _CANCEL, _VENUE, _BAR, _WORLD = map(
    _Weighted, (SUBMIT_FAULTS, READ_FAULTS, CANCEL_FAULTS, VENUE_FAULTS, BAR_FAULTS, WORLD_FAULTS)
)


@dataclass(slots=True)
class FaultPlan:
    """The dice of one schedule.

    Attributes:
        dice: all chance of the schedule comes from here, in the order of what happens.
        rates: in force now.
        only: names of the only faults that happen, empty for all.
        counts: what has happened, by name.
    """

    dice: random.Random
    rates: Rates
    only: frozenset[str] = frozenset()
    counts: Counter[str] = field(default_factory=Counter)

    def of_submit(self) -> str:
        """Draw the fault of an order on its way, "" for none."""
        return self._draw(_SUBMIT, self.rates.orders)

    def of_read(self) -> str:
        """Draw the fault of a request that changes nothing."""
        return self._draw(_READ, self.rates.network)

    def of_cancel(self) -> str:
        """Draw the fault of a withdrawal."""
        return self._draw(_CANCEL, self.rates.orders)

    def of_accepted(self) -> str:
        """Draw how the venue treats an accepted order."""
        return self._draw(_VENUE, self.rates.venue)

    def of_bar(self) -> str:
        """Draw what happens to a bar on its way."""
        return self._draw(_BAR, self.rates.bar)

    def of_world(self) -> str:
        """Draw what happens around the book at a bar."""
        return self._draw(_WORLD, self.rates.world)

    def latency(self) -> Micros:
        """Draw how long a good answer takes."""
        return 5_000 + int(75_000 * self.dice.random())

    def _draw(self, weighted: _Weighted, rate: float) -> str:
        if rate == 0.0 or self.dice.random() >= rate:
            return ""
        name = weighted.draw(self.dice)
        if self.only and name not in self.only:
            return ""
        self.counts[name] += 1
        return name
