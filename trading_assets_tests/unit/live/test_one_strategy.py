"""What people ask of one strategy of a book: it is held back or made smaller, and nothing else."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.commands import CancelOrder
from trading_assets.domain.control import CommandKind, PersonCommand, StrategyLimits
from trading_assets.domain.events import (
    DecisionDropped,
    OrderReported,
    ReleaseSwitched,
    TradingHalted,
)
from trading_assets.domain.setup import Sizing, SizingMode
from trading_assets.domain.strategy_events import (
    StrategyStarted,
    StrategyStopped,
    StrategyTightened,
)
from trading_assets.engine.machine import Machine
from trading_assets.live.hand_over import MachineFactory, Terms, handed_over
from trading_assets.live.recovery import recover
from trading_assets.live.safety.people import Unattended, events_of
from trading_assets.live.saved_session import SavedSession
from trading_assets.live.session import Session
from trading_assets.live.strategy_stance import StrategySize, described
from trading_assets_tests.stand_ins.strategy_books import Book, engine_of_two, session_of_two

KIND = CommandKind
BY_RISK = Sizing(SizingMode.RISK, risk_pct=Decimal(1))


@pytest.fixture
def book(kit):
    return Book(kit, session_of_two(kit), engine_of_two(kit))


def stop(book, name="fast"):
    return StrategyStopped(book.session.state.last_ts, name, "earnings", "ann", 1)


def tighten(book, name="fast", **limits):
    values = StrategyLimits(**{key: Decimal(text) for key, text in limits.items()})
    return StrategyTightened(book.session.state.last_ts, name, values, 1)


def dropped(book):
    found = (e for e in book.journal.events if isinstance(e, DecisionDropped))
    return [(event.tag, event.rule) for event in found]


def ask(book, kind, *, who="ann", reason="said so", **arguments):
    """Give what becomes of a command, and let it happen; "" or why it was refused."""
    command = PersonCommand(1, 5, kind, who, reason, "cli", json.dumps(arguments))
    events = events_of(command, book.terms, book.session.state, Unattended(), 9)
    for event in events:
        book.take(event)
    return events[0].refused


def test_ctl_04_a_stopped_strategy_opens_nothing_and_leaves_what_it_holds(book):
    (held,) = book.bar(0, fast_sol=0.5)
    book.fill(held)
    book.take(stop(book))

    (other,) = book.bar(1, fast_btc=0.5, slow_sol=0.5)
    assert other.tag == "slow"
    assert dropped(book) == [("fast", "strategy_stopped")]
    book.fill(other)
    (leaving,) = book.bar(2, fast_sol=0.0)
    assert (leaving.tag, leaving.reduce_only) == ("fast", True)

    book.take(StrategyStarted(book.session.state.last_ts, "fast", "over", "ann", 2))
    assert [ticket.tag for ticket in book.bar(3, fast_btc=0.5)] == ["fast"]


def test_ctl_04_entries_of_a_stopped_strategy_that_work_are_withdrawn(book):
    fast, slow = book.bar(0, fast_sol=0.5, slow_sol=0.5)
    for ticket in (fast, slow):
        book.take(OrderReported(ticket.bar_ts, book.kit.report(ticket, "ACCEPTED")))

    commands = book.session.handle(stop(book))

    assert commands == [CancelOrder("SOLUSDT", fast.client_order_id)]


def test_ctl_04_a_start_takes_back_no_halt(book):
    book.take(stop(book))
    book.take(TradingHalted(book.session.state.last_ts, "news"))
    assert ask(book, KIND.START_STRATEGY, strategy="fast") == ""

    assert book.bar(1, fast_sol=0.5) == []
    assert dropped(book) == [("fast", "halted")]


def test_ctl_04_ctl_06_what_was_said_outlives_the_process(book):
    book.bar(0)
    book.take(stop(book))
    book.take(tighten(book, "slow", weight="0.25"))
    book.bar(1, slow_sol=0.5)

    again = recover(book.journal, book.terms, book.machines)
    saved = SavedSession.from_bytes(book.session.snapshot())
    restored = Session.restored(book.terms, book.machines.restore, saved)

    for session in (again, restored):
        assert session.state.to_json() == book.session.state.to_json()
        assert session.snapshot() == book.session.snapshot()


def test_a_snapshot_of_a_version_without_it_is_read(book):
    values = json.loads(book.session.snapshot())
    del values["book"]["strategies"]
    saved = SavedSession.from_bytes(json.dumps(values).encode())
    restored = Session.restored(book.terms, book.machines.restore, saved)
    assert restored.state.strategies == {}


@pytest.mark.parametrize("carried", [True, False])
def test_ctl_04_ctl_06_what_was_said_holds_for_the_next_release(book, kit, carried):
    book.bar(0)
    book.take(stop(book))
    book.take(tighten(book, "slow", weight="0.5"))
    engine = engine_of_two(kit, slow=40)
    terms = Terms(
        session_of_two(kit, release_id="r2"),
        MachineFactory(lambda: Machine(engine), lambda blob: Machine.restore(engine, blob)),
    )
    switched = ReleaseSwitched(book.session.state.last_ts, "r1", "r2", carried)
    book.take(switched)
    book.session = handed_over(book.session, terms, switched)

    (slow,) = book.bar(1, fast_sol=0.5, slow_sol=1.0)
    assert (slow.tag, slow.quantity) == ("slow", Decimal("20.000"))
    assert dropped(book) == [("fast", "strategy_stopped")]


# Smaller: what a release with these numbers would have done, by the same compiled step


def test_ctl_06_a_weight_is_the_allocation_of_a_smaller_release(book, kit):
    smaller = Book(kit, book.terms, engine_of_two(kit, fast=15))
    book.bar(0)
    smaller.bar(0)
    book.take(tighten(book, weight="0.5"))
    targets = {"fast_sol": 0.7, "fast_btc": 0.4, "slow_sol": 0.9}

    ours, theirs = book.bar(1, **targets), smaller.bar(1, **targets)

    assert ours == theirs
    assert len(ours) == 3
    for one, of in ((ours, book), (theirs, smaller)):
        for ticket in one:
            of.fill(ticket)
    assert book.session.machine.balances() == smaller.session.machine.balances()


def test_ctl_05_risk_is_that_of_a_release_that_risks_less(kit):
    """Both engines are asked for a size at a stop; the one that was made smaller by hand agrees."""
    whole, less = (
        Machine(engine_of_two(kit, sizing=Sizing(SizingMode.RISK, risk_pct=Decimal(pct))))
        for pct in ("1", "0.25")
    )
    whole.scale([1.0, 1.0], [0.0025, 0.0025])
    bars = [[100.0] * 4 + [1.0]] * 2
    signals = [[0.1, 5.0, math.nan]] * 3

    ours, theirs = (m.on_close(kit.START, np.array(bars), np.array(signals)) for m in (whole, less))

    assert ours == theirs
    assert [order.lots for order in ours][::2] == [150, 300]


def test_ctl_05_what_a_release_risks_is_never_exceeded(kit):
    machine = Machine(engine_of_two(kit, sizing=BY_RISK))
    before = machine.snapshot()
    machine.scale([1.0, 1.0], [math.inf, 0.5])
    assert machine.snapshot() == before


def test_ctl_05_ctl_06_smaller_strategies_share_what_is_left_of_the_book(book, kit):
    book.bar(0)
    assert ask(book, KIND.TIGHTEN_LIMITS, risk_multiplier="0.5") == ""
    assert ask(book, KIND.TIGHTEN_LIMITS, strategy="fast", weight="0.5") == ""

    fast, slow = book.bar(1, fast_sol=1.0, slow_sol=1.0)

    assert (fast.quantity, slow.quantity) == (Decimal("7.500"), Decimal("30.000"))


@pytest.mark.parametrize(
    ("kind", "arguments", "refusal"),
    [
        (KIND.STOP_STRATEGY, {"strategy": "other"}, "no such strategy: expected one of fast, slow"),
        (KIND.STOP_STRATEGY, {}, "no such strategy"),
        (KIND.START_STRATEGY, {"strategy": "slow"}, "Nobody has stopped strategy slow"),
        (KIND.START_STRATEGY, {"strategy": "fast", "who": " "}, "needs a reason and a name"),
        (KIND.TIGHTEN_LIMITS, {"strategy": "fast", "weight": "0.6"}, "Promote a release"),
        (KIND.TIGHTEN_LIMITS, {"strategy": "fast", "weight": "0"}, "Not a value of weight"),
        (KIND.TIGHTEN_LIMITS, {"strategy": "slow", "weight": "1.1"}, "Not a value of weight"),
        (KIND.TIGHTEN_LIMITS, {"strategy": "fast", "risk_bps": "101"}, "Promote a release"),
        (KIND.TIGHTEN_LIMITS, {"strategy": "slow", "risk_bps": "1"}, "not sized by a risk"),
        (KIND.TIGHTEN_LIMITS, {"strategy": "slow", "max_open_orders": "1"}, "No such limit"),
        (KIND.TIGHTEN_LIMITS, {"strategy": "slow"}, "No such limit"),
    ],
)
def test_ctl_05_ctl_06_what_loosens_or_means_nothing_is_refused(kit, kind, arguments, refusal):
    sizes = (StrategySize(Decimal(30), Decimal(100)), StrategySize(Decimal(60)))
    book = Book(kit, session_of_two(kit, sizes=sizes), engine_of_two(kit))
    book.take(stop(book))
    book.take(tighten(book, weight="0.5"))
    before = book.session.state.to_json()

    assert refusal in ask(book, kind, **arguments)

    assert book.session.state.to_json() == before | {"inbox_id": 1}


def test_ctl_03_a_strategy_says_how_it_stands(book):
    book.take(stop(book))
    book.take(tighten(book, weight="0.5", risk_bps="25"))
    size = StrategySize(Decimal(30), Decimal(100))

    assert described("fast", size, book.session.state.strategies["fast"]) == {
        "name": "fast",
        "state": "stopped",
        "reason": "earnings",
        "by": "ann",
        "weight": "0.5",
        "allocation_pct": "15.0",
        "allocation_pct_of_release": "30",
        "risk_bps": "25",
        "risk_bps_of_release": "100",
    }


def test_an_entry_that_fills_after_the_stop_belongs_to_its_strategy(book):
    (sent,) = book.bar(0, fast_sol=0.5)
    book.take(stop(book))
    book.fill(sent)
    book.session.check_engine()
    assert book.held() == {("fast", "SOLUSDT"): Decimal("14.985")}
