"""The live book without any I/O: events in, commands out; the same events give the same book.

Whatever happens reaches the book as an event, and nothing else does: a restart replays the journal
through the same `handle`. Events that the session itself derives from another (an intent, a mark, a
dropped decision) are journalled together with their cause, and on replay they are compared with
what is derived again, so a program that would have decided otherwise is noticed before it trades.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args

from trading_assets.domain.account import Fill
from trading_assets.domain.commands import (
    Command,
    QueryOrder,
    SaveSnapshot,
)
from trading_assets.domain.control import HaltLevel
from trading_assets.domain.errors import InvariantError, RecoveryError
from trading_assets.domain.events import (
    BarReady,
    BookArmed,
    CommandReceived,
    DecisionDropped,
    EquityMarked,
    Event,
    ForeignFillSeen,
    ForeignOrderSeen,
    LimitsTightened,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
    Reconciled,
    ReleaseAwaited,
    ReleaseRefused,
    ReleaseSwitched,
    SessionClosed,
    SessionOpened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.domain.order import OrderStatus, advance
from trading_assets.domain.strategy_events import StrategyEvent
from trading_assets.live.awaiting import await_release, leave_release, refuse_release
from trading_assets.live.book_state import BookState, SessionSetup, add_fill
from trading_assets.live.decisions import Decisions
from trading_assets.live.exits import Exits, asked_for, withdrawals
from trading_assets.live.fees import book_fill, engine_pays
from trading_assets.live.live_order import LiveOrder
from trading_assets.live.policies.pauses import policy_handlers
from trading_assets.live.ports import DecisionMachine
from trading_assets.live.saved_session import SavedSession
from trading_assets.live.strategy_stance import note
from trading_assets.live.tightening import RISK, loss_rule, sizes_of_strategies
from trading_assets.live.translation import matrices_from_bar, place

_DERIVED = (OrderIntentCreated, DecisionDropped, EquityMarked)


class Session:
    """One book: its engine and what it knows of its account."""

    def __init__(
        self, setup: SessionSetup, machine: DecisionMachine, state: BookState | None = None
    ) -> None:
        self.setup = setup
        self.machine = machine
        self.state = state or BookState()
        self._derived: deque[Event] = deque()
        self._decisions = Decisions(setup, machine, self.state, self._derived.append)
        self._exits = Exits(setup, machine, self.state, self._decisions, self._derived.append)
        self._index = {item.symbol: place for place, item in enumerate(setup.instruments)}
        self._signal_places = setup.signal_places
        self._handlers: dict[type[Any], Callable[[Any], list[Command]]] = {
            SessionOpened: self._on_opened,
            BarReady: self._on_bar,
            OrderSubmitted: self._on_submitted,
            OrderReported: self._on_reported,
            OrderFilled: self._on_filled,
            OrderRefused: self._on_refused,
            OrderOutcomeUnknown: self._on_unknown,
            OrderProvenAbsent: self._on_absent,
            ForeignOrderSeen: self._on_foreign_order,
            ForeignFillSeen: self._on_foreign_fill,
            CommandReceived: self._on_command,
            TradingHalted: self._on_halted,
            TradingResumed: self._on_resumed,
            LimitsTightened: self._on_tightened,
            **policy_handlers(self.state),
            **dict.fromkeys(get_args(StrategyEvent), self._on_strategy),
            Reconciled: self._on_reconciled,
            BookArmed: self._on_armed,
            ReleaseAwaited: lambda event: await_release(self.state, event),
            ReleaseSwitched: lambda event: leave_release(self.state, self.setup.release_id, event),
            ReleaseRefused: lambda event: refuse_release(self.state, event),
            SessionClosed: _nothing,
        }

    @classmethod
    def restored(
        cls, setup: SessionSetup, restore: Callable[[bytes], DecisionMachine], saved: SavedSession
    ) -> Session:
        """Build a session from a snapshot.

        Args:
            setup: must be the one that the snapshot was made with.
            restore: builds the engine from its bytes.
            saved: what `snapshot` gave, read.

        Raises:
            RecoveryError: if the snapshot is of another release.
        """
        if saved.release_id != setup.release_id:
            raise RecoveryError(
                f"The snapshot of book {setup.book} is of another release",
                expected=setup.release_id,
                found=saved.release_id,
            )
        return cls(setup, restore(saved.engine), BookState.from_json(saved.book))

    def snapshot(self) -> bytes:
        """Give the whole state, the engine's bytes included."""
        engine = self.machine.snapshot()
        return SavedSession(self.setup.release_id, self.state.to_json(), engine).to_bytes()

    def handle(self, event: Event) -> list[Command]:
        """Take an event in and give what is to be done about it.

        Raises:
            RecoveryError: if a derived event of the journal is not what is derived now.
            InvariantError: for an event that cannot happen to this book.
        """
        if isinstance(event, _DERIVED):
            self._compare(event)
            return []
        if self._derived:
            raise self._decided_otherwise(self._derived[0], event)
        self.state.last_ts = max(self.state.last_ts, event.ts)
        commands = self._handlers[type(event)](event)
        return commands + self._exits.due(event)

    def take_derived(self) -> tuple[Event, ...]:
        """Give the events that the last one caused, to be journalled in the same commit."""
        derived = tuple(self._derived)
        self._derived.clear()
        return derived

    def check_engine(self) -> None:
        """Prove that the engine holds what the fills have brought, to the last unit.

        Raises:
            InvariantError: if not; the engine's decisions are then about another book.
        """
        self.state.require_count(self.setup.book, self.machine.balances())

    def _compare(self, event: Event) -> None:
        expected = self._derived.popleft() if self._derived else None
        if event != expected:
            raise self._decided_otherwise(expected, event)

    def _decided_otherwise(self, expected: Event | None, found: Event) -> RecoveryError:
        return RecoveryError(
            f"Book {self.setup.book}: this program decides otherwise than its journal says",
            expected=f"{expected} (derived now)",
            found=f"{found} (journalled)",
            fix="Start the version that wrote the journal, or close the book by hand and start a "
            "new journal.",
        )

    # Bars and decisions

    def _on_opened(self, event: SessionOpened) -> list[Command]:
        if event.release_id != self.setup.release_id:
            raise RecoveryError(
                f"The journal of book {self.setup.book} trades another release",
                expected=self.setup.release_id,
                found=event.release_id,
                fix="Start the book with the release that its journal names.",
            )
        self.state.orders_per_symbol = event.orders_per_symbol
        self.state.is_opening = True
        if self.state.opened_ts is None:
            self.state.opened_ts = event.ts
            self.state.opening = {balance.asset: balance.total for balance in event.opening}
            self.state.funds = dict(self.machine.balances())
        return []

    def _on_bar(self, event: BarReady) -> list[Command]:
        last = self.state.last_bar
        if last is not None and event.ts <= last:
            raise InvariantError(
                f"Book {self.setup.book}: bars went backwards",
                expected=f"a bar after {last}",
                found=str(event.ts),
            )
        self.state.last_bar = event.ts
        for bar in event.bars:
            self.state.symbol_bars[bar.symbol] = event.ts
        self.state.bars += 1
        matrices = matrices_from_bar(
            event, self._index, self._signal_places, self.setup.signal_columns
        )
        sizes = sizes_of_strategies(self.state, self.machine, self.setup.tags)
        if sizes is not None:
            self.machine.scale(*sizes)
        orders = self.machine.on_close(event.ts, *matrices)
        equity = Decimal(repr(float(self.machine.equity)))
        self._derived.append(EquityMarked(event.ts, equity, float(self.machine.drawdown)))
        self.state.turmoil.see(event.ts, event.bars, float(equity))
        if self.state.loss_rule and not loss_rule(self.state, self.machine):
            self.state.loss_rule = ""
        commands = self._decisions.decide(orders, event.ts, is_late=event.late)
        if self.state.bars % self.setup.snapshot_bars == 0:
            commands.append(SaveSnapshot())
        return commands

    # Orders

    def _on_submitted(self, event: OrderSubmitted) -> list[Command]:
        order = self._order(event.client_order_id)
        order.status = advance(order.status, OrderStatus.SENT)
        order.auth_ts = event.auth_ts
        order.recv_window_ms = event.recv_window_ms
        return []

    def _on_reported(self, event: OrderReported) -> list[Command]:
        report = event.report
        order = self._order(report.client_order_id)
        if report.executed < order.executed:
            raise InvariantError(
                f"A report on order {order.client_order_id} is older than what is known",
                expected=f"{order.executed} executed at least",
                found=str(report.executed),
            )
        if not (report.status is order.status and order.status.is_final):
            order.status = advance(order.status, report.status)
        order.executed = report.executed
        return self._settle(order, event.ts)

    def _on_filled(self, event: OrderFilled) -> list[Command]:
        fill = event.fill
        order = self._order(fill.client_order_id)
        if order.status is OrderStatus.INTENT:
            raise InvariantError(
                f"Order {order.client_order_id} was filled and has never been sent",
                expected="a row that it left, before anything that the venue says of it",
                found=f"trade {fill.trade_id}",
                fix="Compare with the venue's own record before anything else.",
            )
        self._remember(fill)
        instrument = self.setup.instruments[place(fill.symbol, self._index)]
        lots = instrument.lots_from_quantity(fill.quantity)
        order.filled += fill.quantity
        if order.filled > order.ticket.quantity or fill.side is not order.ticket.side:
            raise InvariantError(
                f"Order {order.client_order_id} was filled beyond what was asked",
                expected=f"{order.ticket.side.name} {order.ticket.quantity} at most",
                found=f"{fill.side.name} {order.filled} with trade {fill.trade_id}",
                fix="Compare with the venue's own record before anything else.",
            )
        if instrument.quantity_from_lots(lots) != fill.quantity:
            raise InvariantError(
                f"Trade {fill.trade_id} is off the grid of {fill.symbol}",
                expected=f"a multiple of {instrument.lot}",
                found=str(fill.quantity),
            )
        book_fill(self.state, fill, instrument)
        is_ours = engine_pays(fill, instrument)
        woken = self.machine.on_fill(
            order.engine_order_id,
            lots,
            float(fill.price),
            units_from_decimal(fill.fee) if is_ours else 0,
            is_ours and fill.fee_asset == instrument.base,
            fill.ts,
        )
        return [*self._settle(order, event.ts), *self._decisions.decide(woken, event.ts)]

    def _on_refused(self, event: OrderRefused) -> list[Command]:
        order = self._order(event.client_order_id)
        order.status = advance(order.status, OrderStatus.REJECTED)
        return self._settle(order, event.ts)

    def _on_unknown(self, event: OrderOutcomeUnknown) -> list[Command]:
        order = self._order(event.client_order_id)
        order.status = advance(order.status, OrderStatus.UNKNOWN)
        return [QueryOrder(order.ticket.symbol, order.client_order_id)]

    def _on_absent(self, event: OrderProvenAbsent) -> list[Command]:
        order = self._order(event.client_order_id)
        if order.filled:
            raise InvariantError(
                f"Order {order.client_order_id} cannot be absent: it has fills",
                expected="no fill",
                found=str(order.filled),
            )
        order.status = advance(order.status, OrderStatus.ABSENT)
        self.state.absent_orders.add(order.client_order_id)
        return self._settle(order, event.ts)

    def _settle(self, order: LiveOrder, ts: Micros) -> list[Command]:
        """Let the engine go on once nothing more can happen to an order."""
        if not order.status.is_final:
            return []
        if not order.is_complete:
            return [QueryOrder(order.ticket.symbol, order.client_order_id)]
        del self.state.orders[order.client_order_id]
        self.state.unwanted.discard(order.client_order_id)
        if order.filled == order.ticket.quantity and not order.is_cut:
            return []
        # Less was asked for, or some of it booked apart: for the engine the rest is cancelled.
        is_odd = order.status is OrderStatus.FILLED
        reason = OrderStatus.CANCELED if is_odd else order.status
        woken = self.machine.on_closed(order.engine_order_id, reason, ts)
        return self._decisions.decide(woken, ts)

    # Others, and people

    def _on_foreign_order(self, event: ForeignOrderSeen) -> list[Command]:
        self.state.known_foreign_orders.add(event.report.venue_order_id)
        return []

    def _on_foreign_fill(self, event: ForeignFillSeen) -> list[Command]:
        self._remember(event.fill)
        instrument = self.setup.instruments[place(event.fill.symbol, self._index)]
        add_fill(self.state.foreign_flows, event.fill, instrument)
        order = self.state.orders.get(event.fill.client_order_id)
        if order is None:
            return []
        order.external += event.fill.quantity
        return self._settle(order, event.ts)

    def _on_reconciled(self, event: Reconciled) -> list[Command]:
        self.state.reconciled_ts = event.ts
        self.state.is_opening = False
        return []

    def _on_command(self, event: CommandReceived) -> list[Command]:
        self.state.inbox_id = event.inbox_id
        return [] if event.refused else asked_for(event.kind, self.state)

    def _on_halted(self, event: TradingHalted) -> list[Command]:
        self.state.halted = event.reason or "no reason given"
        self.state.level = max(self.state.level, event.level)
        if event.source == RISK:
            self.state.loss_rule = event.reason.partition(":")[0]
        return withdrawals(self.state)

    def _on_resumed(self, event: TradingResumed) -> list[Command]:
        self.state.halted, self.state.lifted = "", event.latch
        self.state.level = HaltLevel.NONE
        self.state.turmoil.resume()
        return []

    def _on_armed(self, event: BookArmed) -> list[Command]:
        self.state.capital = event.capital
        return []

    def _on_tightened(self, event: LimitsTightened) -> list[Command]:
        self.state.tightened = event.limits
        return []

    def _on_strategy(self, event: StrategyEvent) -> list[Command]:
        note(self.state.strategies, event)
        return withdrawals(self.state)

    def _remember(self, fill: Fill) -> None:
        key = (fill.symbol, fill.trade_id)
        if key in self.state.known_fills:
            raise InvariantError(
                "A fill was booked twice", expected="each trade once", found=" ".join(key)
            )
        self.state.known_fills[key] = None

    def _order(self, name: str) -> LiveOrder:
        order = self.state.orders.get(name)
        if order is None:
            known = name in self.state.known_orders
            raise InvariantError(
                f"Order {name} is not open in book {self.setup.book}",
                expected="events of orders that have not ended",
                found="an order that has ended" if known else "an order of somebody else",
                fix="Compare with the venue's own record before anything else.",
            )
        return order


def _nothing(_: Event) -> list[Command]:
    return []
