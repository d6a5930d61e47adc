"""The exchange without its wire: accounts, orders and matching as of a given market time.

Every method takes the market time and is deterministic: what happens depends on the times of
placements and cancels only, never on how often anyone looks (see `settlement`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange import errors
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import (
    MarketModel,
    cell_of,
)
from trading_assets.exchange.market.outages import Outages
from trading_assets.exchange.venue.accounts import FEES, MARKET
from trading_assets.exchange.venue.commissions import commission
from trading_assets.exchange.venue.fees import Fees
from trading_assets.exchange.venue.filters import check_open_orders
from trading_assets.exchange.venue.matching import NOTHING, Fill, Match, match
from trading_assets.exchange.venue.mishaps import Mishap, no_mishap
from trading_assets.exchange.venue.order_lists import OrderLists
from trading_assets.exchange.venue.orders import (
    MODEL,
    Kind,
    Order,
    OrderRequest,
    Status,
    Tif,
    Trade,
)
from trading_assets.exchange.venue.reports import (
    NO_REASON,
    Execution,
    PositionReport,
    Report,
    order_report,
)
from trading_assets.exchange.venue.venue_state import VenueState


class Venue(VenueState):
    """All accounts, orders and trades of one exchange.

    Attributes:
        lists: the order lists.
        mishap: asked for every order that is accepted; a fault may spoil it.
        publish: gets every report of what happens to an account, in order (see `reports`).
    """

    def __init__(
        self,
        listings: Mapping[str, Listing],
        model: MarketModel,
        outages: Outages,
        fees: Fees,
    ) -> None:
        super().__init__(listings, model, outages, fees)
        self.publish: Callable[[Report], None] = lambda report: None
        self.mishap: Callable[[str, OrderRequest, Micros], Mishap] = no_mishap
        self.lists = OrderLists(self)

    @property
    def state(self) -> VenueState:
        """Accounts, orders and market, as `order_lists` sees them."""
        return self

    # --- placing and cancelling

    def admit(self, account: str, requests: list[OrderRequest], now: Micros) -> None:
        """Refuse what the matching engine would refuse before it looks at prices.

        Raises:
            Refused: -1013, -1015 or -2010.
        """
        listing = requests[0].listing
        mine = [o for o in self.open[listing.instrument.symbol].values() if o.account == account]
        kinds = [request.kind for request in requests]
        check_open_orders([o.kind for o in mine], kinds)
        self.order_meter.check(account, now, len(requests))
        if self.is_closed(listing, now):
            raise errors.rejected("Market is closed.")
        names = [r.client_order_id for r in requests if r.client_order_id is not None]
        if len(set(names)) < len(names) or {o.client_order_id for o in mine}.intersection(names):
            raise errors.rejected("Duplicate order sent.")

    def place(self, account: str, request: OrderRequest, now: Micros) -> Order:
        """Accept an order, match it, and let the rest work, wait for its stop price, or expire.

        The caller has settled up to `now`.

        Raises:
            Refused: when the venue does not accept it; nothing has changed then.
        """
        self.admit(account, [request], now)
        order = self.draft(account, request, now)
        if order.kind.is_stop:
            found = NOTHING
            self.check_stop(order, now)
            self.check_funds(order, order.cost_of(order.lots))
        else:
            found = match(self, order, now)
            self.check_funds(order, self._needed(order, found))
            self.check_maker(order, found)
        mishap = self.mishap(account, request, now)
        found = found.at_most(mishap.lots) if mishap.lots else found
        order.lots = order.lots or found.lots
        self.enter(order, now)
        if order.kind.is_stop:
            self.lock(order, order.cost_of(order.lots))
        else:
            self.work(order, found, now)
        self._suffer(order, mishap, now)
        self.finish(now)
        return order

    def _suffer(self, order: Order, mishap: Mishap, now: Micros) -> None:
        """Fill a part of a resting order at once, hide it from queries, as a fault wants."""
        if mishap.lots and not order.trades and order.is_resting:
            self.execute(order, order.ticks, min(mishap.lots, order.open_lots), now)
        if mishap.hidden:
            self.hidden[order.symbol, order.order_id] = now + mishap.hidden

    def cancel(self, order: Order, now: Micros, cancel_id: str) -> None:
        """Cancel an open order, and with it the list that it belongs to.

        The caller has settled up to `now`.

        Args:
            order: what to cancel.
            now: market time.
            cancel_id: the cancel's own client id.

        Raises:
            Refused: -2011 when it is not open any more.
        """
        if not order.status.is_open:
            raise errors.unknown_order()
        self.close(order, Status.CANCELED, now, cancel_id=cancel_id)
        self.finish(now)

    def finish(self, ts: Micros) -> None:
        """Start the pending orders that have become due, then tell what balances moved."""
        self.lists.start_due(ts)
        self.report_positions(ts)

    def report_positions(self, ts: Micros) -> None:
        """Publish the balances that moved since the last call."""
        for account, balances in self.accounts.take_moved():
            self.publish(PositionReport(account, ts, balances))

    # --- checks

    def check_funds(self, order: Order, needed: int) -> None:
        """Refuse with -2010 what the account cannot pay."""
        if needed > self.accounts.holding(order.account, order.given_asset).free:
            raise errors.insufficient_balance()

    def check_stop(self, order: Order, now: Micros) -> None:
        """Refuse with -2010 a stop price that the last trade has reached already."""
        if order.is_reached(self.last_ticks(order.listing, now)):
            raise errors.rejected("Order would trigger immediately.")

    @staticmethod
    def check_maker(order: Order, found: Match) -> None:
        """Refuse with -2010 a maker-only order that would take."""
        if order.kind is Kind.LIMIT_MAKER and found.fills:
            raise errors.rejected("Order would immediately match and take.")

    @staticmethod
    def _needed(order: Order, found: Match) -> int:
        """Give what a placement must be able to pay."""
        if order.kind.has_price:
            return order.cost_of(order.lots)
        if order.side is OrderSide.SELL:
            return (order.lots or found.lots) * order.listing.instrument.lot_units
        return max(found.cost(order), order.quote_units)

    # --- the life of an order

    def draft(self, account: str, request: OrderRequest, now: Micros, offset: int = 0) -> Order:
        """Make an order that nobody knows yet; `offset` orders will be entered before it."""
        order_id = self.counters[request.listing.instrument.symbol].next_order_id + offset
        return Order(
            listing=request.listing,
            order_id=order_id,
            client_order_id=request.client_order_id or f"venue-{order_id}",
            account=account,
            side=request.side,
            kind=request.kind,
            tif=request.tif,
            lots=request.lots,
            ticks=request.ticks,
            quote_units=request.quote_units,
            placed_ts=now,
            updated_ts=now,
            working_ts=0 if request.kind.is_stop else now,
            stop_ticks=request.stop_ticks,
        )

    def enter(self, order: Order, now: Micros) -> None:
        """Make a draft an order of the venue."""
        self.counters[order.symbol].next_order_id += 1
        self.order_meter.add(order.account, now)
        self.index(order)
        self.report(order, Execution.NEW, now)

    def index(self, order: Order) -> None:
        """Make an order findable, whether new or read back from a ledger."""
        super().index(order)
        if (found := self.lists.of(order)) is not None:
            found.orders.append(order)

    def recall(self, last_ts: Micros) -> None:
        """After a restart at `last_ts`: how much of the present books is taken, and the counts."""
        for (_, symbol), trades in self.trades.items():
            listing = self.listings[symbol]
            for trade in trades:
                took = trade.against == MODEL and not trade.is_maker
                if took and cell_of(trade.ts) == cell_of(last_ts):
                    self.book(listing, trade.ts).take(trade.side, trade.ticks, trade.lots)
        self.order_meter.recall(self.orders.values(), last_ts)

    def lock(self, order: Order, units: int) -> None:
        """Let the order hold exactly `units` of what it gives."""
        change = units - order.locked_units
        order.locked_units = units
        if change > 0:
            self.accounts.lock(order.account, order.given_asset, change)
        elif change < 0:
            self.accounts.unlock(order.account, order.given_asset, -change)

    def work(self, order: Order, found: Match, ts: Micros) -> None:
        """Let an order take what was found for it; the rest stands in the book or expires."""
        if order.tif is Tif.FOK and found.lots < order.lots:
            found = NOTHING
        may_rest = order.kind.has_price and order.tif is Tif.GTC
        self.lock(order, order.cost_of(order.lots) if may_rest else found.cost(order))
        last = len(found.fills) - 1
        for number, fill in enumerate(found.fills):
            is_whole = order.open_lots == fill.lots and number == last
            self._take(
                order,
                fill,
                ts,
                fills_up=is_whole and not (order.quote_units and found.is_exhausted),
            )
        if not order.status.is_open:
            return
        if may_rest:
            self.lock(order, order.cost_of(order.open_lots))
        else:
            self.close(order, Status.EXPIRED, ts)

    def trigger(self, order: Order, ts: Micros) -> None:
        """Start a stop order whose price has been reached, as a taker at that instant.

        Without a limit price it spends at most what is free; what that does not pay expires.
        """
        self.lists.engage(order, ts)
        self.start(order, ts)

    def start(self, order: Order, ts: Micros) -> None:
        """Let an order begin to work now: a triggered stop, or a pending order without one."""
        self.lock(order, 0)
        order.status, order.working_ts, order.updated_ts = Status.NEW, ts, ts
        self.report(order, Execution.NEW, ts)
        budget = None
        if not order.kind.has_price:
            budget = self.accounts.holding(order.account, order.given_asset).free
        self.work(order, match(self, order, ts, budget), ts)

    def close(
        self,
        order: Order,
        status: Status,
        ts: Micros,
        *,
        cancel_id: str | None = None,
        reason: str = NO_REASON,
    ) -> None:
        """End an order that was not filled up, and tell the list that it belongs to."""
        self._end(order, status, ts)
        self.report(order, Execution[status.name], ts, cancel_id=cancel_id, reason=reason)
        self.lists.on_end(order, ts, cancel_id)

    def _end(self, order: Order, status: Status, ts: Micros) -> None:
        self.lock(order, 0)
        order.status = status
        order.updated_ts = ts
        self.open[order.symbol].pop(order.order_id, None)

    # --- trades

    def _take(self, order: Order, fill: Fill, ts: Micros, *, fills_up: bool) -> None:
        """Book one fill of a taker, on both sides."""
        maker = fill.maker
        trade_id = self._next_trade_id(order)
        if maker is None:
            self.book(order.listing, ts).take(order.side, fill.ticks, fill.lots)
            self._execute(order, fill, ts, trade_id, against=MODEL, fills_up=fills_up)
            return
        self.lists.engage(maker, ts)
        self._execute(order, fill, ts, trade_id, against=maker.order_id, fills_up=fills_up)
        up = maker.open_lots == fill.lots
        self._execute(maker, fill, ts, trade_id, against=order.order_id, fills_up=up, is_maker=True)

    def execute(self, order: Order, ticks: int, lots: int, ts: Micros) -> None:
        """Book a fill of a resting order by the public trades."""
        self.lists.engage(order, ts)
        fill = Fill(ticks, lots, None)
        trade_id = self._next_trade_id(order)
        up = order.open_lots == lots
        self._execute(order, fill, ts, trade_id, against=MODEL, fills_up=up, is_maker=True)

    def _next_trade_id(self, order: Order) -> int:
        counter = self.counters[order.symbol]
        counter.next_trade_id += 1
        return counter.next_trade_id - 1

    def _execute(
        self,
        order: Order,
        fill: Fill,
        ts: Micros,
        trade_id: int,
        *,
        against: int,
        fills_up: bool,
        is_maker: bool = False,
    ) -> None:
        """Book one side of a trade: move both assets, take the commission, advance the order."""
        accounts, owner, instrument = self.accounts, order.account, order.listing.instrument
        value = fill.ticks * fill.lots * order.listing.value_units
        amount = fill.lots * instrument.lot_units
        buys = order.side is OrderSide.BUY
        paid, received = (value, amount) if buys else (amount, value)
        got = instrument.base if buys else instrument.quote
        accounts.pay(owner, order.given_asset, paid, MARKET, locked=True)
        accounts.pay(MARKET, got, received, owner)
        order.locked_units -= paid
        fee_asset, fee = commission(self, owner, got, received, value, ts, is_maker=is_maker)
        accounts.pay(owner, fee_asset, fee, FEES)
        trade = Trade(
            symbol=order.symbol,
            trade_id=trade_id,
            order_id=order.order_id,
            account=owner,
            side=order.side,
            ticks=fill.ticks,
            lots=fill.lots,
            value_units=value,
            fee_units=fee,
            fee_asset=fee_asset,
            ts=ts,
            is_maker=is_maker,
            against=against,
        )
        self.adopt(trade)
        self.new_trades.append(trade)
        if len(order.trades) == 1:
            self.order_meter.give_back(owner, order.placed_ts, ts)
        order.executed_lots += fill.lots
        order.executed_units += value
        order.updated_ts = ts
        order.status = Status.PARTIALLY_FILLED
        if fills_up:
            self._end(order, Status.FILLED, ts)
        self.report(order, Execution.TRADE, ts, trade=trade)
        if fills_up:
            self.lists.on_end(order, ts, None)

    # --- telling

    def report(
        self,
        order: Order,
        execution: Execution,
        ts: Micros,
        *,
        trade: Trade | None = None,
        cancel_id: str | None = None,
        reason: str = NO_REASON,
    ) -> None:
        """Publish a change of an order and mark the order for the ledger."""
        counter = self.counters[order.symbol]
        execution_id = counter.next_execution_id
        counter.next_execution_id += 1
        self.changed_orders[order.symbol, order.order_id] = order
        self.publish(
            order_report(
                order, execution, execution_id, ts, trade=trade, cancel_id=cancel_id, reason=reason
            )
        )
