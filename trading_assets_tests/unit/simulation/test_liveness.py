"""The judge of idleness: a book that does nothing is told, however little it loses."""

import dataclasses

import pytest

from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    OrderIntentCreated,
    OrderProvenAbsent,
)
from trading_assets.simulation.campaign import run_schedule
from trading_assets.simulation.fault_plan import NONE
from trading_assets.simulation.liveness import idleness
from trading_assets.simulation.world import Options

CALM = Options(bars=20, rates=NONE)


@pytest.fixture
def world():
    """A schedule in which nothing failed, to be tampered with."""
    lived, wrong = run_schedule(8, CALM)
    assert wrong == []
    return lived


def rewrite(world, change):
    world.disk.rewrite(
        [tuple(e for e in map(change, commit) if e is not None) for commit in world.disk.commits]
    )


def test_an_order_that_is_written_as_sent_and_stays_here_is_told(world):
    sent = world.wire.sent.pop()

    assert list(idleness(world)) == [
        f"idle: 1 orders are written as sent and never left: {sent.ticket.client_order_id}"
    ]


def test_as_many_may_stay_as_processes_have_ended(world):
    world.wire.sent.pop()
    world.failpoints.crashes["before_send"] += 1

    assert list(idleness(world)) == []


def test_late_bars_are_told_where_nothing_was_late(world):
    late = world.minutes[3].ts
    rewrite(
        world,
        lambda e: (
            dataclasses.replace(e, late=True) if isinstance(e, BarReady) and e.ts == late else e
        ),
    )

    assert list(idleness(world)) == [f"idle: 1 bars are late in a calm world, the first at {late}"]


def test_an_order_that_is_held_back_is_told(world):
    held = OrderProvenAbsent(world.time.now, "ta-1", "never sent: no reason")
    world.disk.rewrite([*world.disk.commits, (held,)])

    assert list(idleness(world)) == ["idle: order ta-1 stays here: never sent: no reason"]


def test_a_decision_that_is_dropped_is_told(world):
    symbol = world.minutes[0].bars[0].symbol
    dropped = DecisionDropped(world.time.now, symbol, "", world.minutes[0].ts, "halted")
    world.disk.rewrite([*world.disk.commits, (dropped,)])

    assert list(idleness(world)) == [f"idle: a decision about {symbol} is dropped: halted"]


@pytest.mark.parametrize(("rule", "is_told"), [("order_unresolved", False), ("halted", True)])
def test_a_venue_that_tells_late_of_an_orders_end_may_cost_a_decision(world, rule, is_told):
    """Until then it is not known what is held; any other reason has to be another's."""
    symbol = world.minutes[0].bars[0].symbol
    dropped = DecisionDropped(world.time.now, symbol, "", world.minutes[0].ts, rule)
    world.disk.rewrite([*world.disk.commits, (dropped,)])
    assert list(idleness(world)) != []

    world.plan.counts["reports_lag"] += 1

    assert (list(idleness(world)) != []) is is_told


def test_a_book_that_holds_nothing_and_is_told_to_hold_nothing_may_stay_idle(world):
    def flat(event):
        if isinstance(event, OrderIntentCreated):
            return None
        if not isinstance(event, BarReady):
            return event
        rows = [dataclasses.replace(r, values=(0.0, *r.values[1:])) for r in event.rows]
        return dataclasses.replace(event, rows=tuple(rows))

    rewrite(world, flat)

    assert list(idleness(world)) == []


def test_a_book_that_decides_nothing_is_told(world):
    rewrite(world, lambda e: None if isinstance(e, OrderIntentCreated) else e)

    assert any(text.endswith("signals and no decision") for text in idleness(world))


def test_a_book_that_takes_too_few_snapshots_is_told(world):
    del world.disk.snapshots[0]

    assert list(idleness(world)) == ["idle: 2 snapshots in 20 bars"]
