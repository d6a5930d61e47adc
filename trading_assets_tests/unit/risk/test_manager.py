"""The plain risk manager says what the engine's door says."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.order import OrderSide
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    EngineSetup,
    Limits,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.risk.manager import RiskManager
from trading_assets_tests.unit.engine.conftest import instrument

BUY, SELL = OrderSide.BUY, OrderSide.SELL
NAMES = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
STEP = 300_000_000


def by_the_engine(targets, prices, limits):
    """Send targets at one close; give orders and refusals by symbol."""
    closes = np.array([[price] * 2 for price in prices])
    bars = BarMatrix(np.array([STEP, 2 * STEP]), *[closes] * 4, np.ones((3, 2)))
    values = np.full((3, 2, 3), np.nan)
    values[:, 0, 0] = targets
    setup = EngineSetup(
        tuple(instrument(name) for name in NAMES),
        Account("USDT", Decimal(10_000), AccountProfile.MARGIN),
        SignalFamily.TARGET,
        Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(100), max_pos_pct=Decimal(1000)),
        limits=limits,
    )
    machine = Machine(setup)
    machine.run(bars, SignalMatrix(SignalFamily.TARGET, values), 0, 1)
    orders = {NAMES[o["symbol"]]: int(o["side"] * o["lots"]) for o in machine.orders}
    return orders, {NAMES[r.symbol]: (r.rule, r.limit) for r in machine.refusal_log}


@pytest.mark.parametrize("seed", range(20))
def test_sizes_and_refusals_are_those_of_the_engine(seed):
    rng = np.random.default_rng(seed)
    targets = np.round(rng.uniform(-1.5, 1.5, 3), 2)
    prices = np.round(rng.uniform(5, 200, 3), 2)
    most = float(rng.choice([8_000, 14_000]))
    manager = RiskManager(per_symbol_limit=most, lot_size=0.001)
    limits = Limits(max_leverage=Decimal(2), max_symbol_notional=Decimal(most))

    sized = manager.size_orders(
        10_000.0, dict(zip(NAMES, targets, strict=True)), dict(zip(NAMES, prices, strict=True))
    )
    kept, refused = manager.apply_hard_limits(sized)

    orders, refusals = by_the_engine(targets, prices, limits)
    assert {o.symbol: round(o.side * o.quantity * 1000) for o in kept} == orders
    assert {r.order.symbol: (r.rule, r.limit) for r in refused} == refusals


def test_a_plan_is_the_change_from_what_is_held_and_exits_pass():
    manager = RiskManager(max_leverage=0.5, lot_size={"AAAUSDT": 0.1, "BBBUSDT": 1.0})
    held = {"AAAUSDT": 60.0, "BBBUSDT": -3.0}

    sized = manager.size_orders(
        1000.0, {"AAAUSDT": 0.4, "BBBUSDT": 0.5}, {"AAAUSDT": 10.0, "BBBUSDT": 50.0}, held
    )
    kept, refused = manager.apply_hard_limits(sized)

    assert [(o.symbol, o.side, o.quantity) for o in sized] == [
        ("AAAUSDT", SELL, 20.0), ("BBBUSDT", BUY, 13.0),
    ]  # fmt: skip
    assert [o.symbol for o in kept] == ["AAAUSDT"]
    assert [(r.rule, r.limit, r.was) for r in refused] == [("max_leverage", 0.5, 0.9)]


def test_positions_without_an_order_count_in_the_leverage():
    manager = RiskManager(lot_size=1.0)
    (order,) = manager.size_orders(100.0, {"AAAUSDT": 1.0}, {"AAAUSDT": 10.0})

    assert manager.apply_hard_limits([order], other_value=100.0).orders == (order,)
    assert manager.apply_hard_limits([order], other_value=100.1).orders == ()


def test_quantities_are_cut_to_whole_lots_and_nothing_is_no_order():
    manager = RiskManager(lot_size=0.001)
    (order,) = manager.size_orders(1000.0, {"AAAUSDT": 1.0}, {"AAAUSDT": 300.0})

    assert order.quantity == 3.333
    assert manager.round_to_lot(order, 0.5).quantity == 3.0
    assert manager.size_orders(1000.0, {"AAAUSDT": 0.0}, {"AAAUSDT": 300.0}) == []
    assert manager.size_orders(-5.0, {"AAAUSDT": 1.0}, {"AAAUSDT": 300.0}) == []


@pytest.mark.parametrize(("pnl", "halts"), [(-149.9, False), (-150.0, True), (400.0, False)])
def test_a_loss_of_the_day_halts(pnl, halts):
    assert RiskManager().should_halt(pnl) is halts


@pytest.mark.parametrize(
    "wrong",
    [{"max_leverage": 0.0}, {"lot_size": -1.0}, {"lot_size": {"AAAUSDT": 0.0}},
     {"per_symbol_limit": float("nan")}],
)  # fmt: skip
def test_limits_that_are_none_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="above 0"):
        RiskManager(**wrong)


def test_what_cannot_be_sized_is_named():
    with pytest.raises(DataError, match="AAAUSDT"):
        RiskManager().size_orders(1.0, {"AAAUSDT": 1.0}, {})
    with pytest.raises(DataError, match="No lot size of AAAUSDT"):
        RiskManager(lot_size={"BBBUSDT": 1.0}).size_orders(1.0, {"AAAUSDT": 1.0}, {"AAAUSDT": 1.0})
