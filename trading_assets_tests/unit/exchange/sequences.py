"""Random lives of a venue: all order types and lists, two accounts, and what must always hold."""

import random
from collections import Counter

from trading_assets.domain.order import OrderSide
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.venue.fees import Fees
from trading_assets.exchange.venue.ledger import Ledger
from trading_assets.exchange.venue.order_lists import ListRequest
from trading_assets.exchange.venue.orders import Kind, OrderRequest, Shape, Status, Tif
from trading_assets.exchange.venue.reports import OrderReport
from trading_assets.exchange.venue.settlement import settle
from trading_assets.exchange.venue.venue import Venue

NEXT = {
    None: {Status.NEW, Status.PENDING_NEW},
    Status.PENDING_NEW: {Status.NEW, Status.CANCELED, Status.EXPIRED, Status.REJECTED},
    Status.NEW: {  # NEW again: a triggered stop
        Status.NEW,
        Status.PARTIALLY_FILLED,
        Status.FILLED,
        Status.CANCELED,
        Status.EXPIRED,
    },
    Status.PARTIALLY_FILLED: {
        Status.PARTIALLY_FILLED,
        Status.FILLED,
        Status.CANCELED,
        Status.EXPIRED,
    },
}
ACCOUNTS = ("demo", "other")
FUNDS = {"USDT": 4 * 10**11, "SOL": 3 * 10**9, "BNB": 10**8}
RATES = {"demo": Fees(100_000, 100_000), "other": Fees(20_000, 75_000, in_bnb=True)}
SYMBOLS = ("SOLUSDT", "BNBUSDT")


