"""The machine as live, replay and callers use it."""

import math
from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import DataError, InvariantError
from trading_assets.domain.order import OrderSide, OrderStatus, OrderType, TimeInForce
from trading_assets.domain.setup import (
    Costs,
    FeeAsset,
    FillRules,
    Limits,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.records.codes import Leg, OrderState

FLAT = (100.0, 100.0, 100.0, 100.0)
BAR = np.array([[100.0, 101.0, 99.0, 100.0, 5.0]])
NONE = np.full((1, 3), np.nan)
STEP = 300_000_000
LONG = np.array([[102.0, np.nan, 98.0, np.nan, 110.0, np.nan, np.nan]])
QUIET = np.full((1, 7), np.nan)


def target(value):
    return np.array([[value, np.nan, np.nan]])


def live(market, **options):
    return Machine(market([FLAT], **options).setup)


def live_bracket(market, **options):
    return live(market, family=SignalFamily.BRACKET, **options)


def test_a_close_gives_the_orders_to_send(market):
    machine = live(market)

    (order,) = machine.on_close(STEP, BAR, target(1.0))

    assert (order.side, order.type, order.tif) == (
        OrderSide.BUY,
        OrderType.MARKET,
        TimeInForce.GTC,
    )
    assert (order.lots, order.leg, order.bar_ts, order.symbol_index) == (1000, Leg.OPEN, STEP, 0)
    assert order.limit_ticks is order.stop_ticks is None
    assert not order.reduce_only


def test_orders_at_the_venue_are_not_matched_here(market):
    machine = live(market)
    machine.on_close(STEP, BAR, target(1.0))

    machine.on_close(2 * STEP, BAR, NONE)

    assert len(machine.fills) == 0
    assert len(machine.active_orders()) == 1


def test_no_new_decision_while_an_order_works(market):
    machine = live(market)
    machine.on_close(STEP, BAR, target(1.0))

    assert machine.on_close(2 * STEP, BAR, target(0.0)) == ()
    assert machine.refusals == {"order_working": 1}


def test_partial_fills_add_up(market):
    machine = live(market)
    (order,) = machine.on_close(STEP, BAR, target(1.0))

    machine.on_fill(order.order_id, 400, 100.5, 40_200, False, STEP + 7)
    machine.on_fill(order.order_id, 600, 101.0, 60_600, False, STEP + 8)

    assert machine.positions()[0].lots == 1000
    assert machine.balances()["USDT"] == Decimal(10_000) - Decimal("100.8") - Decimal("0.001008")
    assert machine.active_orders() == ()
    assert OrderState(machine.orders[0]["state"]) is OrderState.FILLED
    assert machine.fills["ts"].tolist() == [STEP + 7, STEP + 8]


def test_the_venues_final_word_drops_what_is_left(market):
    machine = live(market)
    (order,) = machine.on_close(STEP, BAR, target(1.0))
    machine.on_fill(order.order_id, 400, 100.0, 0, False, STEP + 7)

    machine.on_closed(order.order_id, OrderStatus.EXPIRED, STEP + 9)

    assert machine.positions()[0].lots == 400
    row = machine.orders[0]
    assert (OrderState(row["state"]), row["filled"], row["closed_ts"]) == (
        OrderState.EXPIRED,
        400,
        STEP + 9,
    )
    assert machine.on_close(2 * STEP, BAR, target(0.0))[0].lots == 400


def test_an_exit_at_market_is_the_venues_to_fill_and_reaches_the_same_books(market):
    machine = live(market)
    (order,) = machine.on_close(STEP, BAR, target(1.0))
    machine.on_fill(order.order_id, 1000, 100.0, 0, False, STEP + 7)

    leaving = machine.leave(0)
    machine.on_close(2 * STEP, BAR, NONE)  # not matched here
    assert machine.positions()[0].lots == 1000
    assert (leaving.side, leaving.type, leaving.lots, leaving.leg, leaving.reduce_only) == (
        OrderSide.SELL,
        OrderType.MARKET,
        1000,
        Leg.MANUAL,
        True,
    )
    machine.on_fill(leaving.order_id, 1000, 101.0, 0, False, 2 * STEP + 7)
    assert machine.positions()[0].lots == 0
    assert machine.realised_pnl == 1


@pytest.mark.parametrize(
    "sizing",
    [
        Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(40)),
        Sizing(SizingMode.FIXED, qty=Decimal(2)),
    ],
)
def test_a_multiplier_scales_every_size_and_never_adds_up(market, sizing):
    whole = live(market, sizing=sizing).on_close(STEP, BAR, target(1.0))[0].lots
    machine = live(market, sizing=sizing)
    machine.scale([0.5], [math.inf])
    machine.scale([0.25], [math.inf])
    assert machine.on_close(STEP, BAR, target(1.0))[0].lots == whole // 4


