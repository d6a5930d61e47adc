"""Class 13 and 31: bars stay away while the venue answers, or the machine was asleep."""

from __future__ import annotations

import dataclasses
import math
import threading

from trading_assets.domain.errors import VenueUnavailable
from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    OrderIntentCreated,
    OrderProvenAbsent,
    Reconciled,
)
from trading_assets.domain.order import OrderSide
from trading_assets.domain.policy_events import BarRevised, EntriesAllowed, EntriesPaused
from trading_assets.live.policies.book_policies import PolicyTerms
from trading_assets.live.policies.feed_watch import FeedWatch
from trading_assets.live.recovery import recover

NAN = math.nan


def _kinds(desk, *kinds):
    return [event for event in desk.journal.events if isinstance(event, kinds)]


def _without(kit, symbol, numbers):
    """Give a feed that lacks the bars of a symbol with these numbers; "" for all symbols."""

    class Lacking(kit.Feed):
        def poll(self, now):
            return [kept for event in super().poll(now) if (kept := _left(event)).bars]

    def _left(event):
        if (event.ts - kit.START) // kit.BAR not in numbers:
            return event
        bars = tuple(bar for bar in event.bars if symbol and bar.symbol != symbol)
        rows = tuple(row for row in event.rows if symbol and row.symbol != symbol)
        return dataclasses.replace(event, bars=bars, rows=rows)

    return Lacking


def _desk(kit, plan, **terms):
    desk = kit.Desk(plan)
    desk.policies = PolicyTerms(stale_bars=1.5, **terms)
    return desk


def _is_replayed(desk):
    desk.journal.snapshots = []
    again = recover(desk.journal, desk.setup, desk.machines)
    return again.state.to_json() == desk.session.state.to_json()


def test_class_13_entries_of_a_stale_symbol_pause_until_its_gap_is_filled(kit):
    desk = _desk(kit, [(100, 100), (NAN, 200), (NAN, 300), (400, 400), (500, 500)])
    desk.feed = _without(kit, "SOLUSDT", {1, 2})
    desk.run(5)

    (paused,) = _kinds(desk, EntriesPaused)
    (allowed,) = _kinds(desk, EntriesAllowed)
    assert (paused.symbol, paused.cause) == ("SOLUSDT", "feed")
    after_close = paused.ts - (kit.START + kit.BAR)
    assert 1.5 * kit.BAR <= after_close <= 1.5 * kit.BAR + 30_000_000
    rows = desk.journal.events
    (third,) = [e for e in rows if isinstance(e, BarReady) and e.ts == kit.START + 3 * kit.BAR]
    assert rows.index(allowed) == rows.index(third) - 1
    assert _kinds(desk, DecisionDropped) == []
    assert desk.session.machine.position == [500, 500]
    assert desk.verdicts() == []
    assert _is_replayed(desk)


def test_exits_go_on_while_a_feed_is_stale(kit):
    desk = _desk(kit, [(1000, NAN), (NAN, 200)])
    desk.feed = _without(kit, "", {1, 2, 3, 4})
    executor = desk.executor()
    watch, take = executor._policies.feed, executor._effects.take
    executor.run(threading.Event(), max_bars=1)
    for _ in range(40):
        desk.local.wait(20.0, threading.Event())
    stalled = watch.stalled(desk.venue.market)
    take(stalled)
    head = desk.journal.head
    late = kit.bar(9, sol=0, btc=300)
    take([late])

    assert [event.symbol for event in stalled] == ["SOLUSDT", "BTCUSDT"]
    intents = [e.ticket for e in desk.journal.events[head:] if isinstance(e, OrderIntentCreated)]
    assert [(t.symbol, t.side) for t in intents] == [("SOLUSDT", OrderSide.SELL)]
    assert [e.rule for e in _kinds(desk, DecisionDropped)] == ["paused_feed"]


