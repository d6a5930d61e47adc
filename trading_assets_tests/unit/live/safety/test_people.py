"""What people ask of a running book: taken once, in order, and carried out at whatever moment."""

from __future__ import annotations

import dataclasses
import math
import threading

import pytest

from trading_assets.domain.commands import CancelOrder, ReconcileState, SaveSnapshot, SubmitOrder
from trading_assets.domain.control import (
    CommandKind,
    HaltLevel,
    HaltRequest,
    confirmation_code,
)
from trading_assets.domain.errors import JournalUnwritable, RecoveryError, VenueUnavailable
from trading_assets.domain.events import (
    BarReady,
    BookArmed,
    CommandReceived,
    OrderIntentCreated,
    OrderProvenAbsent,
    OrderReported,
    OrderSubmitted,
    Reconciled,
    SessionOpened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.order import OrderSide, OrderStatus, OrderType
from trading_assets.live.exits import withdrawals
from trading_assets.live.recovery import recover
from trading_assets.live.safety.arming import ArmToken
from trading_assets.live.safety.people import halt_identity

NAN = math.nan
KIND = CommandKind


def _kinds(desk, *kinds):
    return [event for event in desk.journal.events if isinstance(event, kinds)]


def _code(desk):
    return confirmation_code("demo", desk.people.latched().identity)


@pytest.mark.parametrize("level", list(HaltLevel)[1:])
def test_a_halt_of_any_level_stops_entries_and_lets_exits_pass(kit, level):
    desk = kit.Desk([(1000, NAN), (2000, 200), (0, NAN)])
    desk.run(1)
    desk.people.ask(KIND.HALT_TRADING, level=level.name)
    desk.run(2)

    (halted,) = _kinds(desk, TradingHalted)
    assert (halted.level, halted.source, halted.inbox_id) == (level, "cli", 1)
    assert halted.reason == "said so (ann)"
    assert [o["ticket"].side for o in desk.venue.orders] == [OrderSide.BUY, OrderSide.SELL]
    assert desk.session.state.level is level


def test_a_flatten_sells_what_is_held_once_and_under_ids_of_its_own(kit):
    desk = kit.Desk([(1000, 200), (NAN, NAN), (NAN, NAN)])
    desk.run(1)
    desk.people.ask(KIND.FLATTEN_ALL)
    desk.run(2)

    assert desk.session.machine.position == [0, 0]
    exits = [o["ticket"] for o in desk.venue.orders[2:]]
    assert [(t.symbol, t.type, t.reduce_only) for t in exits] == [
        ("SOLUSDT", OrderType.MARKET, True),
        ("BTCUSDT", OrderType.MARKET, True),
    ]
    assert len(set(desk.venue.sent)) == len(desk.venue.sent) == 4
    assert desk.verdicts() in ([], ["a bar was decided twice"])  # its exits are of the same bar


@pytest.mark.parametrize("fate", ["lost_answer", "late:2", "lost_request", "partial", "refuse"])
def test_a_flatten_whose_exit_fails_is_made_anew_and_never_resent(kit, fate):
    desk = kit.Desk([(1000, NAN), (NAN, NAN)])
    desk.run(1)
    desk.venue.script = [fate]
    desk.people.ask(KIND.FLATTEN_ALL)
    desk.executor(poll_s=0.5).run(threading.Event(), max_bars=2)

    assert desk.session.machine.position == [0, 0]
    assert desk.session.state.orders == {}
    assert len(set(desk.venue.sent)) == len(desk.venue.sent)


def test_an_exit_that_the_venue_refuses_for_good_is_tried_a_few_times_per_bar(kit):
    desk = kit.Desk([(1000, NAN), (NAN, NAN)])
    desk.run(1)
    desk.venue.script = ["refuse"] * 100
    desk.people.ask(KIND.FLATTEN_ALL)
    desk.run(2)

    assert 3 <= len(desk.venue.sent) - 1 <= 9


def test_a_resume_needs_the_code_of_the_halt_in_force(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN), (3000, NAN), (4000, NAN)])
    desk.run(1)
    desk.halt("first")
    old = _code(desk)
    desk.halt("second")
    desk.people.ask(KIND.RESUME_TRADING, code=old)
    desk.run(1)
    (refused,) = _kinds(desk, CommandReceived)
    assert "another halt" in refused.refused
    assert desk.people.latched() is not None

    desk.people.ask(KIND.RESUME_TRADING, code=_code(desk))
    desk.run(1)
    (resumed,) = _kinds(desk, TradingResumed)
    assert (resumed.operator, resumed.inbox_id) == ("ann", 2)
    assert desk.people.latched() is None
    assert (desk.session.state.halted, desk.session.state.level) == ("", HaltLevel.NONE)
    assert [o["ticket"].side for o in desk.venue.orders] == [OrderSide.BUY] * 2