def test_a_loss_of_the_day_names_the_rule_that_stops_entries(market):
    limits = Limits(daily_loss_bps=Decimal(100), max_drawdown_pct=Decimal(5))
    machine = live(market, limits=limits)
    (order,) = machine.on_close(STEP, BAR, target(1.0))
    machine.on_fill(order.order_id, order.lots, 100.0, 0, False, STEP + 7)
    share = order.lots * 0.001 * 100 / 10_000
    assert (machine.halting_rule, machine.day_loss) == ("", 0.0)
    for number, (fall, rule) in enumerate([(0.005, ""), (0.02, "daily_loss_halt"),
                                           (0.06, "drawdown_halt")]):  # fmt: skip
        price = 100.0 * (1 - fall / share)
        machine.on_close((2 + number) * STEP, np.array([[price] * 4 + [5.0]]), NONE)
        assert machine.halting_rule == rule
        assert machine.day_loss == pytest.approx(fall)


def test_an_exit_below_the_least_value_names_its_rule(market):
    machine = live(market, grid={"min_notional": Decimal(50)})
    (order,) = machine.on_close(STEP, BAR, target(1.0))
    machine.on_fill(order.order_id, 1, 100.0, 0, False, STEP + 7)
    machine.on_closed(order.order_id, "CANCELED")
    assert machine.leave(0) == "min_notional"


@pytest.mark.parametrize("reason", ["CANCELED", "REJECTED", "EXPIRED", "ABSENT"])
def test_an_order_that_came_to_nothing_frees_its_symbol(market, reason):
    machine = live(market)
    (order,) = machine.on_close(STEP, BAR, target(1.0))

    machine.on_closed(order.order_id, reason)

    assert machine.on_close(2 * STEP, BAR, target(1.0))[0].order_id > order.order_id


def test_a_fee_in_base_leaves_less_to_sell_and_the_dust_is_reported(market):
    machine = live(market, costs=Costs(fee_asset=FeeAsset.RECEIVED))
    (order,) = machine.on_close(STEP, BAR, target(1.0))
    machine.on_fill(order.order_id, 1000, 100.0, 75_000, True, STEP + 7)

    position = machine.positions()[0]
    (exit_order,) = machine.on_close(2 * STEP, BAR, target(0.0))

    assert position.lots == exit_order.lots == 999
    assert position.dust == Decimal("0.00025")
    assert machine.balances()["AAA"] == Decimal("0.99925")
    assert machine.balances()["USDT"] == 9_900


def test_a_filled_entry_wakes_its_exits_to_be_sent(market):
    machine = live_bracket(market)
    (entry,) = machine.on_close(STEP, BAR, LONG)

    woken = machine.on_fill(entry.order_id, 1000, 102.0, 0, False, STEP + 7)

    assert [(o.leg, o.lots, o.reduce_only) for o in woken] == [
        (Leg.STOP_LONG, 1000, True),
        (Leg.TARGET_LONG, 1000, True),
    ]
    assert [(o.stop_ticks, o.limit_ticks) for o in woken] == [(9800, None), (None, 11000)]


