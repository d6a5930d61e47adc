"""A book with three releases, its journal, and a venue by hand."""

from __future__ import annotations

import math
from decimal import Decimal

from trading_assets.domain.account import Balance
from trading_assets.domain.bar import Bar
from trading_assets.domain.commands import SubmitOrder
from trading_assets.domain.events import (
    BarReady,
    OrderFilled,
    OrderReported,
    OrderSubmitted,
    Reconciled,
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
