"""Leverage: what an entry needs, and what happens when equity no longer covers what is held."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    FillAt,
    FillRules,
    SignalFamily,
    SizeAt,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.records.codes import Cause, Leg, Verdict
from trading_assets.records.terms import terms_from_setup

BUY, SELL = OrderSide.BUY, OrderSide.SELL
WHOLE = {"lot": Decimal("0.1")}


def leveraged(changed, made, leverage, maintenance="0"):
    account = Account(
        "USDT", Decimal(1000), AccountProfile.MARGIN, Decimal(leverage), Decimal(maintenance)
    )
    made.setup = changed(made.setup, account=account)
    return made


def fixed(quantity):
    return Sizing(SizingMode.FIXED, qty=Decimal(quantity))


def test_an_entry_needs_its_part_of_the_equity_and_its_costs(market, changed, flat):
    costs = Costs(taker_bps=Decimal(100))
    made = leveraged(changed, market(flat(1), margin=True, grid=WHOLE, costs=costs), 2)
    machine = made.machine()

    # 2000 / 2 + 20 of fees; 196 lots need 980 + 19.6
    refusal = machine.submit(0, BUY, OrderType.MARKET, 200)
    assert (refusal.rule, refusal.limit, refusal.was) == ("initial_margin", 1000.0, 1020.0)
    assert machine.submit(0, SELL, OrderType.MARKET, 197).rule == "initial_margin"
    assert machine.submit(0, SELL, OrderType.MARKET, 196) == 1
    assert machine.submit(0, BUY, OrderType.MARKET, 196) == 2  # the other side of one instrument


def test_a_computed_size_is_cut_to_buying_power_on_either_side(market, changed, flat):
    costs = Costs(taker_bps=Decimal(100))
    sizing = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(500))
    for target, lots in ((1.0, 196), (-1.0, -196)):
        made = market(
            flat(2), signals={0: {"target": target}}, margin=True, grid=WHOLE, sizing=sizing,
            costs=costs,
        )  # fmt: skip
        machine = leveraged(changed, made, 2).machine()

        assert machine.positions()[0].lots == lots
        assert not machine.refusals


@pytest.mark.parametrize(
    ("target", "prices", "exit_price"),
    [(1.0, [100, 100, 89.9, 85, 85], 85.0), (-1.0, [100, 100, 110.1, 130, 130], 130.0)],
)
def test_below_the_maintenance_margin_the_position_goes_to_market(
    market, changed, target, prices, exit_price
):
    rows = [(p, p, p, p) for p in map(float, prices)]
    # 20 units: at 89.9 equity is 798, 45 percent of 1798; at 110.1 it is 798, 36 percent of 2202
    made = market(
        rows, signals={0: {"target": target}, 2: {"target": target}}, margin=True, grid=WHOLE,
        sizing=fixed(20),
    )  # fmt: skip
    machine = leveraged(changed, made, 2, 45 if target > 0 else 40).machine()

    (trip,) = machine.round_trips
    assert Leg(trip["leg"]) is Leg.LIQUIDATION
    assert Leg.LIQUIDATION.reason == "liquidation"
    assert trip["exit_price"] == exit_price
    assert machine.positions()[0].lots == 0
    refusal = machine.refusal_log[0]
    assert refusal.rule == "margin_call"
    assert refusal.was < refusal.limit
    assert machine.verdicts[Verdict.MARGIN_CALL] == 1


def test_just_above_the_maintenance_margin_nothing_happens(market, changed):
    rows = [(p, p, p, p) for p in (100.0, 100.0, 90.0, 100.0)]
    made = market(rows, signals={0: {"target": 1.0}}, margin=True, grid=WHOLE, sizing=fixed(20))
    machine = leveraged(changed, made, 2, "44.4").machine()  # 800 of 1800 is 44.44 percent

    assert machine.positions()[0].lots == 200
    assert machine.verdicts[Verdict.MARGIN_CALL] == 0


def test_a_margin_call_withdraws_exits_and_entries_of_all_books(market, changed):
    fall = [(p, p, p, p) for p in (100.0, 100.0, 70.0, 70.0, 70.0)]
    calm = [(100.0, 100.0, 100.0, 100.0)] * 5
    signals = [
        {0: {"long_entry": 100.0, "sl_long": 10.0}},
        {0: {"long_entry": 150.0, "sl_long": 90.0}},
    ]
    made = market(
        symbols=[fall, calm], signals=signals, family=SignalFamily.BRACKET, margin=True,
        grid=WHOLE, sizing=fixed(5),
    )  # fmt: skip
    machine = leveraged(changed, made, 2, "49").machine(2)
    assert machine.positions()[0].lots == 50
    account = machine._state.account[0]
    account["cash"] -= 70_000_000_000  # a loss elsewhere: 150 is left, 350 are held
    made.then(machine, 2)

    causes = {(int(o["symbol"]), Leg(o["leg"])): Cause(o["cause"]) for o in machine.ended_orders}
    assert causes[0, Leg.STOP_LONG] is Cause.LIQUIDATED
    assert causes[1, Leg.ENTRY_LONG] is Cause.LIQUIDATED
    assert causes[0, Leg.LIQUIDATION] is Cause.FILLED
    assert [p.lots for p in machine.positions()] == [0, 0]


def test_a_call_is_the_same_in_one_run_and_restored_at_every_bar(market, changed):
    rng = np.random.default_rng(5)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.05, 60)))
    rows = [(c, c * 1.01, c * 0.99, c) for c in closes]
    signals = {t: {"target": float(rng.choice([-1.0, 1.0]))} for t in range(0, 60, 3)}
    sizing = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(300))
    made = market(rows, signals=signals, margin=True, grid=WHOLE, sizing=sizing)
    made = leveraged(changed, made, 4, 20)
    whole = made.machine()
    cut = Machine(made.setup)
    for t in range(len(rows)):
        cut = Machine.restore(made.setup, cut.snapshot())
        cut.step(made.bars, made.signals, t)

    assert whole.verdicts[Verdict.MARGIN_CALL] > 0
    assert cut.state_hash() == whole.state_hash()
    assert sum(whole.verdicts.values()) == len(rows)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account": Account("USDT", Decimal(1), leverage=Decimal(2))}, "needs a margin account"),
        (
            {"account": Account("USDT", Decimal(1), AccountProfile.MARGIN, Decimal("0.5"))},
            "No such leverage",
        ),
        (
            {
                "account": Account(
                    "USDT", Decimal(1), AccountProfile.MARGIN, Decimal(2), Decimal(50)
                )
            },
            "not below the initial",
        ),
        (
            {
                "account": Account("USDT", Decimal(1), AccountProfile.MARGIN, Decimal(2)),
                "rules": FillRules(FillAt.NEXT_OPEN, SizeAt.FILL),
            },
            "only at the fill",
        ),
    ],
)
def test_a_margin_that_cannot_be_is_refused(market, changed, flat, changes, said):
    with pytest.raises(ConfigurationError, match=said):
        terms_from_setup(changed(market(flat(1)).setup, **changes))
