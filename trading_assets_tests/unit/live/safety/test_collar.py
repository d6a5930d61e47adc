"""The last look before a send: a price far off, a market not seen for long, one order more."""

from __future__ import annotations

import math
import threading
from decimal import Decimal

import pytest

from trading_assets.domain.events import OrderProvenAbsent, OrderSubmitted
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.live.safety.collar import Collar, CollarTerms
from trading_assets.live.venue_time import VenueTime

NAN = math.nan
LATE = 30_000_000


@pytest.fixture
def look(session, kit):
    """Give the collar's word on an order, with a last close of 100 at the first bar."""
    session.handle(kit.bar(0, sol=1000, btc=200))
    session.take_derived()
    venue = kit.Venue()
    venue.market = kit.START + kit.BAR
    local = kit.Local()
    clock = VenueTime(venue)
    clock.poll()

    def word(*, price=None, exits=False, waited_s=0.0, **terms):
        values = {"price_pct": 10.0, "bar_size": kit.BAR, "late_bar": LATE, "max_open_orders": 0}
        collar = Collar(session, clock, local, CollarTerms(**{**values, **terms}))
        local.seconds += waited_s
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        limit = None if price is None else Decimal(price)
        return collar.refusal(
            OrderTicket("ta-1", "tiny", "SOLUSDT", OrderSide.BUY, kind, TimeInForce.GTC,
                        Decimal(1), kit.START, limit, reduce_only=exits)
        )  # fmt: skip

    return word


@pytest.mark.parametrize("price", ["90.00", "110.00", "100"])
def test_a_price_inside_the_collar_may_leave(look, price):
    assert look(price=price) == ""


@pytest.mark.parametrize(
    ("price", "away"), [("89.99", "-10.0"), ("110.01", "10.0"), ("1000", "900.0"), ("1", "-99.0")]
)
def test_a_price_outside_the_collar_stays_here(look, price, away):
    assert look(price=price) == f"price {price} is {away} % from the last close"
    assert look(price=price, price_pct=0.0) == ""


def test_the_collar_of_an_exit_is_wider_and_still_one(look):
    assert look(price="129", exits=True) == ""
    assert "from the last close" in look(price="131", exits=True)
    assert look(price="1", exits=True) == ""  # a purchase that closes a short, far below


def test_an_entry_at_market_needs_a_fresh_bar_and_an_exit_does_not(look):
    assert look(waited_s=30.0) == ""
    assert look(waited_s=30.1) == "the last bar is 30.1 s old"
    assert look(waited_s=1000.0, exits=True) == ""
    assert look(waited_s=1000.0, price="100") == ""


def test_no_entry_is_one_order_too_many(look, session):
    for order in session.state.orders.values():
        session.handle(_sent(order))
    assert look(max_open_orders=3) == ""
    assert look(max_open_orders=2) == "2 orders are open already"
    assert look(max_open_orders=2, exits=True) == ""


def _sent(order):
    return OrderSubmitted(1, order.client_order_id, 1, 5000)


def test_a_price_without_any_close_to_compare_with_stays_here(session, kit):
    local = kit.Local()
    terms = CollarTerms(10.0, kit.BAR, LATE, 0)
    collar = Collar(session, VenueTime(kit.Venue()), local, terms)
    ticket = OrderTicket("ta-1", "tiny", "SOLUSDT", OrderSide.BUY, OrderType.LIMIT,
                         TimeInForce.GTC, Decimal(1), 0, Decimal(100))  # fmt: skip
    assert "Infinity %" in collar.refusal(ticket)


def test_orders_of_a_bar_that_grew_old_behind_a_slow_venue_are_dropped_not_sent(kit):
    desk = kit.Desk([(1000, 200)])
    submit = desk.venue.submit

    def slow(ticket):
        report = submit(ticket)
        desk.local.wait(101.0, threading.Event())
        return report

    desk.venue.submit = slow
    desk.executor(poll_s=0.5).run(threading.Event(), max_bars=1)
    (dropped,) = [e for e in desk.journal.events if isinstance(e, OrderProvenAbsent)]
    assert dropped.evidence.startswith("never sent: the last bar is 101.")
    assert len(desk.venue.sent) == 1
    assert desk.verdicts() == []