@pytest.mark.parametrize(("who", "reason"), [(" ", "safe"), ("ann", "")])
def test_a_resume_without_a_name_or_a_reason_is_refused(kit, who, reason):
    desk = kit.Desk([(NAN, NAN)])
    desk.halt("stop")
    desk.people.ask(KIND.RESUME_TRADING, who=who, reason=reason, code=_code(desk))
    desk.run(1)
    assert _kinds(desk, CommandReceived)[0].refused == "a resume needs a reason and a name"
    assert desk.session.state.halted


def test_a_halt_of_the_book_itself_outlives_a_latch_that_somebody_removes(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN)])
    desk.halt("stop")
    desk.run(1)
    desk.people.latch = None
    desk.run(1)
    assert desk.venue.sent == []
    assert desk.session.state.halted == "stop"


def test_an_inbox_that_cannot_be_read_halts_the_book(kit):
    def damaged(after):
        raise RecoveryError("The inbox cannot be used", found="malformed")

    desk = kit.Desk([(1000, NAN)])
    desk.people.commands = damaged
    desk.run(2)

    assert desk.venue.sent == []
    (halted,) = _kinds(desk, TradingHalted)
    assert halted.source == "inbox"
    assert desk.people.latched() is not None


def test_reconcile_and_snapshot_are_done_when_they_are_asked_for(kit):
    desk = kit.Desk([(NAN, NAN)])
    executor = desk.executor(reconcile_s=1e9)
    desk.people.ask(KIND.RECONCILE_STATE)
    desk.people.ask(KIND.SAVE_SNAPSHOT)
    executor.run(threading.Event(), max_bars=1)

    assert len(_kinds(desk, Reconciled)) == 2
    assert len(desk.journal.snapshots) == 2


@pytest.mark.parametrize("kill_at", range(1, 60))
def test_a_kill_anywhere_neither_loses_nor_repeats_a_command(kit, kill_at):
    desk = kit.Desk([(1000, 200), (NAN, NAN)], kill_at=kill_at)
    asked = False
    for _ in range(3):
        try:
            desk.run(1)
            if not asked:
                asked = True
                desk.people.ask(KIND.CANCEL_ALL)
                desk.people.ask(KIND.FLATTEN_ALL)
                desk.people.ask(KIND.SAVE_SNAPSHOT)
            desk.run(2)
        except desk.Killed:
            continue
    taken = [event.inbox_id for event in _kinds(desk, CommandReceived)]
    assert taken == [1, 2, 3]
    assert len(_kinds(desk, TradingHalted)) == 1
    assert desk.session.machine.position == [0, 0]
    assert len(set(desk.venue.sent)) == len(desk.venue.sent)
    again = recover(desk.journal, desk.setup, desk.machines)
    assert again.state.to_json() == desk.session.state.to_json()


def _working(session, kit):
    """Give a session with an entry and an exit that work at the venue."""
    session.handle(kit.bar(0, sol=1000, btc=200))
    session.take_derived()
    entry, exit_ = (order for order in session.state.orders.values())
    object.__setattr__(exit_.ticket, "reduce_only", True)
    object.__setattr__(exit_.ticket, "type", OrderType.LIMIT)
    for order in (entry, exit_):
        session.handle(OrderSubmitted(1, order.client_order_id, 1, 5000))
        session.handle(OrderReported(1, kit.report(order.ticket, "ACCEPTED")))
    return entry.client_order_id, exit_.client_order_id


