"""Strategies that are asked at every close: what they see, what becomes of their wishes."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError, DataError, InvariantError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.intents import CancelIntent, OrderIntent, TargetIntent
from trading_assets.domain.order import OrderSide, TimeInForce
from trading_assets.domain.setup import (
    AccountProfile,
    FillRules,
    Limits,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import SignalMatrix
from trading_assets.records.codes import Cause, Leg, OrderState
from trading_assets.strategies.asked import AskedStrategy, decider_of
from trading_assets_tests.stand_ins.scripted import FLAT, STEP, bars_of, run, scripted, setup_of

BUY, SELL = OrderSide.BUY, OrderSide.SELL


def test_a_view_shows_the_latest_bars_and_nothing_after_them():
    seen = []

    def look(view):
        seen.append((view.ts, view.n_bars, view.close.tolist(), view.times.tolist()))
        assert view.volume.tolist() == [7.0] * 3
        with pytest.raises(ValueError, match="read-only"):
            view.close[0] = 1.0
        return []

    rows = [(100.0 + i, 103.0 + i, 99.0 + i, 101.0 + i) for i in range(6)]
    run(scripted(dict.fromkeys(range(6), look), lookback=3), *rows)

    assert seen == [
        (t * STEP, 3, [98.0 + t, 99.0 + t, 100.0 + t], [(t - 2) * STEP, (t - 1) * STEP, t * STEP])
        for t in range(3, 7)
    ]


def test_a_market_wish_fills_at_the_next_open_and_its_exits_follow():
    machine = run(
        scripted({0: lambda view: view.buy(stop_loss=95.0, take_profit=110.0)}),
        FLAT, (102.0, 104.0, 101.0, 103.0), (104.0, 111.0, 103.0, 105.0), FLAT,
    )  # fmt: skip
    assert [(f["price"], Leg(f["leg"])) for f in machine.fills] == [
        (102.0, Leg.ENTRY_LONG), (110.0, Leg.TARGET_LONG),
    ]  # fmt: skip
    stop = next(o for o in machine.orders if Leg(o["leg"]) is Leg.STOP_LONG)
    assert Cause(stop["cause"]) is Cause.OCO


def test_prices_are_rounded_to_ticks_and_sizes_down_to_lots():
    wish = [OrderIntent(BUY, quantity=1.29, limit=98.3)]
    machine = run(scripted({0: wish}), FLAT, FLAT, (99.0, 99.0, 97.0, 98.0))
    assert machine.fills["price"].tolist() == [98.5]
    assert machine.fills["lots"].tolist() == [12]


def test_an_exit_of_everything_withdraws_what_else_works():
    script = {0: lambda v: v.buy(stop_loss=90.0, take_profit=120.0), 2: lambda v: v.exit()}
    machine = run(scripted(script), FLAT, FLAT, FLAT, FLAT, FLAT)
    assert machine.positions()[0].lots == 0
    ends = {Leg(o["leg"]): Cause(o["cause"]) for o in machine.orders}
    assert ends[Leg.STOP_LONG] is ends[Leg.TARGET_LONG] is Cause.EXIT_SENT
    assert ends[Leg.CLOSE] is Cause.FILLED


def test_a_second_order_waits_until_the_first_has_ended_unless_more_are_declared():
    orders = [OrderIntent(BUY, limit=90.0), OrderIntent(SELL, limit=120.0)]
    one = run(scripted({0: orders}), FLAT, FLAT)
    two = run(scripted({0: orders}, working_orders=2), FLAT, FLAT)

    assert [o["limit_ticks"] for o in one.orders] == [180]
    assert [r.rule for r in one.refusal_log] == ["order_working"]
    assert [o["limit_ticks"] for o in two.orders] == [180, 240]
    assert one.verdicts == two.verdicts  # the opportunity was taken


def test_a_leg_has_one_order_per_close():
    """Legs and closes make the ids of orders at a venue."""
    machine = run(scripted({0: [OrderIntent(BUY, limit=90.0)] * 2}, working_orders=2), FLAT, FLAT)
    assert len(machine.orders) == 1
    assert [r.rule for r in machine.refusal_log] == ["order_working"]


def test_an_order_that_works_can_be_withdrawn():
    script = {
        0: [OrderIntent(BUY, limit=90.0)],
        1: lambda view: [CancelIntent(order.order_id) for order in view.orders],
    }
    machine = run(scripted(script), FLAT, FLAT, FLAT)
    (order,) = machine.orders
    assert (OrderState(order["state"]), Cause(order["cause"])) == (
        OrderState.CANCELED, Cause.CALLER,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "rule"),
    [
        (OrderIntent(BUY, stop_loss=101.0), "bad_bracket"),
        (OrderIntent(SELL, take_profit=101.0), "bad_bracket"),
        (OrderIntent(BUY, quantity=0.01), "below_lot"),
        (OrderIntent(SELL, reduce_only=True), "below_lot"),
        (OrderIntent(BUY, quantity=60.0), "max_order_notional"),
    ],
)
def test_what_the_door_refuses_is_counted_with_its_reason(wish, rule):
    limits = Limits(max_order_notional=Decimal(5_000))
    machine = run(scripted({0: [wish]}), FLAT, FLAT, limits=limits)
    assert machine.refusals == {rule: 1}
    assert len(machine.orders) == 0


def test_sizing_by_risk_takes_the_distance_of_the_stop():
    sizing = Sizing(SizingMode.RISK, risk_pct=Decimal(1), max_pos_pct=Decimal(50))
    sized = run(scripted({0: lambda v: v.buy(stop_loss=95.0)}), FLAT, FLAT, sizing=sizing)
    blind = run(scripted({0: lambda v: v.buy()}), FLAT, FLAT, sizing=sizing)
    assert sized.fills["lots"].tolist() == [200]  # 1 % of 10,000 over 5 per unit
    assert blind.refusals == {"no_stop": 1}


def test_a_spot_account_neither_shorts_nor_spends_more_than_it_has():
    spot = AccountProfile.SPOT_LONG_ONLY
    wishes = {0: lambda v: v.sell(), 1: [OrderIntent(BUY, quantity=200.0)]}
    machine = run(scripted(wishes), FLAT, FLAT, FLAT, profile=spot)
    assert machine.refusals == {"short_not_allowed": 1, "cash": 1}


def test_another_symbol_can_be_looked_at_at_the_same_close():
    def look(view):
        other = view.of(symbol_from_text("BBBUSDT"))
        assert (other.ts, other.close[-1]) == (view.ts, view.close[-1])
        return []

    machine = run(scripted({1: look}), FLAT, (100.0, 105.0, 99.0, 104.0), symbols=2)
    assert sum(machine.verdicts.values()) == 4


def test_a_strategy_that_fails_ends_the_run_and_is_named():
    machine = Machine(setup_of(scripted({1: lambda view: view.nothing})))
    bars = bars_of(FLAT, FLAT, FLAT)
    signals = SignalMatrix(SignalFamily.ON_BAR, np.empty((1, 3, 0)))
    with pytest.raises(DataError, match=r"failed.*AAAUSDT at the bar of 600000000") as caught:
        machine.run(bars, signals)
    assert isinstance(caught.value.__cause__, AttributeError)
    with pytest.raises(InvariantError, match="failed before"):
        machine.run(bars, signals, 2)


def test_a_key_press_during_a_question_ends_the_run():
    def stop(view):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(scripted({0: stop}), FLAT, FLAT)


@pytest.mark.parametrize(
    "wish", [[CancelIntent(99)], ["buy"], [OrderIntent(BUY, limit=90.0 + n) for n in range(9)]]
)
def test_a_wish_that_cannot_be_ends_the_run(wish):
    with pytest.raises(DataError, match="wishes for"):
        run(scripted({0: wish}), FLAT, FLAT)


def test_an_order_type_that_was_not_declared_ends_the_run():
    script = {0: [OrderIntent(BUY, stop_loss=90.0)]}
    with pytest.raises(DataError, match="does not declare"):
        run(scripted(script, order_types=AskedStrategy.order_types), FLAT, FLAT)


@pytest.mark.parametrize(
    "make",
    [
        lambda: OrderIntent(BUY, limit=-1.0),
        lambda: OrderIntent(BUY, weight=0.0),
        lambda: OrderIntent(BUY, quantity=float("inf")),
        lambda: OrderIntent(SELL, reduce_only=True, stop_loss=5.0),
        lambda: TargetIntent(float("nan")),
    ],
)
def test_intents_without_meaning_cannot_be_made(make):
    with pytest.raises(DataError, match="intent"):
        make()


@pytest.mark.parametrize(
    "fields", [(("a", "O"),), (("a", "U5"),), (("a", "f8"), ("a", "f8")), (("a", "f8", (10_000,)),)]
)
def test_a_state_is_a_record_of_numbers(fields):
    with pytest.raises(ConfigurationError, match="state"):
        Machine(setup_of(scripted({}, state=fields)))


def test_after_a_hole_a_strategy_begins_anew():
    machine = Machine(setup_of(scripted({}, lookback=3)))
    bars = bars_of(*[FLAT] * 8)
    signals = SignalMatrix(SignalFamily.ON_BAR, np.empty((1, 8, 0)))
    machine.run(bars, signals, 0, 5)
    machine.end_segment(0)
    machine.run(bars, signals, 5)
    assert machine._state.memory[0]["own"]["asked"].tolist() == [1]
    assert machine._state.memory[0]["seen"].tolist() == [3]


def test_only_strategies_of_their_family_are_asked():
    class Pretender:
        name, family = "pretender", SignalFamily.ON_BAR

    with pytest.raises(ConfigurationError, match="cannot be asked"):
        decider_of(Pretender())

    class Silent(AskedStrategy):
        name = "silent"

    with pytest.raises(ConfigurationError, match=r"on_bar.*none in .*Silent"):
        decider_of(Silent())
    with pytest.raises(ConfigurationError, match="do not fit"):
        Machine(setup_of(None))


@pytest.mark.parametrize("tif", [TimeInForce.DAY, TimeInForce.GTD])
def test_an_order_wish_may_name_the_last_bar_it_works_in(tif):
    wish = [OrderIntent(BUY, limit=98.0, stop_loss=90.0, tif=tif, valid_to=2 * STEP)]
    machine = run(scripted({0: wish}), FLAT, FLAT, (99.0, 99.0, 97.0, 98.0))
    entry, stop = machine.orders
    assert len(machine.fills) == 0
    assert (OrderState(entry["state"]), Cause(entry["cause"])) == (
        OrderState.EXPIRED, Cause.VALID_TO,
    )  # fmt: skip
    assert entry["valid_to"] == 2 * STEP
    assert Cause(stop["cause"]) is Cause.PARENT_GONE


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"tif": TimeInForce.DAY}, "DAY"),
        ({"valid_to": STEP}, "GTC"),
        ({"tif": TimeInForce.FOK, "stop": 101.0}, "FOK fits orders that can fill at once"),
    ],
)
def test_a_wish_whose_time_in_force_does_not_fit_is_refused(wish, message):
    with pytest.raises(DataError, match=message):
        OrderIntent(BUY, **wish)


def test_a_wish_fills_in_parts_and_its_exits_cover_them():
    rules = FillRules(participation_pct=Decimal(10))  # 0.7 of a volume of 7
    wish = [OrderIntent(BUY, stop_loss=95.0)]
    machine = run(scripted({0: wish}), FLAT, FLAT, FLAT, (94.0, 94.0, 94.0, 94.0), rules=rules)
    assert [(Leg(f["leg"]), int(f["lots"])) for f in machine.fills] == [
        (Leg.ENTRY_LONG, 7), (Leg.ENTRY_LONG, 7), (Leg.ENTRY_LONG, 6), (Leg.STOP_LONG, 1),
    ]  # fmt: skip
