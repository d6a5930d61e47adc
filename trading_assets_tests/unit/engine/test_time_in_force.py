"""How long an order works: FOK, DAY and GTD beside GTC and IOC (test_matching.py)."""

import pytest

from trading_assets.domain.errors import DataError
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce
from trading_assets.domain.setup import FillRules
from trading_assets.market.sessions import always_open
from trading_assets.records.codes import NEVER, Cause, OrderState

BUY, SELL = OrderSide.BUY, OrderSide.SELL
STEP = 300_000_000
FLAT = (100.0, 100.0, 100.0, 100.0)
DIP = (100.0, 101.0, 97.0, 100.0)


def end_of(machine):
    order = machine.orders[-1]
    return OrderState(order["state"]), Cause(order["cause"]), order["closed_ts"] // STEP


@pytest.mark.parametrize("tif", [TimeInForce.DAY, TimeInForce.GTD])
@pytest.mark.parametrize(
    ("last_bar", "bars", "filled"),
    [
        (3, [FLAT, DIP, FLAT], True),  # reached in its last bar
        (3, [FLAT, FLAT, DIP], False),  # a bar too late
        (3, [FLAT, None, DIP], False),  # its last bar is missing: the next is too late all the same
    ],
)
def test_an_order_works_until_its_last_bar_has_ended(market, tif, last_bar, bars, filled):
    desk = market([FLAT, *bars])
    machine = desk.machine(1)
    machine.submit(
        0, BUY, OrderType.LIMIT, 1000, limit_ticks=9800, tif=tif, valid_to=last_bar * STEP
    )

    desk.then(machine, 1)

    assert len(machine.fills) == filled
    assert machine.orders[-1]["valid_to"] == last_bar * STEP
    if filled:
        assert end_of(machine)[0] is OrderState.FILLED
    else:
        ended = 4 if bars[1] is None else 3
        assert end_of(machine) == (OrderState.EXPIRED, Cause.VALID_TO, ended)


def test_an_order_without_an_end_says_so(market):
    machine = market([FLAT]).machine()
    machine.submit(0, BUY, OrderType.LIMIT, 1000, limit_ticks=9800)

    (order,) = machine.active_orders()

    assert order.valid_to is None
    assert machine.orders[-1]["valid_to"] == NEVER


def test_the_session_end_that_a_calendar_knows_ends_a_day_order(market):
    """Its last bar opens one bar before it closes."""
    sessions = always_open(0, 86_400_000_000)
    last = sessions.next_close(STEP) - STEP
    desk = market([FLAT] * 288 + [DIP])
    machine = desk.machine(1)
    machine.submit(
        0, BUY, OrderType.LIMIT, 1000, limit_ticks=9800, tif=TimeInForce.DAY, valid_to=last
    )

    desk.then(machine, 1)

    assert end_of(machine) == (OrderState.EXPIRED, Cause.VALID_TO, 287)
    assert desk.bars.ts[288] > sessions.next_close(STEP)


def test_fok_fills_whole_where_it_can(market):
    desk = market([FLAT, (*DIP, 10.0)], rules=FillRules(participation_pct=50))
    machine = desk.machine(1)
    machine.submit(0, BUY, OrderType.LIMIT, 5000, limit_ticks=9800, tif=TimeInForce.FOK)

    desk.then(machine, 1)

    assert machine.fills["lots"].tolist() == [5000]


def test_fok_is_killed_where_it_cannot(market):
    desk = market([FLAT, (*DIP, 10.0), (*DIP, 100.0)], rules=FillRules(participation_pct=50))
    machine = desk.machine(1)
    machine.submit(0, BUY, OrderType.LIMIT, 5001, limit_ticks=9800, tif=TimeInForce.FOK)

    desk.then(machine, 1)

    assert len(machine.fills) == 0
    assert machine.orders[-1]["lots"] == 5001
    assert end_of(machine) == (OrderState.EXPIRED, Cause.FOK, 2)


def test_fok_that_is_not_reached_ends_with_its_bar(market):
    desk = market([FLAT, FLAT, DIP])
    machine = desk.machine(1)
    machine.submit(0, BUY, OrderType.LIMIT, 1000, limit_ticks=9800, tif=TimeInForce.FOK)

    desk.then(machine, 1)

    assert end_of(machine) == (OrderState.EXPIRED, Cause.FOK, 2)


def test_fok_that_would_reduce_more_than_is_held_is_killed(market):
    desk = market([FLAT] * 4, margin=True)
    machine = desk.machine(1)
    machine.submit(0, BUY, OrderType.MARKET, 400)
    desk.then(machine, 1, 2)
    machine.submit(0, SELL, OrderType.MARKET, 500, tif=TimeInForce.FOK, reduce_only=True)

    desk.then(machine, 2)

    assert machine.positions()[0].lots == 400
    assert end_of(machine)[1] is Cause.FOK


def test_ioc_keeps_what_its_bar_gave(market):
    desk = market([FLAT, (*DIP, 4.0), (*DIP, 9.0)], rules=FillRules(participation_pct=50))
    machine = desk.machine(1)
    machine.submit(0, BUY, OrderType.MARKET, 5000, tif=TimeInForce.IOC)

    desk.then(machine, 1)

    assert machine.fills["lots"].tolist() == [2000]
    assert end_of(machine) == (OrderState.EXPIRED, Cause.IOC, 2)
    assert machine.orders[-1]["filled"] == 2000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tif": TimeInForce.DAY}, "DAY order without an end"),
        ({"tif": TimeInForce.GTC, "valid_to": 7}, "GTC order with an end"),
        ({"kind": OrderType.STOP, "stop_ticks": 9, "tif": TimeInForce.FOK}, "fill at once"),
    ],
)
def test_a_time_in_force_that_does_not_fit_is_refused(market, options, message):
    machine = market([FLAT]).machine()
    kind = options.pop("kind", OrderType.MARKET)

    with pytest.raises(DataError, match=message):
        machine.submit(0, BUY, kind, 1000, **options)
