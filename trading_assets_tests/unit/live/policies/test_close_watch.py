"""Before its market closes a symbol takes no more entries, and is left where a book is told so."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from trading_assets.domain.events import DecisionDropped, OrderFilled, OrderIntentCreated
from trading_assets.domain.policy_events import EntriesAllowed, EntriesPaused
from trading_assets.live.book_state import BookState
from trading_assets.live.policies.book_policies import PolicyTerms
from trading_assets.live.policies.close_watch import CLOSE, CloseWatch
from trading_assets.live.policies.pauses import pause
from trading_assets.live.recovery import recover
from trading_assets.market.calendars import build_sessions

NAN = math.nan
MINUTE = 60_000_000
XNYS = build_sessions("XNYS", dt.date(2024, 1, 1), dt.date(2024, 12, 31))


def _at(text):
    return int(dt.datetime.fromisoformat(f"{text}+00:00").timestamp()) * 1_000_000


CLOSES, OPENS = _at("2024-07-03T17:00"), _at("2024-07-05T13:30")  # early, before the holiday


def _watch(guard=15 * MINUTE, leaves=False):
    state = BookState()
    return state, CloseWatch(state, {"SPY": XNYS}, guard, leaves=leaves)


def test_entries_pause_before_an_early_close_until_the_open_after_the_holiday():
    state, watch = _watch()
    assert watch.due(CLOSES - 15 * MINUTE - 1) == []
    (paused,) = watch.due(CLOSES - 15 * MINUTE)
    assert (paused.symbol, paused.cause, paused.until) == ("SPY", CLOSE, OPENS)
    pause(state, paused)
    assert watch.due(CLOSES) == watch.due(OPENS - 1) == []


@pytest.mark.parametrize("now", [CLOSES, _at("2024-07-04T15:00"), OPENS - 1])
def test_a_book_that_starts_in_closed_hours_waits_for_the_open(now):
    _, watch = _watch()
    assert [event.until for event in watch.due(now)] == [OPENS]
    assert watch.due(OPENS) == []


def test_without_a_guard_nothing_pauses():
    _, watch = _watch(guard=0, leaves=True)
    assert watch.due(CLOSES - 1) == watch.due(CLOSES) == []


class Hours:
    """A market that closes for two bars, six bars after the start of the test."""

    def __init__(self, kit):
        self.close = kit.START + 6 * kit.BAR
        self.open = self.close + 2 * kit.BAR

    def is_open(self, ts):
        return not self.close <= ts < self.open

    def next_open(self, ts):
        return self.open if ts <= self.open else ts + 10**12

    def next_close(self, ts):
        return self.close if ts < self.close else ts + 10**12


@pytest.fixture
def desk(kit):
    desk = kit.Desk([(1000, 1000), (NAN, 2000), (NAN, 3000), (2000, 4000), (3000, NAN)])
    desk.hours = Hours(kit)
    return desk


def _run(desk, kit, *, leaves):
    desk.policies = PolicyTerms(
        hours={"SOLUSDT": desk.hours}, close_guard=2 * kit.BAR, leave_at_close=leaves
    )
    desk.run(12)
    desk.journal.snapshots = []
    again = recover(desk.journal, desk.setup, desk.machines)
    assert again.state.to_json() == desk.session.state.to_json()
    exits = {"a bar was decided twice"}  # an exit bears the bar that was decided before it
    assert set(desk.verdicts()) <= (exits if leaves else set())


def _of(desk, *kinds):
    return [event for event in desk.journal.events if isinstance(event, kinds)]


def test_entries_of_the_symbol_wait_for_the_open_and_others_go_on(desk, kit):
    _run(desk, kit, leaves=False)

    (paused,) = _of(desk, EntriesPaused)
    (allowed,) = _of(desk, EntriesAllowed)
    assert (paused.symbol, paused.cause) == (allowed.symbol, allowed.cause) == ("SOLUSDT", CLOSE)
    assert paused.ts < desk.hours.close < desk.hours.open <= allowed.ts
    dropped = {(e.symbol, e.rule) for e in _of(desk, DecisionDropped)}
    assert dropped == {("SOLUSDT", "paused_close")}
    inside = [e.ticket for e in _of(desk, OrderIntentCreated) if paused.ts < e.ts < allowed.ts]
    assert {ticket.symbol for ticket in inside if not ticket.reduce_only} == {"BTCUSDT"}
    assert [ticket for ticket in inside if ticket.symbol == "SOLUSDT"]  # exits pass
    assert [e for e in _of(desk, OrderIntentCreated) if e.ts > allowed.ts]


def test_what_is_held_of_the_symbol_is_sold_before_the_close_and_only_that(desk, kit):
    _run(desk, kit, leaves=True)

    (paused,) = _of(desk, EntriesPaused)
    assert paused.cause == "leaving"
    at = desk.journal.events.index(paused)
    (out, *_) = [e.ticket for e in desk.journal.events[at:] if isinstance(e, OrderIntentCreated)]
    assert (out.symbol, out.reduce_only, out.side < 0) == ("SOLUSDT", True, True)
    held = {"SOLUSDT": 0, "BTCUSDT": 0}
    for event in _of(desk, OrderFilled):
        if event.ts <= desk.hours.close:
            held[event.fill.symbol] += event.fill.side * event.fill.quantity
    assert held["SOLUSDT"] == 0 < held["BTCUSDT"]