@pytest.mark.parametrize(
    ("level", "gone"),
    [(HaltLevel.PAUSE, ()), (HaltLevel.HALT, (0,)), (HaltLevel.FLATTEN, (0, 1))],
)
def test_a_halt_withdraws_entries_and_a_flatten_exits_too(session, kit, level, gone):
    names = _working(session, kit)
    commands = session.handle(TradingHalted(2, "stop", level))
    assert [c.client_order_id for c in commands] == [names[n] for n in gone]
    assert all(isinstance(c, CancelOrder) for c in commands)


def test_an_order_in_doubt_is_withdrawn_once_it_is_known_to_work(session, kit):
    session.handle(kit.bar(0, sol=1000))
    (order,) = session.state.orders.values()
    session.take_derived()
    session.handle(OrderSubmitted(1, order.client_order_id, 1, 5000))
    assert session.handle(_command(KIND.CANCEL_ALL)) == []
    session.handle(OrderReported(2, kit.report(order.ticket, "ACCEPTED")))
    assert [c.client_order_id for c in withdrawals(session.state)] == [order.client_order_id]
    assert session.state.level is HaltLevel.NONE


def test_exits_wait_for_what_is_at_work_and_follow_its_end(session, kit):
    session.machine.position = [500, 0]
    session.machine.price = [100.0, 100.0]
    names = _working(session, kit)
    assert not [
        c for c in session.handle(TradingHalted(2, "stop", HaltLevel.FLATTEN))
        if isinstance(c, SubmitOrder)
    ]  # fmt: skip
    entry = session.state.orders[names[0]].ticket
    commands = session.handle(OrderReported(3, kit.report(entry, "CANCELED")))
    (exit_,) = [c.ticket for c in commands if isinstance(c, SubmitOrder)]
    assert (exit_.symbol, exit_.side, exit_.reduce_only) == ("SOLUSDT", OrderSide.SELL, True)
    assert [type(e) for e in session.take_derived()] == [OrderIntentCreated]
    assert session.state.orders[exit_.client_order_id].status is OrderStatus.INTENT


@pytest.mark.parametrize(
    ("kind", "command"),
    [(KIND.SAVE_SNAPSHOT, SaveSnapshot), (KIND.RECONCILE_STATE, ReconcileState)],
)
def test_a_refused_command_asks_for_nothing(session, kind, command):
    assert [type(c) for c in session.handle(_command(kind))] == [command]
    assert session.handle(_command(kind, number=2, refused="no")) == []
    assert session.state.inbox_id == 2


def _command(kind, number=1, refused=""):
    return CommandReceived(1, number, 1, kind, "ann", "said so", "cli", "{}", refused)


def test_bars_that_wait_are_not_traded_after_a_halt_in_between(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN), (3000, NAN)])
    submit = desk.venue.submit

    def submit_and_halt(ticket):
        desk.people.ask(KIND.HALT_TRADING)
        return submit(ticket)

    desk.venue.submit = submit_and_halt
    desk.run(3)
    assert len(desk.venue.sent) == 1
    kinds = [type(e) for e in desk.journal.events if isinstance(e, BarReady | TradingHalted)]
    assert kinds == [BarReady, TradingHalted, BarReady, BarReady]


def test_the_approval_of_real_money_is_journalled_with_every_session(kit):
    desk = kit.Desk([(NAN, NAN)])
    token = ArmToken("demo", "demo", "api.binance.com", "r1", "ann", "ready", 1, 2)
    for _ in range(2):
        executor = desk.executor()
        executor._around = dataclasses.replace(executor._around, armed=token)
        executor.run(threading.Event(), max_bars=1)
    found = _kinds(desk, SessionOpened, BookArmed)
    assert [type(e) for e in found] == [SessionOpened, BookArmed] * 2
    assert (found[1].by, found[1].reason, found[1].expires) == ("ann", "ready", 2)


def test_a_journal_that_takes_no_more_halts_the_next_process_too(kit):
    desk = kit.Desk([(1000, NAN), (2000, NAN)])
    desk.run(1)
    append = desk.journal.append

    def full(events):
        if any(isinstance(event, BarReady) for event in events):
            raise JournalUnwritable("The journal cannot be written", found="no space")
        return append(events)

    desk.journal.append = full
    with pytest.raises(JournalUnwritable):
        desk.run(1)
    assert desk.people.latched().source == "disk"
    desk.journal.append = append
    desk.run(1)
    assert len(desk.venue.sent) == 1
    assert _kinds(desk, TradingHalted)[0].source == "disk"


