"""Orders, trades and rejections that a book did not ask for: what it does about them by itself."""

from __future__ import annotations

import dataclasses
import math
import threading
from decimal import Decimal

import pytest

from trading_assets.domain.control import CommandKind
from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import (
    CommandReceived,
    DecisionDropped,
    ForeignFillSeen,
    ForeignOrderSeen,
    OrderIntentCreated,
    OrderRefused,
    Reconciled,
    TradingHalted,
)
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.domain.policy_events import EntriesAllowed, EntriesPaused
from trading_assets.live.policies.book_policies import OnForeign, PolicyTerms
from trading_assets.live.recovery import recover

NAN = math.nan
SECOND = 1_000_000


def _kinds(desk, *kinds):
    return [event for event in desk.journal.events if isinstance(event, kinds)]


def _by_hand(desk, symbol="SOLUSDT", quantity=7):
    ticket = OrderTicket(
        "web_17", "", symbol, OrderSide.BUY, OrderType.MARKET, TimeInForce.GTC,
        Decimal(quantity), 0,
    )  # fmt: skip
    desk.venue._execute(ticket)


def _run(desk, bars, **terms):
    desk.policies = PolicyTerms(**terms)
    return desk.run(bars)


def _ours(desk, since=0):
    """List (symbol, side) of what the book sent, from one row of the journal on."""
    intents = [e for e in desk.journal.events[since:] if isinstance(e, OrderIntentCreated)]
    return [(e.ticket.symbol, e.ticket.side) for e in intents]


def _is_replayed(desk):
    """Tell whether the journal, from its first row, gives the book as it is."""
    desk.journal.snapshots = []
    again = recover(desk.journal, desk.setup, desk.machines)
    return again.state.to_json() == desk.session.state.to_json()


def test_a_manual_trade_pauses_entries_of_its_symbol_and_no_exit(kit):
    desk = kit.Desk([(1000, NAN), (2000, 200), (0, NAN)])
    _run(desk, 1, foreign=OnForeign.PAUSE_SYMBOL)
    _by_hand(desk)
    head = desk.journal.head
    _run(desk, 2, foreign=OnForeign.PAUSE_SYMBOL)

    (paused,) = _kinds(desk, EntriesPaused)
    assert (paused.symbol, paused.cause) == ("SOLUSDT", "foreign")
    assert [e.rule for e in _kinds(desk, DecisionDropped)] == ["paused_foreign"]
    assert _ours(desk, head) == [("BTCUSDT", OrderSide.BUY), ("SOLUSDT", OrderSide.SELL)]
    assert "SOLUSDT: foreign" in desk.observed[-2].reason
    assert _is_replayed(desk)


def test_an_acknowledgement_allows_entries_again_also_after_a_restart(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN), (3000, NAN), (4000, NAN)])
    _run(desk, 1, foreign=OnForeign.PAUSE_SYMBOL)
    _by_hand(desk)
    _run(desk, 1, foreign=OnForeign.PAUSE_SYMBOL)
    assert _ours(desk) == [("SOLUSDT", OrderSide.BUY)]

    desk.people.ask(CommandKind.ACKNOWLEDGE_SYMBOL, symbol="BTCUSDT")
    desk.people.ask(CommandKind.ACKNOWLEDGE_SYMBOL, symbol="SOLUSDT", reason="mine")
    _run(desk, 2, foreign=OnForeign.PAUSE_SYMBOL)

    other, own = _kinds(desk, CommandReceived)
    assert "waits for no acknowledgement" in other.refused
    assert own.refused == ""
    (allowed,) = _kinds(desk, EntriesAllowed)
    assert (allowed.symbol, allowed.cause, allowed.reason) == ("SOLUSDT", "foreign", "mine (ann)")
    assert len(_ours(desk)) == 3
    assert desk.session.state.pauses == {}


