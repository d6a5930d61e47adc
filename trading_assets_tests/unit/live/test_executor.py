"""The loop: trades, waits, recovers, stops; nothing is sent before it is durable."""

from __future__ import annotations

import math
import threading
from decimal import Decimal

import pytest

from trading_assets.domain.account import AccountNews
from trading_assets.domain.errors import RecoveryError, VenueUnavailable
from trading_assets.domain.events import (
    BarReady,
    ForeignFillSeen,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderSubmitted,
    Reconciled,
    SessionClosed,
    SessionOpened,
    TradingHalted,
)
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce

NAN = math.nan
PLAN = [(1000, NAN), (NAN, 200), (0, NAN), (500, 0), (NAN, NAN)]


def _kinds(desk, *kinds):
    return [event for event in desk.journal.events if isinstance(event, kinds)]


def test_a_book_trades_and_agrees_with_the_venue(kit):
    desk = kit.Desk(PLAN)
    summary = desk.run(10)

    assert desk.verdicts() == []
    assert summary.bars == 10
    assert summary.events["OrderFilled"] == len(desk.venue.trades) > 0
    assert isinstance(desk.journal.events[0], SessionOpened)
    assert isinstance(desk.journal.events[1], Reconciled)
    assert isinstance(desk.journal.events[-1], SessionClosed)
    assert [o.state for o in desk.observed] == ["starting", "trading", "stopped"]
    assert desk.beats[-1][0] == "stopped"


def test_every_order_is_durable_before_it_leaves(kit):
    desk = kit.Desk([(1000, 200)])
    durable = []
    submit = desk.venue.submit

    def watched(ticket):
        name = ticket.client_order_id
        intents = {e.ticket.client_order_id for e in _kinds(desk, OrderIntentCreated)}
        sent = {e.client_order_id for e in _kinds(desk, OrderSubmitted)}
        durable.append(name in intents & sent)
        return submit(ticket)

    desk.venue.submit = watched
    desk.run(1)

    assert durable == [True, True]
    first = next(c for c in desk.journal.commits if isinstance(c[0], BarReady))
    assert {type(event) for event in first} >= {BarReady, OrderIntentCreated, OrderSubmitted}


@pytest.mark.parametrize("fate", ["lost_answer", "late:1", "late:4.9"])
def test_a_lost_answer_is_found_by_asking_and_adopted(kit, fate):
    desk = kit.Desk(PLAN, [fate])
    desk.run(3)

    assert desk.verdicts() == []
    assert len(_kinds(desk, OrderOutcomeUnknown)) == 1
    assert _kinds(desk, OrderProvenAbsent) == []


@pytest.mark.parametrize("fate", ["lost_request", "late:30"])
def test_a_lost_request_is_proven_absent_and_its_decision_dropped(kit, fate):
    desk = kit.Desk([(1000, NAN), (NAN, NAN)], [fate])
    executor = desk.executor(poll_s=0.5)
    executor.run(threading.Event(), max_bars=2)

    (unknown,) = _kinds(desk, OrderOutcomeUnknown)
    (absent,) = _kinds(desk, OrderProvenAbsent)
    assert absent.ts - unknown.ts >= 20_000_000
    assert "2 queries" in absent.evidence
    assert desk.venue.sent == [unknown.client_order_id]
    assert desk.venue.trades == []
    assert desk.verdicts() == []


def test_a_clock_that_jumps_does_not_shorten_the_proof(kit):
    desk = kit.Desk([(1000, NAN), (NAN, NAN)], ["lost_request"])
    executor = desk.executor(poll_s=0.5)
    began = desk.local.seconds
    wait = desk.local.wait

    def jumping(seconds, stop):
        if _kinds(desk, OrderOutcomeUnknown) and desk.venue.auth < 2e15:
            desk.venue.auth += 3_600_000_000 * 1_000_000
        return wait(seconds, stop)

    desk.local.wait = jumping
    executor.run(threading.Event(), max_bars=2)

    (unknown,) = _kinds(desk, OrderOutcomeUnknown)
    (absent,) = _kinds(desk, OrderProvenAbsent)
    assert absent.ts - unknown.ts >= 20_000_000
    assert desk.local.seconds > began


def test_nothing_else_of_the_symbol_is_sent_while_an_order_is_in_doubt(kit):
    desk = kit.Desk([(1000, NAN), (2000, 200)], ["lost_request"])
    desk.venue.query = _unavailable
    desk.run(2)

    symbols = [e.ticket.symbol for e in _kinds(desk, OrderIntentCreated)]
    assert symbols == ["SOLUSDT", "BTCUSDT"]