def test_a_book_that_is_to_be_flat_sells_after_it_has_reconciled_and_not_before(kit):
    desk = kit.Desk([(1000, NAN), (NAN, NAN)])
    desk.run(1)
    query, desk.venue.query = desk.venue.query, _unavailable
    desk.venue.script = ["lost_request"]
    desk.people.ask(KIND.FLATTEN_ALL)
    desk.run(1)
    assert len(desk.session.state.in_doubt()) == 1
    rows = len(desk.journal.events)
    desk.venue.query = query
    desk.executor(poll_s=0.5).run(threading.Event(), max_bars=1)
    watched = (SessionOpened, OrderProvenAbsent, Reconciled, OrderIntentCreated)
    kinds = [type(e) for e in desk.journal.events[rows:] if isinstance(e, watched)]
    assert kinds[:4] == list(watched)
    assert desk.session.machine.position == [0, 0]


def _unavailable(*_):
    raise VenueUnavailable("down")


def test_a_halt_that_only_memory_has_is_resumed_by_what_the_journal_says(kit):
    desk = kit.Desk([(NAN, NAN)])
    desk.people.latch = HaltRequest("SIGUSR1", source="signal")
    desk.run(1)
    identity = halt_identity(None, desk.session.state.halted)
    desk.people.lift = lambda _: setattr(desk.people, "latch", None) or True
    desk.people.ask(KIND.RESUME_TRADING, code=confirmation_code("demo", identity))
    desk.run(1)
    assert desk.session.state.halted == ""


@pytest.mark.parametrize("arguments", ["{", "[]", "7", '{"level": "NONE"}', '{"level": [1]}'])
def test_a_command_with_arguments_of_no_sense_never_ends_the_executor(kit, arguments):
    desk = kit.Desk([(1000, NAN)])
    for kind in KIND:
        desk.people.inbox.append(dataclasses.replace(desk.people.ask(kind), arguments=arguments))
        del desk.people.inbox[-2]
    desk.run(2)
    found = {event.kind: event.refused for event in _kinds(desk, CommandReceived)}
    assert found.keys() == set(KIND)
    assert found[KIND.HALT_TRADING] == ""
    assert all(found[k] for k in (KIND.RESUME_TRADING, KIND.TIGHTEN_LIMITS))
    assert desk.session.state.level is HaltLevel.FLATTEN
    assert desk.venue.sent == []


@pytest.mark.parametrize("kill_at", range(1, 40))
def test_a_kill_around_a_resume_leaves_the_book_halted_or_resumed_and_never_between(kit, kill_at):
    desk = kit.Desk([(NAN, NAN), (1000, NAN), (2000, NAN)])
    desk.halt("stop")
    desk.run(1)
    desk.people.ask(KIND.RESUME_TRADING, code=_code(desk))
    desk.doom.at = desk.doom.seen + kill_at
    for _ in range(2):
        try:
            desk.run(2)
        except desk.Killed:
            continue
    (received,) = _kinds(desk, CommandReceived)
    is_refused = bool(received.refused)
    assert is_refused == bool(desk.session.state.halted)
    assert len(_kinds(desk, TradingResumed)) == (not is_refused)
    if is_refused:
        assert desk.venue.sent == []


def test_a_stop_in_the_middle_of_a_flatten_leaves_a_journal_that_can_be_gone_on_with(kit):
    desk = kit.Desk([(1000, 200), (NAN, NAN)])
    desk.run(1)
    stop = threading.Event()
    submit = desk.venue.submit

    def refuse_and_stop(ticket):
        desk.venue.script = ["refuse"]
        stop.set()
        return submit(ticket)

    desk.venue.submit = refuse_and_stop
    desk.people.ask(KIND.FLATTEN_ALL)
    desk.run(2, stop)
    assert len(_kinds(desk, OrderProvenAbsent)) >= 2
    desk.venue.submit = submit
    desk.run(1)
    assert desk.session.machine.position == [0, 0]
    assert len(set(desk.venue.sent)) == len(desk.venue.sent)
