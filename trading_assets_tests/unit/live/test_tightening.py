"""Limits that people tighten while a book trades: they bind entries, never loosen, and last."""

from __future__ import annotations

import math
import threading
from decimal import Decimal

import pytest

from trading_assets.domain.control import CommandKind, TightLimits
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import (
    CommandReceived,
    DecisionDropped,
    LimitsTightened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.order import OrderSide
from trading_assets.live.recovery import recover
from trading_assets.live.safety.arming import ArmToken

NAN = math.nan
TIGHTEN = CommandKind.TIGHTEN_LIMITS


def _kinds(desk, *kinds):
    return [event for event in desk.journal.events if isinstance(event, kinds)]


def _bought(desk):
    orders = (o["ticket"] for o in desk.venue.orders)
    return [(t.symbol, t.quantity) for t in orders if t.side is OrderSide.BUY]


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"max_order_notional": "99.99"}, "tightened_max_order_notional"),
        ({"max_position_pct": "0.9"}, "tightened_max_position"),
        ({"max_orders_per_day": "0"}, "tightened_max_orders_per_day"),
        ({"max_open_orders": 0}, "tightened_max_open_orders"),
    ],
)
def test_a_tightened_limit_drops_entries_and_lets_exits_pass(kit, limits, rule):
    desk = kit.Desk([(500, NAN), (1500, NAN), (0, NAN)])
    desk.run(1)
    desk.people.ask(TIGHTEN, **limits)
    desk.run(2)

    assert _bought(desk) == [("SOLUSDT", Decimal("0.500"))]
    (dropped,) = _kinds(desk, DecisionDropped)
    assert dropped.rule == rule
    assert desk.session.machine.position[0] == 0


def test_limits_that_are_kept_let_entries_pass(kit):
    desk = kit.Desk([(500, NAN), (1500, NAN)])
    limits = {"max_order_notional": "101", "max_position_pct": "2", "max_orders_per_day": "3",
              "max_open_orders": "2", "daily_loss_bps": "1"}  # fmt: skip
    desk.people.ask(TIGHTEN, **limits)
    desk.run(2)
    assert len(_bought(desk)) == 2
    assert desk.session.state.tightened.to_texts() == limits


def test_entries_are_counted_by_utc_day(kit):
    desk = kit.Desk([(500, NAN), (0, NAN)])
    desk.people.ask(TIGHTEN, max_orders_per_day="2")
    desk.run(290)
    days = [(o["ts"] - kit.BAR - kit.START) // (288 * kit.BAR) for o in desk.venue.orders
            if o["ticket"].side is OrderSide.BUY]  # fmt: skip
    assert days == [0, 0, 1]


def test_a_multiplier_makes_what_is_wanted_smaller_from_the_next_decision_on(kit):
    desk = kit.Desk([(1000, NAN), (1000, NAN)])
    desk.run(1)
    desk.people.ask(TIGHTEN, risk_multiplier="0.25")
    desk.run(1)
    assert desk.session.machine.position[0] == 250


@pytest.mark.parametrize(
    ("capital", "multiplier", "held"),
    [("", None, 1000), ("2500", None, 250), ("99999.5", None, 1000), ("2500", "0.1", 100),
     ("2500", "0.5", 250)],
)  # fmt: skip
def test_a_leave_for_less_than_the_equity_makes_what_is_wanted_smaller(
    kit, capital, multiplier, held
):
    """The book has ten thousand; the smaller of leave and multiplier counts, and outlives it."""
    desk = kit.Desk([(1000, NAN), (1000, NAN)])
    desk.run(1)
    assert desk.session.machine.equity == pytest.approx(10_000, rel=1e-3)
    desk.armed = ArmToken("b", "a", "h", "r", "ann", "proven", 0, 1, capital=capital)
    if multiplier:
        desk.people.ask(TIGHTEN, risk_multiplier=multiplier)
    desk.run(1)
    assert desk.session.machine.position[0] == pytest.approx(held, rel=2e-3)
    again = recover(desk.journal, desk.setup, desk.machines)
    assert again.state.capital == (Decimal(capital) if capital else None)
    assert again.machine.position[0] == desk.session.machine.position[0]


