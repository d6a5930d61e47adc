"""Order lists: orders that cancel, or start, each other.

- **OCO.** Two orders of one side and quantity, above and below the market. They lock the money
  once, for the dearer of them. As soon as one trades or is triggered, the other expires; cancelling
  one cancels both.
- **OTO, OTOCO.** A working order, and one or two pending ones that start at the instant at which it
  is filled up. Pending orders lock nothing before: if the account cannot pay them then, or if they
  would trigger or (maker only) match at once, they are rejected. A working order that is cancelled
  or expires takes them with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange import errors
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.venue.filters import MAX_LISTS
from trading_assets.exchange.venue.matching import NOTHING, Match, match
from trading_assets.exchange.venue.orders import Kind, Order, OrderList, OrderRequest, Shape, Status
from trading_assets.exchange.venue.reports import NO_REASON, Execution, ListReport, Report
from trading_assets.exchange.venue.venue_state import VenueState

T = TypeVar("T")

_REASONS = {
    "Order would trigger immediately.": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    "Order would immediately match and take.": "WOULD_MATCH_IMMEDIATELY",
    "Account has insufficient balance for requested action.": "INSUFFICIENT_BALANCES",
}


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A checked wish for an order list; its orders as in `Shape`."""

    shape: Shape
    orders: tuple[OrderRequest, ...]
    client_list_id: str | None


class Engine(Protocol):
    """What order lists need of the venue; see `venue.Venue`."""

    publish: Callable[[Report], None]

    @property
    def state(self) -> VenueState:
        """Its accounts, orders and market."""
        ...

    def admit(self, account: str, requests: list[OrderRequest], now: Micros) -> None:
        """Refuse what is refused before prices are looked at."""
        ...

    def draft(self, account: str, request: OrderRequest, now: Micros, offset: int = 0) -> Order:
        """Make an order that nobody knows yet."""
        ...

    def check_funds(self, order: Order, needed: int) -> None:
        """Refuse what the account cannot pay."""
        ...

    def check_stop(self, order: Order, now: Micros) -> None:
        """Refuse a stop price that is reached already."""
        ...

    def check_maker(self, order: Order, found: Match) -> None:
        """Refuse a maker-only order that would take."""
        ...

    def enter(self, order: Order, now: Micros) -> None:
        """Make a draft an order of the venue."""
        ...

    def lock(self, order: Order, units: int) -> None:
        """Let an order hold exactly so much."""
        ...

    def work(self, order: Order, found: Match, ts: Micros) -> None:
        """Let an order take what was found."""
        ...

    def start(self, order: Order, ts: Micros) -> None:
        """Let an order begin to work."""
        ...

    def close(
        self,
        order: Order,
        status: Status,
        ts: Micros,
        *,
        cancel_id: str | None = None,
        reason: str = NO_REASON,
    ) -> None:
        """End an order that was not filled up."""
        ...

    def finish(self, ts: Micros) -> None:
        """Start what is due and tell what balances moved."""
        ...

    def report(self, order: Order, execution: Execution, ts: Micros) -> None:
        """Publish a change of an order."""
        ...


