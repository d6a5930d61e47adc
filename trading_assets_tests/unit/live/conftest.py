"""One book of a small venue and a small machine, and a journal that outlives its processes."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
from decimal import Decimal
from types import SimpleNamespace

import pytest

from trading_assets.domain.account import AccountNews, Fill
from trading_assets.domain.bar import Bar, Timeframe
from trading_assets.domain.control import HaltLevel, HaltRequest, PersonCommand
from trading_assets.domain.events import (
    BarReady,
    OrderFilled,
    OrderIntentCreated,
    SignalRow,
)
from trading_assets.domain.order import (
    OrderReport,
    OrderStatus,
)
from trading_assets.live.book_state import SessionSetup
from trading_assets.live.executor import Executor
from trading_assets.live.executor_terms import Pace, Surroundings
from trading_assets.live.hand_over import MachineFactory
from trading_assets.live.policies.book_policies import PolicyTerms
from trading_assets.live.recovery import recover
from trading_assets.live.session import Session
from trading_assets.live.venue_time import VenueTime
from trading_assets_tests.stand_ins.tiny_machine import TinyMachine
from trading_assets_tests.stand_ins.tiny_venue import (
    BAR,
    BTC,
    MINUTE,
    SOL,
    START,
    Doom,
    Killed,
    TinyVenue,
)


class MemoryJournal:
    """A journal that lasts as long as the test, longer than the processes that write it."""

    def __init__(self, doom=None):
        self.events = []
        self.commits = []
        self.snapshots = []
        self.doom = doom or Doom()

    @property
    def head(self):
        return len(self.events)

    def append(self, events):
        self.doom.point()
        self.commits.append(tuple(events))
        self.events.extend(events)
        self.doom.point()
        return self.head

    def read(self, since=0):
        return iter(list(enumerate(self.events, 1))[since:])

    def latest(self, kind):
        found = [event for event in self.events if type(event).__name__ == kind]
        return found[-1] if found else None

    def save_snapshot(self, payload):
        self.doom.point()
        self.snapshots.append((self.head, payload))
        self.doom.point()

    def latest_snapshot(self):
        return self.snapshots[-1] if self.snapshots else None


class LocalClock:
    """Local time that passes only by waiting; it takes the venue's clocks along."""

    def __init__(self, *followers):
        self.seconds = 1000.0
        self.followers = followers

    def monotonic(self):
        return self.seconds

    def wait(self, seconds, stop):
        self.seconds += seconds
        for follower in self.followers:
            follower.advance(seconds)
        return stop.is_set()


def a_setup(**changes):
    values = {
        "book": "demo",
        "account": "demo",
        "tag": "tiny",
        "release_id": "r1",
        "instruments": (SOL, BTC),
        "signal_columns": 1,
        "snapshot_bars": 1000,
    }
    return SessionSetup(**{**values, **changes})


def tiny_machines():
    return MachineFactory(TinyMachine, TinyMachine.restore)


def a_bar_ready(number, *, sol=math.nan, btc=math.nan, late=False, price=100.0, columns=1):
    ts = START + number * BAR
    bars, rows = [], []
    for symbol, target in (("SOLUSDT", sol), ("BTCUSDT", btc)):
        bars.append(Bar(symbol, ts, price, price, price, price, 1.0, price, 3))
        values = (float(target), math.nan, math.nan)[:columns]
        rows.append(SignalRow(symbol, ts, values, f"{symbol}{number}{target}"))
    return BarReady(ts, tuple(bars), tuple(rows), late)


def a_fill(ticket, trade_id, quantity, price="100.00", fee="0", fee_asset="USDT"):
    return Fill(
        ticket.symbol,
        str(trade_id),
        ticket.client_order_id,
        "v1",
        ticket.side,
        Decimal(price),
        Decimal(quantity),
        Decimal(fee),
        fee_asset,
        START + BAR,
    )


def a_report(ticket, status, executed="0"):
    return OrderReport(
        ticket.client_order_id,
        "v1",
        ticket.symbol,
        ticket.side,
        OrderStatus[status],
        ticket.quantity,
        Decimal(executed),
        Decimal(executed) * 100,
        START + BAR,
    )


class TinyFeed:
    """Bars of a market clock, with the targets of a plan; bar numbers count from START."""

    def __init__(self, plan, columns=1):
        self.plan = plan
        self.columns = columns
        self.next = None
        self.found = []

    def load(self, first):
        self.next = first

    def findings(self, now):
        found, self.found = self.found, []
        return found

    def poll(self, now):
        ready = []
        while self.next + BAR <= now:
            number = (self.next - START) // BAR
            sol, btc = self.plan[number % len(self.plan)]
            ready.append(a_bar_ready(number, sol=sol, btc=btc, columns=self.columns))
            self.next += BAR
        return ready