@pytest.mark.parametrize(
    "looser",
    [{"max_order_notional": "51"}, {"risk_multiplier": "0.6"}, {"risk_multiplier": "2"},
     {"max_order_notional": "40", "risk_multiplier": "1"}, {"leverage": "2"}, {},
     {"max_order_notional": "nan"}, {"daily_loss_bps": "-1"}, {"max_open_orders": "1.5"}],
)  # fmt: skip
def test_a_loosening_is_refused_and_journalled_as_refused(kit, looser):
    desk = kit.Desk([(NAN, NAN)])
    desk.people.ask(TIGHTEN, max_order_notional="50", risk_multiplier="0.5")
    desk.people.ask(TIGHTEN, **looser)
    desk.run(1)

    first, second = _kinds(desk, CommandReceived)
    assert first.refused == ""
    assert second.refused
    assert len(_kinds(desk, LimitsTightened)) == 1
    standing = desk.session.state.tightened
    assert (standing.max_order_notional, standing.risk_multiplier) == (50, Decimal("0.5"))


def test_tightened_limits_outlive_the_process(kit):
    desk = kit.Desk([(1000, NAN)])
    desk.people.ask(TIGHTEN, max_order_notional="50", risk_multiplier="0.5")
    desk.people.ask(TIGHTEN, max_order_notional="40")
    desk.run(1)
    by_snapshot = recover(desk.journal, desk.setup, desk.machines).state
    desk.journal.snapshots = []
    by_replay = recover(desk.journal, desk.setup, desk.machines).state
    expected = TightLimits(max_order_notional=Decimal(40), risk_multiplier=Decimal("0.5"))
    assert by_snapshot.tightened == by_replay.tightened == expected
    desk.run(1)
    assert _bought(desk) == []


def test_what_is_set_is_kept_when_another_limit_is_tightened():
    first = TightLimits.from_texts({"daily_loss_bps": "100"})
    both = first.tightened_by(TightLimits.from_texts({"max_open_orders": 3}))
    assert both.to_texts() == {"daily_loss_bps": "100", "max_open_orders": "3"}
    with pytest.raises(ConfigurationError, match="only be tightened"):
        both.tightened_by(TightLimits.from_texts({"daily_loss_bps": "101"}))


# Losses


def _losing(desk, rule="daily_loss_halt", day_loss=0.0):
    restore = desk.machines.restore
    new = desk.machines.new

    def lose(machine):
        machine.halting_rule, machine.day_loss = rule, day_loss
        return machine

    desk.machines = type(desk.machines)(lambda: lose(new()), lambda blob: lose(restore(blob)))


def test_a_loss_beyond_its_limit_halts_the_book_until_a_person_resumes(kit):
    desk = kit.Desk([(NAN, NAN), (1000, NAN)])
    _losing(desk)
    desk.run(3)
    (halted,) = _kinds(desk, TradingHalted)
    assert (halted.source, halted.reason.split(":")[0]) == ("risk", "daily_loss_halt")
    assert desk.venue.sent == []
    assert desk.people.latched() is not None


def test_a_loss_that_still_stands_after_a_resume_is_no_new_halt(kit):
    desk = kit.Desk([(NAN, NAN)])
    _losing(desk)
    desk.run(2)
    desk.people.latch = None
    (halted,) = _kinds(desk, TradingHalted)
    desk.journal.append([TradingResumed(halted.ts, "seen", "ann")])
    desk.run(2)
    assert len(_kinds(desk, TradingHalted)) == 1
    assert desk.session.state.halted == ""
    _losing(desk, "")
    desk.run(1)
    _losing(desk)
    desk.run(1)
    assert len(_kinds(desk, TradingHalted)) == 2


def test_a_tightened_daily_loss_halts_too(kit):
    desk = kit.Desk([(NAN, NAN)])
    _losing(desk, "", 0.0150)
    desk.people.ask(TIGHTEN, daily_loss_bps="151")
    desk.run(1)
    assert _kinds(desk, TradingHalted) == []
    desk.people.ask(TIGHTEN, daily_loss_bps="150")
    desk.run(1)
    assert _kinds(desk, TradingHalted)[0].reason.startswith("daily_loss_halt: 1.50% of the day")


def test_a_setting_leaves_a_loss_to_the_rule_of_its_limit(kit):
    desk = kit.Desk([(NAN, NAN)])
    _losing(desk)
    desk.executor(latch_losses=False).run(threading.Event(), max_bars=2)
    assert _kinds(desk, TradingHalted) == []
