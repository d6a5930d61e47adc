"""One schedule: a book's whole life in a world that fails by seed, and then in one that does not.

The processes of the book run one after the other on one disk against one venue, each with the real
executor, session and engine. In the first phase requests get lost, clocks jump, disks fill and
processes end anywhere; in the second nothing fails any more and everything has to come right.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.domain.errors import RecoveryError, TradingAssetsError
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.order import OrderSide, OrderStatus, OrderTicket, OrderType, TimeInForce
from trading_assets.live.executor import Executor
from trading_assets.live.executor_terms import Pace, Surroundings
from trading_assets.live.policies.book_policies import PolicyTerms
from trading_assets.live.session import Session
from trading_assets.live.venue_time import VenueTime
from trading_assets.simulation.bar_feed import SimulatedFeed
from trading_assets.simulation.disk import Disk, SimulatedJournal
from trading_assets.simulation.failpoints import Crashed, Failpoints
from trading_assets.simulation.fault_plan import (
    NONE,
    TERMINAL_FAULTS,
    FaultPlan,
    Rates,
    swarm_rates,
)
from trading_assets.simulation.market import INSTRUMENTS, Minute, draw_market
from trading_assets.simulation.network import SimulatedBroker, Wire
from trading_assets.simulation.people import SimulatedPeople
from trading_assets.simulation.releases import POLICIES, SimulatedReleases
from trading_assets.simulation.strategies import (
    ACTIONS,
    CASH,
    BookKind,
    members_of,
)
from trading_assets.simulation.venue_model import RefusedByVenue, VenueModel
from trading_assets.simulation.virtual_time import START, VirtualTime

LENGTHS = (20, 5, 4, 4)
"""Minutes of a market, by the seed: most mistakes show early, some in a book that has lived."""

DISK_OUTCOMES = ("kept", "torn", "lost")
LATE_BAR: Micros = 30_000_000
_QUIET: Micros = 420_000_000
_PACE = Pace(poll_s=15.0, late_bar=LATE_BAR, stop_s=60.0, heartbeat_s=60.0, reconcile_s=240.0)
_QUICK = replace(_PACE, poll_s=1.0, reconcile_s=5.0)
_QUICK_SHARE = 4
_QUICK_BARS = 4
"""One schedule of so many has a short market and asks as often as a real book does: some mistakes
need a question in time."""

_SECOND: Micros = 1_000_000
HALTS = frozenset({"halt", "halt_and_resume", "flatten"})
TIGHTENED = 2_000
"""Quote per order, less than half of what the books trade."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a schedule is besides its seed.

    Attributes:
        bars: minutes of its market, None for what its seed says.
        armed: number of the point at which the first process ends, 0 for none (`Failpoints`).
        rates: None draws them.
        disk_outcome: what the end of a process does to the newest snapshot: nothing, cut it off,
            or lose it. The journal itself keeps whole commits only.
        policies: how the book answers to what it did not cause.
        only: names of the only faults that happen, empty for all.
    """

    bars: int | None = None
    armed: int = 0
    rates: Rates | None = None
    disk_outcome: str = "kept"
    policies: PolicyTerms = field(default_factory=PolicyTerms)
    only: frozenset[str] = frozenset()


class World:
    """The state of one schedule.

    Attributes:
        refusal: why the book does not start any more, None while it does.
        terminal: the fault after which entries have to stop, "" when there is none.
        terminal_at: since when.
        undurable: orders that left without a safe row.
        session: of the latest process.
    """

    def __init__(self, seed: int, options: Options | None = None) -> None:
        options = options or Options()
        dice = random.Random(f"faults/{seed}")  # noqa: S311 - chance that has to be repeatable
        self.seed = seed
        self._is_quick = seed % _QUICK_SHARE == 1
        length = _QUICK_BARS if self._is_quick else LENGTHS[seed // 9 % len(LENGTHS)]
        bars = options.bars or length
        rates = options.rates or swarm_rates(dice)
        self.plan = FaultPlan(dice, rates, options.only)
        self._policies = options.policies
        self._disk_outcome = options.disk_outcome
        self.failpoints = Failpoints(dice, rates.crash, options.armed)
        kind = BookKind(seed % len(BookKind))
        self.releases = SimulatedReleases(kind, POLICIES[seed // len(BookKind) % len(POLICIES)])
        self.setup = self.releases.terms_of("release 1").setup
        self.minutes = draw_market(
            random.Random(f"market/{seed}"),  # noqa: S311
            bars,
            self.releases.columns,
            ACTIONS if kind is BookKind.RESTING else 0,
            members_of(kind),
        )
        self.time = VirtualTime()
        self.venue = VenueModel({item.symbol: item for item in INSTRUMENTS})
        self.venue.deposit("USDT", int(CASH * 3 * 10**8))
        self.venue.deposit("BTC", 10**8)
        self.wire = Wire(self.time, self.venue, self.plan, self._price)
        self.disk = Disk()
        self.people = SimulatedPeople(self.setup.book)
        self.ends_at = START + bars * MINUTE
        self.refusal: TradingAssetsError | None = None
        self.terminal = ""
        self.terminal_at: Micros = 0
        self.undurable: list[str] = []
        self.session: Session | None = None
        self.lost_orders = False
        self._stop = threading.Event()
        self._journal = SimulatedJournal(self.disk, self.failpoints)
        self._has_ended = False
        self._handed = -1
        self._ticks = {item.symbol: 0 for item in INSTRUMENTS}
        self._terminal_bar = -1
        if rates.terminal and dice.random() < rates.terminal:
            self._terminal_bar = dice.randrange(bars)

    def run(self) -> None:
        """Live through both phases."""
        self.time.at(self.ends_at, self._calm)
        self.time.at(self.ends_at + _QUIET, self._finish)
        while self.refusal is None and not self._has_ended:
            self._live_once()

    # Processes

    def _live_once(self) -> None:
        """Let one process of the book run to its end, and wait for the next to be started."""
        self._stop = threading.Event()
        is_last = self.time.now >= self.ends_at + _QUIET
        if is_last:  # it only recovers, and signs off
            self.time.at(self.time.now + _QUIET, self._finish)
        try:
            summary = self._start().run(self._stop)
            is_over = self.time.now >= self.ends_at + _QUIET
            self._has_ended = is_over and not summary.switched_to
        except Crashed:
            self.disk.crash(self._disk_outcome)
        except RecoveryError as error:
            if not self._journal.has_failed:
                self.refusal = error
                return
        if not self._has_ended:
            self.time.advance(int(self.plan.dice.uniform(0.5, 30.0) * _SECOND))

    def _start(self) -> Executor:
        journal = self._journal = SimulatedJournal(self.disk, self.failpoints)
        broker = SimulatedBroker(self.wire, self.failpoints, self._note_departure)
        session = self.releases.recover(journal)
        self.session = session
        return Executor(
            session,
            journal,
            broker,
            SimulatedFeed(self.minutes, self.plan, self.failpoints, self._on_minute),
            clock=VenueTime(broker, not_before=session.state.last_ts),
            local=_Patience(self),
            timeframe=Timeframe.M1,
            pace=_QUICK if self._is_quick else _PACE,
            around=Surroundings(
                beat=lambda *_: None,
                control=self.people,
                releases=self.releases.port(),
                observe=lambda _: None,
                policies=self._policies,
            ),
        )

    @property
    def is_quiet(self) -> bool:
        """Whether nothing would come of asking before the next thing happens.

        Where the book asks as often as a real one, that is when no order of it is under way;
        elsewhere a resting order that is known to rest is no reason to ask.
        """
        orders = () if self.session is None else self.session.state.orders.values()
        if self._is_quick:
            return not orders
        return not any(order.is_in_doubt or order.status.is_final for order in orders)

    def _note_departure(self, name: str) -> None:
        if name not in self.disk.departed:
            self.undurable.append(name)

    # What happens in the world

    def _price(self, symbol: Symbol) -> int:
        place = 0 if symbol == INSTRUMENTS[0].symbol else 1
        number = min((self.time.now - START) // MINUTE, len(self.minutes) - 1)
        return self.minutes[number].ticks[place]

    def _calm(self) -> None:
        """Begin the second phase."""
        self.plan.rates = NONE
        self.failpoints.rate = 0.0
        self.wire.outage_until = 0
        self.wire.auth_error = 0
        self.disk.is_full = False
        self.disk.broken = ""
        self.venue.coarse.clear()
        self.venue.halted.clear()

    def _finish(self) -> None:
        self._stop.set()

    def _on_minute(self, minute: Minute) -> None:
        """Draw what happens around the book as a minute is handed out."""
        number = (minute.ts - START) // MINUTE
        if number <= self._handed:
            return
        self._handed = number
        if number >= self._terminal_bar >= 0 and not self.terminal:
            self._begin_terminal()
        fault = self.plan.of_world()
        if fault:
            getattr(self, f"_{fault}")()

    def _outage(self) -> None:
        self.wire.outage_until = self.time.now + self._within(5, 180)

    def _clock_ahead(self) -> None:
        self._bend_clock(1)

    def _clock_behind(self) -> None:
        self._bend_clock(-1)

    def _bend_clock(self, sign: int) -> None:
        self.wire.auth_error = sign * self.plan.dice.choice((2, 90)) * _SECOND
        self.time.at(self.time.now + self._within(20, 120), self._mend_clock)

    def _mend_clock(self) -> None:
        self.wire.auth_error = 0

    def _suspended(self) -> None:
        self.time.advance(120 * _SECOND)

    def _disk_full(self) -> None:
        self.disk.is_full = True
        self.time.at(self.time.now + self._within(10, 150), self._free_disk)

    def _free_disk(self) -> None:
        self.disk.is_full = False

    def _fsync_failed(self) -> None:
        self.disk.broken = self.plan.dice.choice(("written", "not written"))

    def _foreign_trade(self) -> None:
        """Let somebody else trade by hand in the same account."""
        dice = self.plan.dice
        instrument = dice.choice(INSTRUMENTS)
        side = dice.choice((OrderSide.BUY, OrderSide.SELL))
        lots = dice.randrange(1, 20)
        quantity = instrument.quantity_from_lots(lots)
        ticket = OrderTicket(
            f"manual-{len(self.venue.orders)}", "", instrument.symbol, side, OrderType.MARKET,
            TimeInForce.GTC, quantity, self.time.now,
        )  # fmt: skip
        held = self.venue.total(instrument.base)
        if side is OrderSide.SELL and held - Decimal(1) < quantity:
            return  # a hand that sells what the book holds is drift, which is `deposit`
        ticks = self._price(instrument.symbol)
        now = self.time.now
        try:
            order = self.venue.accept(ticket, now, 5_000, now, ticks)
        except RefusedByVenue:
            return  # a hand is refused like anybody
        self.venue.execute(order, lots, ticks, now)

    def _foreign_cancel(self) -> None:
        """Let somebody else withdraw an order of the book."""
        for order in self.venue.orders:
            if order.is_open:
                self.venue.end(order, OrderStatus.CANCELED, self.time.now)
                return

    def _filter_changed(self) -> None:
        symbol = self.plan.dice.choice(INSTRUMENTS).symbol
        self.venue.coarse.add(symbol)
        self.time.at(
            self.time.now + self._within(30, 200), partial(self.venue.coarse.discard, symbol)
        )

    def _symbol_halted(self) -> None:
        symbol = self.plan.dice.choice(INSTRUMENTS).symbol
        self.venue.halted.add(symbol)
        self.time.at(
            self.time.now + self._within(30, 200), partial(self.venue.halted.discard, symbol)
        )

    def _stopped_cleanly(self) -> None:
        self._stop.set()

    def _released(self) -> None:
        self.releases.publish()

    def _cancel_all(self) -> None:
        self.people.ask(CommandKind.CANCEL_ALL, self.time.now)

    def _tightened(self) -> None:
        limits = {"max_order_notional": str(TIGHTENED)}
        self.people.ask(CommandKind.TIGHTEN_LIMITS, self.time.now, limits)

    def _strategy_stopped(self) -> None:
        name = self.plan.dice.choice(self.setup.tags)
        self.people.stop(name, self.time.now)
        self.time.at(
            self.time.now + self._within(60, 240), partial(self.people.start, name, self.time)
        )

    def _compared(self) -> None:
        self.people.ask(CommandKind.RECONCILE_STATE, self.time.now)

    def _resume(self) -> None:
        self.people.resume(self.time.now)

    def _begin_terminal(self) -> None:
        possible = [name for name in TERMINAL_FAULTS if name in (self.plan.only or {name})]
        if not possible:
            return
        self.terminal = self.plan.dice.choice(possible)
        self.terminal_at = self.time.now
        self.plan.counts[self.terminal] += 1
        if self.terminal in HALTS:
            level = HaltLevel.FLATTEN if self.terminal == "flatten" else HaltLevel.HALT
            self.people.halt(level)
        if self.terminal == "flatten":
            self.people.ask(CommandKind.FLATTEN_ALL, self.time.now)
        elif self.terminal == "halt_and_resume":
            self.time.at(self.time.now + self._within(60, 300), self._resume)
        elif self.terminal == "deposit":
            self.venue.deposit("USDT", 12_345)
        elif self.terminal == "stale_copy":
            self._go_back()

    def _go_back(self) -> None:
        """End the process, and let the next one find an older copy of its journal."""
        lost = self.disk.forget(self.plan.dice.randrange(1, max(len(self.disk.commits) - 1, 2)))
        names = {getattr(event, "client_order_id", "") for commit in lost for event in commit}
        accepted = {order.ticket.client_order_id for order in self.venue.orders}
        self.lost_orders = bool(names & accepted)
        raise Crashed("stale_copy")

    def _within(self, least_s: int, most_s: int) -> Micros:
        return int(self.plan.dice.uniform(least_s, most_s) * _SECOND)


class _Patience:
    """The local time of a process: a wait in which nothing can come of a look is drawn out.

    It ends with the next bar, or when something is to happen. Turns that find nothing are most of
    what a schedule costs, and prove nothing. A bar that has closed since the last look is looked
    at as soon as the process asks for.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._time = world.time
        self._woke = world.time.now
        self.monotonic = world.time.monotonic

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Let `seconds` pass, or more; tell whether `stop` is set."""
        micros = int(seconds * _SECOND)
        passed = (self._time.now - START) % MINUTE
        has_looked = self._woke >= self._time.now - passed
        if micros and has_looked and self._world.is_quiet:
            until_bar = MINUTE - passed
            micros = max(micros, min(until_bar, self._time.until_next() or until_bar))
        self._time.advance(micros)
        self._woke = self._time.now
        return stop.is_set()
