"""Every pair of an order's state and an event: what follows from it, or that it is refused."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from trading_assets.domain.commands import QueryOrder, SubmitOrder
from trading_assets.domain.errors import InvariantError
from trading_assets.domain.events import (
    OrderFilled,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
)
from trading_assets.domain.order import OrderStatus

S = OrderStatus
PART, REST, ALL = "0.400", "0.600", "1.000"

STATES = {
    "INTENT": (),
    "SENT": ("submitted",),
    "UNKNOWN": ("submitted", "unknown"),
    "ACCEPTED": ("submitted", "reported ACCEPTED"),
    "PARTIALLY_FILLED": ("submitted", "reported PARTIALLY_FILLED", "filled in part"),
    "CANCELED, a fill to come": ("submitted", "reported CANCELED after a part"),
    "FILLED, a fill to come": ("submitted", "filled in part", "reported FILLED"),
    "ended FILLED": ("submitted", "filled in whole", "reported FILLED"),
    "ended CANCELED": ("submitted", "reported CANCELED"),
    "ended REJECTED": ("submitted", "refused"),
    "ended EXPIRED": ("submitted", "reported EXPIRED"),
    "ended ABSENT": ("submitted", "unknown", "absent"),
}
EVENTS = (
    "submitted",
    "unknown",
    "absent",
    "refused",
    *(f"reported {s.name}" for s in (S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED)),
    *(f"reported {s.name}" for s in (S.REJECTED, S.EXPIRED)),
    "reported CANCELED after a part",
    "filled in part",
    "filled in whole",
    "filled beyond",
    "filled again",
)

LEGAL = {
    "INTENT": {
        "submitted": "SENT 0",
        "absent": "ended 0",
    },
    "SENT": {
        "unknown": "UNKNOWN? 0",
        "absent": "ended 0",
        "refused": "ended 0",
        "reported ACCEPTED": "ACCEPTED 0",
        "reported PARTIALLY_FILLED": "PARTIALLY_FILLED 0",
        "reported FILLED": "FILLED? 0",
        "reported CANCELED": "ended 0",
        "reported REJECTED": "ended 0",
        "reported EXPIRED": "ended 0",
        "reported CANCELED after a part": "CANCELED? 0",
        "filled in part": "SENT 0.400",
        "filled in whole": "SENT 1.000",
        "filled again": "SENT 0.600",
    },
    "UNKNOWN": {
        "absent": "ended 0",
        "refused": "ended 0",
        "reported ACCEPTED": "ACCEPTED 0",
        "reported PARTIALLY_FILLED": "PARTIALLY_FILLED 0",
        "reported FILLED": "FILLED? 0",
        "reported CANCELED": "ended 0",
        "reported REJECTED": "ended 0",
        "reported EXPIRED": "ended 0",
        "reported CANCELED after a part": "CANCELED? 0",
        "filled in part": "UNKNOWN 0.400",
        "filled in whole": "UNKNOWN 1.000",
        "filled again": "UNKNOWN 0.600",
    },
    "ACCEPTED": {
        "reported PARTIALLY_FILLED": "PARTIALLY_FILLED 0",
        "reported FILLED": "FILLED? 0",
        "reported CANCELED": "ended 0",
        "reported EXPIRED": "ended 0",
        "reported CANCELED after a part": "CANCELED? 0",
        "filled in part": "ACCEPTED 0.400",
        "filled in whole": "ACCEPTED 1.000",
        "filled again": "ACCEPTED 0.600",
    },
    "PARTIALLY_FILLED": {
        "reported PARTIALLY_FILLED": "PARTIALLY_FILLED 0.400",
        "reported FILLED": "FILLED? 0.400",
        "reported CANCELED after a part": "ended 0.400",
    },
    "CANCELED, a fill to come": {
        "reported CANCELED after a part": "CANCELED? 0",
        "filled in part": "ended 0.400",
        "filled in whole": "CANCELED? 1.000",
        "filled again": "CANCELED? 0.600",
    },
    "FILLED, a fill to come": {
        "reported FILLED": "FILLED? 0.400",
    },
}
"""What follows from the events that are legal: state, `?` when the venue is asked, and SOL held;
every other event of `EVENTS` is refused, and an ended order takes none."""


def event_of(name, ticket, kit):
    cid, ts = ticket.client_order_id, ticket.bar_ts
    word, _, rest = name.partition(" ")
    if word == "reported":
        status = S[rest.split()[0]]
        executed = {S.PARTIALLY_FILLED: PART, S.FILLED: ALL}.get(status, "0")
        return OrderReported(
            ts, kit.report(ticket, status.name, PART if "part" in rest else executed)
        )
    if word == "filled":
        trade, quantity = {
            "in part": ("1", PART),
            "in whole": ("2", ALL),
            "beyond": ("3", "1.100"),
            "again": ("1", REST),
        }[rest]
        return OrderFilled(ts, kit.fill(ticket, trade, quantity))
    return {
        "submitted": OrderSubmitted(ts, cid, 1, 5000),
        "unknown": OrderOutcomeUnknown(ts, cid, "lost"),
        "absent": OrderProvenAbsent(ts, cid, "proof"),
        "refused": OrderRefused(ts, cid, -2010, "no"),
    }[word]


def outcome_of(session, kit, state, name):
    (command,) = session.handle(kit.bar(0, sol=1000))
    assert isinstance(command, SubmitOrder)
    session.take_derived()
    ticket = command.ticket
    for step in STATES[state]:
        session.handle(event_of(step, ticket, kit))
    try:
        commands = session.handle(event_of(name, ticket, kit))
    except InvariantError:
        return "refused"
    order = session.state.orders.get(ticket.client_order_id)
    asks = "?" if any(isinstance(c, QueryOrder) for c in commands) else ""
    assert not any(isinstance(c, SubmitOrder) for c in commands)
    held = session.state.flows.get("SOL", Decimal(0))
    now = "ended" if order is None else order.status.name
    return f"{now}{asks} {held}"


@pytest.mark.parametrize(("state", "name"), list(product(STATES, EVENTS)))
def test_a_pair_is_legal_as_the_table_says_or_refused(session, kit, state, name):
    assert outcome_of(session, kit, state, name) == LEGAL.get(state, {}).get(name, "refused")


def test_the_table_has_every_state_that_an_order_can_have():
    named = {next(w for w in state.replace(",", "").split() if w.isupper()) for state in STATES}
    assert named == {status.name for status in OrderStatus}