class MemoryPeople:
    """People whose latch and inbox last as long as the test."""

    def __init__(self):
        self.latch = None
        self.inbox = []
        self.number = 0

    def ask(self, kind, *, who="ann", reason="said so", **arguments):
        command = PersonCommand(
            len(self.inbox) + 1, 5, kind, who, reason, "cli", json.dumps(arguments)
        )
        self.inbox.append(command)
        return command

    def latched(self):
        return self.latch

    def put_up(self, request):
        self.number += 1
        self.latch = dataclasses.replace(request, identity=f"latch {self.number}")

    def lift(self, identity):
        if self.latch is not None and self.latch.identity == identity:
            self.latch = None
        return self.latch is None

    def commands(self, after):
        return [command for command in self.inbox if command.inbox_id > after]


class Desk:
    """One book over several processes: journal and venue live on, the rest is built anew."""

    Killed = Killed

    def __init__(self, plan, script=(), kill_at=0, machines=None, columns=1):
        self.doom = Doom(kill_at)
        self.journal = MemoryJournal(self.doom)
        self.venue = TinyVenue(script, self.doom)
        self.local = LocalClock(self.venue)
        self.plan = plan
        self.observed = []
        self.beats = []
        self.people = MemoryPeople()
        self.news = AccountNews
        self.policies = PolicyTerms()
        self.rules = None
        self.budget = lambda: None
        self.releases = None
        self.armed = None
        self.feed = TinyFeed
        self.machines = machines or tiny_machines()
        self.setup = a_setup(snapshot_bars=4, signal_columns=columns)
        self.session = None

    def executor(self, **pace):
        self.session = recover(self.journal, self.setup, self.machines)
        values = {"poll_s": 20.0, "late_bar": 100_000_000, "stop_s": 40.0, "heartbeat_s": 60.0}
        return Executor(
            self.session,
            self.journal,
            self.venue,
            self.feed(self.plan, self.setup.signal_columns),
            clock=VenueTime(self.venue, not_before=self.session.state.last_ts),
            local=self.local,
            timeframe=Timeframe.M5,
            pace=Pace(**{**values, **pace}),
            around=Surroundings(
                lambda *beat: self.beats.append(beat),
                self.people,
                self.observed.append,
                self.news,
                policies=dataclasses.replace(self.policies, read_rules=self.rules),
                budget=self.budget,
                releases=self.releases,
                armed=self.armed,
            ),
        )

    def halt(self, reason, level=HaltLevel.HALT):
        self.people.put_up(HaltRequest(reason, level))

    def run(self, bars, stop=None):
        return self.executor().run(stop or threading.Event(), max_bars=bars)

    def verdicts(self):
        """Judge the book by the venue's own record; an empty list is a good book."""
        wrong = []
        intents = [e.ticket for e in self.journal.events if isinstance(e, OrderIntentCreated)]
        fills = [e.fill for e in self.journal.events if isinstance(e, OrderFilled)]
        if len(set(self.venue.sent)) != len(self.venue.sent):
            wrong.append("an order was sent twice")
        decisions = [(t.symbol, t.bar_ts) for t in intents]
        if len(set(decisions)) != len(decisions):
            wrong.append("a bar was decided twice")
        names = {o["ticket"].client_order_id for o in self.venue.orders}
        if not names <= {t.client_order_id for t in intents}:
            wrong.append("the venue has an order that the journal lacks")
        if self.session.state.orders:
            wrong.append("an order is unresolved")
        if sorted(fills, key=lambda f: int(f.trade_id)) != self.venue.trades:
            wrong.append("fills were lost or doubled")
        held = {k: v for k, v in self.venue.holdings.items() if v}
        expected = self.session.state.expected_balances((SOL, BTC))
        if {k: v for k, v in expected.items() if v} != held:
            wrong.append(f"balances: {expected} {held}")
        return wrong


@pytest.fixture
def kit():
    """Everything above, since test modules cannot import a conftest."""
    return SimpleNamespace(
        MINUTE=MINUTE,
        BAR=BAR,
        START=START,
        SOL=SOL,
        BTC=BTC,
        Machine=TinyMachine,
        Journal=MemoryJournal,
        Local=LocalClock,
        Venue=TinyVenue,
        Desk=Desk,
        setup=a_setup,
        machines=tiny_machines,
        bar=a_bar_ready,
        Feed=TinyFeed,
        fill=a_fill,
        report=a_report,
    )


@pytest.fixture
def session():
    return Session(a_setup(), TinyMachine())
