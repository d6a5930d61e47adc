"""What the venue holds, and how it is looked up: accounts, orders, trades, and the market."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import (
    CELLS_PER_DAY,
    CELLS_PER_MINUTE,
    MarketModel,
    cell_of,
)
from trading_assets.exchange.market.order_book import Book, OrderBooks
from trading_assets.exchange.market.outages import Outages
from trading_assets.exchange.venue.accounts import Accounts
from trading_assets.exchange.venue.fees import Fees
from trading_assets.exchange.venue.limits import OrderMeter
from trading_assets.exchange.venue.orders import Order, Trade

_AVERAGE_CELLS = 5 * CELLS_PER_MINUTE


@dataclass(slots=True)
class Symbols:
    """What one symbol's orders and trades are counted by."""

    next_order_id: int = 1
    next_trade_id: int = 1
    next_execution_id: int = 1
    settled_cell: int = 0


class VenueState:
    """Accounts, orders and trades of one exchange, and the market that they see.

    Attributes:
        fees: of accounts that have no rates of their own in `own_fees`.
        open: orders that are not final, by symbol and order id.
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
        self.own_fees: dict[str, Fees] = {}
        self.accounts = Accounts()
        self.books = OrderBooks(model)
        self.order_meter = OrderMeter()
        self.counters = {name: Symbols() for name in listings}
        self.orders: dict[tuple[str, int], Order] = {}
        self.open: dict[str, dict[int, Order]] = {name: {} for name in listings}
        self.by_account: dict[tuple[str, str], list[Order]] = defaultdict(list)
        self.trades: dict[tuple[str, str], list[Trade]] = defaultdict(list)
        self._by_client_id: dict[tuple[str, str, str], Order] = {}
        self.trading_cells = lru_cache(maxsize=64)(self._trading_cells)
        self.changed_orders: dict[tuple[str, int], Order] = {}
        self.new_trades: list[Trade] = []
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

    def _trading_cells(self, listing: Listing, day: int) -> npt.NDArray[np.bool_]:
        """Give for every cell of a day whether it trades."""
        minutes = np.zeros(CELLS_PER_DAY // CELLS_PER_MINUTE, dtype=bool)
        minutes[self.outages.trading_minutes(listing, day)] = True
        return np.repeat(minutes, CELLS_PER_MINUTE)

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

    def fees_of(self, account: str) -> Fees:
        """Give the commission rates of an account."""
        return self.own_fees.get(account, self.fees)

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

    def is_visible(self, order: Order, now: Micros) -> bool:
        """Whether queries find the order yet."""
        return not self.hidden or now >= self.hidden.get((order.symbol, order.order_id), 0)
