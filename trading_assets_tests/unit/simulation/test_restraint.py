"""The judge of restraint: two orders at work and entries of a book that ends are told."""

import pytest

from trading_assets.domain.events import (
    BarReady,
    OrderIntentCreated,
    OrderSubmitted,
    ReleaseAwaited,
    TradingHalted,
)
from trading_assets.domain.policy_events import BreakerTripped
from trading_assets.live.policies.book_policies import PolicyTerms
from trading_assets.live.policies.breakers import BreakerTerms
from trading_assets.simulation.campaign import run_schedule
from trading_assets.simulation.fault_plan import NONE
from trading_assets.simulation.restraint import excesses
from trading_assets.simulation.world import Options


@pytest.fixture
def world():
    """A schedule in which nothing failed, to be tampered with."""
    lived, wrong = run_schedule(8, Options(bars=20, rates=NONE))
    assert wrong == []
    return lived


def test_an_order_placed_while_another_worked_is_told(world):
    intents = [e for e in world.disk.events if isinstance(e, OrderIntentCreated)]
    tags = {e.ticket.client_order_id: e.ticket.tag for e in intents}
    first = world.venue.orders[0]
    place = tags[first.ticket.client_order_id], first.ticket.symbol
    later = (o for o in world.venue.orders[1:] if o.ticket.symbol == place[1])
    second = next(o for o in later if tags[o.ticket.client_order_id] == place[0])
    first.updated_at = second.placed_at + 1

    assert list(excesses(world)) == [
        f"at once: order {second.ticket.client_order_id} was placed while "
        f"{first.ticket.client_order_id} worked"
    ]


@pytest.mark.parametrize(("policy", "is_told"), [("close", True), ("carry", False)])
def test_an_entry_of_a_book_that_leaves_its_release_is_told(world, policy, is_told):
    awaited = ReleaseAwaited(world.minutes[0].ts, "release 2", policy, 3)
    world.disk.rewrite([(awaited,), *world.disk.commits])

    told = list(excesses(world))

    assert bool(told) == is_told
    assert all(text.startswith("leaving: entry ") for text in told)


TIGHT = PolicyTerms(breakers=BreakerTerms(drawdown=0.0005))
"""A few minutes of the drawn market pass it."""


def test_a_breaker_stops_a_book_in_a_world_that_fails_at_the_bar_that_it_measures():
    """Whatever is lost and wherever processes end: the halt is beside the bar, no entry after it.

    The judge has looked at each schedule: replays from snapshot and first row among it.
    """
    tripped = 0
    for seed in range(10):
        lived, wrong = run_schedule(seed, Options(bars=20, policies=TIGHT))
        assert wrong == [], seed
        for commit in lived.disk.commits:
            if any(isinstance(event, BreakerTripped) for event in commit):
                assert any(isinstance(event, BarReady) for event in commit)
                tripped += 1
    assert tripped >= 5


@pytest.mark.parametrize("missing", [TradingHalted, BreakerTripped, None])
def test_an_entry_after_a_breaker_or_none_of_its_halt_is_told(world, missing):
    entries = {
        event.ticket.client_order_id
        for event in world.disk.events
        if isinstance(event, OrderIntentCreated) and not event.ticket.reduce_only
    }
    sent = [event for event in world.disk.events if isinstance(event, OrderSubmitted)]
    after = [event.client_order_id for event in sent if event.client_order_id in entries]
    rows = [BreakerTripped(0, "drawdown", "", 0.4, 0.3), TradingHalted(0, "", source="breaker")]
    first = tuple(row for row in rows if type(row) is not missing)
    world.disk.rewrite([first, *world.disk.commits])

    told = list(excesses(world))

    assert after
    if missing is None:
        assert told == [f"breaker: entry {name} left after {rows[0].reason}" for name in after]
    elif missing is TradingHalted:
        assert told[0].startswith("breaker: no halt beside circuit breaker: drawdown")
    else:
        assert told == []
