"""A book of two strategies, its journal, and a venue that fills whole orders when it is told to."""

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
    SessionOpened,
    SignalRow,
)
from trading_assets.domain.setup import (
    Account,
    Costs,
    FeeAsset,
    PortfolioSetup,
    SignalFamily,
    Sizing,
    SizingMode,
    StrategySetup,
)
from trading_assets.engine.machine import Machine
from trading_assets.live.book_state import SessionSetup
from trading_assets.live.hand_over import MachineFactory
from trading_assets.live.session import Session

NAN = math.nan
_SHARE = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(100), rebalance_pct=Decimal(1))


def engine_of_two(kit, fast=30, slow=60, sizing=_SHARE):
    """Give an account whose equity `fast` trades on two symbols and `slow` on the first of them."""
    target = SignalFamily.TARGET
    return PortfolioSetup(
        Account("USDT", Decimal(10_000)),
        (
            StrategySetup("fast", (kit.SOL, kit.BTC), target, sizing, allocation_pct=Decimal(fast)),
            StrategySetup("slow", (kit.SOL,), target, sizing, allocation_pct=Decimal(slow)),
        ),
        costs=Costs(Decimal(10), Decimal(10), fee_asset=FeeAsset.RECEIVED),
    )


def session_of_two(kit, **changes):
    """Give what a session knows of them."""
    values = {
        "book": "paper",
        "account": "paper",
        "tag": "pair",
        "release_id": "r1",
        "instruments": (kit.SOL, kit.BTC),
        "signal_columns": 3,
        "members": (("fast", ("SOLUSDT", "BTCUSDT")), ("slow", ("SOLUSDT",))),
    }
    return SessionSetup(**{**values, **changes})


class Book:
    """A session with its journal and such a venue."""

    def __init__(self, kit, terms, setup):
        self.kit, self.terms = kit, terms
        self.machines = MachineFactory(
            lambda: Machine(setup), lambda blob: Machine.restore(setup, blob)
        )
        self.journal = kit.Journal()
        self.session = Session(terms, self.machines.new())
        self.trades = 0
        opening = (Balance("USDT", Decimal(10_000), Decimal(0)),)
        self.take(SessionOpened(kit.START, "paper", "r1", opening))

    def take(self, event):
        commands = self.session.handle(event)
        self.journal.append([event, *self.session.take_derived()])
        return [c.ticket for c in commands if isinstance(c, SubmitOrder)]

    def bar(self, number, **targets):
        ts = self.kit.START + number * self.kit.BAR
        bars = tuple(
            Bar(s, ts, 100.0, 100.0, 100.0, 100.0, 1.0, 1.0, 1) for s in ("SOLUSDT", "BTCUSDT")
        )
        rows = [
            self._row(symbol, ts, tag, targets.get(f"{tag}_{symbol[:3].lower()}", NAN))
            for symbol, tags in (("SOLUSDT", ("fast", "slow")), ("BTCUSDT", ("fast",)))
            for tag in tags
        ]
        tickets = self.take(BarReady(ts, bars, tuple(rows)))
        for ticket in tickets:
            self.take(OrderSubmitted(ts, ticket.client_order_id, 1, 5000))
        return tickets

    @staticmethod
    def _row(symbol, ts, tag, target):
        return SignalRow(symbol, ts, (target, NAN, NAN), "h", tag=tag)

    def fill(self, ticket, fee_asset=""):
        self.trades += 1
        fee = ticket.quantity * Decimal("0.001")
        asset = ticket.symbol.removesuffix("USDT")
        if ticket.side < 0:
            fee, asset = fee * 100, "USDT"
        asset = fee_asset or asset
        full = self.kit.report(ticket, "FILLED", str(ticket.quantity))
        self.take(OrderReported(ticket.bar_ts, full))
        fill = self.kit.fill(
            ticket, self.trades, str(ticket.quantity), fee=str(fee), fee_asset=asset
        )
        self.take(OrderFilled(ticket.bar_ts, fill))

    def held(self):
        positions = self.session.machine.positions()
        return {
            (self.terms.tags[p.tag], p.symbol): p.quantity + p.dust for p in positions if p.lots
        }
