"""A spot account that loses, delays and doubts as a script says, and where its process can die."""

from __future__ import annotations

from decimal import Decimal

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.errors import OrderRejected, OutcomeUnknown, VenueUnavailable
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import (
    OrderReport,
    OrderSide,
    OrderStatus,
)

MINUTE = 60_000_000
BAR = 5 * MINUTE
START = 1_711_929_600_000_000  # 2024-04-01T00:00:00Z

SOL = Instrument("SOLUSDT", "SOL", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))
BTC = Instrument("BTCUSDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(5))


class Killed(BaseException):
    """The process is gone; nothing after it happens."""


class Doom:
    """Kills the process at the n-th boundary between two effects; 0 never."""

    def __init__(self, at=0):
        self.at = at
        self.seen = 0

    def point(self):
        self.seen += 1
        if self.seen == self.at:
            raise Killed


class TinyVenue:
    """A spot account whose network loses, delays and doubts, as a script says.

    `script` names what happens to the next submissions: `ok`, `partial`, `refuse`, `lost_request`,
    `lost_answer`, `late:<seconds>` (arrives so much later), `unreachable`; then all are `ok`.
    """

    recv_window_ms = 5000

    def __init__(self, script=(), doom=None):
        self.script = list(script)
        self.doom = doom or Doom()
        self.orders = []
        self.trades = []
        self.sent = []
        self.holdings = {"USDT": Decimal(100_000), "BTC": Decimal(1)}
        self.auth = 1_700_000_000_000_000
        self.market = START
        self.waiting = []
        self.down = 0
        self.price = Decimal("100.00")
        self.blind_s = 0.0

    # Clocks

    def auth_now(self):
        return self.auth

    def now(self):
        self._heed_outage()
        return self.market

    def wait(self, seconds):
        raise AssertionError("the venue is never waited for")

    def advance(self, seconds):
        self.auth += int(seconds * 1e6)
        self.market += int(seconds * 1e6)
        due = [item for item in self.waiting if item[0] <= self.auth]
        self.waiting = [item for item in self.waiting if item[0] > self.auth]
        for arrival, timestamp, ticket in due:
            if arrival - timestamp <= self.recv_window_ms * 1000:
                self._execute(ticket)

    # Broker

    def submit(self, ticket):
        self.doom.point()
        self.sent.append(ticket.client_order_id)
        fate = self.script.pop(0) if self.script else "ok"
        if fate == "unreachable":
            raise VenueUnavailable("cannot be reached")
        if fate == "refuse":
            raise OrderRejected("no", code=-2010, status=400)
        if fate == "lost_request":
            raise OutcomeUnknown("lost")
        if fate.startswith("late:"):
            arrival = self.auth + int(float(fate[5:]) * 1e6)
            self.waiting.append((arrival, self.auth, ticket))
            raise OutcomeUnknown("lost")
        share = Decimal("0.5") if fate == "partial" else Decimal(1)
        order = self._execute(ticket, share)
        self.doom.point()
        if fate == "lost_answer":
            raise OutcomeUnknown("lost")
        return self._report(order), tuple(self._fills(order))

    def query(self, symbol, client_order_id):
        self._heed_outage()
        found = [o for o in self.orders if o["ticket"].client_order_id == client_order_id]
        return self._report(found[-1]) if found else None

    def cancel(self, symbol, client_order_id):
        return None

    def fills_since(self, symbol, since):
        self._heed_outage()
        return tuple(f for f in self.trades if f.symbol == symbol and f.ts >= since)

    def orders_since(self, symbol, since):
        self._heed_outage()
        found = (o for o in self.orders if o["ticket"].symbol == symbol and o["ts"] >= since)
        return tuple(self._report(order) for order in found)

    def open_orders(self):
        self._heed_outage()
        return ()

    def balances(self):
        self._heed_outage()
        zero = Decimal(0)
        return tuple(Balance(a, v, zero) for a, v in self.holdings.items() if v)

    # Inside

    def _heed_outage(self):
        if self.down:
            self.down -= 1
            raise VenueUnavailable("down")

    def _execute(self, ticket, share=Decimal(1)):
        order = {"ticket": ticket, "ts": self.market, "id": len(self.orders) + 1}
        lot = {"SOLUSDT": SOL, "BTCUSDT": BTC}[ticket.symbol].lot
        done = (ticket.quantity * share) // lot * lot
        order["executed"] = done
        self.orders.append(order)
        for part in _halves(done, lot):
            self._trade(order, part)
        return order

    def _trade(self, order, quantity):
        ticket = order["ticket"]
        base = ticket.symbol.removesuffix("USDT")
        buy = ticket.side is OrderSide.BUY
        fee_asset = base if buy else "USDT"
        fee = (quantity if buy else quantity * self.price) * Decimal("0.001")
        fee = fee.quantize(Decimal("0.00000001"))
        fill = Fill(
            ticket.symbol,
            str(len(self.trades) + 1),
            ticket.client_order_id,
            str(order["id"]),
            ticket.side,
            self.price,
            quantity,
            fee,
            fee_asset,
            self.market,
        )
        self.trades.append(fill)
        sign = 1 if buy else -1
        self._move(base, sign * quantity)
        self._move("USDT", -sign * quantity * self.price)
        self._move(fee_asset, -fee)

    def _move(self, asset, change):
        self.holdings[asset] = self.holdings.get(asset, Decimal(0)) + change

    def _fills(self, order):
        name = order["ticket"].client_order_id
        return [fill for fill in self.trades if fill.client_order_id == name]

    def _report(self, order):
        ticket = order["ticket"]
        full = order["executed"] == ticket.quantity
        return OrderReport(
            ticket.client_order_id,
            str(order["id"]),
            ticket.symbol,
            ticket.side,
            order.get("status") or (OrderStatus.FILLED if full else OrderStatus.EXPIRED),
            ticket.quantity,
            order["executed"],
            order["executed"] * self.price,
            order["ts"],
        )


def _halves(quantity, lot):
    first = (quantity / 2) // lot * lot
    return [part for part in (first, quantity - first) if part]
