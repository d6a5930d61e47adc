"""What must hold of every schedule, read from the venue's own record and from the disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.control import CommandKind
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.domain.events import (
    BarReady,
    CommandReceived,
    Event,
    ForeignFillSeen,
    ForeignOrderSeen,
    LimitsTightened,
    OrderFilled,
    OrderIntentCreated,
    ReleaseSwitched,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.ids import CLIENT_ORDER_ID_PREFIX, Micros
from trading_assets.domain.order import OrderTicket
from trading_assets.live.policies.breakers import BREAKER
from trading_assets.simulation.disk import SimulatedJournal
from trading_assets.simulation.failpoints import Failpoints
from trading_assets.simulation.liveness import idleness
from trading_assets.simulation.market import INSTRUMENTS
from trading_assets.simulation.restraint import excesses
from trading_assets.simulation.virtual_time import START
from trading_assets.simulation.world import HALTS, LATE_BAR, TIGHTENED, World

_REPLAYED = 8
"""Every so many schedules the journal is replayed, from its newest snapshot and its first row."""

_ROUNDING = 1.002
"""A bar that lacks a symbol leaves its price of the bar before, a step away."""

_ON_ITS_WAY: Micros = 60_000_000
"""A decision in time can leave this much later: others of its bar go first, each with a timeout."""


def faults_of(world: World) -> list[str]:
    """List what is wrong with a finished schedule; nothing is a good one."""
    wrong = [*_orders(world), *_entries(world), *idleness(world), *excesses(world)]
    if world.refusal is not None:
        return [*wrong, *_refusal(world)]
    for rule in (_end, _people, _bars, _foreign, _fills, _balances, _books, _replay):
        wrong += rule(world)
    return wrong


def _orders(world: World) -> Iterator[str]:
    """Each decision is at the venue once at most, left once at most, and stood in the journal."""
    accepted = Counter(
        order.ticket.client_order_id
        for order in world.venue.orders
        if order.ticket.client_order_id.startswith(CLIENT_ORDER_ID_PREFIX)
    )
    for name, count in accepted.items():
        if count > 1:
            yield f"duplicate: the venue has order {name} {count} times"
    refused = Counter(name for _, name, _ in world.venue.refused)
    for name, count in Counter(sent.ticket.client_order_id for sent in world.wire.sent).items():
        # Of an order that was refused nothing is left at the venue by which an older copy of the
        # journal could know of it; it may decide the same once more.
        forgotten = refused[name] if world.terminal == "stale_copy" else 0
        if count - forgotten > 1:
            yield f"duplicate: order {name} left {count} times"
    for name in world.undurable:
        yield f"undurable: order {name} left before its row was safe"
    decided = {
        event.ticket.client_order_id
        for event in world.disk.events
        if isinstance(event, OrderIntentCreated)
    }
    if not world.lost_orders:
        for name in accepted.keys() - decided:
            yield f"orphan: the venue has order {name}, the journal has not"


def _entries(world: World) -> Iterator[str]:
    """No entry leaves during a halt, and none on a bar that is long past."""
    resumed = [event.ts for event in world.disk.events if isinstance(event, TradingResumed)]
    until = resumed[0] if resumed else world.time.now
    for sent in world.wire.sent:
        name = sent.ticket.client_order_id
        since = sent.ts - world.terminal_at
        is_halted = world.terminal in HALTS and since > 0 and sent.ts < until
        if is_halted and not sent.ticket.reduce_only:
            yield f"halt: entry {name} left {since} us after it"
        is_closing = world.terminal == "flatten" or world.plan.counts["released"]
        if is_closing and sent.ticket.reduce_only:
            continue  # what a person or another release has sold belongs to no bar
        age = sent.ts - (sent.ticket.bar_ts + MINUTE)
        if age > LATE_BAR + _ON_ITS_WAY:
            yield f"late: order {name} left {age / 1e6:.1f} s after its bar"


def _refusal(world: World) -> Iterator[str]:
    """A book that does not start any more must have been told a reason to."""
    if world.terminal not in {"deposit", "stale_copy"}:
        yield f"refused: {world.refusal}"


def _end(world: World) -> Iterator[str]:
    """Nothing is open or unresolved once the world has been good for a while."""
    state = world.session.state if world.session is not None else None
    if state is None:
        yield "end: the book never lived"
        return
    for name, live in state.orders.items():
        yield f"unresolved: order {name} is {live.status.name} in the book"
    active = world.session.machine.active_orders() if world.session is not None else ()
    for order_id in (order.order_id for order in active):
        yield f"unresolved: order {order_id} still works for the engine"
    for order in world.venue.orders:
        if order.is_open:
            yield f"unresolved: order {order.ticket.client_order_id} still works at the venue"
    if world.terminal in {"halt", "flatten", "deposit"} and not state.halted:
        yield f"halt: entries go on after {world.terminal}"
    told = (event for event in world.disk.events if isinstance(event, TradingHalted))
    halts = [event for event in told if event.source != BREAKER]  # `restraint` judges these
    if halts and not world.terminal:
        yield f"halt: without a reason of the world: {halts[0].reason}"


def _people(world: World) -> Iterator[str]:
    """Every command is taken once and in order, and does what it says."""
    events = world.disk.events
    taken = [event.inbox_id for event in events if isinstance(event, CommandReceived)]
    if taken != [command.inbox_id for command in world.people.asked]:
        yield f"command: {len(world.people.asked)} were written, {taken} were taken"
    if world.terminal == "halt_and_resume" and world.session is not None:
        halted = world.session.state.halted
        if halted and not any(map(_is_refused_resume, events)):
            yield f"resume: the book is still halted: {halted}"
    # A hand can have sold what the book holds; the venue refuses the exit then.
    is_alone = not world.plan.counts["foreign_trade"]
    if world.terminal == "flatten" and world.session is not None and is_alone:
        least = {item.symbol: float(item.min_notional) for item in INSTRUMENTS}
        positions = world.session.machine.positions()  # what is worth less cannot be sold
        held = [p.symbol for p in positions if float(p.quantity) * p.price >= least[p.symbol]]
        if held:
            yield f"flatten: the book still holds {', '.join(held)}"
    is_tight = False
    for event in events:
        is_tight |= isinstance(event, LimitsTightened)
        if isinstance(event, OrderIntentCreated) and is_tight:
            value = _value(world, event.ticket)
            if value > TIGHTENED * _ROUNDING and not event.ticket.reduce_only:
                yield f"limit: entry {event.ticket.client_order_id} is worth {value:.2f}"


def _is_refused_resume(event: Event) -> bool:
    """Tell of a resume that a process repeats: the last one ended after it had lifted the latch.

    The halt of the journal stands then, and a person has to resume that one.
    """
    is_resume = isinstance(event, CommandReceived) and event.kind is CommandKind.RESUME_TRADING
    return is_resume and bool(getattr(event, "refused", ""))


def _value(world: World, ticket: OrderTicket) -> float:
    """Give what an order is worth at its limit, or at the close of its bar."""
    minute = world.minutes[(ticket.bar_ts - START) // MINUTE]
    place = 0 if ticket.symbol == INSTRUMENTS[0].symbol else 1
    return float(ticket.quantity) * float(ticket.limit_price or minute.ticks[place] / 100)


def _bars(world: World) -> Iterator[str]:
    """Every bar from the first that was handled to the last of the market, once and in order."""
    handled = [event.ts for event in world.disk.events if isinstance(event, BarReady)]
    if not handled:
        return  # a start needs several answers in a row, which a bad network may never give
    expected = [minute.ts for minute in world.minutes if minute.ts >= handled[0]]
    if handled != expected:
        missed = sorted(set(expected) - set(handled))
        yield f"bars: {len(missed)} missed, {len(handled)} of {len(expected)} handled"


def _foreign(world: World) -> Iterator[str]:
    """Each order that somebody else placed since the opening stands in the journal once."""
    if world.session is None or world.session.state.opened_ts is None:
        return
    opened = world.session.state.opened_ts
    told = Counter(
        event.report.venue_order_id
        for event in world.disk.events
        if isinstance(event, ForeignOrderSeen)
    )
    for order in world.venue.orders:
        name = order.ticket.client_order_id
        is_foreign = not name.startswith(CLIENT_ORDER_ID_PREFIX) and order.placed_at >= opened
        if is_foreign and told[str(order.number)] != 1:
            yield f"foreign: order {name} was reported {told[str(order.number)]} times"


def _fills(world: World) -> Iterator[str]:
    """Each execution of the account stands in the journal once, as ours or as somebody's."""
    ours, others = Counter[str](), Counter[str]()
    for event in world.disk.events:
        if isinstance(event, OrderFilled):
            ours[event.fill.trade_id] += 1
        elif isinstance(event, ForeignFillSeen):
            others[event.fill.trade_id] += 1
    for fill in world.venue.fills:
        is_ours = fill.client_order_id.startswith(CLIENT_ORDER_ID_PREFIX)
        found, wrong = (ours, others) if is_ours else (others, ours)
        if found[fill.trade_id] != 1 or wrong[fill.trade_id]:
            yield (
                f"fill: trade {fill.trade_id} of {fill.client_order_id} was booked "
                f"{found[fill.trade_id]} times"
            )