class OrderLists:
    """All order lists of one venue."""

    def __init__(self, venue: Engine) -> None:
        self._venue = venue
        self.all: dict[int, OrderList] = {}
        self.next_id = 1
        self.changed: dict[int, OrderList] = {}
        self._due: list[OrderList] = []

    # --- finding

    def of(self, order: Order) -> OrderList | None:
        """Give the list that an order belongs to, or None."""
        return self.all.get(order.list_id)

    def find(
        self, account: str, list_id: int | None, client_list_id: str | None
    ) -> OrderList | None:
        """Find a list of an account, by its id or else the latest of that name."""
        if list_id is not None:
            found = self.all.get(list_id)
            return found if found is not None and found.account == account else None
        named = [o for o in self.of_account(account) if o.client_list_id == client_list_id]
        return named[-1] if named else None

    def of_account(self, account: str) -> list[OrderList]:
        """List the lists of an account, oldest first."""
        return [found for found in self.all.values() if found.account == account]

    def index(self, found: OrderList) -> None:
        """Make a list findable, whether new or read back from a ledger."""
        self.all[found.list_id] = found
        self.next_id = max(self.next_id, found.list_id + 1)

    # --- placing

    def place(
        self, account: str, request: ListRequest, now: Micros, answer: Callable[[OrderList], T]
    ) -> T:
        """Accept a list; the caller has settled up to `now`.

        Args:
            account: whose it is.
            request: what is wanted.
            now: market time.
            answer: asked once the list stands, but before pending orders of a working order that
                was filled at once start; its result is given back.

        Raises:
            Refused: when the venue does not accept it; nothing has changed then.
        """
        venue = self._venue
        venue.admit(account, list(request.orders), now)
        drafts = [venue.draft(account, r, now, n) for n, r in enumerate(request.orders)]
        self._check(account, request, drafts, now)
        made = OrderList(
            list_id=self.next_id,
            client_list_id=request.client_list_id or f"list-{self.next_id}",
            account=account,
            symbol=drafts[0].symbol,
            shape=request.shape,
            placed_ts=now,
            updated_ts=now,
        )
        found = NOTHING if request.shape is Shape.OCO else match(venue.state, drafts[0], now)
        self.index(made)
        for order in drafts:
            order.list_id = made.list_id
            if request.shape is not Shape.OCO and order is not drafts[0]:
                order.status, order.working_ts = Status.PENDING_NEW, 0
            venue.enter(order, now)
        self._report(made, now)
        if request.shape is Shape.OCO:
            self._lock_pair(drafts)
        else:
            venue.work(drafts[0], found, now)
        result = answer(made)
        venue.finish(now)
        return result

    def _check(self, account: str, request: ListRequest, drafts: list[Order], now: Micros) -> None:
        venue = self._venue
        ours = [found for found in self.of_account(account) if not found.is_done]
        if request.client_list_id in {found.client_list_id for found in ours}:
            raise errors.rejected("Duplicate order sent.")
        if sum(found.symbol == drafts[0].symbol for found in ours) >= MAX_LISTS:
            raise errors.filter_failure("MAX_NUM_ORDER_LISTS")
        last = venue.state.last_ticks(drafts[0].listing, now)
        if request.shape is Shape.OCO:
            _check_relation(drafts[0], drafts[1], last)
            venue.check_funds(drafts[0], max(o.cost_of(o.lots) for o in drafts))
            now_working = drafts
        else:
            if request.shape is Shape.OTOCO:
                _check_relation(drafts[1], drafts[2], None)
            venue.check_funds(drafts[0], drafts[0].cost_of(drafts[0].lots))
            now_working = drafts[:1]
        for order in now_working:
            if order.kind is Kind.LIMIT_MAKER:
                venue.check_maker(order, match(venue.state, order, now))

    def _lock_pair(self, pair: list[Order]) -> None:
        self._venue.lock(pair[0], max(order.cost_of(order.lots) for order in pair))

    # --- what the orders do to each other

    def engage(self, order: Order, ts: Micros) -> None:
        """Let the other leg of an OCO expire: this one is about to trade, or is triggered."""
        found = self.of(order)
        rival = found.rival_of(order) if found is not None else None
        if rival is None or not rival.status.is_open:
            return
        venue = self._venue
        venue.lock(rival, 0)
        venue.lock(order, order.cost_of(order.open_lots))
        venue.close(rival, Status.EXPIRED, ts)

    def on_end(self, order: Order, ts: Micros, cancel_id: str | None) -> None:
        """Go on after one order of a list has reached its end."""
        found = self.of(order)
        if found is None or found.is_done:
            return
        if order is found.working and order.status is Status.FILLED:
            self._due.append(found)
        elif order is found.working or order.status in {Status.CANCELED, Status.REJECTED}:
            self._end_others(found, order, ts, cancel_id)
        self._end_if_done(found, ts)

    def _end_if_done(self, found: OrderList, ts: Micros) -> None:
        if not found.is_done and not any(o.status.is_open for o in found.orders):
            found.is_done = True
            self._report(found, ts)

    def _end_others(
        self, found: OrderList, order: Order, ts: Micros, cancel_id: str | None
    ) -> None:
        for other in found.orders:
            if other.status.is_open:
                self._venue.close(other, order.status, ts, cancel_id=cancel_id)

    def start_due(self, ts: Micros) -> None:
        """Start the pending orders whose working order has been filled up."""
        while self._due:
            found = self._due.pop(0)
            waiting = [o for o in found.dependents if o.status is Status.PENDING_NEW]
            if waiting:
                self._start(waiting, ts)

    def _start(self, waiting: list[Order], ts: Micros) -> None:
        venue = self._venue
        try:
            for order in waiting:
                self._check_start(order, ts)
        except Refused as refusal:
            venue.close(waiting[0], Status.REJECTED, ts, reason=_REASONS[refusal.text])
            return
        if len(waiting) == 1 and not waiting[0].kind.is_stop:
            venue.start(waiting[0], ts)
            return
        for order in waiting:
            order.status, order.updated_ts = Status.NEW, ts
            order.working_ts = 0 if order.kind.is_stop else ts
        self._lock_pair(waiting)
        for order in waiting:
            venue.report(order, Execution.NEW, ts)

    def _check_start(self, order: Order, ts: Micros) -> None:
        venue = self._venue
        if order.kind.is_stop:
            venue.check_stop(order, ts)
        elif order.kind is Kind.LIMIT_MAKER:
            venue.check_maker(order, match(venue.state, order, ts))
        needed = order.cost_of(order.lots)
        if order.kind is Kind.MARKET:
            needed = order.cost_of(1) if order.side is OrderSide.SELL else 1
        venue.check_funds(order, needed)

    # --- telling

    def _report(self, found: OrderList, ts: Micros) -> None:
        found.updated_ts = ts
        self.changed[found.list_id] = found
        self._venue.publish(
            ListReport(
                account=found.account,
                symbol=found.symbol,
                list_id=found.list_id,
                client_list_id=found.client_list_id,
                contingency=found.contingency,
                status_type="ALL_DONE" if found.is_done else "EXEC_STARTED",
                order_status="ALL_DONE" if found.is_done else "EXECUTING",
                reason=NO_REASON,
                orders=tuple((o.order_id, o.client_order_id) for o in found.orders),
                ts=ts,
            )
        )


def _reference(order: Order) -> int:
    """Give the price by which an OCO leg is above or below: its stop price, else its limit."""
    return order.stop_ticks or order.ticks


def _check_relation(above: Order, below: Order, last: int | None) -> None:
    """Refuse with -2010 legs that do not enclose the last price (or, without one, each other)."""
    high, low = _reference(above), _reference(below)
    if not (low < high if last is None else low < last < high):
        raise errors.rejected("The relationship of the prices for the orders is not correct.")