class Life:
    """One venue lived through by a seed."""

    def __init__(self, seed, listings, model, outages, start):
        self.random = random.Random(seed)
        self.parts = (listings, model, outages)
        self.now = start + self.random.randrange(10_000) * 5_000_000
        self.venue = self.fresh()
        for name in ACCOUNTS:
            self.venue.accounts.open(name, FUNDS)
        self.venue.publish = self.see
        self.statuses = {}
        self.done = Counter()
        self.totals = {asset: self.venue.accounts.total(asset) for asset in FUNDS}

    def fresh(self):
        listings, model, outages = self.parts
        venue = Venue(listings, model, outages, RATES["demo"])
        venue.own_fees.update(RATES)
        return venue

    def see(self, report):
        if isinstance(report, OrderReport):
            key = report.listing.instrument.symbol, report.order_id
            before = self.statuses.get(key)
            assert report.status in NEXT[before], (key, before, report.status)
            self.statuses[key] = report.status
            self.done[report.kind.name, report.execution.name] += 1

    # --- wishes

    def request(self, symbol, side, kind, lots=None, offset=None):
        draw, listing = self.random, self.venue.listings[symbol]
        last = self.venue.last_ticks(listing, self.now)
        lots = lots or draw.choice((60, 200, 900, 4_000, 30_000))
        if offset is None:
            offset = draw.choice((-60, -12, -3, -1, 0, 1, 3, 12, 60))
        stop = 0
        if kind.is_stop:
            away = draw.choice((1, 4, 15, 60))
            stop = last + away * (1 if kind.is_stop_loss == (side is OrderSide.BUY) else -1)
        money = not kind.has_price and not kind.is_stop and draw.random() < 0.3
        takes_tif = kind.has_price and kind is not Kind.LIMIT_MAKER
        return OrderRequest(
            listing=listing,
            side=side,
            kind=kind,
            tif=draw.choice((Tif.GTC, Tif.GTC, Tif.GTC, Tif.IOC, Tif.FOK))
            if takes_tif
            else Tif.GTC,
            lots=0 if money else lots,
            ticks=max((stop or last) + offset, 1) if kind.has_price else 0,
            quote_units=lots * last * listing.value_units if money else 0,
            client_order_id=draw.choice((None, None, None, "same")),
            stop_ticks=stop,
        )

    def pair(self, symbol, side):
        lots = self.random.choice((60, 400, 5_000))
        down, up = self.random.choice((3, 25)), self.random.choice((3, 25))
        wait = self.random.choice((Kind.STOP_LOSS, Kind.STOP_LOSS_LIMIT))
        take = self.random.choice((Kind.LIMIT_MAKER, Kind.TAKE_PROFIT, Kind.TAKE_PROFIT_LIMIT))
        sells = side is OrderSide.SELL
        kinds = (take, wait) if sells else (wait, take)
        return [
            self.request(symbol, side, kind, lots, offset)
            for kind, offset in zip(kinds, (up, -down), strict=True)
        ]

    def a_list(self, symbol, side):
        shape = self.random.choice(tuple(Shape))
        if shape is Shape.OCO:
            orders = self.pair(symbol, side)
        else:
            working = self.request(symbol, side, self.random.choice((Kind.LIMIT, Kind.LIMIT_MAKER)))
            after = OrderSide(-side)
            orders = [working]
            if shape is Shape.OTO:
                pending = self.request(symbol, after, self.random.choice(tuple(Kind)), 60)
                orders += [pending] if pending.lots else []
            else:
                orders += self.pair(symbol, after)
            if len(orders) == 1:
                return None
        return ListRequest(shape, tuple(orders), self.random.choice((None, "list")))

    # --- living

    def act(self):
        draw, venue = self.random, self.venue
        account, symbol = draw.choice(ACCOUNTS), draw.choice(SYMBOLS)
        side = draw.choice(tuple(OrderSide))
        settle(venue, self.now)
        chance = draw.random()
        try:
            if chance < 0.5:
                kind = draw.choice(tuple(Kind))
                venue.place(account, self.request(symbol, side, kind), self.now)
            elif chance < 0.7:
                wish = self.a_list(symbol, side)
                if wish is not None:
                    venue.lists.place(account, wish, self.now, lambda made: None)
            elif chance < 0.8:
                mine = venue.open_orders(account, None)
                if mine:
                    venue.cancel(draw.choice(mine), self.now, "gone")
            else:
                self.now += draw.choice((1, 5, 17, 61, 600)) * 1_000_000
                settle(venue, self.now)
        except Refused as refusal:
            self.done["refused", refusal.text] += 1
        self.now += draw.choice((0, 1, 7)) * 1_000_000
        self.check()

    def check(self):
        venue = self.venue
        for asset, total in self.totals.items():
            assert venue.accounts.total(asset) == total
        held = Counter()
        for orders in venue.open.values():
            for order in orders.values():
                assert order.status.is_open
                held[order.account, order.given_asset] += order.locked_units
        for account in ACCOUNTS:
            for asset, holding in venue.accounts.assets(account):
                assert holding.free >= 0
                assert holding.locked == held[account, asset], (account, asset)

    def check_orders(self):
        for order in self.venue.orders.values():
            assert sum(t.lots for t in order.trades) == order.executed_lots <= order.lots
            assert sum(t.value_units for t in order.trades) == order.executed_units
            assert order.status.is_open or order.locked_units == 0
            if order.status is Status.FILLED:
                assert order.executed_lots == order.lots
        for found in self.venue.lists.all.values():
            assert found.is_done == (not any(o.status.is_open for o in found.orders))

    def check_replay(self):
        """The ledger brings a fresh venue to the same state, and it goes on in the same way."""
        ledger = Ledger(None, {})
        try:
            settle(self.venue, self.now)
            ledger.record(self.venue, self.now)
            again = self.fresh()
            ledger.restore(again)
        finally:
            ledger.close()
        later = self.now + 900_000_000
        for venue in (self.venue, again):
            venue.publish = lambda report: None
        self.same(again)
        for venue in (self.venue, again):
            settle(venue, later)
        self.same(again)

    def same(self, again):
        ours = self.venue
        assert again.orders == ours.orders
        assert {k: v for k, v in again.trades.items() if v} == {
            k: v for k, v in ours.trades.items() if v
        }
        assert again.lists.all == ours.lists.all
        assert [r for r in again.accounts.rows() if r[2] or r[3]] == [
            r for r in ours.accounts.rows() if r[2] or r[3]
        ]
        for account in ACCOUNTS:
            counts = [v.order_meter.counts(account, self.now) for v in (again, ours)]
            assert counts[0] == counts[1]


def live(seed, parts, acts):
    """Live through `acts` actions; give how often what happened."""
    life = Life(seed, *parts)
    for _ in range(acts):
        life.act()
    life.check_orders()
    life.check_replay()
    return life.done
