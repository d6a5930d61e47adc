"""The order phases of a bar, one test per row of the table in the architecture."""

from decimal import Decimal

import pytest

from trading_assets.domain.order import OrderSide, OrderType, TimeInForce
from trading_assets.domain.setup import Costs, FillRules
from trading_assets.records.codes import Cause, OrderState

BUY, SELL = OrderSide.BUY, OrderSide.SELL
MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING = OrderType
FLAT = (100.0, 100.0, 100.0, 100.0)


def one_order(market, bars, side, kind, *, held=0, **options):
    """Submit one order at the close of a flat bar and run the bars after it."""
    prices = {k: options.pop(k) for k in ("limit_ticks", "stop_ticks", "tif") if k in options}
    desk = market([FLAT, FLAT, *bars], margin=True, **options)
    machine = desk.machine(1)
    if held:
        machine.submit(0, BUY if held > 0 else SELL, MARKET, abs(held) * 1000)
    desk.then(machine, 1, 2)
    order = machine.submit(0, side, kind, 1000, **prices)
    assert isinstance(order, int)
    desk.then(machine, 2)
    fills = machine.fills[machine.fills["order_id"] == order]
    return machine, [float(price) for price in fills["price"]]


@pytest.mark.parametrize(
    ("what", "side", "kind", "prices", "bar", "expected"),
    [
        ("market at the open", BUY, MARKET, {}, (101, 103, 99, 102), 101.0),
        ("market sell at the open", SELL, MARKET, {}, (101, 103, 99, 102), 101.0),
        # At the open: gaps hurt stops and help limits.
        ("buy stop gapped over", BUY, STOP, {"stop_ticks": 10200}, (105, 106, 104, 105), 105.0),
        ("sell stop gapped under", SELL, STOP, {"stop_ticks": 9800}, (95, 96, 94, 95), 95.0),
        ("buy stop at the open", BUY, STOP, {"stop_ticks": 10200}, (102, 103, 101, 102), 102.0),
        ("buy limit opened below", BUY, LIMIT, {"limit_ticks": 9800}, (97, 99, 96, 98), 97.0),
        ("sell limit opened above", SELL, LIMIT, {"limit_ticks": 10200}, (103, 104, 101, 102), 103),
        # Inside: at their own price.
        ("buy stop inside", BUY, STOP, {"stop_ticks": 10200}, (100, 103, 99, 101), 102.0),
        ("sell stop inside", SELL, STOP, {"stop_ticks": 9800}, (100, 101, 97, 100), 98.0),
        ("buy stop at the high", BUY, STOP, {"stop_ticks": 10300}, (100, 103, 99, 101), 103.0),
        ("buy stop not reached", BUY, STOP, {"stop_ticks": 10301}, (100, 103, 99, 101), None),
        ("buy limit inside", BUY, LIMIT, {"limit_ticks": 9800}, (100, 101, 97, 99), 98.0),
        ("buy limit touched", BUY, LIMIT, {"limit_ticks": 9700}, (100, 101, 97, 99), 97.0),
        ("buy limit not reached", BUY, LIMIT, {"limit_ticks": 9699}, (100, 101, 97, 99), None),
        ("sell limit touched", SELL, LIMIT, {"limit_ticks": 10100}, (100, 101, 97, 99), 101.0),
    ],
)
def test_an_order_fills_where_the_table_says(market, what, side, kind, prices, bar, expected):
    _, fills = one_order(market, [bar], side, kind, **prices)

    assert fills == ([] if expected is None else [expected]), what


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((100, 101, 97, 99), []),  # touched
        ((100, 101, 96.99, 99), [97.0]),  # through
        ((97, 98, 97, 98), []),  # opens at it
        ((96.5, 98, 96, 98), [96.5]),  # opens beyond it
    ],
)
def test_a_limit_that_must_be_traded_through_is_not_filled_by_a_touch(market, bar, expected):
    rules = FillRules(limit_needs_through=True)

    _, fills = one_order(market, [bar], BUY, LIMIT, limit_ticks=9700, rules=rules)

    assert fills == expected


@pytest.mark.parametrize(
    ("what", "bars", "expected"),
    [
        ("open past stop, inside limit", [(102, 103, 101, 102)], [102.0]),
        ("open past limit, then back", [(105, 106, 102.5, 103)], [103.0]),
        ("open past limit, no way back", [(105, 106, 104, 105)], []),
        ("stop reached inside: fills at the stop", [(100, 104, 99, 103)], [102.0]),
        ("triggered, later opens inside the limit", [(105, 106, 104, 105), (102, 103, 101, 102)],
         [102.0]),
    ],
)  # fmt: skip
def test_a_stop_limit_waits_for_its_stop_and_respects_its_limit(market, what, bars, expected):
    _, fills = one_order(market, bars, BUY, STOP_LIMIT, stop_ticks=10200, limit_ticks=10300)

    assert fills == expected, what


def test_a_stop_limit_triggered_inside_a_bar_with_a_better_limit_waits_for_the_next_bar(market):
    bars = [(100, 103, 98, 101), (101, 102, 100.5, 101)]

    _, fills = one_order(market, bars, BUY, STOP_LIMIT, stop_ticks=10200, limit_ticks=10100)

    assert fills == [101.0]  # at the next open, not at the low of the bar that triggered it


