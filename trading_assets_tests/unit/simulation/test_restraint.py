"""The judge of restraint: two orders at work and entries of a book that ends are told."""

import pytest

from trading_assets.domain.events import OrderIntentCreated, ReleaseAwaited
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
