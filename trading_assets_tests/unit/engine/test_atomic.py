"""Orders seen as one fill each."""

from decimal import Decimal

import pytest

from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import Costs, FillRules

BUY, SELL = OrderSide.BUY, OrderSide.SELL


def bar(price, volume=4.0):
    return (price, price, price, price, volume)


@pytest.fixture
def traded(market):
    """A position bought in three parts and sold in two."""
    rows = [bar(100), bar(100), bar(101), bar(104, 20.0), bar(110, 8.0), bar(112)]
    desk = market(
        rows, margin=True, costs=Costs(taker_bps=Decimal(10)),
        rules=FillRules(participation_pct=Decimal(50)),
    )  # fmt: skip
    machine = desk.machine(1)
    machine.submit(0, BUY, OrderType.MARKET, 5000)
    desk.then(machine, 1, 4)
    machine.submit(0, SELL, OrderType.MARKET, 5000, reduce_only=True)
    return desk.then(machine, 4)


def test_each_order_is_one_fill_at_its_mean_price(traded):
    parts, whole = traded.fills, traded.atomic_fills

    assert parts["lots"].tolist() == [2000, 2000, 1000, 4000, 1000]
    assert whole["lots"].tolist() == [5000, 5000]
    assert whole["price"].tolist() == [
        pytest.approx((2 * 100 + 2 * 101 + 104) / 5),
        pytest.approx((4 * 110 + 112) / 5),
    ]
    assert whole["id"].tolist() == [1, 4]
    assert whole["position"].tolist() == [5000, 0]
    assert whole["ts"].tolist() == parts["ts"][[2, 4]].tolist()


def test_amounts_are_the_same_to_the_unit(traded):
    for name in ("units", "notional", "fee"):
        assert traded.atomic_fills[name].sum() == traded.fills[name].sum()
    for name in ("units", "cost", "proceeds", "fees", "pnl"):
        assert traded.atomic_round_trips[name].sum() == traded.round_trips[name].sum()


def test_each_pair_of_orders_is_one_round_trip(traded):
    (trip,) = traded.atomic_round_trips

    assert len(traded.round_trips) > 2
    assert (trip["entry_order_id"], trip["exit_order_id"]) == (1, 2)
    assert trip["units"] == 5 * 10**8
    assert trip["entry_ts"] == traded.fills["ts"][0]
    assert trip["exit_ts"] == traded.fills["ts"][4]


def test_whole_fills_are_left_as_they_are(market):
    desk = market([bar(100), bar(100), bar(101.37), bar(99.01)], margin=True)
    machine = desk.machine(1)
    for t in range(1, 4):
        machine.submit(0, SELL if t == 2 else BUY, OrderType.MARKET, 1000 * t)
        desk.then(machine, t, t + 1)

    assert machine.atomic_fills.tobytes() == machine.fills.tobytes()
    assert machine.atomic_round_trips.tobytes() == machine.round_trips.tobytes()


def test_no_fills_are_none(market):
    machine = market([bar(100)]).machine()

    assert len(machine.atomic_fills) == len(machine.atomic_round_trips) == 0