def _balances(world: World) -> Iterator[str]:
    """The account holds what book and others explain, to the unit, and the engine agrees."""
    if world.session is None or world.terminal == "deposit":
        return
    for asset, expected in world.session.state.expected_balances(INSTRUMENTS).items():
        if world.venue.total(asset) != expected:
            yield f"balance: {asset} is {world.venue.total(asset)}, explained is {expected}"
    try:
        world.session.check_engine()
    except TradingAssetsError as error:
        yield f"engine: {error}"


def _books(world: World) -> Iterator[str]:
    """The book of each strategy holds what its own orders have brought, and nothing of another."""
    if world.session is None:
        return
    tags: dict[str, str] = {}
    brought: dict[tuple[str, str], Decimal] = {}
    bases = {item.symbol: item.base for item in INSTRUMENTS}
    for event in world.disk.events:
        if isinstance(event, OrderIntentCreated):
            tags[event.ticket.client_order_id] = event.ticket.tag
        elif isinstance(event, OrderFilled):
            fill = event.fill
            key = tags.get(fill.client_order_id, ""), fill.symbol
            fee = fill.fee if fill.fee_asset == bases[fill.symbol] else Decimal(0)
            change = int(fill.side) * fill.quantity - fee
            brought[key] = brought.get(key, Decimal(0)) + change
        elif isinstance(event, ReleaseSwitched) and not event.carried:
            brought.clear()  # it begins with money alone
    for position in world.session.machine.positions():
        tag = world.setup.tags[position.tag]
        held, expected = position.quantity + position.dust, brought.get((tag, position.symbol), 0)
        if held != expected:
            yield f"book: {tag} holds {held} {position.symbol}, its orders brought {expected}"


def _replay(world: World) -> Iterator[str]:
    """The journal alone gives the same book."""
    if world.session is None or world.seed % _REPLAYED:
        return
    calm = Failpoints(world.plan.dice, 0.0)
    journal = SimulatedJournal(world.disk, calm)
    journals = {"snapshot": journal, "first row": _WithoutSnapshots(journal)}
    for name, each in journals.items():
        try:
            again = world.releases.recover(each)
        except TradingAssetsError as error:
            yield f"replay: from {name}: {error}"
            continue
        if again.machine.state_hash() != world.session.machine.state_hash():
            yield f"replay: the engine is another one after replay from {name}"
        if again.state.to_json() != world.session.state.to_json():
            yield f"replay: the book is another one after replay from {name}"


class _WithoutSnapshots(SimulatedJournal):
    """The same journal, to be replayed from its first row."""

    def __init__(self, journal: SimulatedJournal) -> None:
        self.__dict__.update(journal.__dict__)

    def latest_snapshot(self) -> None:
        """Give none."""