def test_a_partly_filled_entry_wakes_its_exits_only_when_it_has_ended(market):
    machine = live_bracket(market)
    (entry,) = machine.on_close(STEP, BAR, LONG)

    assert machine.on_fill(entry.order_id, 300, 102.0, 0, False, STEP + 7) == ()
    woken = machine.on_closed(entry.order_id, OrderStatus.CANCELED, STEP + 8)

    assert [o.lots for o in woken] == [300, 300]


def test_an_entry_without_a_fill_takes_its_exits_with_it(market):
    machine = live_bracket(market)
    (entry,) = machine.on_close(STEP, BAR, LONG)

    assert machine.on_closed(entry.order_id, OrderStatus.REJECTED) == ()
    assert machine.active_orders() == ()
    assert len(machine.orders) == 3


def test_a_filled_exit_asks_the_venue_to_cancel_the_other(market):
    machine = live_bracket(market)
    (entry,) = machine.on_close(STEP, BAR, LONG)
    stop, profit = machine.on_fill(entry.order_id, 1000, 102.0, 0, False, STEP + 7)

    machine.on_fill(profit.order_id, 1000, 110.0, 0, False, STEP + 8)

    assert machine.cancel_requests() == (stop.order_id,)
    machine.on_closed(stop.order_id, OrderStatus.CANCELED)
    assert machine.cancel_requests() == ()
    assert machine.active_orders() == ()


def test_a_withdrawn_entry_is_asked_back_and_blocks_until_it_is_gone(market):
    machine = live_bracket(market)
    (entry,) = machine.on_close(STEP, BAR, LONG)
    low = np.array([[98.0, 98.5, 97.0, 97.5, 1.0]])

    assert machine.on_close(2 * STEP, low, LONG) == ()
    assert machine.cancel_requests() == (entry.order_id,)
    machine.on_closed(entry.order_id, OrderStatus.CANCELED)
    assert len(machine.on_close(3 * STEP, BAR, LONG)) == 1


def test_an_expired_position_goes_to_market_while_its_exits_are_asked_back(market):
    machine = live_bracket(market)
    row = LONG.copy()
    row[0, 6] = 2 * STEP
    (entry,) = machine.on_close(STEP, BAR, row)
    machine.on_fill(entry.order_id, 1000, 102.0, 0, False, STEP + 7)

    (exit_order,) = machine.on_close(2 * STEP, BAR, QUIET)

    assert (exit_order.leg, exit_order.lots) == (Leg.EXPIRY, 1000)
    assert len(machine.cancel_requests()) == 2
    assert machine.on_close(3 * STEP, BAR, QUIET) == ()


def test_an_order_that_fills_lot_by_lot_finds_room_in_the_logs(market):
    machine = live_bracket(market)
    (entry,) = machine.on_close(STEP, BAR, LONG)

    for trade in range(1000):
        machine.on_fill(entry.order_id, 1, 102.0, 0, False, STEP + 7 + trade)

    assert machine.fills["lots"].tolist() == [1] * 1000
    assert [position.lots for position in machine.positions()] == [1000]


@pytest.mark.parametrize("lots", [0, -1, 1001])
def test_a_fill_beyond_the_order_is_a_bug(market, lots):
    machine = live(market)
    (order,) = machine.on_close(STEP, BAR, target(1.0))
    before = machine.state_hash()

    with pytest.raises(InvariantError, match="1 to 1000 lots"):
        machine.on_fill(order.order_id, lots, 100.0, 0, False, STEP)
    assert machine.state_hash() == before


def test_a_fill_of_an_unknown_order_is_a_bug(market):
    with pytest.raises(InvariantError, match="No order 7 works"):
        live(market).on_fill(7, 1, 100.0, 0, False, STEP)


