"""A book changes its release between two bars: nothing is orphaned, no loss limit is forgotten."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_assets.domain.commands import CancelOrder
from trading_assets.domain.events import (
    DecisionDropped,
    OrderProvenAbsent,
    OrderReported,
    ReleaseAwaited,
    ReleaseSwitched,
    SessionOpened,
)
from trading_assets_tests.stand_ins.releases import Desk, lots


@pytest.fixture
def desk(kit):
    return Desk(kit)


def test_a_flat_book_changes_at_once_with_the_money_it_has(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    (out,) = desk.bar(1, price=90.0, sol=0.0)
    desk.fill(out, "90")
    desk.bar(2)
    before = desk.session.machine
    cash, peak = before.balances()["USDT"], before._state.account[0]["peak"]
    desk.wanted = "r2"

    awaited, _ = desk.turn()
    switched, _ = desk.turn()

    assert (awaited.release_id, awaited.policy) == ("r2", "when_flat")
    assert switched == ReleaseSwitched(switched.ts, "r1", "r2", carried=False)
    after = desk.session.machine
    assert after.balances()["USDT"] == cash
    assert after._state.account[0]["peak"] == peak
    assert after.drawdown > 0.01  # the loss of the release before is not forgotten
    desk.session.check_engine()
    desk.must_recover()
    (ticket,) = desk.bar(3, sol=1.0)
    assert ticket.quantity * 100 == pytest.approx(Decimal("0.2") * cash, rel=Decimal("0.01"))
    desk.fill(ticket)
    desk.session.check_engine()
    desk.must_recover()


def test_a_release_waits_until_nothing_is_held_and_no_entry_goes_out_meanwhile(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.wanted = "r2"
    desk.turn()

    assert desk.bar(1, btc=1.0) == []
    rules = [e.rule for e in desk.journal.events if isinstance(e, DecisionDropped)]
    assert rules == ["hand_over"]
    assert desk.turn() == (None, [])
    (out,) = desk.bar(2, sol=0.0)  # the release before manages what it holds
    desk.fill(out)
    switched, _ = desk.turn()

    assert isinstance(switched, ReleaseSwitched)
    desk.must_recover()


def test_what_is_held_for_too_long_is_sold(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.wanted = "r2"
    desk.turn()
    assert desk.bar(1) == desk.bar(2) == []

    (out,) = desk.bar(3)

    assert (out.symbol, out.reduce_only) == ("SOLUSDT", True)
    desk.fill(out)
    assert isinstance(desk.turn()[0], ReleaseSwitched)
    desk.must_recover()


def test_what_is_held_is_sold_at_once_when_that_is_the_policy(desk):
    desk.policy = "close"
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.bar(1)
    desk.wanted = "r2"

    event, commands = desk.turn()

    assert isinstance(event, ReleaseAwaited)
    (out,) = desk.sent(commands)
    desk.fill(out)
    assert isinstance(desk.turn()[0], ReleaseSwitched)
    assert lots(desk.session) == {}
    desk.must_recover()


def test_positions_and_working_orders_go_over_where_the_books_are_the_same(desk):
    desk.policy = "carry"
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    (working,) = desk.bar(1, btc=0.5)
    desk.take(OrderReported(1, desk.kit.report(working, "ACCEPTED")))
    desk.wanted = "r2"

    awaited, commands = desk.turn()
    assert (awaited.policy, commands) == ("carry", [])
    switched, _ = desk.turn()

    assert switched.carried
    assert lots(desk.session) == {"SOLUSDT": 19980}
    assert [o.client_order_id for o in desk.session.state.orders.values()] == [
        working.client_order_id
    ]
    desk.fill(working)
    desk.session.check_engine()
    desk.must_recover()
    (less,) = desk.bar(2, sol=0.5)  # the target of the new release is half of the old one's
    assert less.side < 0
    desk.must_recover()


def test_an_order_in_doubt_holds_up_the_change(desk):
    desk.policy = "carry"
    (ticket,) = desk.bar(0, sol=0.5)
    desk.wanted = "r2"
    desk.turn()

    assert desk.turn() == (None, [])
    desk.take(OrderProvenAbsent(1, ticket.client_order_id, "proof"))
    assert isinstance(desk.turn()[0], ReleaseSwitched)


def test_working_entries_are_withdrawn_for_a_release(desk):
    (working,) = desk.bar(0, sol=0.5)
    desk.take(OrderReported(1, desk.kit.report(working, "ACCEPTED")))
    desk.wanted = "r2"

    _, commands = desk.turn()

    assert commands == [CancelOrder("SOLUSDT", working.client_order_id)]


def test_there_and_back_again_is_replayed_from_the_first_row(desk):
    for number, wanted in enumerate(("r2", "r3", "r1")):
        desk.wanted = wanted
        desk.turn()
        desk.turn()
        desk.take(SessionOpened(desk.session.state.last_ts, "paper", wanted, ()))
        desk.bar(number)
        desk.must_recover()
    desk.journal.save_snapshot(desk.session.snapshot())
    desk.must_recover()


@pytest.mark.parametrize("rows", range(1, 4))
def test_a_process_may_end_after_any_row_of_a_change(desk, rows):
    desk.bar(0)
    desk.wanted = "r2"
    start = desk.journal.head
    desk.turn()
    desk.turn()
    desk.take(SessionOpened(desk.session.state.last_ts, "paper", "r2", ()))
    desk.journal.events = desk.journal.events[: start + rows]

    again = desk.recovered()

    assert again.setup.release_id == ("r1" if rows < 2 else "r2")
    assert bool(again.state.awaited) == (rows == 1)
