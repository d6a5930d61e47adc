"""A small market, and venues on it whose clock is whatever the test says."""

import numpy as np
import pytest

from trading_assets.domain.order import OrderSide
from trading_assets.exchange.listing import listing_of
from trading_assets.exchange.market_model import CELL, MarketModel, cell_of
from trading_assets.exchange.orders import Kind, OrderRequest, Tif
from trading_assets.exchange.outages import Outages
from trading_assets.exchange.settlement import settle
from trading_assets.exchange.venue import Fees, Venue

NOON = 1_709_294_400_000_000  # 2024-03-01T12:00:00Z, the first instant of a cell
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class Desk:
    """A venue with one funded account and a clock that the test moves."""

    def __init__(self, model, *, deposits=None, fee=100_000):
        listings = {name: listing_of(name) for name in SYMBOLS}
        self.venue = Venue(listings, model, Outages(model.seed), Fees(fee, fee))
        self.now = NOON
        funds = {"USDT": 10**13, "BTC": 10**8} if deposits is None else deposits
        self.venue.accounts.open("demo", funds)

    def step(self, seconds):
        self.now += int(seconds * 1_000_000)
        settle(self.venue, self.now)

    def request(self, symbol, side, **wish):
        return OrderRequest(
            listing=self.venue.listings[symbol],
            side=OrderSide[side],
            kind=Kind[wish.get("kind", "LIMIT" if wish.get("ticks") else "MARKET")],
            tif=Tif[wish.get("tif", "GTC")],
            lots=wish.get("lots", 0),
            ticks=wish.get("ticks", 0),
            quote_units=wish.get("quote_units", 0),
            client_order_id=wish.get("client_order_id"),
        )

    def place(self, symbol, side, account="demo", **wish):
        settle(self.venue, self.now)
        return self.venue.place(account, self.request(symbol, side, **wish), self.now)

    def cancel(self, order):
        settle(self.venue, self.now)
        self.venue.cancel(order, self.now)

    def book(self, symbol):
        return self.venue.book(self.venue.listings[symbol], self.now)

    def last(self, symbol):
        return self.venue.last_ticks(self.venue.listings[symbol], self.now)

    def ticks_ahead(self, symbol, cells):
        """Give the public prices of the next `cells` cells."""
        listing = self.venue.listings[symbol]
        first = cell_of(self.now) + 1
        return np.array([self.venue.model.ticks_at(listing, first + i) for i in range(cells)])

    def free(self, asset, account="demo"):
        return self.venue.accounts.holding(account, asset).free

    def locked(self, asset, account="demo"):
        return self.venue.accounts.holding(account, asset).locked


@pytest.fixture(scope="session")
def model():
    return MarketModel(7, 0.5)


@pytest.fixture
def desk(model):
    return Desk(model)


@pytest.fixture(scope="session")
def make_desk(model):
    return lambda **settings: Desk(model, **settings)


@pytest.fixture
def noon():
    return NOON


@pytest.fixture
def cell():
    return CELL
