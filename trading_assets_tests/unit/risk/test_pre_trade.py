"""The one door, seen from outside: the first rule that says no."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    Limits,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.risk.pre_trade import Refusal

DAY = 86_400_000_000


def machine(*, prices=(100.0,), limits=None, margin=False, min_qty="0", costs=None, buffer="0"):
    instrument = Instrument(
        symbol_from_text("AAAUSDT"), "AAA", "USDT", Decimal("0.01"), Decimal("0.001"),
        min_notional=Decimal(5),
    )  # fmt: skip
    profile = AccountProfile.MARGIN if margin else AccountProfile.SPOT_LONG_ONLY
    setup = EngineSetup(
        (instrument,),
        Account("USDT", Decimal(1000), profile),
        SignalFamily.TARGET,
        Sizing(
            SizingMode.FIXED, qty=Decimal(1), min_qty=Decimal(min_qty),
            cash_buffer_pct=Decimal(buffer),
        ),
        costs or Costs(),
        limits or Limits(),
    )  # fmt: skip
    made = Machine(setup)
    bars = BarMatrix(np.arange(1, len(prices) + 1) * DAY, *[np.array([prices], np.float64)] * 5)
    made.run(bars, SignalMatrix(SignalFamily.TARGET, np.full((1, len(prices), 3), np.nan)))
    return made


def ask(desk, lots, side=OrderSide.BUY, **options):
    return desk.submit(0, side, OrderType.MARKET, lots, **options)


@pytest.mark.parametrize(
    ("options", "lots", "rule", "limit", "was"),
    [
        ({}, 0, "below_lot", 1.0, 0.0),
        ({"min_qty": "0.5"}, 499, "below_min_qty", 0.5, 0.499),
        ({}, 49, "min_notional", 5.0, 4.9),
        (
            {"limits": Limits(max_order_notional=Decimal(200))},
            2001,
            "max_order_notional",
            200,
            200.1,
        ),
        ({"limits": Limits(max_position_pct=Decimal(20))}, 2001, "max_position", 200.0, 200.1),
        ({}, 10_001, "cash", 1000.0, 1000.1),
        ({"buffer": "10"}, 9_001, "cash", 900.0, 900.1),
    ],
)
def test_the_first_rule_that_says_no_is_named_with_its_limit(options, lots, rule, limit, was):
    refusal = ask(machine(**options), lots)

    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.limit) == (rule, limit)
    assert refusal.was == pytest.approx(was)


@pytest.mark.parametrize(
    ("options", "lots"),
    [
        ({}, 50),
        ({"min_qty": "0.5"}, 500),
        ({"limits": Limits(max_order_notional=Decimal(200))}, 2000),
        ({"limits": Limits(max_position_pct=Decimal(20))}, 2000),
        ({}, 10_000),
        ({"buffer": "10"}, 9_000),
    ],
)
def test_what_is_allowed_is_allowed_to_the_last_lot(options, lots):
    assert ask(machine(**options), lots) == 1


def test_cash_covers_slippage_and_fees():
    costs = Costs(taker_bps=Decimal(10), slippage_bps=Decimal(10))

    assert ask(machine(costs=costs), 9_980) == 1
    assert ask(machine(costs=costs), 9_981).rule == "cash"


def test_working_entries_keep_their_cash():
    desk = machine()

    assert ask(desk, 6_000) == 1
    assert ask(desk, 4_001).rule == "cash"
    assert ask(desk, 4_000) == 2


def test_a_spot_account_sells_short_never_a_margin_account_may():
    assert ask(machine(), 100, OrderSide.SELL).rule == "short_not_allowed"
    assert ask(machine(margin=True), 100, OrderSide.SELL) == 1


def test_exits_pass_limits_but_not_the_venues_own():
    limits = Limits(max_order_notional=Decimal(1), max_orders_per_day=1)
    desk = machine(limits=limits)

    assert ask(desk, 5_000, OrderSide.SELL, reduce_only=True) == 1
    assert ask(desk, 49, OrderSide.SELL, reduce_only=True).rule == "min_notional"


def test_a_margin_account_is_not_asked_for_cash():
    assert ask(machine(margin=True), 50_000) == 1
