"""The same events give the same book, and no event can make it do a thing twice."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from trading_assets.domain.account import Balance
from trading_assets.domain.commands import QueryOrder, SaveSnapshot, SubmitOrder
from trading_assets.domain.errors import InvariantError, RecoveryError
from trading_assets.domain.events import (
    DecisionDropped,
    EquityMarked,
    ForeignFillSeen,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
    SessionOpened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.order import OrderStatus, OrderType, TimeInForce
from trading_assets.live.saved_session import SavedSession
from trading_assets.live.session import Session


def _decide(session, kit, number=0, **targets):
    """Handle a bar and the SENT rows of its orders; give the tickets."""
    commands = session.handle(kit.bar(number, **targets))
    session.take_derived()
    tickets = [command.ticket for command in commands if isinstance(command, SubmitOrder)]
    for ticket in tickets:
        session.handle(OrderSubmitted(ticket.bar_ts, ticket.client_order_id, 1, 5000))
    return tickets


def test_a_bar_is_marked_decided_and_its_orders_are_asked_for(session, kit):
    commands = session.handle(kit.bar(0, sol=1500))
    derived = session.take_derived()

    (command,) = commands
    assert isinstance(command, SubmitOrder)
    assert command.ticket.quantity == Decimal("1.500")
    assert command.ticket.client_order_id.startswith("ta-")
    assert [type(event) for event in derived] == [EquityMarked, OrderIntentCreated]
    assert derived[1].ticket is command.ticket
    assert session.state.orders[command.ticket.client_order_id].status is OrderStatus.INTENT


def test_a_decision_has_the_same_id_in_every_process(kit):
    first = Session(kit.setup(), kit.Machine()).handle(kit.bar(0, sol=1500))
    again = Session(kit.setup(release_id="r2"), kit.Machine()).handle(kit.bar(0, sol=1500))
    other = Session(kit.setup(tag="other"), kit.Machine()).handle(kit.bar(0, sol=1500))

    assert first[0].ticket.client_order_id == again[0].ticket.client_order_id
    assert first[0].ticket.client_order_id != other[0].ticket.client_order_id


@pytest.mark.parametrize("number", [5, 4])
def test_bars_never_repeat_nor_go_backwards(session, kit, number):
    session.handle(kit.bar(5))
    session.take_derived()
    with pytest.raises(InvariantError, match="backwards"):
        session.handle(kit.bar(number, sol=1000))


def test_a_late_bar_marks_and_never_trades(session, kit):
    assert session.handle(kit.bar(0, sol=1500, late=True)) == []
    assert [type(event) for event in session.take_derived()] == [EquityMarked]
    assert session.machine.price[0] == 100.0


@pytest.mark.parametrize(
    ("sendable", "rule"),
    [
        ({"order_types": frozenset({OrderType.LIMIT})}, "order_type_not_at_venue"),
        ({"times_in_force": frozenset({TimeInForce.IOC})}, "time_in_force_not_at_venue"),
    ],
)
def test_a_decision_that_the_venue_cannot_take_is_dropped_with_that_reason(kit, sendable, rule):
    session = Session(kit.setup(**sendable), kit.Machine())

    assert session.handle(kit.bar(0, sol=1500)) == []

    dropped = [e for e in session.take_derived() if isinstance(e, DecisionDropped)]
    assert [(event.symbol, event.rule) for event in dropped] == [("SOLUSDT", rule)]
    assert session.machine.closed == [[1, "CANCELED"]]


def test_one_order_per_symbol_until_it_has_ended(session, kit):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    session.handle(OrderOutcomeUnknown(1, ticket.client_order_id, "lost"))
    session.machine.working.clear()  # an engine that forgot: the session does not

    commands = session.handle(kit.bar(1, sol=2000, btc=10))
    dropped = [e for e in session.take_derived() if isinstance(e, DecisionDropped)]
    assert [command.ticket.symbol for command in commands] == ["BTCUSDT"]
    assert [(event.symbol, event.rule) for event in dropped] == [("SOLUSDT", "order_unresolved")]
    assert session.machine.closed == [[2, "CANCELED"]]


def test_fills_accumulate_and_the_engine_order_ends_with_the_last(session, kit):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    session.handle(OrderFilled(1, kit.fill(ticket, 1, "0.400")))
    assert session.machine.position[0] == 400
    session.handle(OrderReported(1, kit.report(ticket, "PARTIALLY_FILLED", "0.400")))
    session.handle(OrderFilled(2, kit.fill(ticket, 2, "0.600")))
    session.handle(OrderReported(2, kit.report(ticket, "FILLED", "1.000")))

    assert session.machine.position[0] == 1000
    assert session.machine.working == {}
    assert session.machine.closed == []
    assert session.state.orders == {}


def test_an_expired_rest_closes_the_order_and_the_next_bar_decides_anew(session, kit):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    session.handle(OrderFilled(1, kit.fill(ticket, 1, "0.400")))
    session.handle(OrderReported(1, kit.report(ticket, "EXPIRED", "0.400")))

    assert session.machine.closed == [[1, "EXPIRED"]]
    (second,) = _decide(session, kit, 1, sol=1000)
    assert second.quantity == Decimal("0.600")
    assert second.client_order_id != ticket.client_order_id


def test_a_final_report_waits_for_its_fills(session, kit):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    commands = session.handle(OrderReported(1, kit.report(ticket, "FILLED", "1.000")))

    assert commands == [QueryOrder("SOLUSDT", ticket.client_order_id)]
    assert session.state.is_blocked("SOLUSDT", "tiny")
    session.handle(OrderFilled(2, kit.fill(ticket, 1, "1.000")))
    assert not session.state.is_blocked("SOLUSDT", "tiny")


@pytest.mark.parametrize("ending", ["refused", "absent"])
def test_an_order_that_never_was_leaves_the_book_as_before(session, kit, ending):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    name = ticket.client_order_id
    if ending == "refused":
        session.handle(OrderRefused(1, name, -2010, "no"))
    else:
        session.handle(OrderOutcomeUnknown(1, name, "lost"))
        session.handle(OrderProvenAbsent(2, name, "proof"))

    assert session.state.orders == {}
    assert session.machine.position == [0, 0]
    assert session.machine.closed == [[1, "REJECTED" if ending == "refused" else "ABSENT"]]


def test_an_order_with_fills_is_not_absent(session, kit):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    session.handle(OrderFilled(1, kit.fill(ticket, 1, "0.400")))
    with pytest.raises(InvariantError, match="cannot be absent"):
        session.handle(OrderProvenAbsent(2, ticket.client_order_id, "proof"))


def test_a_fill_is_booked_once(session, kit):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    session.handle(OrderFilled(1, kit.fill(ticket, 1, "0.400")))

    assert session.state.news(None, (kit.fill(ticket, 1, "0.400"),), 2) == ()
    with pytest.raises(InvariantError, match="twice"):
        session.handle(OrderFilled(2, kit.fill(ticket, 1, "0.400")))


@pytest.mark.parametrize("quantity", ["1.001", "0.0005"])
def test_a_fill_beyond_the_order_or_off_the_grid_stops_the_book(session, kit, quantity):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    with pytest.raises(InvariantError):
        session.handle(OrderFilled(1, kit.fill(ticket, 1, quantity)))


def test_older_reports_are_no_news(session, kit):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    news = session.state.news
    partly = kit.report(ticket, "PARTIALLY_FILLED", "0.400")
    for event in news(partly, (kit.fill(ticket, 1, "0.400"),), 1):
        session.handle(event)

    assert news(partly, (), 2) == ()
    assert news(kit.report(ticket, "ACCEPTED"), (), 2) == ()
    assert news(kit.report(ticket, "CANCELED", "0.100"), (), 2) == ()
    assert len(news(kit.report(ticket, "CANCELED", "0.400"), (), 2)) == 1


def test_the_end_of_an_order_never_comes_before_its_sending(session, kit):
    (command,) = session.handle(kit.bar(0, sol=1000))
    session.take_derived()
    name = command.ticket.client_order_id
    with pytest.raises(InvariantError, match="edge"):
        session.handle(OrderRefused(1, name, -2010, "no"))
    with pytest.raises(InvariantError, match="not open"):
        session.handle(OrderRefused(1, "ta-unknown", -2010, "no"))


def test_a_halt_stops_entries_and_lets_exits_pass(session, kit):
    (ticket,) = _decide(session, kit, 0, sol=1000)
    session.handle(OrderFilled(1, kit.fill(ticket, 1, "1.000")))
    session.handle(OrderReported(1, kit.report(ticket, "FILLED", "1.000")))
    session.handle(TradingHalted(2, "a person said so"))

    assert _decide(session, kit, 1, sol=2000, btc=5) == []
    (exit_ticket,) = _decide(session, kit, 2, sol=0)
    assert exit_ticket.reduce_only
    session.handle(TradingResumed(3, "looked at it", "ann"))
    assert len(_decide(session, kit, 3, btc=5)) == 1


def test_balances_follow_from_opening_fills_fees_and_the_trades_of_others(session, kit):
    opening = (Balance("USDT", Decimal(1000), Decimal(5)), Balance("BNB", Decimal(1), Decimal(0)))
    session.handle(SessionOpened(1, "demo", "r1", opening))
    (ticket,) = _decide(session, kit, 0, sol=1000)
    session.handle(OrderFilled(1, kit.fill(ticket, 1, "0.400", fee="0.0004", fee_asset="SOL")))
    session.handle(OrderFilled(1, kit.fill(ticket, 2, "0.600", fee="0.01", fee_asset="BNB")))
    session.handle(ForeignFillSeen(2, kit.fill(ticket, 3, "2.000")))

    assert session.state.expected_balances(session.setup.instruments) == {
        "BNB": Decimal("0.99"),
        "BTC": Decimal(0),
        "SOL": Decimal("2.9996"),
        "USDT": Decimal(705),
    }


def test_a_later_session_keeps_the_first_opening(session):
    session.handle(SessionOpened(1, "demo", "r1", (Balance("USDT", Decimal(7), Decimal(0)),)))
    session.handle(SessionOpened(2, "demo", "r1", (Balance("USDT", Decimal(9), Decimal(0)),)))

    assert session.state.opening == {"USDT": Decimal(7)}
    with pytest.raises(RecoveryError, match="another release"):
        session.handle(SessionOpened(3, "demo", "r2", ()))


def test_a_replay_that_decides_otherwise_is_refused(session, kit):
    session.handle(kit.bar(0, sol=1000))
    mark, intent = session.take_derived()

    for wrong in ([intent], [mark, mark], [mark, TradingHalted(1, "x")]):
        replayed = Session(kit.setup(), kit.Machine())
        replayed.handle(kit.bar(0, sol=1000))
        for event in wrong[:-1]:
            replayed.handle(event)
        with pytest.raises(RecoveryError, match="decides otherwise"):
            replayed.handle(wrong[-1])


def test_a_restored_session_goes_on_as_if_nothing_had_happened(session, kit):
    session.handle(SessionOpened(1, "demo", "r1", (Balance("USDT", Decimal(7), Decimal(0)),)))
    (ticket,) = _decide(session, kit, 0, sol=1000)
    session.handle(OrderFilled(1, kit.fill(ticket, 1, "0.400", fee="0.0001", fee_asset="SOL")))
    again = Session.restored(
        kit.setup(), kit.Machine.restore, SavedSession.from_bytes(session.snapshot())
    )
    rest = [
        OrderReported(1, kit.report(ticket, "EXPIRED", "0.400")),
        kit.bar(1, sol=1000, btc=math.nan),
    ]
    for event in rest:
        assert session.handle(event) == again.handle(event)
        assert session.take_derived() == again.take_derived()

    assert session.snapshot() == again.snapshot()


def test_a_snapshot_is_asked_for_every_so_many_bars(kit):
    session = Session(kit.setup(snapshot_bars=3), kit.Machine())
    asked = []
    for number in range(7):
        asked.append(SaveSnapshot() in session.handle(kit.bar(number)))
        session.take_derived()

    assert asked == [False, False, True, False, False, True, False]
