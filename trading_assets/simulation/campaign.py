"""Many schedules: run by the range of their seeds, in several processes, told in one tally."""

from __future__ import annotations

import gc
import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.domain.events import BarReady
from trading_assets.domain.ids import CLIENT_ORDER_ID_PREFIX
from trading_assets.simulation.fault_plan import (
    BAR_FAULTS,
    CANCEL_FAULTS,
    READ_FAULTS,
    SUBMIT_FAULTS,
    TERMINAL_FAULTS,
    VENUE_FAULTS,
    WORLD_FAULTS,
)
from trading_assets.simulation.judge import faults_of
from trading_assets.simulation.processes import workers
from trading_assets.simulation.world import Options, World

_NETWORK = (*SUBMIT_FAULTS, *READ_FAULTS, *CANCEL_FAULTS)
CLASSES = (*_NETWORK, *VENUE_FAULTS, *BAR_FAULTS, *WORLD_FAULTS, *TERMINAL_FAULTS)
"""Every class of fault that a schedule can draw, besides the end of the process."""

LEAST_NETWORK = 5.0
LEAST_CRASHES = 0.5
LEAST_OF_A_CLASS = 0.001
"""Faults per schedule below which a campaign proves nothing."""

_CHUNK = 100


@dataclass(slots=True)
class Tally:
    """What schedules came to.

    Attributes:
        bars: handled by the books.
        orders, fills: of the books at the venue.
        points: places passed at which a process could have ended.
        faults: how often each class happened.
        crashes: ends of processes, by where.
        wrong: (seed, what) of every violation.
        digest: SHA-256 over the hashes of the schedules, in the order of their seeds.
        cpu_s: seconds of processor time.
    """

    schedules: int = 0
    bars: int = 0
    orders: int = 0
    fills: int = 0
    points: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[int, str]] = field(default_factory=list)
    digest: str = ""
    cpu_s: float = 0.0

    @property
    def network_faults(self) -> int:
        """Requests on which something got lost."""
        return sum(self.faults[name] for name in _NETWORK)

    def shortfalls(self) -> list[str]:
        """Say which faults were too few for the schedules to prove anything."""
        found = [
            ("network faults", self.network_faults, LEAST_NETWORK),
            ("crashes", self.crashes.total(), LEAST_CRASHES),
            *((name, self.faults[name], LEAST_OF_A_CLASS) for name in CLASSES),
        ]
        return [
            f"{name}: {count} in {self.schedules} schedules, at least {least:g} each"
            for name, count, least in found
            if count < least * self.schedules
        ]

    def to_json(self) -> dict[str, Any]:
        """Give the tally as plain values."""
        kinds = Counter(what.split(":")[0] for _, what in self.wrong)
        return {
            "schedules": self.schedules,
            "bars": self.bars,
            "orders": self.orders,
            "fills": self.fills,
            "duplicates": kinds["duplicate"],
            "lost": kinds["orphan"] + kinds["unresolved"] + kinds["fill"],
            "violations": dict(kinds),
            "network_faults": self.network_faults,
            "crashes": dict(sorted(self.crashes.items())),
            "faults": dict(sorted(self.faults.items())),
            "points": self.points,
            "digest": self.digest,
            "schedules_per_cpu_s": round(self.schedules / max(self.cpu_s, 1e-9), 1),
        }


def run_schedule(seed: int, options: Options | None = None) -> tuple[World, list[str]]:
    """Run and judge one schedule; an error of the program is a violation, not an end."""
    world = World(seed, options)
    try:
        world.run()
    except TradingAssetsError as error:
        return world, [f"error: {type(error).__name__}: {error}"]
    return world, faults_of(world)


def run_seeds(first: int, stop: int, options: Options | None = None) -> Tally:
    """Run the schedules of a range of seeds in this process."""
    gc.collect()  # worlds of the seeds before are garbage: what is frozen is never collected
    gc.freeze()  # what is there by now stays; looking through it again and again takes a sixth
    tally = Tally()
    digest = hashlib.sha256()
    began = time.process_time()
    for seed in range(first, stop):
        world, wrong = run_schedule(seed, options)
        tally.schedules += 1
        names = [order.ticket.client_order_id for order in world.venue.orders]
        tally.orders += sum(name.startswith(CLIENT_ORDER_ID_PREFIX) for name in names)
        tally.fills += len(world.venue.fills)
        tally.bars += sum(isinstance(event, BarReady) for event in world.disk.events)
        tally.points += world.failpoints.passed
        tally.faults += world.plan.counts
        tally.crashes += world.failpoints.crashes
        tally.wrong += [(seed, what) for what in wrong]
        digest.update(brief_hash(world))
    tally.digest = digest.hexdigest()
    tally.cpu_s = time.process_time() - began
    return tally


def brief_hash(world: World) -> bytes:
    """Hash what a schedule came to: the venue's record, the journal's rows, the engine's state."""
    parts = [
        *(f"{s.ts}{s.ticket.client_order_id}" for s in world.wire.sent),
        *(f"{f.ts}{f.trade_id}{f.price}{f.quantity}{f.fee}" for f in world.venue.fills),
        *(f"{type(e).__name__}{e.ts}" for e in world.disk.events),
        *(f"{name}{count}" for name, count in sorted(world.plan.counts.items())),
        world.session.machine.state_hash() if world.session is not None else "",
        str(world.time.now),
    ]
    return hashlib.sha256("\n".join(parts).encode()).digest()


def run_campaign(
    first: int,
    stop: int,
    *,
    jobs: int = 1,
    options: Options | None = None,
    report: Callable[[int, int], None] = lambda done, wrong: None,
    keep_going: bool = True,
) -> Tally:
    """Run the schedules of a range of seeds in `jobs` processes.

    The tally does not depend on the number of processes.

    Args:
        first: the first seed.
        stop: the seed behind the last.
        jobs: processes.
        options: of all schedules.
        report: told (schedules done, violations found) after each part.
        keep_going: False ends at the first part with a violation.

    Raises:
        ConfigurationError: for an empty range or no process.
    """
    if not 0 <= first < stop or jobs < 1:
        raise ConfigurationError(
            "No such range of seeds",
            expected="0 <= first < stop, at least one process",
            found=f"{first}:{stop}, {jobs} processes",
            fix="Such as --seeds 0:1000.",
        )
    whole = Tally()
    digests = []
    starts = range(first, stop, _CHUNK)
    with workers(jobs) as run_parts:
        for part in run_parts(partial(_part, stop=stop, options=options), starts):
            digests.append(part.digest)
            _add(whole, part)
            report(whole.schedules, len(whole.wrong))
            if whole.wrong and not keep_going:
                break
    whole.digest = hashlib.sha256("".join(digests).encode()).hexdigest()
    return whole


def _part(first: int, stop: int, options: Options | None) -> Tally:
    return run_seeds(first, min(first + _CHUNK, stop), options)


def _add(whole: Tally, part: Tally) -> None:
    whole.schedules += part.schedules
    whole.bars += part.bars
    whole.orders += part.orders
    whole.fills += part.fills
    whole.points += part.points
    whole.faults += part.faults
    whole.crashes += part.crashes
    whole.wrong += part.wrong
    whole.cpu_s += part.cpu_s