def test_a_bar_that_is_not_new_is_refused(market):
    machine = live(market)
    machine.on_close(STEP, BAR, NONE)

    with pytest.raises(DataError, match="not new"):
        machine.on_close(STEP, BAR, NONE)


def test_a_step_is_refused_as_a_run_is_however_often_the_same_matrices_came(market):
    desk = market([FLAT] * 3)
    machine = Machine(desk.setup)
    for t in (0, 1):
        machine.step(desk.bars, desk.signals, t)
    before = machine.state_hash()

    for t, message in ((1, "not new"), (3, "No such range"), (-1, "No such range")):
        with pytest.raises(DataError, match=message):
            machine.step(desk.bars, desk.signals, t)

    assert machine.state_hash() == before


def test_a_step_without_the_volume_that_it_needs_is_refused(market):
    rows = [(*FLAT, 1.0), (*FLAT, np.nan)]
    desk = market(rows, rules=FillRules(participation_pct=Decimal(10)))
    machine = Machine(desk.setup)
    machine.step(desk.bars, desk.signals, 0)

    with pytest.raises(DataError, match="no volume"):
        machine.step(desk.bars, desk.signals, 1)


def test_steps_may_go_on_with_other_matrices(market):
    first, second = market([FLAT] * 2), market([FLAT] * 4, signals={2: {"target": 1.0}})
    machine = Machine(first.setup)
    for t in (0, 1):
        machine.step(first.bars, first.signals, t)
    for t in (2, 3):
        machine.step(second.bars, second.signals, t)

    assert machine.snapshot() == second.machine().snapshot()


def test_a_close_may_come_in_any_kind_of_numbers_and_order_of_memory(market):
    one, other = live(market), live(market)
    one.on_close(STEP, BAR, target(1.0))
    other.on_close(STEP, np.asfortranarray(BAR.astype(np.float32)), target(1.0))

    assert one.snapshot() == other.snapshot()


def test_a_close_of_another_shape_is_refused(market):
    with pytest.raises(DataError, match="does not fit the run"):
        live(market).on_close(STEP, BAR, QUIET)


def test_a_missing_bar_is_no_opportunity(market):
    machine = live(market)

    assert machine.on_close(STEP, np.full((1, 5), np.nan), target(1.0)) == ()
    assert sum(machine.verdicts.values()) == 0


def test_signals_of_another_family_are_refused(market):
    desk = market([FLAT])
    wrong = SignalMatrix(SignalFamily.BRACKET, np.full((1, 1, 7), np.nan))

    with pytest.raises(DataError, match="family"):
        Machine(desk.setup).run(desk.bars, wrong)


def test_bars_of_other_symbols_are_refused(market):
    desk, two = market([FLAT]), market(symbols=[[FLAT], [FLAT]])

    with pytest.raises(DataError, match="do not fit"):
        Machine(desk.setup).run(two.bars, two.signals)


def test_a_range_outside_the_bars_is_refused(market):
    desk = market([FLAT])

    with pytest.raises(DataError, match="within 0 to 1"):
        Machine(desk.setup).run(desk.bars, desk.signals, 0, 2)


def test_bars_must_be_bars():
    ts = np.array([1, 2], np.int64)
    good = np.ones((1, 2))

    def bars(**changes):
        columns = dict.fromkeys(("open", "high", "low", "close", "volume"), good)
        return BarMatrix(**{"ts": ts, **columns, **changes})

    with pytest.raises(DataError, match="do not increase"):
        bars(ts=np.array([2, 2], np.int64))
    with pytest.raises(DataError, match="is not a bar"):
        bars(high=np.array([[1.0, 0.5]]))
    with pytest.raises(DataError, match="is not a bar"):
        bars(open=np.array([[1.0, np.nan]]))
    with pytest.raises(DataError, match="another shape"):
        bars(volume=np.ones((1, 3)))
    with pytest.raises(DataError, match="does not fit"):
        bars(close=np.ones((2, 1)).T[:, ::-1].astype(np.float32))
