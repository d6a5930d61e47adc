"""What little is left of the error budget stops entries, in the journal, and nothing else."""

from __future__ import annotations

import math

from trading_assets.domain.events import DecisionDropped
from trading_assets.domain.policy_events import EntriesAllowed, EntriesPaused
from trading_assets.live.book_state import BookState
from trading_assets.live.policies.pauses import ALL, allow, pause
from trading_assets.live.recovery import recover
from trading_assets.live.supervision.budget import Budget, budget_events, level_of
from trading_assets.live.supervision.slo import SloLevel

NAN = math.nan


def _apply(state, events):
    for event in events:
        (pause if isinstance(event, EntriesPaused) else allow)(state, event)
    return [(type(event).__name__, event.symbol, event.cause) for event in events]


def test_levels_come_and_go_each_as_an_event():
    state = BookState()
    assert budget_events(state, None, 1) == []
    assert budget_events(state, Budget(0.5), 1) == []
    assert _apply(state, budget_events(state, Budget(0.49), 1)) == [("EntriesPaused", ALL, "slo")]
    assert budget_events(state, Budget(0.55), 2) == []
    assert _apply(state, budget_events(state, Budget(0.2), 3)) == [
        ("EntriesPaused", ALL, "slo_paper")
    ]
    assert level_of(state) is SloLevel.PAPER
    assert _apply(state, budget_events(state, Budget(0.4), 4)) == [
        ("EntriesAllowed", ALL, "slo_paper")
    ]
    assert _apply(state, budget_events(state, Budget(0.7), 5)) == [("EntriesAllowed", ALL, "slo")]
    assert level_of(state) is SloLevel.NORMAL


def test_both_levels_at_once_are_two_events_that_say_what_is_left():
    state = BookState()
    events = budget_events(state, Budget(-2.0), 7)
    assert [event.cause for event in events] == ["slo", "slo_paper"]
    assert events[0].reason == "0.0% of the error budget is left"
    assert events[0].ts == 7


def test_a_supervision_that_failed_stops_entries_and_loosens_nothing():
    state = BookState()
    _apply(state, budget_events(state, Budget(0.1), 1))
    assert budget_events(state, Budget(0.0, "no journal"), 2) == []
    fresh = BookState()
    (event,) = budget_events(fresh, Budget(0.0, "no journal"), 2)
    assert (event.cause, event.reason) == ("slo", "no journal")


def test_an_executor_opens_nothing_while_the_budget_is_low_and_goes_on_after(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN), (0, NAN), (700, NAN)])
    desk.run(1)
    desk.budget = lambda: Budget(0.3)
    desk.run(2)
    desk.budget = lambda: Budget(0.9)
    desk.run(1)

    kinds = (EntriesPaused, EntriesAllowed)
    changes = [e for e in desk.journal.events if isinstance(e, kinds)]
    assert [(type(e), e.cause) for e in changes] == [(kind, "slo") for kind in kinds]
    sides = [o["ticket"].side.name for o in desk.venue.orders]
    assert sides == ["BUY", "SELL", "BUY"]
    assert any(isinstance(e, DecisionDropped) for e in desk.journal.events)
    desk.journal.snapshots = []
    again = recover(desk.journal, desk.setup, desk.machines)
    assert again.state.to_json() == desk.session.state.to_json()
    assert desk.verdicts() == []
