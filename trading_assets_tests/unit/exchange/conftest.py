"""A small market; venues on it, and servers, whose clock is whatever the test says."""

import hashlib
import hmac
from contextlib import contextmanager
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest

from trading_assets.domain.order import OrderSide
from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.market_model import CELL, MarketModel, cell_of
from trading_assets.exchange.market.outages import Outages
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.exchange.venue.fees import Fees
from trading_assets.exchange.venue.order_lists import ListRequest
from trading_assets.exchange.venue.orders import Kind, OrderRequest, Shape, Tif
from trading_assets.exchange.venue.settlement import settle
from trading_assets.exchange.venue.venue import Venue

NOON = 1_709_294_400_000_000  # 2024-03-01T12:00:00Z, the first instant of a cell
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
SECRET = "demo-secret"
KEY = {"X-MBX-APIKEY": "demo-key"}


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
            stop_ticks=wish.get("stop_ticks", 0),
        )

    def place(self, symbol, side, account="demo", **wish):
        settle(self.venue, self.now)
        return self.venue.place(account, self.request(symbol, side, **wish), self.now)

    def place_list(self, shape, *requests, account="demo", name=None):
        """Place a list and give it; each request as for `request`."""
        settle(self.venue, self.now)
        wish = ListRequest(
            Shape[shape], tuple(self.request(*r[:2], **r[2]) for r in requests), name
        )
        return self.venue.lists.place(account, wish, self.now, lambda made: made)

    def cancel(self, order):
        settle(self.venue, self.now)
        self.venue.cancel(order, self.now, "the-cancel")

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


class Wire:
    """Raw requests, signed by hand."""

    def __init__(self, running):
        self.http = httpx.Client(base_url=running.url, timeout=10)

    def get(self, path, **parameters):
        return self.http.get(f"/api/v3/{path}", params=parameters)

    def signed(self, method, path, *, secret=SECRET, headers=KEY, **parameters):
        parameters.setdefault("timestamp", wall_now() // 1_000)
        payload = urlencode(parameters)
        signature = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        query = f"{payload}&signature={signature}"
        return self.http.request(method, f"/api/v3/{path}?{query}", headers=headers)

    def order(self, **parameters):
        return self.signed("POST", "order", **parameters)

    def sim(self, name, **wish):
        return self.http.post(f"/_sim/{name}", json=wish)

    def price(self, symbol="SOLUSDT"):
        return float(self.get("ticker/price", symbol=symbol).json()["price"])

    def limit_buy(self, factor=0.9, **change):
        """Give a limit purchase of 1 SOL at `factor` times the last price, changed as told."""
        wish = {"symbol": "SOLUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        return {**wish, "quantity": "1", "price": f"{self.price() * factor:.2f}", **change}

    @staticmethod
    def refusal(response):
        """Give (HTTP status, code, text) of a refusal."""
        body = response.json()
        assert set(body) == {"code", "msg"}
        return response.status_code, body["code"], body["msg"]

    def ledger(self):
        return self.http.get("/_sim/ledger").json()


@contextmanager
def wired(**settings):
    """Serve a stepped exchange, with controls unless told otherwise."""
    wish = {"start": NOON, "stepped": True, "sim_controls": True} | settings
    with running_exchange(ExchangeConfig(**wish)) as running:
        wire = Wire(running)
        with wire.http:
            yield wire


@pytest.fixture(name="wired")
def wired_fixture():
    return wired


@pytest.fixture
def wire():
    with wired() as wire:
        yield wire


@pytest.fixture(scope="session")
def shared():
    """One exchange for requests that change nothing."""
    with wired() as wire:
        yield wire