def _unavailable(*_):
    raise VenueUnavailable("down")


@pytest.mark.parametrize("fate", ["refuse", "unreachable"])
def test_a_definite_refusal_ends_the_order_and_the_next_bar_decides_anew(kit, fate):
    desk = kit.Desk([(1000, NAN)], [fate])
    desk.run(3)

    assert len(_kinds(desk, OrderRefused)) == 1
    assert len(desk.venue.orders) == 1
    assert desk.verdicts() == []


def test_a_partly_filled_order_is_completed_by_the_next_decision(kit):
    desk = kit.Desk([(1001, NAN)], ["partial"])
    desk.run(3)

    assert [o["executed"] for o in desk.venue.orders] == [Decimal("0.500"), Decimal("0.501")]
    assert desk.verdicts() == []


def test_a_venue_that_is_down_is_waited_for(kit):
    desk = kit.Desk(PLAN)
    desk.run(2)
    desk.venue.down = 4
    desk.run(3)

    assert desk.verdicts() == []
    states = [o.state for o in desk.observed]
    assert "venue_down" in states
    assert states[-1] == "stopped"


def test_bars_missed_while_away_are_handled_in_order_and_the_old_ones_not_traded(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN), (3000, NAN), (4000, NAN), (5000, NAN)])
    desk.run(1)
    desk.local.wait(1250, threading.Event())
    summary = desk.run(4)

    bars = _kinds(desk, BarReady)
    assert [b.ts for b in bars] == [kit.START + n * kit.BAR for n in range(5)]
    assert [b.late for b in bars] == [False, True, True, True, False]
    assert summary.late_bars == 3
    assert [o["ticket"].quantity for o in desk.venue.orders] == [Decimal(1), Decimal(4)]


def test_a_halt_is_journalled_and_stops_entries(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN), (0, NAN)])
    desk.run(1)
    desk.halt("somebody touched the file")
    desk.run(2)

    (halted,) = _kinds(desk, TradingHalted)
    assert halted.reason == "somebody touched the file"
    sides = [o["ticket"].side for o in desk.venue.orders]
    assert sides == [OrderSide.BUY, OrderSide.SELL]


def test_a_halt_that_comes_between_decision_and_sending_keeps_the_order_here(kit):
    desk = kit.Desk([(1000, 200)])
    executor = desk.executor()
    desk.venue.submit = _halting(desk)
    executor.run(threading.Event(), max_bars=1)

    (held,) = _kinds(desk, OrderProvenAbsent)
    assert held.evidence == "never sent: a person said so"
    assert [o["ticket"].symbol for o in desk.venue.orders] == ["SOLUSDT"]
    assert desk.verdicts() == []


def _halting(desk):
    submit = desk.venue.submit

    def submit_and_halt(ticket):
        desk.halt("a person said so")
        return submit(ticket)

    return submit_and_halt


def test_a_stop_is_clean_and_the_next_start_goes_on(kit):
    desk = kit.Desk(PLAN)
    stop = threading.Event()
    stop.set()
    summary = desk.run(None, stop)
    assert summary.reason == "stopped"
    desk.run(5)

    assert desk.verdicts() == []
    assert desk.journal.latest_snapshot()[0] == desk.journal.head


def test_a_restored_backup_is_refused_before_anything_is_sent(kit):
    desk = kit.Desk(PLAN)
    desk.run(1)
    backup = list(desk.journal.events)
    desk.run(3)
    sent = list(desk.venue.sent)
    desk.journal.events, desk.journal.snapshots = backup, []
    with pytest.raises(RecoveryError, match="that the journal lacks"):
        desk.run(5)

    assert desk.venue.sent == sent
    assert desk.observed[-1].state == desk.beats[-1][0] == "failed"
    assert "that the journal lacks" in desk.observed[-1].reason


def test_a_backup_that_ends_between_decision_and_departure_is_refused_too(kit):
    desk = kit.Desk(PLAN)
    desk.run(1)
    events = desk.journal.events
    left = next(i for i, event in enumerate(events) if isinstance(event, OrderSubmitted))
    desk.journal.events, desk.journal.snapshots = events[:left], []
    with pytest.raises(RecoveryError, match=r"a departure of order .* that the journal lacks"):
        desk.run(5)

    assert len(desk.venue.sent) == 1


def test_a_balance_that_nobody_explains_stops_the_start_and_halts_a_running_book(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN), (3000, NAN)])
    desk.run(1)
    executor = desk.executor(reconcile_s=30.0)
    desk.venue.fills_since = _withdrawing(desk.venue, after=4)
    executor.run(threading.Event(), max_bars=2)
    assert "USDT: expected" in _kinds(desk, TradingHalted)[0].reason

    with pytest.raises(RecoveryError, match="difference -1"):
        desk.run(1)


