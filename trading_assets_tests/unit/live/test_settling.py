"""Balances run ahead of the list of executions: a difference is wrong only when it stays."""

from decimal import Decimal

import pytest

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import (
    OrderProvenAbsent,
    OrderReported,
    OrderSubmitted,
    Reconciled,
)
from trading_assets.domain.order import OrderStatus
from trading_assets.live.reconcile import SETTLING, Reconciler


@pytest.fixture
def compare(kit, session):
    """Give (venue, compare): compare after so many seconds, tell whether the book agrees."""
    venue = kit.Venue()
    reconciler = Reconciler("demo", (kit.SOL, kit.BTC), venue, venue)
    session.state.opened_ts = venue.market
    session.state.opening = {b.asset: b.total for b in venue.balances()}
    taken = []

    def after(seconds):
        venue.advance(seconds)
        return reconciler.run(session.state, taken.append)

    after.venue, after.taken = venue, taken
    return after


def test_a_book_that_agrees_is_written_down(compare):
    assert compare(0)
    assert [type(event) for event in compare.taken] == [Reconciled]


def test_a_difference_is_doubted_before_it_is_believed(compare):
    compare.venue.holdings["USDT"] += 1

    assert not compare(0)
    assert not compare(SETTLING / 1e6)
    with pytest.raises(RecoveryError, match="balances differ"):
        compare(1)
    assert compare.taken == []


def test_another_difference_is_doubted_anew(compare):
    compare.venue.holdings["USDT"] += 1
    assert not compare(0)
    compare.venue.holdings["USDT"] += 1

    assert not compare(SETTLING / 1e6 + 1)
    assert not compare(SETTLING / 1e6)


def test_a_difference_that_goes_away_leaves_no_doubt_behind(compare):
    compare.venue.holdings["USDT"] += 1
    assert not compare(0)
    compare.venue.holdings["USDT"] -= 1
    assert compare(10)
    compare.venue.holdings["USDT"] += 1

    assert not compare(10)


@pytest.fixture
def ghost(compare, session, kit):
    """An order that works at the venue; the book has its decision, and says that it has ended."""
    (command,) = session.handle(kit.bar(0, sol=1000))
    session.take_derived()
    ticket = command.ticket
    session.handle(OrderProvenAbsent(0, ticket.client_order_id, "a restored copy said so"))
    order = {"ticket": ticket, "ts": compare.venue.market, "id": 1, "executed": Decimal(0)}
    order["status"] = OrderStatus.ACCEPTED
    compare.venue.orders.append(order)
    return order


def test_an_order_that_has_ended_in_the_book_and_works_at_the_venue_is_doubted_first(
    compare, ghost
):
    assert not compare(0)
    assert not compare(SETTLING / 1e6)
    with pytest.raises(RecoveryError, match="works at the venue and has ended in the journal"):
        compare(1)


def test_an_order_that_the_venue_ends_late_leaves_no_doubt_behind(compare, ghost):
    assert not compare(0)
    ghost["status"] = OrderStatus.CANCELED
    assert compare(10)
    ghost["status"] = OrderStatus.ACCEPTED

    assert not compare(10)


def test_the_same_difference_is_not_believed_while_an_order_has_executions_to_come(
    compare, session, kit
):
    (command,) = session.handle(kit.bar(0, sol=1000))
    session.take_derived()
    ticket = command.ticket
    session.handle(OrderSubmitted(0, ticket.client_order_id, 1, 5000))
    session.handle(OrderReported(0, kit.report(ticket, "ACCEPTED")))
    order = {"ticket": ticket, "ts": compare.venue.market, "id": 1, "executed": Decimal("0.4")}
    order["status"] = OrderStatus.PARTIALLY_FILLED
    compare.venue.orders.append(order)
    compare.venue.holdings["USDT"] -= 40

    assert not compare(0)
    assert not compare(SETTLING / 1e6 + 1)  # its execution has not been listed yet
    order["executed"] = Decimal(0)
    assert not compare(1)
    with pytest.raises(RecoveryError, match="balances differ"):
        compare(SETTLING / 1e6 + 1)
