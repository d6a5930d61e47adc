"""Places, lots and ticks become symbols, quantities and prices, and back."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import InvariantError
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce
from trading_assets.engine.machine import EngineOrder
from trading_assets.live.translation import matrices_from_bar, ticket_from_order
from trading_assets.records.codes import Leg

PLACES = {"SOLUSDT": 0, "BTCUSDT": 1}
SIGNALS = {("", "SOLUSDT"): 0, ("", "BTCUSDT"): 1}


def test_an_order_becomes_a_ticket_on_the_grid(kit):
    order = EngineOrder(
        order_id=3,
        symbol_index=0,
        side=OrderSide.SELL,
        type=OrderType.STOP_LIMIT,
        tif=TimeInForce.GTC,
        lots=1234,
        limit_ticks=10001,
        stop_ticks=10005,
        reduce_only=True,
        leg=Leg.STOP_LONG,
        bar_ts=kit.START,
    )
    ticket = ticket_from_order(order, kit.SOL, "paper", "ema")

    assert ticket.quantity == Decimal("1.234")
    assert ticket.limit_price == Decimal("100.01")
    assert ticket.stop_price == Decimal("100.05")
    assert (ticket.side, ticket.reduce_only, ticket.bar_ts) == (OrderSide.SELL, True, kit.START)
    assert len(ticket.client_order_id) == 32


def test_a_missing_symbol_and_a_late_bar_are_none(kit):
    event = kit.bar(0, sol=5, price=7.0)
    bars, signals = matrices_from_bar(event, PLACES, SIGNALS, 1)
    assert bars[0].tolist() == [7.0, 7.0, 7.0, 7.0, 1.0]
    assert signals[0, 0] == 5
    assert math.isnan(signals[1, 0])

    bars, signals = matrices_from_bar(kit.bar(0, sol=5, late=True), PLACES, SIGNALS, 1)
    assert bars[0, 3] == 100.0
    assert np.isnan(signals).all()


def test_a_symbol_of_another_book_is_refused(kit):
    with pytest.raises(InvariantError, match="does not trade"):
        matrices_from_bar(kit.bar(0), {"ETHUSDT": 0}, {("", "ETHUSDT"): 0}, 1)


def test_signals_of_a_strategy_that_is_not_the_book_s_are_refused(kit):
    with pytest.raises(InvariantError, match="strategy and symbol"):
        matrices_from_bar(kit.bar(0), PLACES, {("trend", "SOLUSDT"): 0}, 1)