def _withdrawing(venue, after):
    ask = venue.fills_since
    calls = []

    def fills_since(symbol, since):
        calls.append(symbol)
        if len(calls) == after + 1:
            venue.holdings["USDT"] -= 1
        return ask(symbol, since)

    return fills_since


def test_trades_of_others_are_reported_and_counted_apart(kit):
    desk = kit.Desk(PLAN)
    desk.run(2)
    other = OrderTicket(
        "web_17",
        "",
        "SOLUSDT",
        OrderSide.BUY,
        OrderType.MARKET,
        TimeInForce.GTC,
        Decimal(7),
        0,
    )
    desk.venue._execute(other)
    desk.run(2)

    assert sum(e.fill.quantity for e in _kinds(desk, ForeignFillSeen)) == 7
    assert desk.session.machine.position[0] == 500
    expected = desk.session.state.expected_balances((kit.SOL, kit.BTC))
    assert {k: v for k, v in expected.items() if v} == desk.venue.holdings


@pytest.mark.parametrize("must_look", [False, True])
def test_what_is_heard_of_the_account_and_not_known_makes_the_book_look_at_once(kit, must_look):
    def foreign_fills(news):
        desk = kit.Desk(PLAN)
        desk.run(2)
        name = "web_17"
        other = OrderTicket(
            name, "", "SOLUSDT", OrderSide.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal(7), 0
        )
        desk.news = lambda: news(desk)
        executor = desk.executor(reconcile_s=1e9)
        executor._due_s["reconcile"] = 1e12  # not by the clock, and not at the start
        executor._open = lambda: executor._feed.load(kit.START + 2 * kit.BAR)
        desk.venue._execute(other)
        executor.run(threading.Event(), max_bars=1)
        return sum(e.fill.quantity for e in _kinds(desk, ForeignFillSeen))

    def told(desk):
        return AccountNews((), True) if must_look else AccountNews(tuple(desk.venue.trades))

    assert foreign_fills(lambda _: AccountNews()) == 0
    assert foreign_fills(told) == 7


def test_a_look_that_the_venue_could_not_answer_is_made_again_soon(kit):
    desk = kit.Desk(PLAN)
    desk.run(2)
    heard = [AccountNews((), True)]  # said once
    desk.news = lambda: heard.pop() if heard else AccountNews()
    executor = desk.executor(reconcile_s=1e9)
    executor._open = lambda: executor._feed.load(kit.START + 2 * kit.BAR)
    executor._due_s["reconcile"] = 1e12  # not by the clock
    ask, asked = desk.venue.balances, []

    def balances():
        asked.append(desk.local.seconds)
        if len(asked) == 1:
            raise VenueUnavailable("cannot say")
        return ask()

    desk.venue.balances = balances
    executor.run(threading.Event(), max_bars=4)

    assert len(asked) == 2
    assert 16 <= asked[1] - asked[0] < 60


def test_a_new_journal_on_an_account_with_our_open_orders_is_refused(kit):
    desk = kit.Desk(PLAN)
    ticket = OrderTicket(
        "ta-old", "", "SOLUSDT", OrderSide.BUY, OrderType.LIMIT, TimeInForce.GTC, Decimal(1), 0
    )
    desk.venue.open_orders = lambda: (kit.report(ticket, "ACCEPTED"),)
    with pytest.raises(RecoveryError, match="a new journal"):
        desk.run(1)

    assert desk.journal.events == []


def test_a_venue_whose_clock_is_behind_the_journal_is_another_one(kit):
    desk = kit.Desk(PLAN)
    desk.run(3)
    desk.venue.market = kit.START
    with pytest.raises(RecoveryError, match="clock is behind"):
        desk.run(1)


def test_fills_come_back_with_their_order_after_a_restart_in_doubt(kit):
    desk = kit.Desk(PLAN, ["lost_answer"], kill_at=0)
    desk.run(1)
    fills = [e.fill.client_order_id for e in _kinds(desk, OrderFilled)]

    assert set(fills) == {desk.venue.sent[0]}


def test_a_run_of_some_bars_ends_with_them_though_more_have_closed(kit):
    desk = kit.Desk(PLAN)
    desk.run(1)
    desk.local.wait(1250, threading.Event())
    assert desk.run(2).bars == 2
    assert desk.run(2).bars == 2

    assert [b.ts for b in _kinds(desk, BarReady)] == [kit.START + n * kit.BAR for n in range(5)]
