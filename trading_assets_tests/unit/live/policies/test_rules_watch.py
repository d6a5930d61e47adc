"""Class 27: the venue changes its filters or halts a symbol while a book trades."""

from __future__ import annotations

import dataclasses
import math
import threading
from decimal import Decimal

import pytest

from trading_assets.domain.errors import OrderRejected, UnknownSymbol, VenueUnavailable
from trading_assets.domain.events import (
    DecisionDropped,
    OrderIntentCreated,
    OrderRefused,
)
from trading_assets.domain.order import OrderSide
from trading_assets.domain.policy_events import EntriesAllowed, EntriesPaused, TradingRulesSeen
from trading_assets.domain.trading_rules import TradingRules
from trading_assets.live.policies.book_policies import PolicyTerms
from trading_assets.live.policies.rules_watch import RulesWatch
from trading_assets.live.recovery import recover

NAN = math.nan


def _kinds(desk, *kinds):
    return [event for event in desk.journal.events if isinstance(event, kinds)]


class Venue:
    """Rules that a test changes."""

    def __init__(self, desk):
        self.rules = {
            s: TradingRules(s, lot=item.lot, tick=item.tick)
            for s, item in ((item.symbol, item) for item in desk.setup.instruments)
        }
        self.asked = 0
        desk.rules = self.read
        self._submit = desk.venue.submit
        desk.venue.submit = self.submit

    def read(self, symbol):
        self.asked += 1
        return self.rules[symbol]

    def change(self, symbol, **values):
        self.rules[symbol] = dataclasses.replace(self.rules[symbol], **values)

    def submit(self, ticket):
        if self.rules[ticket.symbol].fitted(ticket) != ticket:
            raise OrderRejected("Filter failure: LOT_SIZE", code=-1013, status=400)
        if not self.rules[ticket.symbol].is_trading:
            raise OrderRejected("Market is closed.", code=-2010, status=400)
        return self._submit(ticket)


def _is_replayed(desk):
    desk.journal.snapshots = []
    again = recover(desk.journal, desk.setup, desk.machines)
    return again.state.to_json() == desk.session.state.to_json()


def test_a_lot_that_grew_is_read_after_the_refusal_and_decisions_become_smaller(kit):
    desk = kit.Desk([(500, NAN), (1755, NAN), (1755, NAN), (0, NAN)])
    venue = Venue(desk)
    desk.run(1)
    seen = len(_kinds(desk, TradingRulesSeen))
    venue.change("SOLUSDT", lot=Decimal("0.01"))
    desk.executor().run(threading.Event(), max_bars=3)

    assert seen == 2  # one per symbol, at the first start
    changed = _kinds(desk, TradingRulesSeen)[seen:]
    assert [(e.rules.symbol, e.rules.lot) for e in changed] == [("SOLUSDT", Decimal("0.01"))]
    sent = [(t.side, t.quantity) for t in (o["ticket"] for o in desk.venue.orders)]
    assert sent == [
        (OrderSide.BUY, Decimal("0.5")),
        (OrderSide.BUY, Decimal("1.25")),
        (OrderSide.SELL, Decimal("1.75")),
    ]
    cut = [e.fitted for e in _kinds(desk, OrderIntentCreated) if e.fitted]
    assert cut == ["quantity 1.255 -> 1.25"]
    rules = [e.rule for e in _kinds(desk, DecisionDropped)]
    assert rules == ["below_least_quantity_of_venue"] * len(rules)
    assert desk.session.machine.position[0] == 0
    assert desk.verdicts() == []
    assert _is_replayed(desk)


def test_a_change_that_only_the_refusal_tells_is_read_at_once(kit):
    desk = kit.Desk([(500, NAN), (1755, NAN), (1755, NAN), (1755, NAN)])
    venue = Venue(desk)

    def submit(ticket):
        if len(desk.venue.orders) == 1:
            venue.change("SOLUSDT", lot=Decimal("0.01"))
        return venue.submit(ticket)

    desk.venue.submit = submit
    desk.run(4)

    (refused,) = _kinds(desk, OrderRefused)
    (changed,) = [e for e in _kinds(desk, TradingRulesSeen) if e.rules.lot == Decimal("0.01")]
    assert changed.ts - refused.ts <= kit.BAR
    assert desk.session.machine.position[0] == 1750
    assert desk.verdicts() == []