def test_a_venue_whose_bars_cannot_be_read_keeps_orders_and_account_not_waiting(kit):
    desk = _desk(kit, [(1000, NAN), (NAN, NAN)])
    desk.venue.script = ["lost_request"]
    outage = [True]

    class Broken(kit.Feed):
        def poll(self, now):
            if now >= kit.START + 2 * kit.BAR and outage:
                if now >= kit.START + 4 * kit.BAR:
                    outage.clear()
                raise VenueUnavailable("garbage")
            return super().poll(now)

    desk.feed = Broken
    desk.executor(poll_s=0.5, reconcile_s=60.0).run(threading.Event(), max_bars=4)

    rows = desk.journal.events
    bars = [n for n, e in enumerate(rows) if isinstance(e, BarReady)]
    between = [type(e) for e in rows[bars[0] + 1 : bars[1]]]
    assert OrderProvenAbsent in between
    assert Reconciled in between
    assert [e.symbol for e in _kinds(desk, EntriesPaused)] == ["SOLUSDT", "BTCUSDT"]
    assert len(_kinds(desk, EntriesAllowed)) == 2
    assert [e.late for e in _kinds(desk, BarReady)] == [False, True, True, False]


def test_class_31_after_a_sleep_the_account_is_compared_before_any_bar(kit):
    desk = _desk(kit, [(100 * (n + 1), NAN) for n in range(8)])
    slept = []
    wait = desk.local.wait

    def sleeping(seconds, stop):
        if len(_kinds(desk, BarReady)) == 2 and not slept:
            slept.append(desk.journal.head)
            return wait(5 * 300.0, stop)
        return wait(seconds, stop)

    desk.local.wait = sleeping
    desk.executor(reconcile_s=1e6).run(threading.Event(), max_bars=7)

    after = desk.journal.events[slept[0] :]
    kinds = [type(event) for event in after]
    assert kinds[:3] == [EntriesPaused, EntriesPaused, Reconciled]
    late = [e.late for e in after if isinstance(e, BarReady)]
    assert late == [True] * 4 + [False]
    allowed = kinds.index(EntriesAllowed)
    assert isinstance(after[allowed + 2], BarReady)
    assert not after[allowed + 2].late
    assert len([e for e in after if isinstance(e, OrderIntentCreated)]) == 1
    assert desk.verdicts() == []


def test_what_is_wrong_with_bars_is_journalled(kit):
    desk = _desk(kit, [(100, NAN), (NAN, NAN)])
    bars = kit.bar(0).bars[0], kit.bar(0, price=101.0).bars[0]

    class Revising(kit.Feed):
        def load(self, first):
            super().load(first)
            self.found = [BarRevised(first, *bars)]

    desk.feed = Revising
    desk.run(1)

    (revised,) = _kinds(desk, BarRevised)
    assert (revised.old, revised.new) == bars
    assert len(_kinds(desk, OrderIntentCreated)) == 1
    assert _is_replayed(desk)


def test_closed_hours_are_no_gap_and_a_symbol_that_never_came_is_stale_as_well(kit, session):
    day = 86_400_000_000
    opens = {"SOLUSDT": lambda ts: ts + day}
    watch = FeedWatch(
        session.state, ["SOLUSDT", "BTCUSDT"], kit.BAR, stale_bars=1.5, next_open=opens
    )
    session.handle(kit.bar(0))
    session.take_derived()
    assert watch.stalled(kit.START + 2 * kit.BAR) == []
    (paused,) = watch.stalled(kit.START + 3 * kit.BAR)
    assert paused.symbol == "BTCUSDT"
    session.handle(paused)
    (later,) = watch.stalled(kit.START + day + 2 * kit.BAR)
    assert later.symbol == "SOLUSDT"

    other = FeedWatch(type(session.state)(), ["SOLUSDT"], kit.BAR, stale_bars=1.5)
    assert other.stalled(kit.START + 1) == []
    assert len(other.stalled(kit.START + 2 * kit.BAR)) == 1
    silent = FeedWatch(type(session.state)(), ["SOLUSDT"], kit.BAR)
    assert silent.stalled(kit.START) == silent.stalled(kit.START + day) == []
    assert not silent.was_away(kit.START)
    assert not silent.was_away(kit.START + day)
