"""What a book must do, since one that does nothing loses nothing and doubles nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderSubmitted,
)
from trading_assets.domain.policy_events import BreakerTripped
from trading_assets.simulation.fault_plan import VENUE_FAULTS
from trading_assets.simulation.world import World

_LAGS = ("order_not_visible", "fills_not_visible", "reports_lag")
_OPINIONS = 10
"""So many signals of a calm schedule bring an order at least."""


def idleness(world: World) -> Iterator[str]:
    """Tell what a book should have done and has not."""
    yield from _stranded(world)
    if _is_calm(world):
        yield from _idle(world)


def _is_calm(world: World) -> bool:
    """Tell whether nothing has failed, apart from what a venue that works well does, too.

    A book that has halted itself has a reason to do nothing.
    """
    happened = world.plan.counts.keys() - VENUE_FAULTS.keys()
    tripped = any(isinstance(event, BreakerTripped) for event in world.disk.events)
    return not happened and not tripped and not world.failpoints.crashes


def _stranded(world: World) -> Iterator[str]:
    """An order whose departure is written leaves, unless the process ends at that very moment."""
    left = {sent.ticket.client_order_id for sent in world.wire.sent}
    written = {e.client_order_id for e in world.disk.events if isinstance(e, OrderSubmitted)}
    counts = world.plan.counts
    ends = world.failpoints.crashes.total() + counts["fsync_failed"] + counts["disk_full"]
    stranded = sorted(written - left)
    if len(stranded) > ends:
        yield f"idle: {len(stranded)} orders are written as sent and never left: {stranded[0]}"


def _idle(world: World) -> Iterator[str]:
    """Where nothing fails, every bar is in time, every decision leaves, and snapshots are taken."""
    events = world.disk.events
    bars = [event for event in events if isinstance(event, BarReady)]
    late = [event.ts for event in bars if event.late]
    if late:
        yield f"idle: {len(late)} bars are late in a calm world, the first at {late[0]}"
    for event in events:
        if isinstance(event, OrderProvenAbsent):
            yield f"idle: order {event.client_order_id} stays here: {event.evidence}"
        elif isinstance(event, OrderOutcomeUnknown):
            yield f"idle: order {event.client_order_id} is unknown: {event.reason}"
        elif isinstance(event, DecisionDropped) and not _waits_for_news(world, event):
            yield f"idle: a decision about {event.symbol} is dropped: {event.rule}"
    signals = (row.values[0] for bar in bars for row in bar.rows)
    # Who holds nothing and is told to hold nothing has nothing to do.
    opinions = sum(not math.isnan(signal) and signal != 0.0 for signal in signals)
    if opinions >= _OPINIONS and not any(isinstance(e, OrderIntentCreated) for e in events):
        yield f"idle: {opinions} signals and no decision"
    taken = len(world.disk.snapshots)
    if taken <= len(bars) // world.setup.snapshot_bars:  # one more is of the end
        yield f"idle: {taken} snapshots in {len(bars)} bars"


def _waits_for_news(world: World, event: DecisionDropped) -> bool:
    """Tell whether a decision fell because a venue that lags had not told of an order's end yet."""
    return event.rule == "order_unresolved" and any(world.plan.counts[lag] for lag in _LAGS)