@pytest.mark.parametrize("status", ["BREAK", "HALT", None])
def test_a_symbol_that_the_venue_has_halted_gets_no_entries_until_it_trades_again(kit, status):
    desk = kit.Desk([(500, 100), (1000, 200), (2000, 300)])
    venue = Venue(desk)
    desk.run(1)
    if status is None:
        desk.rules = _unlisted(venue)
    else:
        venue.change("SOLUSDT", status=status)
    desk.run(1)
    (paused,) = _kinds(desk, EntriesPaused)
    assert (paused.symbol, paused.cause) == ("SOLUSDT", "status")
    assert paused.reason == f"the venue says {status or 'NOT_LISTED'}"
    assert desk.session.machine.position == [500, 200]

    venue.change("SOLUSDT", status="TRADING")
    desk.rules = venue.read
    desk.run(1)
    assert len(_kinds(desk, EntriesAllowed)) == 1
    assert desk.session.machine.position == [2000, 300]
    assert _is_replayed(desk)


def test_a_refusal_tells_of_a_halt_and_entries_go_on_within_a_minute_of_its_end(kit):
    desk = kit.Desk([(500 * (n + 1), NAN) for n in range(8)])
    desk.policies = PolicyTerms(cool_down=100 * kit.BAR)
    venue = Venue(desk)

    def submit(ticket):
        if len(desk.venue.orders) == 1 and not _kinds(desk, OrderRefused):
            venue.change("SOLUSDT", status="BREAK")
        return venue.submit(ticket)

    def read(symbol):
        if len(_kinds(desk, DecisionDropped)) == 2:
            venue.change("SOLUSDT", status="TRADING")
        return venue.read(symbol)

    desk.venue.submit, desk.rules = submit, read
    desk.run(8)

    (refused,) = _kinds(desk, OrderRefused)
    (paused,) = _kinds(desk, EntriesPaused)
    (allowed,) = _kinds(desk, EntriesAllowed)
    dropped = _kinds(desk, DecisionDropped)
    assert (refused.code, paused.cause, allowed.cause) == (-2010, "status", "status")
    assert paused.ts - refused.ts < kit.BAR
    assert [e.rule for e in dropped] == ["paused_status"] * 2
    assert 0 < allowed.ts - dropped[-1].ts <= kit.BAR
    assert desk.session.machine.position[0] == 4000
    assert desk.verdicts() == []
    assert _is_replayed(desk)


def test_rules_are_asked_for_every_minute_while_a_symbol_is_halted(session):
    local, status, asked = [0.0], ["BREAK"], []

    def read(symbol):
        asked.append(local[0])
        return TradingRules(symbol, status=status[0])

    watch = RulesWatch(read, ["SOLUSDT"], session.state, lambda: local[0])
    for at in (0.0, 59.0, 60.0, 120.0, 180.0, 3779.0, 3780.0):
        local[0] = at
        if at == 180.0:
            status[0] = "TRADING"
        for event in watch.step(2):
            session.handle(event)
    assert asked == [0.0, 60.0, 120.0, 180.0, 3780.0]


def _unlisted(venue):
    def read(symbol):
        if symbol == "SOLUSDT":
            raise UnknownSymbol("no such symbol")
        return venue.read(symbol)

    return read


def test_rules_are_asked_for_hourly_after_a_refusal_and_soon_again_when_silent(kit, session):
    local, answers = [0.0], [VenueUnavailable("down")]
    asked = []

    def read(symbol):
        asked.append((symbol, local[0]))
        if answers and symbol == "SOLUSDT":
            raise answers.pop()
        return TradingRules(symbol)

    watch = RulesWatch(read, ["SOLUSDT", "BTCUSDT"], session.state, lambda: local[0])
    assert [e.rules.symbol for e in watch.step(1)] == ["BTCUSDT"]
    for at in (59.0, 60.0, 61.0, 3659.0, 3660.0):
        local[0] = at
        for event in watch.step(2):
            session.handle(event)
    watch.look_soon()
    local[0] = 3661.0
    assert watch.step(3) == []
    assert [at for symbol, at in asked if symbol == "SOLUSDT"] == [0.0, 60.0, 3660.0, 3661.0]
    assert RulesWatch(None, ["SOLUSDT"], session.state, lambda: 0.0).step(1) == []
