"""What holding a position costs over night."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.records.codes import Financing

HOUR = DAY // 24
COSTS = Costs(
    swap_long_bps=Decimal(1), swap_short_bps=Decimal("-0.5"), borrow_bps=Decimal(2)
)  # per night


def held(lots, hours, prices, *, costs=COSTS, profile=AccountProfile.MARGIN):
    """Hold a position from the second bar on; bars open at the given hours."""
    instrument = Instrument(
        symbol_from_text("AAAUSDT"), "AAA", "USDT", Decimal("0.01"), Decimal("0.001")
    )
    setup = EngineSetup(
        (instrument,), Account("USDT", Decimal(100_000), profile), SignalFamily.TARGET,
        Sizing(SizingMode.FIXED, qty=Decimal(1)), costs,
    )  # fmt: skip
    column = np.array([prices], np.float64)
    bars = BarMatrix(np.array(hours, np.int64) * HOUR, *[column] * 5)
    signals = SignalMatrix(SignalFamily.TARGET, np.full((1, len(prices), 3), np.nan))
    machine = Machine(setup)
    machine.run(bars, signals, 0, 1)
    if lots:
        side = OrderSide.BUY if lots > 0 else OrderSide.SELL
        machine.submit(0, side, OrderType.MARKET, abs(lots))
    machine.run(bars, signals, 1)
    return machine


def rows(machine):
    return [
        (int(r["ts"]) // HOUR, int(r["nights"]), Financing(r["kind"]).name, r["amount"] / 1e8)
        for r in machine.financing_log
    ]


def test_the_first_bar_of_a_day_books_the_night_at_the_last_close():
    machine = held(1000, [1, 2, 23, 24, 25], [100, 100, 110, 120, 120])

    assert rows(machine) == [(24, 1, "SWAP", 0.011)]
    assert machine.financing == Decimal("0.011")
    assert machine.balances()["USDT"] == 100_000 - 100 - Decimal("0.011")
    assert machine.financing_log["price"].tolist() == [110.0]


def test_nights_without_bars_count_each():
    machine = held(1000, [1, 2, 24 * 4 + 5], [100, 100, 100])

    assert rows(machine) == [(101, 4, "SWAP", 0.04)]


def test_a_short_position_pays_its_loan_and_may_earn_a_swap():
    machine = held(-1000, [1, 2, 24], [100, 100, 100])

    assert rows(machine) == [(24, 1, "SWAP", -0.005), (24, 1, "BORROW", 0.02)]
    assert machine.financing == Decimal("0.015")


def test_nothing_held_costs_nothing():
    machine = held(0, [1, 24, 48], [100, 100, 100])

    assert len(machine.financing_log) == 0
    assert machine.financing == 0


def test_the_cost_belongs_to_the_equity_of_its_bar():
    machine = held(1000, [1, 2, 24], [100, 100, 100])

    assert machine.equity_curve.tolist() == [100_000.0, 100_000.0, 99_999.99]


def test_cash_is_conserved_to_the_unit():
    machine = held(1234, [1, 2, 24, 49, 80], [100, 101.37, 99.99, 98.76, 103.21])
    account = machine._state.account[0]
    fills = machine.fills

    paid = (fills["side"] * fills["notional"]).sum() + fills["fee"].sum()
    assert account["cash"] == account["opening_cash"] - paid - machine.financing_log["amount"].sum()
    assert account["financing"] == machine.financing_log["amount"].sum() != 0


def test_a_caller_books_amounts_of_its_own():
    machine = held(1000, [1, 2, 3], [100, 100, 100], costs=Costs())

    machine.charge_financing(0, Decimal("-0.25"), 5 * HOUR)

    assert rows(machine) == [(5, 0, "CALLER", -0.25)]
    assert machine.balances()["USDT"] == 100_000 - 100 + Decimal("0.25")


@pytest.mark.parametrize(
    ("profile", "ts"), [(AccountProfile.SPOT_LONG_ONLY, 3), (AccountProfile.MARGIN, 2)]
)
def test_what_cannot_be_booked_is_refused(profile, ts):
    machine = held(0, [1, 2, 3], [100, 100, 100], costs=Costs(), profile=profile)

    with pytest.raises(DataError, match="No financing"):
        machine.charge_financing(0, Decimal(1), ts * HOUR)


def test_a_log_of_nights_grows():
    machine = held(1000, [1, 2, *range(24, 24 * 600, 24)], [100.0] * 601)

    assert len(machine.financing_log) == 599
