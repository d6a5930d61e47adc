"""A bar fills at most a part of its volume, shared by the orders of its symbol in their order."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import Costs, FillAt, FillRules, SignalFamily, Sizing, SizingMode
from trading_assets.engine.requests import OrderRequest
from trading_assets.records.codes import Cause, Leg, OrderState

BUY, SELL = OrderSide.BUY, OrderSide.SELL
MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
HALF = FillRules(participation_pct=Decimal(50))


def bar(price=100.0, volume=4.0, *, high=None, low=None, close=None):
    return (price, high or price, low or price, close or price, volume)


def started(market, bars, **options):
    desk = market([bar(), *bars], rules=options.pop("rules", HALF), **options)
    return desk, desk.machine(1)


def test_an_order_fills_at_later_bars_what_one_does_not_give(market):
    desk, machine = started(market, [bar(100), bar(101, 1.0), bar(102, 20.0), bar(103)])
    machine.submit(0, BUY, MARKET, 6000)

    desk.then(machine, 1)

    assert machine.fills["lots"].tolist() == [2000, 500, 3500]
    assert machine.fills["price"].tolist() == [100.0, 101.0, 102.0]
    assert OrderState(machine.orders[0]["state"]) is OrderState.FILLED


def test_without_participation_every_order_fills_whole(market):
    desk, machine = started(market, [bar(100, 0.0)], rules=FillRules())
    machine.submit(0, BUY, MARKET, 6000)

    desk.then(machine, 1)

    assert machine.fills["lots"].tolist() == [6000]


def test_zero_volume_fills_nothing(market):
    desk, machine = started(market, [bar(100, 0.0), bar(100, 0.0019), bar(100, 0.004)])
    machine.submit(0, BUY, MARKET, 1)

    desk.then(machine, 1, 3)
    assert len(machine.fills) == 0
    desk.then(machine, 3)

    assert machine.fills["lots"].tolist() == [1]


def test_orders_share_a_bar_in_the_order_of_submission(market):
    desk, machine = started(market, [bar(100, 5.0)], margin=True)
    machine.submit(0, BUY, MARKET, 1000)
    machine.submit(0, SELL, MARKET, 1000)
    machine.submit(0, BUY, MARKET, 1000)

    desk.then(machine, 1)

    assert machine.fills["lots"].tolist() == [1000, 1000, 500]


def test_the_open_comes_before_the_inside_of_a_bar(market):
    desk, machine = started(market, [bar(100, 5.0, high=103, low=97)], margin=True)
    machine.submit(0, BUY, LIMIT, 2000, limit_ticks=9800)
    machine.submit(0, BUY, STOP, 2000, stop_ticks=10200)
    machine.submit(0, BUY, MARKET, 1000)

    desk.then(machine, 1)

    assert list(zip(machine.fills["price"].tolist(), machine.fills["lots"].tolist(),
                    strict=True)) == [(100.0, 1000), (102.0, 1500)]  # fmt: skip


def test_symbols_have_a_volume_each(market):
    desk = market(symbols=[[bar()] * 2, [bar(100, 1.0)] * 2], rules=HALF)
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 9000)
    machine.submit(1, BUY, MARKET, 9000)

    desk.then(machine, 1)

    assert machine.fills["lots"].tolist() == [2000, 500]


def test_what_a_touched_stop_has_left_goes_to_market(market):
    """Touched at 102 with nothing left in the bar, or with too little: at the next open."""
    bars = [bar(100, 2.0, high=103), bar(101, 2.0), bar(99, 2.0)]
    desk, machine = started(market, bars, margin=True)
    machine.submit(0, BUY, MARKET, 1000)
    stop = machine.submit(0, BUY, STOP, 1500, stop_ticks=10200)

    desk.then(machine, 1)

    own = machine.fills[machine.fills["order_id"] == stop]
    assert list(zip(own["price"].tolist(), own["lots"].tolist(), strict=True)) == [
        (101.0, 1000),
        (99.0, 500),
    ]
    assert own["maker"].tolist() == [0, 0]


def test_a_limit_waits_for_its_price_again_and_then_pays_as_a_maker(market):
    bars = [bar(97, 2.0), bar(99, 2.0), bar(99, 2.0, low=98)]
    desk, machine = started(market, bars, costs=Costs(maker_bps=0, taker_bps=10))
    machine.submit(0, BUY, LIMIT, 1500, limit_ticks=9800)

    desk.then(machine, 1)

    assert machine.fills["price"].tolist() == [97.0, 98.0]
    assert machine.fills["maker"].tolist() == [0, 1]
    assert (machine.fills["fee"] > 0).tolist() == [True, False]


def test_cash_set_aside_is_given_back_in_parts(market):
    desk, machine = started(market, [bar(100, 2.0), bar(100, 2.0)], cash="1000")
    machine.submit(0, BUY, MARKET, 1500)

    desk.then(machine, 1, 2)
    assert machine._state.account[0]["reserved"] == 50 * 10**8
    desk.then(machine, 2)

    assert machine._state.account[0]["reserved"] == 0


def test_a_later_part_that_cannot_be_paid_cancels_what_is_left(market):
    desk, machine = started(market, [bar(100, 2.0), bar(150, 2.0)], cash="210")
    machine.submit(0, BUY, MARKET, 2000)

    desk.then(machine, 1)

    order = machine.orders[0]
    assert (order["filled"], OrderState(order["state"])) == (1000, OrderState.CANCELED)
    assert Cause(order["cause"]) is Cause.CASH_AT_FILL


FIXED = Sizing(SizingMode.FIXED, qty=Decimal(3))


def targets(market, bars, signals, **options):
    desk = market([bar(), *bars], signals=signals, rules=HALF, sizing=FIXED, **options)
    return desk.machine()


def test_a_target_that_stays_lets_its_order_work(market):
    machine = targets(market, [bar()] * 3, {0: {"target": 1.0}, 1: {"target": 1.0}})

    assert machine.fills["lots"].tolist() == [2000, 1000]
    assert len(machine.orders) == 1


def test_a_target_that_changes_withdraws_what_is_left(market):
    machine = targets(market, [bar()] * 3, {0: {"target": 1.0}, 1: {"target": 0.0}})

    first, exit_order = machine.orders
    assert (first["filled"], Cause(first["cause"])) == (2000, Cause.REPLACED)
    assert (exit_order["lots"], Leg(exit_order["leg"])) == (2000, Leg.CLOSE)
    assert machine.positions()[0].lots == 0
    assert machine.refusals == {}


def test_a_reversal_closes_before_it_opens(market):
    machine = targets(
        market, [bar(100, 20.0), bar(), bar(), bar()], {0: {"target": 1.0}, 1: {"target": -1.0}},
        margin=True,
    )  # fmt: skip

    assert machine.fills["lots"].tolist() == [3000, 2000, 1000, 1000, 2000]
    assert machine.fills["position"].tolist() == [3000, 1000, 0, -1000, -3000]


def test_a_callers_order_still_blocks_the_signals(market):
    desk = market([bar()] * 3, signals={1: {"target": 1.0}}, rules=HALF, sizing=FIXED)
    machine = desk.machine(1)
    machine.submit(0, BUY, LIMIT, 1000, limit_ticks=5000)

    desk.then(machine, 1)

    assert machine.refusals == {"order_working": 1}


SIGNAL = {"long_entry": 101.0, "sl_long": 98.0, "tp_long": 110.0}


def bracketed(market, bars, **rules):
    desk = market(
        [bar(), *bars], family=SignalFamily.BRACKET, signals={0: SIGNAL}, sizing=FIXED,
        rules=FillRules(participation_pct=Decimal(50), **rules),
    )  # fmt: skip
    return desk.machine()


def legs(machine):
    return [(Leg(f["leg"]), float(f["price"]), int(f["lots"])) for f in machine.fills]


def test_exits_cover_what_their_entry_has_brought_so_far(market):
    bars = [bar(100, 2.0, high=102, low=100), bar(101, 20.0, high=101, low=97)]
    machine = bracketed(market, bars)

    assert legs(machine) == [
        (Leg.ENTRY_LONG, 101.0, 1000),
        (Leg.ENTRY_LONG, 101.0, 2000),
        (Leg.STOP_LONG, 98.0, 1000),  # what came in this bar has its exits from the next one on
    ]
    assert machine.positions()[0].lots == 2000
    (stop,) = [o for o in machine.active_orders() if o.leg is Leg.STOP_LONG]
    assert stop.lots == 3000


def test_what_a_stop_leaves_goes_to_market_at_the_next_open(market):
    bars = [bar(100, 2.0, high=102, low=100), bar(101, 20.0, high=101, low=97), bar(96, 20.0)]
    machine = bracketed(market, bars)

    assert legs(machine)[-1] == (Leg.STOP_LONG, 96.0, 2000)
    assert machine.positions()[0].lots == 0
    assert machine.active_orders() == ()


def test_an_exit_ends_an_entry_that_is_not_complete(market):
    bars = [bar(100, 2.0, high=102, low=100), bar(98, 1.0), bar(98, 20.0)]
    machine = bracketed(market, bars)

    assert legs(machine) == [
        (Leg.ENTRY_LONG, 101.0, 1000),
        (Leg.ENTRY_LONG, 98.0, 500),  # submitted before its stop, and so first at the open
        (Leg.STOP_LONG, 98.0, 1500),
    ]
    assert Cause(machine.orders[0]["cause"]) is Cause.EXIT_TOUCHED
    assert machine.positions()[0].lots == 0


def test_a_target_filled_in_part_leaves_the_stop_for_the_rest(market):
    bars = [
        bar(100, 20.0, high=102, low=100),
        bar(105, 2.0, high=111, low=105),
        bar(105, 20.0, high=105, low=97),
    ]
    machine = bracketed(market, bars)

    assert legs(machine) == [
        (Leg.ENTRY_LONG, 101.0, 3000),
        (Leg.TARGET_LONG, 110.0, 1000),
        (Leg.STOP_LONG, 98.0, 2000),
    ]
    assert machine.active_orders() == ()


def test_a_callers_pair_never_fills_more_than_it_asked_for(market):
    bars = [bar(100, 20.0), bar(105, 2.0, high=111, low=105), bar(100, 20.0, high=100, low=90)]
    desk, machine = started(market, bars, margin=True)
    machine.submit(0, BUY, MARKET, 9000)
    desk.then(machine, 1, 2)
    pair = machine.submit_oco(
        0,
        OrderRequest(SELL, LIMIT, 3000, limit_ticks=11000, reduce_only=True),
        OrderRequest(SELL, STOP, 3000, stop_ticks=9500, reduce_only=True),
    )

    desk.then(machine, 2)

    own = machine.fills[np.isin(machine.fills["order_id"], pair)]
    assert own["lots"].tolist() == [1000, 2000]
    assert machine.positions()[0].lots == 6000


def test_the_end_of_the_data_closes_a_position_whole(market):
    desk, machine = started(market, [bar(100, 20.0), bar(100, 0.0)])
    machine.submit(0, BUY, MARKET, 9000)
    desk.then(machine, 1)

    machine.end_segment(0)

    assert machine.positions()[0].lots == 0


def test_a_bar_without_a_volume_is_refused_with_its_time_and_symbol(market):
    desk, machine = started(market, [bar(), bar(100, np.nan)])

    with pytest.raises(DataError, match=f"symbol 0 at {desk.bars.ts[2]} has no volume"):
        desk.then(machine, 1)


@pytest.mark.parametrize("volume", [-1.0, np.inf])
def test_a_volume_that_is_none_is_refused(market, volume):
    with pytest.raises(DataError, match="no volume"):
        market([bar(100, volume)], rules=HALF).machine()


def test_setups_that_need_no_volume_take_bars_without(market):
    assert market([bar(100, np.nan)]).machine().equity == 10_000


@pytest.mark.parametrize(
    ("rules", "costs", "message"),
    [
        (FillRules(participation_pct=Decimal(101)), Costs(), "more than the volume"),
        (FillRules(participation_pct=Decimal(-1)), Costs(), "participation"),
        (FillRules(FillAt.BAR_CLOSE, participation_pct=Decimal(5)), Costs(), "know no volume"),
        (FillRules(FillAt.BAR_CLOSE), Costs(impact_bps=Decimal(5)), "know no volume"),
    ],
)
def test_a_setup_that_cannot_be_is_refused(market, rules, costs, message):
    with pytest.raises(ConfigurationError, match=message):
        market([bar()], rules=rules, costs=costs).machine()
