"""The exchange without its wire: accounts, orders and matching as of a given market time.

Every method takes the market time and is deterministic: what happens depends on the times of
placements and cancels only, never on how often anyone looks (see `settlement`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange import errors
from trading_assets.exchange.accounts import FEES, MARKET, Accounts
from trading_assets.exchange.filters import check_open_orders
from trading_assets.exchange.limits import OrderMeter
from trading_assets.exchange.listing import Listing
from trading_assets.exchange.market_model import (
    CELLS_PER_DAY,
    CELLS_PER_MINUTE,
    MarketModel,
    cell_of,
)
from trading_assets.exchange.mishaps import Mishap, no_mishap
from trading_assets.exchange.order_book import Book, OrderBooks
from trading_assets.exchange.orders import Kind, Order, OrderRequest, Status, Tif, Trade
from trading_assets.exchange.outages import Outages
from trading_assets.exchange.reports import Execution, PositionReport, Report, order_report

UNITS = 100_000_000
_AVERAGE_CELLS = 5 * CELLS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Fees:
    """Commission rates in 1e-8 of the received asset (10 bps = 100,000)."""

    maker: int
    taker: int

    def of(self, units: int, *, is_maker: bool) -> int:
        """Give the commission on a received amount, rounded down."""
        return units * (self.maker if is_maker else self.taker) // UNITS


@dataclass(slots=True)
class Symbols:
    """What one symbol's orders and trades are counted by."""

    next_order_id: int = 1
    next_trade_id: int = 1
    next_execution_id: int = 1
    settled_cell: int = 0


