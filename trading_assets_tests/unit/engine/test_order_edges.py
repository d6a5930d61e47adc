"""Every edge of an order's life is taken here, and no other can be."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import InvariantError
from trading_assets.domain.order import OrderSide, OrderStatus, OrderType, TimeInForce
from trading_assets.domain.setup import FillRules
from trading_assets.engine.requests import OrderRequest
from trading_assets.records.codes import OrderState
from trading_assets.records.order_edges import EDGES, edges_taken

S = OrderState
BUY, SELL = OrderSide.BUY, OrderSide.SELL
FLAT = (100.0, 100.0, 100.0, 100.0, 4.0)
THIN = (100.0, 100.0, 100.0, 100.0, 2.0)
DRY = (100.0, 100.0, 100.0, 100.0, 0.0)
UP = (103.0, 103.0, 103.0, 103.0, 2.0)
HALF = FillRules(participation_pct=Decimal(50))
STOP = {"kind": OrderType.STOP, "stop_ticks": 10200}
STOP_LIMIT = {"kind": OrderType.STOP_LIMIT, "stop_ticks": 10200, "limit_ticks": 10250}
BRACKET = {
    "entry": OrderRequest(BUY, OrderType.MARKET, 1000),
    "stop": OrderRequest(SELL, OrderType.STOP, 1000, stop_ticks=9000),
}


def order(market, bars, *, lots=1000, cancel=False, cash="10000", **options):
    """Run one order over bars of which half the volume can be had; give the edges it took."""
    desk = market([FLAT, *bars], rules=HALF, cash=cash)
    machine = desk.machine(1)
    kind = options.pop("kind", OrderType.MARKET)
    machine.submit(0, BUY, kind, lots, **options)
    desk.then(machine, 1)
    if cancel:
        machine.cancel(1)
    return edges_taken(int(machine.orders[0]["edges"]))


def exit_of_bracket(market, bars, *, cancel=0):
    desk = market([FLAT, *bars], rules=HALF)
    machine = desk.machine(1)
    machine.submit_bracket(0, **BRACKET)
    if cancel:
        machine.cancel(cancel)
    desk.then(machine, 1)
    return edges_taken(int(machine.orders[1]["edges"]))


def at_venue(market, status, fill=0):
    machine = market([FLAT]).machine()
    bars, signals = [[100.0, 100.0, 100.0, 100.0, 1.0]], [[1.0, float("nan"), float("nan")]]
    (sent,) = machine.on_close(10**12, np.array(bars), np.array(signals))
    if fill:
        machine.on_fill(sent.order_id, fill, 100.0, 0, False, 10**12)
    machine.on_closed(sent.order_id, status)
    return edges_taken(int(machine.orders[0]["edges"]))


WAYS = {
    (S.DORMANT, S.WORKING): lambda m: exit_of_bracket(m, [FLAT]),
    (S.DORMANT, S.CANCELED): lambda m: exit_of_bracket(m, [], cancel=1),
    (S.WORKING, S.TRIGGERED): lambda m: order(m, [UP], **STOP_LIMIT),
    (S.WORKING, S.PARTIALLY_FILLED): lambda m: order(m, [THIN], lots=1500),
    (S.WORKING, S.FILLED): lambda m: order(m, [THIN]),
    (S.WORKING, S.CANCELED): lambda m: order(m, [], cancel=True),
    (S.WORKING, S.REJECTED): lambda m: order(m, [UP], cash="101"),
    (S.WORKING, S.EXPIRED): lambda m: order(m, [DRY], tif=TimeInForce.IOC),
    (S.WORKING, S.ABSENT): lambda m: at_venue(m, OrderStatus.ABSENT),
    (S.TRIGGERED, S.PARTIALLY_FILLED): lambda m: order(
        m, [(103, 103, 103, 103, 0.0), THIN], lots=1500, **STOP
    ),
    (S.TRIGGERED, S.FILLED): lambda m: order(m, [UP, THIN], **STOP_LIMIT),
    (S.TRIGGERED, S.CANCELED): lambda m: order(m, [UP], cancel=True, **STOP_LIMIT),
    (S.TRIGGERED, S.REJECTED): lambda m: order(
        m, [(103, 103, 103, 103, 0.0), (120, 120, 120, 120, 9.0)], cash="105", **STOP
    ),
    (S.TRIGGERED, S.EXPIRED): lambda m: order(
        m, [UP], tif=TimeInForce.GTD, valid_to=600_000_000, **STOP_LIMIT
    ),
    (S.PARTIALLY_FILLED, S.PARTIALLY_FILLED): lambda m: order(m, [THIN, THIN], lots=2500),
    (S.PARTIALLY_FILLED, S.FILLED): lambda m: order(m, [THIN, THIN], lots=2000),
    (S.PARTIALLY_FILLED, S.CANCELED): lambda m: order(m, [THIN], lots=1500, cancel=True),
    (S.PARTIALLY_FILLED, S.EXPIRED): lambda m: order(m, [THIN], lots=1500, tif=TimeInForce.IOC),
}


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge[0].name}-{edge[1].name}")
def test_an_order_can_take_this_edge(market, edge):
    assert edge in WAYS[edge](market)


@pytest.mark.parametrize("status", [OrderStatus.REJECTED, OrderStatus.ABSENT])
def test_an_order_that_was_filled_in_part_can_be_neither_rejected_nor_absent(market, status):
    with pytest.raises(InvariantError, match="edge that does not exist"):
        at_venue(market, status, fill=400)


def test_final_states_have_no_way_on():
    final = {state for state in S if state.status.is_final}

    assert final == {S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED, S.ABSENT}
    assert not final & {before for before, _ in EDGES}
    assert {after for _, after in EDGES} | {S.DORMANT} == set(S)
