"""Whole lives of a book by seed, and that their judge would say so if one went wrong."""

import dataclasses
from collections import Counter
from decimal import Decimal

import pytest

from trading_assets.domain.control import CommandKind, TightLimits
from trading_assets.domain.events import (
    BarReady,
    ForeignOrderSeen,
    LimitsTightened,
    OrderFilled,
    OrderIntentCreated,
    ReleaseSwitched,
    TradingHalted,
)
from trading_assets.domain.order import OrderStatus
from trading_assets.simulation.campaign import run_schedule
from trading_assets.simulation.fault_plan import NONE, Rates
from trading_assets.simulation.judge import faults_of
from trading_assets.simulation.market import INSTRUMENTS
from trading_assets.simulation.releases import POLICIES
from trading_assets.simulation.replay_check import log_hash
from trading_assets.simulation.story import story_of
from trading_assets.simulation.world import Options

CALM = Options(bars=8, rates=NONE)


@pytest.fixture
def world():
    """A schedule in which all went well, to be tampered with."""
    lived, wrong = run_schedule(8, CALM)
    assert wrong == []
    assert lived.venue.fills
    return lived


def without(world, kind, number=0):
    """Take one event of a kind out of the journal."""
    found = [e for e in world.disk.events if isinstance(e, kind)][number]
    world.disk.rewrite(
        [tuple(event for event in commit if event is not found) for commit in world.disk.commits]
    )


@pytest.mark.parametrize("seed", range(12))
def test_a_schedule_of_its_seed_ends_well_and_leaves_the_same_bytes_again(seed):
    first, wrong = run_schedule(seed)
    second, _ = run_schedule(seed)

    assert wrong == []
    assert log_hash(first) == log_hash(second)


def test_another_seed_is_another_schedule():
    assert log_hash(run_schedule(1)[0]) != log_hash(run_schedule(2)[0])


def test_an_order_that_the_venue_has_twice_is_a_duplicate(world):
    world.venue.orders.append(world.venue.orders[0])

    assert any(text.startswith("duplicate: the venue has") for text in faults_of(world))


def test_an_order_that_left_twice_is_a_duplicate(world):
    world.wire.sent.append(world.wire.sent[0])

    assert any("left 2 times" in text for text in faults_of(world))


def test_an_order_that_the_journal_lacks_is_an_orphan(world):
    without(world, OrderIntentCreated)

    assert any(text.startswith("orphan") for text in faults_of(world))


def test_an_execution_that_was_not_booked_is_lost(world):
    without(world, OrderFilled)

    assert any(text.startswith("fill") for text in faults_of(world))


def test_a_bar_that_was_not_handled_is_missed(world):
    without(world, BarReady, number=3)

    assert any(text.startswith("bars: 1 missed") for text in faults_of(world))


def test_a_unit_too_much_is_a_difference(world):
    world.venue.deposit("USDT", 1)

    assert [text.split(":")[0] for text in faults_of(world)] == ["balance"]


def test_an_order_that_still_works_is_unresolved(world):
    world.venue.orders[0].status = OrderStatus.ACCEPTED

    assert any("still works at the venue" in text for text in faults_of(world))


def test_an_entry_after_a_halt_is_told(world):
    entry = next(s for s in world.wire.sent if not s.ticket.reduce_only)
    world.terminal, world.terminal_at = "halt", entry.ts - 1

    told = faults_of(world)

    assert f"halt: entry {entry.ticket.client_order_id} left 1 us after it" in told
    assert "halt: entries go on after halt" in told


def test_a_command_that_was_not_taken_is_told(world):
    world.people.ask(CommandKind.CANCEL_ALL, world.time.now)

    assert faults_of(world) == ["command: 1 were written, [] were taken"]


def test_a_position_that_a_flatten_has_left_is_told():
    lived = next(w for w in (run_schedule(seed, CALM)[0] for seed in range(40)) if holds(w))
    lived.terminal = "flatten"

    assert any(text.startswith("flatten: the book still holds") for text in faults_of(lived))


def holds(world):
    return any(position.lots for position in world.session.machine.positions())


def test_an_entry_beyond_a_tightened_limit_is_told(world):
    limits = LimitsTightened(world.minutes[0].ts, TightLimits(max_order_notional=Decimal(1)), 1)
    world.disk.rewrite([(limits,), *world.disk.commits])

    assert any(text.startswith("limit: entry") for text in faults_of(world))


def test_a_fill_in_the_book_of_another_strategy_is_told(world):
    intents = [event for event in world.disk.events if isinstance(event, OrderIntentCreated)]
    assert {event.ticket.tag for event in intents} == {"fast", "slow"}
    shared = {f.client_order_id for f in world.venue.fills if f.symbol == INSTRUMENTS[0].symbol}
    ours = (event for event in intents if event.ticket.client_order_id in shared)
    moved = next(event for event in ours if event.ticket.tag == "fast")
    ticket = dataclasses.replace(moved.ticket, tag="slow")
    wrong = dataclasses.replace(moved, ticket=ticket)
    world.disk.rewrite([tuple(wrong if e is moved else e for e in c) for c in world.disk.commits])

    assert any(text.startswith("book: slow holds") for text in faults_of(world))


@pytest.mark.parametrize("name", ["flatten", "halt_and_resume", "halt"])
def test_people_reach_the_book_and_it_does_what_they_say(name):
    options = Options(rates=Rates(0.1, 0.1, 0.3, 0.1, 0.0, 0.01, 1.0), only=frozenset({name}))
    lived, wrong = run_schedule(3, options)

    assert wrong == []
    assert lived.terminal == name
    assert bool(lived.session.state.halted) == (name != "halt_and_resume")
    assert any(isinstance(event, TradingHalted) for event in lived.disk.events)


def test_a_book_takes_other_releases_by_each_policy():
    rates = Rates(0.1, 0.1, 0.3, 0.1, 0.5, 0.01, 0.0)
    options = Options(bars=20, rates=rates, only=frozenset({"released"}))
    switched = Counter()
    for seed in range(45):
        lived, wrong = run_schedule(seed, options)
        assert wrong == [], seed
        policy = POLICIES[seed // 3 % 3]
        switched[policy] += sum(isinstance(event, ReleaseSwitched) for event in lived.disk.events)

    assert min(switched[policy] for policy in POLICIES) > 3, switched


def test_an_order_of_somebody_else_that_is_not_reported_is_told():
    rates = Rates(0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0)
    options = Options(rates=rates, only=frozenset({"foreign_trade"}))
    lived, wrong = next(
        (lived, wrong)
        for lived, wrong in (run_schedule(seed, options) for seed in range(30))
        if any(isinstance(event, ForeignOrderSeen) for event in lived.disk.events)
    )
    assert wrong == []

    without(lived, ForeignOrderSeen)

    assert [text for text in faults_of(lived) if text.endswith("was reported 0 times")]


def test_an_order_on_an_old_bar_is_late(world):
    sent = world.wire.sent[0]
    world.wire.sent[0] = dataclasses.replace(sent, ts=sent.ts + 600_000_000)

    assert any(text.startswith("late") for text in faults_of(world))


def test_another_engine_than_that_of_the_journal_is_told(world):
    world.session.machine.on_close = None
    world.session.machine._state.account["equity"] += 1.0

    assert any("the engine is another one" in text for text in faults_of(world))


def test_a_story_names_orders_trades_and_faults():
    lived, _ = run_schedule(1, CALM)

    told = "\n".join(story_of(lived))

    assert lived.venue.fills[0].client_order_id in told
    assert "SessionOpened" in told
    assert "crashes: " in told