class Venue:
    """All accounts, orders and trades of one exchange.

    Attributes:
        publish: gets every report of what happens to an account, in order (see `reports`).
    """

    def __init__(
        self,
        listings: Mapping[str, Listing],
        model: MarketModel,
        outages: Outages,
        fees: Fees,
    ) -> None:
        self.listings = dict(listings)
        """As they hold now: a fault may have changed a filter."""
        self.original_listings = dict(listings)
        self.model = model
        self.outages = outages
        self.fees = fees
        self.accounts = Accounts()
        self.books = OrderBooks(model)
        self.order_meter = OrderMeter()
        self.counters = {name: Symbols() for name in listings}
        self.orders: dict[tuple[str, int], Order] = {}
        self.open: dict[str, dict[int, Order]] = {name: {} for name in listings}
        self.by_account: dict[tuple[str, str], list[Order]] = defaultdict(list)
        self.trades: dict[tuple[str, str], list[Trade]] = defaultdict(list)
        self._by_client_id: dict[tuple[str, str, str], Order] = {}
        self.changed_orders: dict[tuple[str, int], Order] = {}
        self.new_trades: list[Trade] = []
        self.publish: Callable[[Report], None] = lambda report: None
        self.mishap: Callable[[str, OrderRequest, Micros], Mishap] = no_mishap
        """Asked for every order that is accepted; a fault may spoil it."""
        self.hidden: dict[tuple[str, int], Micros] = {}
        """Orders that queries do not find before an instant."""
        self.halted: dict[str, str] = {}
        """Symbols stopped by hand, and the status that says so."""

    # --- the market

    def is_closed(self, listing: Listing, now: Micros) -> bool:
        """Whether the symbol is in an outage, or halted."""
        return self.status(listing, now) != "TRADING"

    def status(self, listing: Listing, now: Micros) -> str:
        """Give the symbol's status as exchangeInfo words it."""
        if (halt := self.halted.get(listing.instrument.symbol)) is not None:
            return halt
        is_out = self.outages.start_of(listing, now // 60_000_000) is not None
        return "BREAK" if is_out else "TRADING"

    def book(self, listing: Listing, now: Micros) -> Book:
        """Give the book as takers would find it now."""
        return self.books.at(listing, self.outages.quoted_cell(listing, cell_of(now)))

    def last_ticks(self, listing: Listing, now: Micros) -> int:
        """Give the last traded price in ticks."""
        return self.model.ticks_at(listing, self.outages.quoted_cell(listing, cell_of(now)))

    def average_price(self, listing: Listing, now: Micros) -> Decimal:
        """Give the volume-weighted average price of the last five minutes."""
        end = self.outages.quoted_cell(listing, cell_of(now))
        day, index = divmod(end, CELLS_PER_DAY)
        path = self.model.day(listing, day)
        part = slice(max(index + 1 - _AVERAGE_CELLS, 0), index + 1)
        lots = path.lots[part]
        value = int((path.ticks[part] * lots).sum())
        if not value:  # nothing traded: a quiet stretch of a replay
            return int(path.ticks[index]) * listing.instrument.tick
        return Decimal(value) / int(lots.sum()) * listing.instrument.tick

    # --- finding orders

    def find(
        self, account: str, symbol: str, order_id: int | None, client_order_id: str | None
    ) -> Order | None:
        """Find an order of an account; by client id the open one, else the latest of that name."""
        if order_id is not None:
            order = self.orders.get((symbol, order_id))
            return order if order is not None and order.account == account else None
        if client_order_id is None:
            return None
        return self._by_client_id.get((account, symbol, client_order_id))

    def open_orders(self, account: str, symbol: str | None) -> list[Order]:
        """List the open orders of an account, by symbol and order id."""
        names = sorted(self.open) if symbol is None else [symbol]
        return [o for name in names for o in self.open[name].values() if o.account == account]

    # --- orders

    def admit(self, account: str, request: OrderRequest, now: Micros) -> None:
        """Refuse what the matching engine would refuse before it looks at prices.

        Raises:
            Refused: -1013, -1015 or -2010.
        """
        symbol = request.listing.instrument.symbol
        mine = [o for o in self.open[symbol].values() if o.account == account]
        check_open_orders(len(mine))
        self.order_meter.check(account, now)
        if self.is_closed(request.listing, now):
            raise errors.rejected("Market is closed.")
        if any(o.client_order_id == request.client_order_id for o in mine):
            raise errors.rejected("Duplicate order sent.")

    def place(self, account: str, request: OrderRequest, now: Micros) -> Order:
        """Accept an order, match it against the book, and let the rest work or expire.

        The caller has settled up to `now`.

        Raises:
            Refused: when the venue does not accept it; nothing has changed then.
        """
        self.admit(account, request, now)
        fills = self._match(request, now)
        self._check_funds(account, request, fills)
        if request.kind is Kind.LIMIT_MAKER and fills:
            raise errors.rejected("Order would immediately match and take.")
        mishap = self.mishap(account, request, now)
        fills = mishap.shortened(fills)
        filled = sum(lots for _, lots in fills)
        if request.tif is Tif.FOK and filled < request.lots:
            fills, filled = [], 0
        order = self._open_order(account, request, filled, now)
        book = self.book(request.listing, now)
        for ticks, lots in fills:
            book.take(order.side, ticks, lots)
            self.execute(order, ticks, lots, now, is_maker=False)
        is_exhausted = request.quote_units and next(book.against(order.side, None), None) is None
        if order.status.is_open or is_exhausted:
            self._rest(order)
        self._suffer(order, mishap, now)
        self.order_meter.add(account, now)
        if order.trades:
            self.order_meter.give_back(account, now)
        self.report_positions(now)
        return order

    def _suffer(self, order: Order, mishap: Mishap, now: Micros) -> None:
        """Fill a part of a resting order at once, hide it from queries, as a fault wants."""
        if mishap.lots and not order.trades and order.status.is_open and order.ticks:
            lots = min(mishap.lots, order.open_lots)
            self.execute(order, order.ticks, lots, now, is_maker=True)
        if mishap.hidden:
            self.hidden[order.symbol, order.order_id] = now + mishap.hidden

    def is_visible(self, order: Order, now: Micros) -> bool:
        """Whether queries find the order yet."""
        return not self.hidden or now >= self.hidden.get((order.symbol, order.order_id), 0)

    def cancel(self, order: Order, now: Micros, cancel_id: str) -> None:
        """Cancel an open order; the caller has settled up to `now`.

        Args:
            order: what to cancel.
            now: market time.
            cancel_id: the cancel's own client id.

        Raises:
            Refused: -2011 when it is not open any more.
        """
        if not order.status.is_open:
            raise errors.unknown_order()
        self._close(order, Status.CANCELED, now)
        self._report(order, Execution.CANCELED, now, cancel_id=cancel_id)
        self.report_positions(now)

    def _match(self, request: OrderRequest, now: Micros) -> list[tuple[int, int]]:
        """Give the (ticks, lots) that the order would take from the book now."""
        fills = []
        wanted, money = request.lots, request.quote_units
        for level in self.book(request.listing, now).against(request.side, request.limit_ticks):
            price_units = level.ticks * request.listing.value_units
            lots = min(level.lots, money // price_units if request.quote_units else wanted)
            if lots == 0:
                break
            fills.append((level.ticks, lots))
            wanted -= lots
            money -= lots * price_units
        return fills

    def _check_funds(
        self, account: str, request: OrderRequest, fills: list[tuple[int, int]]
    ) -> None:
        listing = request.listing
        lots = request.lots or sum(lots for _, lots in fills)
        if request.side is OrderSide.SELL:
            asset, needed = listing.instrument.base, lots * listing.instrument.lot_units
        else:
            asset = listing.instrument.quote
            value = sum(ticks * lots for ticks, lots in fills)
            if request.limit_ticks is not None:
                value = lots * request.limit_ticks
            needed = max(value * listing.value_units, request.quote_units)
        if needed > self.accounts.holding(account, asset).free:
            raise errors.insufficient_balance()

    def _open_order(self, account: str, request: OrderRequest, filled: int, now: Micros) -> Order:
        counter = self.counters[request.listing.instrument.symbol]
        order_id = counter.next_order_id
        counter.next_order_id += 1
        order = Order(
            listing=request.listing,
            order_id=order_id,
            client_order_id=request.client_order_id or f"venue-{order_id}",
            account=account,
            side=request.side,
            kind=request.kind,
            tif=request.tif,
            lots=request.lots or filled,
            ticks=request.ticks,
            quote_units=request.quote_units,
            placed_ts=now,
            updated_ts=now,
            working_ts=now,
        )
        self.index(order)
        self._report(order, Execution.NEW, now)
        return order

    def index(self, order: Order) -> None:
        """Make an order findable, whether new or read back from a ledger."""
        self.orders[order.symbol, order.order_id] = order
        self.by_account[order.account, order.symbol].append(order)
        self._by_client_id[order.account, order.symbol, order.client_order_id] = order
        if order.status.is_open:
            self.open[order.symbol][order.order_id] = order

    def adopt(self, trade: Trade) -> None:
        """Make a trade known, whether new or read back from a ledger."""
        self.orders[trade.symbol, trade.order_id].trades.append(trade)
        self.trades[trade.account, trade.symbol].append(trade)

    def _rest(self, order: Order) -> None:
        """Lock the money of what is left of a GTC limit order, or expire it."""
        if order.kind is Kind.MARKET or order.tif is not Tif.GTC:
            self._close(order, Status.EXPIRED, order.placed_ts)
            self._report(order, Execution.EXPIRED, order.placed_ts)
            return
        instrument = order.listing.instrument
        if order.side is OrderSide.BUY:
            asset, units = (
                instrument.quote,
                order.open_lots * order.ticks * order.listing.value_units,
            )
        else:
            asset, units = instrument.base, order.open_lots * instrument.lot_units
        order.locked_units = units
        self.accounts.lock(order.account, asset, units)

    def _close(self, order: Order, status: Status, now: Micros) -> None:
        instrument = order.listing.instrument
        asset = instrument.quote if order.side is OrderSide.BUY else instrument.base
        if order.locked_units:
            self.accounts.unlock(order.account, asset, order.locked_units)
            order.locked_units = 0
        order.status = status
        order.updated_ts = now
        self.open[order.symbol].pop(order.order_id, None)

    def execute(self, order: Order, ticks: int, lots: int, ts: Micros, *, is_maker: bool) -> None:
        """Book one execution: move both assets, take the commission, advance the order."""
        listing, accounts, owner = order.listing, self.accounts, order.account
        instrument = listing.instrument
        value = ticks * lots * listing.value_units
        amount = lots * instrument.lot_units
        buys = order.side is OrderSide.BUY
        paid, received = (value, amount) if buys else (amount, value)
        given, got = instrument.quote, instrument.base
        if not buys:
            given, got = got, given
        accounts.pay(owner, given, paid, MARKET, locked=is_maker)
        accounts.pay(MARKET, got, received, owner)
        fee = self.fees.of(received, is_maker=is_maker)
        accounts.pay(owner, got, fee, FEES)
        if is_maker:
            order.locked_units -= paid
        counter = self.counters[order.symbol]
        trade = Trade(
            symbol=order.symbol,
            trade_id=counter.next_trade_id,
            order_id=order.order_id,
            account=owner,
            side=order.side,
            ticks=ticks,
            lots=lots,
            value_units=value,
            fee_units=fee,
            fee_asset=got,
            ts=ts,
            is_maker=is_maker,
        )
        counter.next_trade_id += 1
        self.adopt(trade)
        self.new_trades.append(trade)
        order.executed_lots += lots
        order.executed_units += value
        order.updated_ts = ts
        order.status = Status.PARTIALLY_FILLED
        if order.executed_lots == order.lots:
            self._close(order, Status.FILLED, ts)
        self._report(order, Execution.TRADE, ts, trade=trade)

    # --- telling

    def _report(
        self,
        order: Order,
        execution: Execution,
        ts: Micros,
        *,
        trade: Trade | None = None,
        cancel_id: str | None = None,
    ) -> None:
        """Publish a change of an order and mark the order for the ledger."""
        counter = self.counters[order.symbol]
        self.publish(
            order_report(
                order, execution, counter.next_execution_id, ts, trade=trade, cancel_id=cancel_id
            )
        )
        counter.next_execution_id += 1
        self.changed_orders[order.symbol, order.order_id] = order

    def report_positions(self, ts: Micros) -> None:
        """Publish the balances that moved since the last call."""
        for account, balances in self.accounts.take_moved():
            self.publish(PositionReport(account, ts, balances))
