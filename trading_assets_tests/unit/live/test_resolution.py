"""Asking backs off, survives outages, and proves absence only after both waits."""

from __future__ import annotations

import threading

import pytest

from trading_assets.domain.commands import SubmitOrder
from trading_assets.domain.errors import OrderArchived
from trading_assets.domain.events import (
    OrderFilled,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderReported,
    OrderSubmitted,
)
from trading_assets.domain.order import OrderStatus
from trading_assets.live.resolution import Resolution
from trading_assets.live.session import Session


class _Doubt:
    """One order in doubt, and somebody who asks about it."""

    def __init__(self, kit, fate):
        self.venue = kit.Venue([fate])
        self.local = kit.Local(self.venue)
        self.session = Session(kit.setup(), kit.Machine())
        (command,) = self.session.handle(kit.bar(0, sol=1000))
        assert isinstance(command, SubmitOrder)
        self.session.take_derived()
        self.ticket = command.ticket
        name = self.ticket.client_order_id
        self.session.handle(OrderSubmitted(1, name, self.venue.auth, 5000))
        with pytest.raises(Exception, match="lost"):
            self.venue.submit(self.ticket)
        self.session.handle(OrderOutcomeUnknown(1, name, "lost"))
        self.resolution = Resolution(self.venue, self.venue, self.local)
        self.resolution.begin(self.session.state.orders[name])
        self.asked = []
        query = self.venue.query
        self.venue.query = lambda *a: self.asked.append(self.local.seconds) or query(*a)

    def until(self, seconds, step=0.25):
        found = []
        end = self.local.seconds + seconds
        while self.local.seconds < end:
            for event in self.resolution.step(self.session.state):
                self.session.handle(event)
                found.append(event)
            self.local.wait(step, threading.Event())
        return found


def test_questions_come_at_growing_distances(kit):
    doubt = _Doubt(kit, "lost_request")
    doubt.until(18)
    start = doubt.asked[0]

    assert [moment - start for moment in doubt.asked] == [0, 0.5, 1.5, 3.5, 7.5, 15.5]


def test_absence_needs_window_and_margin_and_two_questions(kit):
    doubt = _Doubt(kit, "lost_request")
    assert doubt.until(20) == []
    (absent,) = doubt.until(20)

    assert isinstance(absent, OrderProvenAbsent)
    assert len(doubt.venue.sent) == 1


def test_an_order_that_the_venue_has_put_away_has_ended_without_an_execution(kit):
    doubt = _Doubt(kit, "lost_request")

    def archived(*_):
        raise OrderArchived("archived", code=-2026, status=400)

    doubt.venue.query = archived
    (reported,) = doubt.until(1)

    assert isinstance(reported, OrderReported)
    assert (reported.report.status, reported.report.executed) == (OrderStatus.EXPIRED, 0)
    assert doubt.session.state.orders == {}


def test_an_outage_starts_the_proof_again(kit):
    doubt = _Doubt(kit, "lost_request")
    doubt.until(23.6)
    assert doubt.resolution._watches[doubt.ticket.client_order_id].missed == 1
    doubt.venue.down = 1
    doubt.until(0.5)

    assert doubt.resolution._watches[doubt.ticket.client_order_id].missed == 0


def test_what_appears_late_is_adopted_with_its_fills(kit):
    doubt = _Doubt(kit, "late:4")
    found = doubt.until(10)

    assert [type(event) for event in found] == [OrderReported, OrderFilled, OrderFilled]
    assert doubt.session.machine.position[0] == 1000
    assert doubt.session.state.orders == {}


def test_history_has_the_last_word(kit):
    doubt = _Doubt(kit, "lost_answer")
    doubt.venue.query = lambda *_: None
    found = doubt.until(40)

    assert [type(event) for event in found] == [OrderReported, OrderFilled, OrderFilled]