@pytest.mark.parametrize(
    ("policy", "halts", "pauses"), [(OnForeign.REPORT, 0, 0), (OnForeign.HALT, 1, 0)]
)
def test_other_policies_report_or_halt(kit, policy, halts, pauses):
    desk = kit.Desk([(1000, NAN), (2000, NAN), (3000, NAN)])
    _run(desk, 1, foreign=policy)
    _by_hand(desk)
    _run(desk, 2, foreign=policy)

    assert len(_kinds(desk, ForeignOrderSeen)) == 1
    assert len(_kinds(desk, TradingHalted)) == halts
    assert len(_kinds(desk, EntriesPaused)) == pauses
    assert len(_ours(desk)) == (1 if halts else 3)
    assert _is_replayed(desk)


def _overfilling(desk, extra):
    """Let the venue fill the next order beyond what it asked for."""
    submit = desk.venue.submit

    def beyond(ticket):
        report, _ = submit(ticket)
        order = desk.venue.orders[-1]
        desk.venue._trade(order, extra)
        order["executed"] += extra
        desk.venue.submit = submit
        fills = tuple(desk.venue._fills(order))
        return dataclasses.replace(report, executed=order["executed"]), fills

    desk.venue.submit = beyond


@pytest.mark.parametrize("extra", ["0.250", "0.0005"])
def test_class_35_an_overfill_is_booked_as_external_and_pauses_the_symbol(kit, extra):
    desk = kit.Desk([(1000, NAN), (2000, 200), (0, NAN)])
    _overfilling(desk, Decimal(extra))
    desk.run(3)

    (external,) = _kinds(desk, ForeignFillSeen)
    assert external.fill.quantity == Decimal(extra)
    (paused,) = _kinds(desk, EntriesPaused)
    assert (paused.symbol, paused.cause) == ("SOLUSDT", "fill")
    assert desk.session.machine.position == [0, 200]
    assert desk.session.state.orders == {}
    expected = desk.session.state.expected_balances((kit.SOL, kit.BTC))
    assert {k: v for k, v in expected.items() if v} == desk.venue.holdings
    assert len(_kinds(desk, Reconciled)) > 0
    assert _kinds(desk, TradingHalted) == []
    assert _is_replayed(desk)


def test_class_35_a_fill_of_an_order_that_has_ended_is_booked_as_external(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN)])
    desk.run(1)
    desk.venue._trade(desk.venue.orders[0], Decimal("0.100"))
    desk.run(1)

    assert [e.fill.quantity for e in _kinds(desk, ForeignFillSeen)] == [Decimal("0.100")]
    assert [e.cause for e in _kinds(desk, EntriesPaused)] == ["fill"]
    assert len(_ours(desk)) == 1
    expected = desk.session.state.expected_balances((kit.SOL, kit.BTC))
    assert {k: v for k, v in expected.items() if v} == desk.venue.holdings


def test_class_28_a_rejection_is_compared_at_once_and_not_tried_again_for_a_while(kit):
    desk = kit.Desk([(1000, 200)], ["refuse"])
    began = desk.venue.market
    desk.policies = PolicyTerms(cool_down=700 * SECOND)
    desk.executor(reconcile_s=1e6).run(threading.Event(), max_bars=4)

    (refused,) = _kinds(desk, OrderRefused)
    (paused,) = _kinds(desk, EntriesPaused)
    (allowed,) = _kinds(desk, EntriesAllowed)
    assert (paused.cause, paused.until) == ("balance", refused.ts + 700 * SECOND)
    assert allowed.ts >= paused.until > began
    assert [e.rule for e in _kinds(desk, DecisionDropped)] == ["paused_balance"] * 2
    assert desk.venue.sent[0] not in desk.venue.sent[1:]
    assert len(_kinds(desk, Reconciled)) >= 2  # the start's, and the one after the rejection
    assert desk.session.machine.position == [1000, 200]
    assert desk.verdicts() == []


def test_a_fill_of_an_order_that_never_left_is_of_a_journal_older_than_the_account(kit):
    desk = kit.Desk([(1000, NAN), (NAN, NAN)], kill_at=0)
    desk.run(1)
    rows = desk.journal.events
    intent = next(n for n, e in enumerate(rows) if isinstance(e, OrderIntentCreated))
    desk.journal.events, desk.journal.snapshots = rows[: intent + 1], []
    sent = list(desk.venue.sent)

    with pytest.raises(RecoveryError, match="that the journal lacks"):
        desk.run(1)
    assert desk.venue.sent == sent
