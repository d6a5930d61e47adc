"""Orders of a caller's own: pairs, brackets, cancelling; and what is no order."""

import pytest

from trading_assets.domain.errors import DataError, InvariantError
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce
from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.machine import Machine
from trading_assets.engine.requests import OrderRequest
from trading_assets.records.codes import Cause, OrderState
from trading_assets.risk.pre_trade import Refusal

BUY, SELL = OrderSide.BUY, OrderSide.SELL
MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
FLAT = (100.0, 100.0, 100.0, 100.0)


def ends(machine):
    return [(OrderState(o["state"]), Cause(o["cause"])) for o in machine.orders]


FILLED = (OrderState.FILLED, Cause.FILLED)
OCO = (OrderState.CANCELED, Cause.OCO)


def pair(limit=9800, stop=10200):
    return (
        OrderRequest(BUY, LIMIT, 1000, limit_ticks=limit),
        OrderRequest(BUY, STOP, 1000, stop_ticks=stop),
    )


@pytest.mark.parametrize(
    ("bar", "price", "first"),
    [
        ((100, 101, 97, 99), 98.0, True),
        ((100, 103, 99, 101), 102.0, False),
        ((100, 103, 97, 101), 102.0, False),  # both inside one bar: stops come first
        ((97, 103, 97, 101), 97.0, True),  # unless the bar opens through the limit
    ],
)
def test_one_order_of_a_pair_fills_and_the_other_goes(market, bar, price, first):
    desk = market([FLAT, bar, (100, 120, 80, 100)])
    machine = desk.machine(1)
    ids = machine.submit_oco(0, *pair())

    desk.then(machine, 1)

    assert ids == (1, 2)
    assert machine.fills["price"].tolist() == [price]
    assert ends(machine) == ([FILLED, OCO] if first else [OCO, FILLED])
    assert machine.orders["oco"].tolist() == [1, 1]


def test_a_pair_is_placed_whole_or_not_at_all(market):
    machine = market([FLAT], cash="101").machine()

    refused = machine.submit_oco(0, *pair())

    assert isinstance(refused, Refusal)
    assert refused.rule == "cash"
    assert machine.active_orders() == ()
    assert machine._state.account[0]["reserved"] == 0


def test_a_pair_of_an_entry_and_an_exit_is_refused(market):
    machine = market([FLAT]).machine()
    one, other = OrderRequest(BUY, MARKET, 1), OrderRequest(SELL, MARKET, 1, reduce_only=True)

    with pytest.raises(DataError, match="both reduce_only"):
        machine.submit_oco(0, one, other)


def bracket(entry=None, stop=9700, target=10400):
    return {
        "entry": entry or OrderRequest(BUY, MARKET, 1000),
        "stop": OrderRequest(SELL, STOP, 1000, stop_ticks=stop),
        "target": OrderRequest(SELL, LIMIT, 1000, limit_ticks=target),
    }


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((100, 105, 99, 104), 104.0),
        ((100, 101, 96, 97), 97.0),
        ((100, 105, 96, 100), 97.0),
        ((106, 107, 96, 100), 106.0),
    ],
)
def test_the_exits_of_a_bracket_wait_for_its_entry_and_cancel_each_other(market, bar, price):
    desk = market([FLAT, (100, 120, 80, 100), bar])
    machine = desk.machine(1)
    assert machine.submit_bracket(0, **bracket()) == (1, 2, 3)
    assert len(machine.active_orders()) == 1

    desk.then(machine, 1)

    assert machine.fills["price"].tolist() == [100.0, price]
    assert sorted(ends(machine)[1:]) == sorted([FILLED, OCO])
    assert machine.orders["reduce_only"].tolist() == [0, 1, 1]


def test_an_entry_of_any_type_has_exits(market):
    entry = OrderRequest(BUY, OrderType.STOP_LIMIT, 1000, limit_ticks=10300, stop_ticks=10200)
    desk = market([FLAT, (100, 103, 99, 103), (103, 110, 103, 105)])
    machine = desk.machine(1)
    machine.submit_bracket(0, **bracket(entry, target=10800))

    desk.then(machine, 1)

    assert machine.fills["price"].tolist() == [102.0, 108.0]


