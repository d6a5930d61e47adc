"""Executors killed with -9 around the sending of orders, judged by the exchange's own ledger."""

from __future__ import annotations

import random
import time

import pytest

from trading_assets.domain.events import (
    BarReady,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderSubmitted,
    Reconciled,
    SessionOpened,
)

pytestmark = pytest.mark.slow


def _in_doubt(events):
    """List orders that were sent and have no answer yet."""
    sent = [e.client_order_id for e in events if isinstance(e, OrderSubmitted)]
    answered = {
        getattr(getattr(e, "report", e), "client_order_id", None)
        for e in events
        if not isinstance(e, OrderSubmitted | OrderOutcomeUnknown | OrderIntentCreated)
    }
    return [name for name in sent if name not in answered]


def _dropped(events):
    return {e.client_order_id for e in events if isinstance(e, OrderProvenAbsent)}


@pytest.mark.parametrize("when", ["after_ms", "before_ms"])
def test_a_kill_between_sending_and_the_answer_loses_and_doubles_nothing(rig, when):
    rig.fault("delay", **{when: 3000})
    process = rig.start()
    (name, *_) = rig.until(lambda: _in_doubt(rig.events()), "an order without an answer")
    if when == "after_ms":
        rig.until(lambda: rig.ledger()["orders"], "the order at the exchange")
    else:
        time.sleep(0.2)  # the request is on its way; it will be executed when nobody listens
    rig.kill(process)
    assert _in_doubt(rig.events()) == [name]

    process = rig.start()
    rig.until(lambda: rig.count(Reconciled) > 1, "the restart to be reconciled")
    bars = rig.count(BarReady)
    rig.until(lambda: rig.count(BarReady) > bars + 3, "three more bars")
    rig.stop(process)

    assert rig.verdicts() == []
    assert rig.count(SessionOpened) == 2
    events = rig.events()
    absent = [e for e in events if isinstance(e, OrderProvenAbsent)]
    assert all(e.evidence.startswith("never sent") for e in absent)
    assert name in {e.fill.client_order_id for e in events if isinstance(e, OrderFilled)}
    assert [e.client_order_id for e in events if isinstance(e, OrderOutcomeUnknown)] == [name]


def test_a_kill_before_the_request_was_received_drops_the_decision(rig):
    rig.fault("delay", before_ms=1000)
    rig.fault("drop_request")
    process = rig.start()
    (name, *_) = rig.until(lambda: _in_doubt(rig.events()), "an order without an answer")
    rig.kill(process)

    process = rig.start()
    # Orders that were never sent are dropped at once; this one needs its proof first.
    rig.until(lambda: name in _dropped(rig.events()), "the proof of absence")
    rig.until(lambda: rig.count(Reconciled) > 1, "the restart to be reconciled")
    rig.stop(process)

    assert rig.verdicts() == []
    assert name not in {order["client_order_id"] for order in rig.ledger()["orders"]}


def test_kills_at_random_moments_lose_and_double_nothing(rig):
    rng = random.Random(7)
    kills = 0
    while kills < 4:
        rig.clear_faults()
        rig.fault("delay", after_ms=rng.choice((0, 40, 150)), count=1_000_000)
        process = rig.start()
        opened = rig.count(SessionOpened)
        rig.until(lambda opened=opened: rig.count(SessionOpened) > opened, "the next session")
        sent = rig.count(OrderSubmitted)
        rig.until(lambda sent=sent: rig.count(OrderSubmitted) > sent, "an order")
        time.sleep(rng.uniform(0, 0.3))
        rig.kill(process)
        kills += 1
    rig.clear_faults()
    process = rig.start()
    opened = rig.count(Reconciled)
    rig.until(lambda: rig.count(Reconciled) > opened, "the last restart to be reconciled")
    rig.stop(process)

    assert rig.verdicts() == []
    assert len(rig.ledger()["orders"]) >= 4


def test_the_second_executor_is_turned_away_before_it_sends_anything(rig):
    first = rig.start()
    rig.until(lambda: rig.count(OrderSubmitted), "the first executor to trade")
    second = rig.start()
    output, _ = second.communicate(timeout=60)

    assert second.returncode != 0
    assert "LeaseHeld" in output
    assert f"process {first.pid}" in output
    rig.stop(first)
    assert rig.count(SessionOpened) == 1
    assert rig.verdicts() == []
