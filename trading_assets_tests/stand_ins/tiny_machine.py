"""A machine that decides in a few lines, where the protocol of a book is tested, not its trades."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from decimal import Decimal
from types import SimpleNamespace

from trading_assets.domain.order import (
    OrderSide,
    OrderType,
    TimeInForce,
)
from trading_assets_tests.stand_ins.tiny_venue import BTC, SOL


@dataclasses.dataclass(frozen=True)
class TinyOrder:
    """An order as the engine gives it."""

    order_id: int
    symbol_index: int
    side: OrderSide
    type: OrderType
    tif: TimeInForce
    lots: int
    limit_ticks: int | None
    stop_ticks: int | None
    reduce_only: bool
    leg: int
    bar_ts: int
    tag: int = 0


class TinyMachine:
    """Trades towards the whole lots that a signal names; NaN keeps what is held."""

    def __init__(self):
        self.position = [0, 0]
        self.cash = 0.0
        self.price = [0.0, 0.0]
        self.working = {}
        self.next_id = 1
        self.closed = []
        self.ts = 0
        self.day_loss = 0.0
        self.halting_rule = ""
        self.multiplier = 1.0
        self.held = {"USDT": "10000", "SOL": "0", "BTC": "0"}

    @property
    def equity(self):
        held = sum(p * c * 0.001 for p, c in zip(self.position, self.price, strict=True))
        return 10_000.0 + self.cash + held

    @property
    def drawdown(self):
        return 0.0

    @property
    def realised_pnl(self):
        return Decimal(0)

    def on_close(self, ts, bars, signals):
        orders = []
        self.ts = ts
        for place in range(2):
            if not math.isnan(bars[place, 3]):
                self.price[place] = float(bars[place, 3])
            target = signals[place, 0]
            if math.isnan(target) or any(o["place"] == place for o in self.working.values()):
                continue
            change = int(target * self.multiplier) - self.position[place]
            if change:
                orders.append(self._place(place, change, ts))
        return tuple(orders)

    def _place(self, place, change, ts):
        order_id, self.next_id = self.next_id, self.next_id + 1
        self.working[order_id] = {
            "place": place,
            "left": abs(change),
            "sign": 1 if change > 0 else -1,
        }
        side = OrderSide.BUY if change > 0 else OrderSide.SELL
        return TinyOrder(
            order_id,
            place,
            side,
            OrderType.MARKET,
            TimeInForce.GTC,
            abs(change),
            None,
            None,
            reduce_only=abs(self.position[place] + change) < abs(self.position[place]),
            leg=0,
            bar_ts=ts,
        )

    def on_fill(self, order_id, lots, price, fee_units, fee_in_base, ts):
        order = self.working[order_id]
        self.position[order["place"]] += order["sign"] * lots
        self.cash -= order["sign"] * lots * 0.001 * price
        if not fee_in_base:
            self.cash -= fee_units / 1e8
        order["left"] -= lots
        self._book(order, lots, price, fee_units, fee_in_base)
        if not order["left"]:
            del self.working[order_id]
        return ()

    def _book(self, order, lots, price, fee_units, fee_in_base):
        instrument = (SOL, BTC)[order["place"]]
        quantity = instrument.quantity_from_lots(lots) * order["sign"]
        self._move(instrument.base, quantity)
        self._move("USDT", -quantity * Decimal(repr(price)))
        fee = Decimal(fee_units) / 10**8
        self._move(instrument.base if fee_in_base else "USDT", -fee)

    def _move(self, asset, change):
        self.held[asset] = str(Decimal(self.held[asset]) + change)

    def on_closed(self, order_id, reason, ts):
        del self.working[order_id]
        self.closed.append([order_id, reason.name])
        return ()

    def positions(self):
        return tuple(
            SimpleNamespace(
                symbol=instrument.symbol,
                lots=lots,
                quantity=instrument.quantity_from_lots(lots),
                price=price,
                tag=0,
            )
            for instrument, lots, price in zip((SOL, BTC), self.position, self.price, strict=True)
        )

    def scale(self, multipliers, max_risks):
        (self.multiplier,) = multipliers

    def leave(self, place):
        order = self._place(place, -self.position[place], self.ts)
        return dataclasses.replace(order, leg=11)

    def cancel_requests(self):
        return ()

    def balances(self):
        return {asset: Decimal(text) for asset, text in self.held.items()}

    def snapshot(self):
        values = dict(vars(self))
        values["working"] = list(self.working.items())
        return json.dumps(values, sort_keys=True).encode()

    @classmethod
    def restore(cls, blob):
        machine = cls()
        vars(machine).update(json.loads(blob))
        machine.working = {int(k): v for k, v in machine.working}
        return machine

    def state_hash(self):
        return hashlib.sha256(self.snapshot()).hexdigest()
