"""A halt withdraws entries also while the executor waits for a feed or a venue that hangs."""

from __future__ import annotations

import math
import threading
import time
from decimal import Decimal

import pytest

from trading_assets.domain.control import HaltLevel, HaltRequest
from trading_assets.domain.errors import VenueUnavailable
from trading_assets.domain.events import OrderReported
from trading_assets.domain.order import (
    OrderReport,
    OrderSide,
    OrderStatus,
    OrderTicket,
    OrderType,
    TimeInForce,
)
from trading_assets.live.board import OrderBoard
from trading_assets.live.safety.canceller import Canceller
from trading_assets_tests.stand_ins.tiny_venue import TinyVenue

NAN = math.nan
PATIENCE_S = 10


class Resting(TinyVenue):
    """A venue where orders rest until they are withdrawn."""

    def __init__(self):
        super().__init__()
        self.withdrawn = threading.Event()
        self.cancels = []

    def _execute(self, ticket, share=Decimal(1)):
        order = super()._execute(ticket, Decimal(0))
        order["status"] = OrderStatus.ACCEPTED
        return order

    def _report(self, order):
        report = super()._report(order)
        names = {name: getattr(report, name) for name in OrderReport.__dataclass_fields__}
        return OrderReport(**{**names, "status": order["status"]})

    def cancel(self, symbol, client_order_id):
        self.cancels.append(client_order_id)
        (order,) = [o for o in self.orders if o["ticket"].client_order_id == client_order_id]
        order["status"] = OrderStatus.CANCELED
        self.withdrawn.set()
        return self._report(order)


@pytest.fixture
def desk(kit):
    desk = kit.Desk([(1000, NAN), (NAN, NAN)])
    desk.venue = Resting()
    desk.local.followers = (desk.venue,)
    return desk


def _hung(desk, executor):
    """Run an executor in a thread until its feed hangs with one order at work."""
    hangs, goes_on = threading.Event(), threading.Event()
    poll = executor._feed.poll

    def hang(now):
        if executor._session.state.orders and not goes_on.is_set():
            hangs.set()
            assert goes_on.wait(PATIENCE_S)
        return poll(now)

    executor._feed.poll = hang
    thread = threading.Thread(
        target=executor.run, args=(threading.Event(),), kwargs={"max_bars": 2}
    )
    thread.start()
    assert hangs.wait(PATIENCE_S)
    return thread, goes_on


def test_an_entry_is_withdrawn_while_the_feed_hangs(desk):
    executor = desk.executor()
    board = executor._around.board
    with Canceller(board, desk.people.latched, lambda: desk.venue):
        thread, goes_on = _hung(desk, executor)
        assert [ticket.symbol for ticket in board.tickets] == ["SOLUSDT"]
        began = time.monotonic()
        desk.halt("now")
        assert desk.venue.withdrawn.wait(PATIENCE_S)
        assert time.monotonic() - began < 1.0
        goes_on.set()
        thread.join(PATIENCE_S)
    assert desk.session.state.orders == {}
    assert board.tickets == ()
    statuses = [e.report.status for e in desk.journal.events if isinstance(e, OrderReported)]
    assert statuses == [OrderStatus.ACCEPTED, OrderStatus.CANCELED]


@pytest.mark.parametrize("level", [None, HaltLevel.PAUSE])
def test_nothing_is_withdrawn_without_a_halt(kit, level):
    looks = threading.Semaphore(0)

    def latched():
        looks.release()
        return None if level is None else HaltRequest("wait", level)

    board = OrderBoard()
    board.tickets = (_ticket(kit),)
    venue = Resting()
    with Canceller(board, latched, lambda: venue):
        for _ in range(8):
            assert looks.acquire(timeout=PATIENCE_S)
    assert venue.cancels == []


def test_a_venue_that_does_not_answer_is_asked_again_in_a_second(kit):
    board = OrderBoard()
    board.tickets = (_ticket(kit),)
    asked = []
    answered = threading.Event()

    class Deaf(Resting):
        def cancel(self, symbol, client_order_id):
            asked.append(time.monotonic())
            if len(asked) == 1:
                raise VenueUnavailable("down")
            board.tickets = ()
            answered.set()

    with Canceller(board, lambda: HaltRequest("now"), Deaf):
        assert answered.wait(PATIENCE_S)
    assert asked[1] - asked[0] >= 1.0


def _ticket(kit):
    return OrderTicket(
        "ta-1", "tiny", "SOLUSDT", OrderSide.BUY, OrderType.LIMIT, TimeInForce.GTC, Decimal(1), 0
    )
