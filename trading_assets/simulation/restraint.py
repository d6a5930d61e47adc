"""What a book must not do, though no balance shows it: two orders at work, an entry too many."""

from __future__ import annotations

from collections.abc import Iterator

from trading_assets.domain.events import (
    OrderIntentCreated,
    OrderSubmitted,
    ReleaseAwaited,
    ReleaseRefused,
    ReleaseSwitched,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.policy_events import BreakerTripped
from trading_assets.domain.strategy_events import StrategyStarted, StrategyStopped
from trading_assets.live.hand_over import CARRY
from trading_assets.simulation.world import World


def excesses(world: World) -> Iterator[str]:
    """Tell what a book has done and should not have done."""
    yield from _at_once(world)
    yield from _while_leaving(world)
    yield from _after_a_breaker(world)
    yield from _of_a_stopped_strategy(world)


def _at_once(world: World) -> Iterator[str]:
    """Of each strategy and symbol one order works at a time, as the venue's own record says."""
    events = world.disk.events
    tickets = (e.ticket for e in events if isinstance(e, OrderIntentCreated))
    tags = {ticket.client_order_id: ticket.tag for ticket in tickets}
    ended: dict[tuple[str, str], tuple[int, str]] = {}
    for order in world.venue.orders:
        name = order.ticket.client_order_id
        if name not in tags:
            continue
        place = tags[name], order.ticket.symbol
        until, other = ended.get(place, (0, ""))
        if order.placed_at < until:
            yield f"at once: order {name} was placed while {other} worked"
        ended[place] = (world.time.now if order.is_open else order.updated_at), name


def _while_leaving(world: World) -> Iterator[str]:
    """No entry is decided between the word that a release is to be left and its end."""
    is_leaving = False
    for event in world.disk.events:
        if isinstance(event, ReleaseAwaited):
            is_leaving = bool(event.release_id) and event.policy != CARRY
        elif isinstance(event, ReleaseSwitched | ReleaseRefused):
            is_leaving = False
        elif isinstance(event, OrderIntentCreated) and is_leaving and not event.ticket.reduce_only:
            yield f"leaving: entry {event.ticket.client_order_id} is decided in a book that ends"


def _after_a_breaker(world: World) -> Iterator[str]:
    """What trips halts in its own commit, and no entry leaves from there to the next resume."""
    intents = (event for event in world.disk.events if isinstance(event, OrderIntentCreated))
    tickets = {event.ticket.client_order_id: event.ticket for event in intents}
    tripped, is_halted = "", False
    for commit in world.disk.commits:
        for event in commit:
            if isinstance(event, BreakerTripped):
                tripped = event.reason
            elif isinstance(event, TradingHalted):
                is_halted = True
            elif isinstance(event, TradingResumed):
                tripped, is_halted = "", False
            elif isinstance(event, OrderSubmitted) and tripped:
                name = event.client_order_id
                if not tickets[name].reduce_only:
                    yield f"breaker: entry {name} left after {tripped}"
        if tripped and not is_halted:
            yield f"breaker: no halt beside {tripped}"
            tripped = ""


def _of_a_stopped_strategy(world: World) -> Iterator[str]:
    """No entry of a strategy is decided between the stop and the start of a person."""
    stopped: set[str] = set()
    for event in world.disk.events:
        if isinstance(event, StrategyStopped):
            stopped.add(event.strategy)
        elif isinstance(event, StrategyStarted):
            stopped.discard(event.strategy)
        elif isinstance(event, OrderIntentCreated):
            ticket = event.ticket
            if ticket.tag in stopped and not ticket.reduce_only:
                yield f"stopped: entry {ticket.client_order_id} is of {ticket.tag}"
