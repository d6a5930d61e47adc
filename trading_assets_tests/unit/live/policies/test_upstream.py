"""What a running book does when the data behind its release are not what they were."""

from __future__ import annotations

import math

import pytest

from trading_assets.domain.control import CommandKind
from trading_assets.domain.events import OrderIntentCreated, TradingHalted
from trading_assets.domain.order import OrderSide
from trading_assets.domain.policy_events import (
    EntriesAllowed,
    EntriesPaused,
    FoundUpstream,
    UpstreamStale,
)
from trading_assets.live.policies.book_policies import OnUpstream, PolicyTerms
from trading_assets.live.recovery import recover

NAN = math.nan
FOUND = ("bars_1m/BTCUSDT/2024-01 is restated: x", "features/BTCUSDT/2024-01 is stale: y")


def _kinds(desk, *kinds):
    return [event for event in desk.journal.events if isinstance(event, kinds)]


def _sides(desk):
    return [e.ticket.side for e in _kinds(desk, OrderIntentCreated)]


def _run(desk, bars, policy, answer, aged=()):
    found = None if answer is None else FoundUpstream(answer, aged)
    desk.policies = PolicyTerms(upstream=policy, look_upstream=lambda: found)
    desk.run(bars)
    desk.journal.snapshots = []
    again = recover(desk.journal, desk.setup, desk.machines)
    assert again.state.to_json() == desk.session.state.to_json()


@pytest.mark.parametrize(
    ("policy", "sides", "paused", "halted"),
    [
        (OnUpstream.ALERT, ["BUY", "BUY", "SELL"], 0, 0),
        (OnUpstream.REDUCE, ["BUY", "SELL"], 1, 0),
        (OnUpstream.HOLD, ["BUY", "SELL"], 0, 1),
    ],
)
def test_findings_are_journalled_once_and_answered_by_policy(kit, policy, sides, paused, halted):
    desk = kit.Desk([(1000, NAN), (2000, NAN), (0, NAN)])
    _run(desk, 1, policy, ())
    assert _kinds(desk, UpstreamStale) == []
    _run(desk, 2, policy, FOUND)

    (stale,) = _kinds(desk, UpstreamStale)
    assert (stale.release_id, stale.findings) == ("r1", FOUND)
    assert _sides(desk) == [OrderSide[side] for side in sides]
    assert len(_kinds(desk, EntriesPaused)) == paused
    assert len(_kinds(desk, TradingHalted)) == halted


def test_a_pause_ends_with_its_cause_or_by_a_person_and_the_same_is_no_news(kit):
    desk = kit.Desk([(100 * (n + 1), NAN) for n in range(9)])
    _run(desk, 1, OnUpstream.REDUCE, FOUND)
    assert _sides(desk) == []
    desk.people.ask(CommandKind.ACKNOWLEDGE_SYMBOL, symbol="")
    _run(desk, 2, OnUpstream.REDUCE, FOUND)
    assert len(_sides(desk)) == 2
    _run(desk, 1, OnUpstream.REDUCE, FOUND[:1])
    assert len(_sides(desk)) == 2
    _run(desk, 1, OnUpstream.REDUCE, None)
    assert len(_sides(desk)) == 2
    _run(desk, 1, OnUpstream.REDUCE, ())

    assert len(_sides(desk)) == 3
    reasons = [e.reason for e in _kinds(desk, EntriesAllowed)]
    assert reasons == ["said so (ann)", "nothing is found any more"]
    assert [len(e.findings) for e in _kinds(desk, UpstreamStale)] == [2, 1, 0]


@pytest.mark.parametrize("policy", list(OnUpstream))
def test_the_age_of_what_is_pinned_is_told_once_a_month_and_stops_nothing(kit, policy):
    desk = kit.Desk([(1000 * (n + 1), NAN) for n in range(4)])
    for month in ("02", "02", "03", "03"):
        _run(desk, 1, policy, (), (f"regime_parameters/BTCUSDT/2024-01 is aged: {month}",))

    told = [(e.findings, e.aged[0][-2:]) for e in _kinds(desk, UpstreamStale)]
    assert told == [((), "02"), ((), "03")]
    assert _kinds(desk, EntriesPaused, TradingHalted) == []
    assert len(_sides(desk)) == 4


def test_what_somebody_has_acknowledged_does_not_pause_again_for_an_age(kit):
    desk = kit.Desk([(1000 * (n + 1), NAN) for n in range(3)])
    _run(desk, 1, OnUpstream.REDUCE, FOUND)
    desk.people.ask(CommandKind.ACKNOWLEDGE_SYMBOL, symbol="")
    _run(desk, 2, OnUpstream.REDUCE, FOUND, ("regime_parameters/BTCUSDT/2024-01 is aged: x",))

    assert len(_kinds(desk, UpstreamStale)) == 2
    assert len(_kinds(desk, EntriesPaused)) == 1
    assert len(_sides(desk)) == 2
