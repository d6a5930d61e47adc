"""A book changes its release between two bars: nothing is orphaned, no loss limit is forgotten."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from trading_assets.domain.account import Balance
from trading_assets.domain.bar import Bar
from trading_assets.domain.commands import CancelOrder, SubmitOrder
from trading_assets.domain.errors import InvariantError, RecoveryError
from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    OrderFilled,
    OrderProvenAbsent,
    OrderReported,
    OrderSubmitted,
    Reconciled,
    ReleaseAwaited,
    ReleaseRefused,
    ReleaseSwitched,
    SessionOpened,
    SignalRow,
)
from trading_assets.domain.setup import (
    Account,
    Costs,
    EngineSetup,
    FeeAsset,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.fixed import Fixed
from trading_assets.engine.inheritance import can_carry
from trading_assets.engine.machine import Machine
from trading_assets.live.book_state import SessionSetup
from trading_assets.live.hand_over import (
    Examined,
    MachineFactory,
    Releases,
    Terms,
    handed_over,
    next_step,
)
from trading_assets.live.recovery import last_release, recover
from trading_assets.live.session import Session

NAN = math.nan


def engine_of(kit, pct, symbols=("SOL", "BTC")):
    instruments = tuple(getattr(kit, name) for name in symbols)
    return EngineSetup(
        instruments,
        Account("USDT", Decimal(10_000)),
        SignalFamily.TARGET,
        Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(pct), rebalance_pct=Decimal(1)),
        costs=Costs(Decimal(10), Decimal(10), fee_asset=FeeAsset.RECEIVED),
    )


@pytest.fixture
def desk(kit):
    return Desk(kit)


class Desk:
    """Releases r1 (40 %), r2 (20 %) and r3 (another symbol first); a journal; a venue by hand."""

    def __init__(self, kit):
        self.kit = kit
        engines = {
            "r1": engine_of(kit, 40),
            "r2": engine_of(kit, 20),
            "r3": engine_of(kit, 20, ("BTC", "SOL")),
        }
        self.engines = engines
        self.terms = {
            name: Terms(
                SessionSetup("paper", "paper", "trend", name, engine.instruments, 3),
                MachineFactory(
                    lambda engine=engine: Machine(engine),
                    lambda blob, engine=engine: Machine.restore(engine, blob),
                ),
            )
            for name, engine in engines.items()
        }
        self.wanted = "r1"
        self.refusal = ""
        self.examined = []
        self.policy = "when_flat"
        self.journal = kit.Journal()
        terms = self.terms["r1"]
        self.session = Session(terms.setup, terms.machines.new())
        self.trades = 0
        self.take(SessionOpened(kit.START, "paper", "r1", (Balance("USDT", Decimal(10_000), 0),)))
        self.take(Reconciled(kit.START, 0, 0, ()))

    @property
    def releases(self):
        return Releases(lambda: self.wanted, self._examine, self.policy, bars=3)

    def _examine(self, release_id):
        self.examined.append(release_id)
        former, heir = (Fixed.of(self.engines[n]) for n in (self.release, release_id))
        return Examined(self.refusal, can_carry(heir, former))

    @property
    def release(self):
        return self.session.setup.release_id

    def take(self, event):
        commands = self.session.handle(event)
        self.journal.append([event, *self.session.take_derived()])
        if isinstance(event, ReleaseSwitched):
            self.session = handed_over(self.session, self.terms[event.release_id], event)
        return commands

    def turn(self):
        """Do what the executor does between two bars; give the event and its commands."""
        event = next_step(self.session, self.releases, self.session.state.last_ts)
        return event, self.take(event) if event is not None else []

    def bar(self, number, price=100.0, **targets):
        ts = self.kit.START + number * self.kit.BAR
        symbols = [item.symbol for item in self.session.setup.instruments]
        bars = tuple(Bar(s, ts, price, price, price, price, 1.0, 1.0, 1) for s in symbols)
        rows = tuple(
            SignalRow(s, ts, (targets.get(s[:3].lower(), NAN), NAN, NAN), "h") for s in symbols
        )
        return self.sent(self.take(BarReady(ts, bars, rows)))

    def sent(self, commands):
        tickets = [c.ticket for c in commands if isinstance(c, SubmitOrder)]
        for ticket in tickets:
            self.take(OrderSubmitted(ticket.bar_ts, ticket.client_order_id, 1, 5000))
        return tickets

    def fill(self, ticket, price="100"):
        self.trades += 1
        quantity = ticket.quantity
        sells = ticket.side < 0
        fee = quantity * Decimal("0.001") * (Decimal(price) if sells else 1)
        asset = "USDT" if sells else ticket.symbol.removesuffix("USDT")
        full = self.kit.report(ticket, "FILLED", str(quantity))
        self.take(OrderReported(ticket.bar_ts, full))
        fill = self.kit.fill(
            ticket, self.trades, str(quantity), price, fee=str(fee), fee_asset=asset
        )
        return self.take(OrderFilled(ticket.bar_ts, fill))

    def recovered(self):
        last = self.terms[last_release(self.journal)]
        return recover(self.journal, last.setup, last.machines, self.terms.__getitem__)

    def must_recover(self):
        again = self.recovered()
        assert again.setup.release_id == self.release
        assert again.machine.state_hash() == self.session.machine.state_hash()
        assert again.state.to_json() == self.session.state.to_json()


def lots(session):
    return {p.symbol: p.lots for p in session.machine.positions() if p.lots}


def test_a_flat_book_changes_at_once_with_the_money_it_has(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    (out,) = desk.bar(1, price=90.0, sol=0.0)
    desk.fill(out, "90")
    desk.bar(2)
    before = desk.session.machine
    cash, peak = before.balances()["USDT"], before._state.account[0]["peak"]
    desk.wanted = "r2"

    awaited, _ = desk.turn()
    switched, _ = desk.turn()

    assert (awaited.release_id, awaited.policy) == ("r2", "when_flat")
    assert switched == ReleaseSwitched(switched.ts, "r1", "r2", carried=False)
    after = desk.session.machine
    assert after.balances()["USDT"] == cash
    assert after._state.account[0]["peak"] == peak
    assert after.drawdown > 0.01  # the loss of the release before is not forgotten
    desk.session.check_engine()
    desk.must_recover()
    (ticket,) = desk.bar(3, sol=1.0)
    assert ticket.quantity * 100 == pytest.approx(Decimal("0.2") * cash, rel=Decimal("0.01"))
    desk.fill(ticket)
    desk.session.check_engine()
    desk.must_recover()


def test_a_release_waits_until_nothing_is_held_and_no_entry_goes_out_meanwhile(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.wanted = "r2"
    desk.turn()

    assert desk.bar(1, btc=1.0) == []
    rules = [e.rule for e in desk.journal.events if isinstance(e, DecisionDropped)]
    assert rules == ["hand_over"]
    assert desk.turn() == (None, [])
    (out,) = desk.bar(2, sol=0.0)  # the release before manages what it holds
    desk.fill(out)
    switched, _ = desk.turn()

    assert isinstance(switched, ReleaseSwitched)
    desk.must_recover()


def test_what_is_held_for_too_long_is_sold(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.wanted = "r2"
    desk.turn()
    assert desk.bar(1) == desk.bar(2) == []

    (out,) = desk.bar(3)

    assert (out.symbol, out.reduce_only) == ("SOLUSDT", True)
    desk.fill(out)
    assert isinstance(desk.turn()[0], ReleaseSwitched)
    desk.must_recover()


def test_what_is_held_is_sold_at_once_when_that_is_the_policy(desk):
    desk.policy = "close"
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.bar(1)
    desk.wanted = "r2"

    event, commands = desk.turn()

    assert isinstance(event, ReleaseAwaited)
    (out,) = desk.sent(commands)
    desk.fill(out)
    assert isinstance(desk.turn()[0], ReleaseSwitched)
    assert lots(desk.session) == {}
    desk.must_recover()


def test_positions_and_working_orders_go_over_where_the_books_are_the_same(desk):
    desk.policy = "carry"
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    (working,) = desk.bar(1, btc=0.5)
    desk.take(OrderReported(1, desk.kit.report(working, "ACCEPTED")))
    desk.wanted = "r2"

    awaited, commands = desk.turn()
    assert (awaited.policy, commands) == ("carry", [])
    switched, _ = desk.turn()

    assert switched.carried
    assert lots(desk.session) == {"SOLUSDT": 19980}
    assert [o.client_order_id for o in desk.session.state.orders.values()] == [
        working.client_order_id
    ]
    desk.fill(working)
    desk.session.check_engine()
    desk.must_recover()
    (less,) = desk.bar(2, sol=0.5)  # the target of the new release is half of the old one's
    assert less.side < 0
    desk.must_recover()


def test_an_order_in_doubt_holds_up_the_change(desk):
    desk.policy = "carry"
    (ticket,) = desk.bar(0, sol=0.5)
    desk.wanted = "r2"
    desk.turn()

    assert desk.turn() == (None, [])
    desk.take(OrderProvenAbsent(1, ticket.client_order_id, "proof"))
    assert isinstance(desk.turn()[0], ReleaseSwitched)


def test_books_that_do_not_fit_are_left_flat_instead_of_carried(desk):
    desk.policy = "carry"
    desk.wanted = "r3"

    assert desk.turn()[0].policy == "when_flat"


def test_working_entries_are_withdrawn_for_a_release(desk):
    (working,) = desk.bar(0, sol=0.5)
    desk.take(OrderReported(1, desk.kit.report(working, "ACCEPTED")))
    desk.wanted = "r2"

    _, commands = desk.turn()

    assert commands == [CancelOrder("SOLUSDT", working.client_order_id)]


def test_a_release_that_cannot_be_traded_is_refused_once_and_the_present_one_goes_on(desk):
    desk.wanted, desk.refusal = "r2", "its model is damaged"

    event, _ = desk.turn()

    assert event == ReleaseRefused(event.ts, "r2", "its model is damaged")
    assert desk.turn() == (None, [])
    assert desk.examined == ["r2"]
    assert len(desk.bar(0, sol=0.5)) == 1
    desk.must_recover()


def test_a_release_that_is_taken_back_is_awaited_no_more(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.wanted = "r2"
    desk.turn()
    desk.wanted = "r1"

    event, _ = desk.turn()

    assert (event.release_id, desk.release) == ("", "r1")
    assert len(desk.bar(1, btc=1.0)) == 1


def test_there_and_back_again_is_replayed_from_the_first_row(desk):
    for number, wanted in enumerate(("r2", "r3", "r1")):
        desk.wanted = wanted
        desk.turn()
        desk.turn()
        desk.take(SessionOpened(desk.session.state.last_ts, "paper", wanted, ()))
        desk.bar(number)
        desk.must_recover()
    desk.journal.save_snapshot(desk.session.snapshot())
    desk.must_recover()


@pytest.mark.parametrize("rows", range(1, 4))
def test_a_process_may_end_after_any_row_of_a_change(desk, rows):
    desk.bar(0)
    desk.wanted = "r2"
    start = desk.journal.head
    desk.turn()
    desk.turn()
    desk.take(SessionOpened(desk.session.state.last_ts, "paper", "r2", ()))
    desk.journal.events = desk.journal.events[: start + rows]

    again = desk.recovered()

    assert again.setup.release_id == ("r1" if rows < 2 else "r2")
    assert bool(again.state.awaited) == (rows == 1)


def test_a_change_that_leaves_an_order_behind_is_refused(desk):
    desk.bar(0, sol=0.5)
    with pytest.raises(InvariantError, match="cannot be left"):
        desk.session.handle(ReleaseSwitched(1, "r1", "r2", carried=False))
    with pytest.raises(InvariantError, match="cannot be left"):
        desk.session.handle(ReleaseSwitched(1, "r9", "r2", carried=True))


def test_terms_of_another_release_are_refused(desk):
    event = ReleaseSwitched(1, "r1", "r2", carried=False)
    with pytest.raises(RecoveryError, match="terms of another release"):
        handed_over(desk.session, desk.terms["r3"], event)


def test_the_engine_of_another_layout_is_not_carried(desk):
    former = Machine(desk.engines["r1"])
    assert Machine(desk.engines["r2"]).can_carry(former)
    assert not Machine(desk.engines["r3"]).can_carry(former)
    margin = replace(desk.engines["r2"], tag="other")
    assert Machine(margin).can_carry(former)