@pytest.mark.parametrize(
    "wrong", [{"stop": 10000}, {"stop": 10100}, {"target": 10000}, {"target": 9900}]
)
def test_an_exit_on_the_wrong_side_is_refused_with_what_it_was(market, wrong):
    machine = market([FLAT]).machine()

    refused = machine.submit_bracket(0, **bracket(**wrong))

    assert (refused.rule, refused.limit) == ("bad_bracket", 100.0)
    assert refused.was == next(iter(wrong.values())) / 100
    assert machine.orders.size == 0
    assert machine.refusals == {"bad_bracket": 1}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"stop": None, "target": None}, "without exits"),
        ({"stop": OrderRequest(BUY, STOP, 1, stop_ticks=9)}, "Not the stop"),
        ({"target": OrderRequest(SELL, MARKET, 1)}, "Not the target"),
        ({"entry": OrderRequest(BUY, MARKET, 1, reduce_only=True)}, "Not the stop"),
    ],
)
def test_what_is_no_bracket_is_refused(market, parts, message):
    machine = market([FLAT]).machine()

    with pytest.raises(DataError, match=message):
        machine.submit_bracket(0, **{**bracket(), **parts})


def test_a_cancelled_entry_takes_its_exits_with_it(market):
    desk = market([FLAT, (100, 120, 80, 100)])
    machine = desk.machine(1)
    entry = OrderRequest(BUY, LIMIT, 1000, limit_ticks=9900)
    machine.submit_bracket(0, **bracket(entry))

    machine.cancel(1)
    desk.then(machine, 1)

    assert len(machine.fills) == 0
    assert [cause for _, cause in ends(machine)] == [
        Cause.CALLER, Cause.PARENT_GONE, Cause.PARENT_GONE,
    ]  # fmt: skip
    assert machine._state.account[0]["reserved"] == 0


def test_an_order_that_has_ended_cannot_be_cancelled(market):
    with pytest.raises(InvariantError, match="No order 7"):
        market([FLAT]).machine().cancel(7)


def test_signals_leave_the_orders_and_positions_of_a_caller_alone(market):
    """A bracket strategy withdraws and closes its own, at its own time."""
    rows = [FLAT] * 6
    desk = market(rows, family=SignalFamily.BRACKET)
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 1000)
    desk.then(machine, 1, 3)
    machine.submit(0, BUY, LIMIT, 1000, limit_ticks=9000)

    desk.then(machine, 3)

    assert machine.positions()[0].lots == 1000
    assert len(machine.active_orders()) == 1


def test_a_pair_needs_two_places_in_the_table(market):
    machine = market([FLAT]).machine()
    for _ in range(7):
        machine.submit(0, BUY, LIMIT, 1, limit_ticks=9900)

    with pytest.raises(DataError, match="Too many"):
        machine.submit_oco(0, *pair())


@pytest.mark.parametrize(
    ("kind", "prices", "message"),
    [
        (OrderType.MARKET, {"limit_ticks": 1}, "limit: False, stop: False"),
        (OrderType.LIMIT, {}, "limit: True, stop: False"),
        (OrderType.STOP_LIMIT, {"stop_ticks": 1}, "limit: True, stop: True"),
        (OrderType.STOP, {"stop_ticks": 1, "tif": TimeInForce.IOC}, "fill at once"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(market, kind, prices, message):
    machine = market([FLAT]).machine()

    with pytest.raises(DataError, match=message):
        machine.submit(0, OrderSide.BUY, kind, 1, **prices)


def test_no_order_before_the_first_bar(market):
    with pytest.raises(DataError, match="first bar"):
        Machine(market([FLAT]).setup).submit(0, OrderSide.BUY, OrderType.MARKET, 1)


def test_the_order_table_is_never_overrun(market):
    machine = market([FLAT]).machine()
    for _ in range(8):
        machine.submit(0, OrderSide.BUY, OrderType.LIMIT, 1, limit_ticks=100)

    with pytest.raises(DataError, match="Too many"):
        machine.submit(0, OrderSide.BUY, OrderType.LIMIT, 1, limit_ticks=100)