def test_an_order_never_fills_in_the_bar_that_decided_it(market):
    desk = market([FLAT, (100, 120, 80, 100), FLAT])
    machine = desk.machine(2)
    machine.submit(0, BUY, LIMIT, 1000, limit_ticks=9000)

    desk.then(machine, 2)

    assert len(machine.fills) == 0


def test_ioc_leaves_after_one_bar(market):
    bars = [(100, 101, 99, 100), (97, 98, 96, 97)]

    machine, fills = one_order(market, bars, BUY, LIMIT, limit_ticks=9800, tif=TimeInForce.IOC)

    assert fills == []
    assert OrderState(machine.orders[-1]["state"]) is OrderState.EXPIRED
    assert Cause(machine.orders[-1]["cause"]) is Cause.IOC


def test_gtc_waits_until_it_is_reached(market):
    bars = [(100, 101, 99, 100)] * 5 + [(97, 98, 96, 97)]

    _, fills = one_order(market, bars, BUY, LIMIT, limit_ticks=9800)

    assert fills == [97.0]


def test_slippage_worsens_takers_only(market):
    costs = Costs(slippage_bps=100)

    assert one_order(market, [(100, 101, 99, 100)], BUY, MARKET, costs=costs)[1] == [101.0]
    assert one_order(market, [(100, 101, 99, 100)], SELL, MARKET, costs=costs)[1] == [99.0]
    stop = one_order(market, [(100, 105, 99, 100)], BUY, STOP, stop_ticks=10200, costs=costs)
    assert stop[1] == [102.0 * 1.01]
    limit = one_order(market, [(100, 101, 97, 99)], BUY, LIMIT, limit_ticks=9800, costs=costs)
    assert limit[1] == [98.0]


def test_a_limit_that_is_marketable_on_arrival_pays_as_a_taker_but_never_beyond_its_limit(market):
    costs = Costs(maker_bps=1, taker_bps=10, slippage_bps=100)
    bar = [(100, 101, 99, 100)]

    wide, price = one_order(market, bar, BUY, LIMIT, limit_ticks=10300, costs=costs)
    narrow, capped = one_order(market, bar, BUY, LIMIT, limit_ticks=10050, costs=costs)

    assert (price, capped) == ([101.0], [100.5])
    assert wide.fills["maker"].tolist() == narrow.fills["maker"].tolist() == [0]
    assert wide.fills["fee"].tolist() == [int(101 * 0.0010 * 1e8)]


def test_a_resting_limit_pays_as_a_maker_even_when_the_open_jumps_over_it(market):
    costs = Costs(maker_bps=1, taker_bps=10, slippage_bps=100)
    bars = [(100, 101, 99, 100), (97, 98, 96, 97)]

    machine, fills = one_order(market, bars, BUY, LIMIT, limit_ticks=9800, costs=costs)

    assert fills == [97.0]
    assert machine.fills["maker"].tolist() == [1]
    assert machine.fills["fee"].tolist() == [int(97 * 0.0001 * 1e8)]


def test_fees_per_share_come_on_top(market):
    costs = Costs(taker_bps=10, per_share=Decimal("0.005"))

    machine, _ = one_order(market, [FLAT], BUY, MARKET, costs=costs)

    assert machine.fills["fee"].tolist() == [int((100 * 0.001 + 0.005) * 1e8)]


def test_reduce_only_is_cut_to_the_position(market):
    desk = market([FLAT] * 5, margin=True)
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 400)
    desk.then(machine, 1, 2)
    machine.submit(0, SELL, MARKET, 1000, reduce_only=True)
    machine.submit(0, SELL, MARKET, 1000, reduce_only=True)

    desk.then(machine, 2)

    assert machine.fills["lots"].tolist() == [400, 400]
    assert machine.positions()[0].lots == 0
    assert Cause(machine.orders[-1]["cause"]) is Cause.NOTHING_TO_REDUCE


def test_a_spot_account_never_sells_what_it_does_not_hold(market):
    desk = market([FLAT] * 4)
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 400)
    desk.then(machine, 1, 2)
    refused = machine.submit(0, SELL, MARKET, 1000)

    assert refused.rule == "short_not_allowed"


def test_a_buy_that_cannot_be_paid_at_its_fill_is_refused_and_counted(market):
    desk = market([FLAT, (150, 150, 150, 150), FLAT], cash="120")
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 1000)

    desk.then(machine, 1)

    assert len(machine.fills) == 0
    assert machine.refusals == {"cash_at_fill": 1}
    assert OrderState(machine.orders[0]["state"]) is OrderState.REJECTED
    assert machine.balances()["USDT"] == 120


def test_orders_wait_while_their_symbol_has_no_bar(market):
    desk = market([FLAT, None, None, (104, 105, 103, 104)])
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 1000)

    desk.then(machine, 1)

    assert machine.fills["price"].tolist() == [104.0]
    assert machine.fills["ts"].tolist() == [desk.bars.ts[3]]
