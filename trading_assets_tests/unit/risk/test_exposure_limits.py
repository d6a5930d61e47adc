"""Limits on exposure, entries per minute and the time before a close."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderType
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
from trading_assets.engine.signals import COLUMNS, BarMatrix, SignalMatrix

MINUTE = 60_000_000
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def setup(limits, *, family=SignalFamily.TARGET, symbols=2):
    instruments = tuple(
        Instrument(symbol_from_text(f"{c * 3}USDT"), c * 3, "USDT", Decimal("0.01"), Decimal("0.1"))
        for c in "ABC"[:symbols]
    )
    account = Account("USDT", Decimal(1000), AccountProfile.MARGIN)
    return EngineSetup(
        instruments, account, family, Sizing(SizingMode.FIXED, qty=Decimal(1)), limits=limits
    )


def market(prices, step=MINUTE, symbols=2):
    columns = [np.tile(np.array(prices, np.float64), (symbols, 1))] * 5
    return BarMatrix(np.arange(1, len(prices) + 1) * step, *columns)


SILENT = SignalMatrix(SignalFamily.TARGET, np.full((2, 2, 3), np.nan))


def desk(symbols=2, prices=(100.0,), **limits):
    machine = Machine(setup(Limits(**limits), symbols=symbols))
    signals = np.full((symbols, len(prices), 3), np.nan)
    machine.run(market(prices, symbols=symbols), SignalMatrix(SignalFamily.TARGET, signals))
    return machine


def ask(machine, symbol, side, lots, kind=OrderType.MARKET, **prices):
    found = machine.submit(symbol, side, kind, lots, **prices)
    return found if isinstance(found, int) else (found.rule, found.limit, pytest.approx(found.was))


def test_gross_exposure_counts_longs_and_shorts_of_all_symbols():
    machine = desk(max_gross_pct=Decimal(100))

    assert ask(machine, 0, BUY, 60) == 1
    assert ask(machine, 1, SELL, 41) == ("max_gross", 1000.0, 1010.0)
    assert ask(machine, 1, SELL, 40) == 2


def test_net_exposure_lets_a_short_offset_a_long():
    machine = desk(max_net_pct=Decimal(50))

    assert ask(machine, 0, BUY, 51) == ("max_net", 500.0, 510.0)
    assert ask(machine, 0, BUY, 50) == 1
    assert ask(machine, 1, BUY, 1) == ("max_net", 500.0, 510.0)
    assert ask(machine, 1, SELL, 51) == ("max_net", 500.0, 510.0)  # what works may never fill
    machine.run(market([100.0, 100.0]), SILENT, 1)
    assert machine.positions()[0].lots == 50
    assert ask(machine, 1, SELL, 101) == ("max_net", 500.0, 510.0)
    assert ask(machine, 1, SELL, 100) == 2


def test_leverage_is_gross_exposure_over_equity():
    machine = desk(max_leverage=Decimal("1.5"))

    assert ask(machine, 0, BUY, 151) == ("max_leverage", 1.5, 1.51)
    assert ask(machine, 0, BUY, 150) == 1
    assert ask(machine, 1, BUY, 1) == ("max_leverage", 1.5, 1.51)


def test_the_notional_of_one_symbol_counts_its_working_entries_at_their_price():
    machine = desk(max_symbol_notional=Decimal(600), max_gross_pct=Decimal(1000))

    assert ask(machine, 0, BUY, 60) == 1
    assert ask(machine, 0, BUY, 1) == ("max_symbol_notional", 600.0, 610.0)
    assert ask(machine, 1, BUY, 60) == 2


def test_two_sides_of_one_symbol_are_as_much_exposure_as_the_larger():
    machine = desk(max_gross_pct=Decimal(100))

    assert ask(machine, 0, BUY, 50, OrderType.STOP, stop_ticks=20_000) == 1  # 1000 at 200
    assert ask(machine, 0, SELL, 90) == 2
    assert ask(machine, 0, SELL, 20) == ("max_gross", 1000.0, 1100.0)


def test_exits_pass_every_limit_on_exposure():
    machine = desk(
        max_gross_pct=Decimal(1), max_net_pct=Decimal(1), max_leverage=Decimal("0.01"),
        max_symbol_notional=Decimal(1), max_orders_per_minute=1,
    )  # fmt: skip

    assert machine.submit(0, SELL, OrderType.MARKET, 500, reduce_only=True) == 1
    assert machine.submit(1, BUY, OrderType.MARKET, 500, reduce_only=True) == 2


def test_entries_of_a_minute_are_counted_over_all_symbols_by_the_clock_of_bars():
    machine = desk(symbols=3, max_orders_per_minute=2)

    assert ask(machine, 0, BUY, 1) == 1
    assert ask(machine, 1, BUY, 1) == 2
    assert ask(machine, 2, BUY, 1) == ("max_orders_per_minute", 2.0, 3.0)
    bars = market([100.0, 100.0], symbols=3)
    silent = SignalMatrix(SignalFamily.TARGET, np.full((3, 2, 3), np.nan))
    machine.run(bars, silent, 1)
    assert ask(machine, 2, BUY, 1) == 3


def test_a_reversal_is_judged_by_what_it_opens():
    limits = Limits(max_position_pct=Decimal(15), max_gross_pct=Decimal(15))
    signals = np.full((1, 4, 3), np.nan)
    signals[0, 0, 0], signals[0, 2, 0] = 1.0, -2.0
    machine = Machine(setup(limits, symbols=1))
    machine.run(market([100.0] * 4, symbols=1), SignalMatrix(SignalFamily.TARGET, signals))

    assert machine.positions()[0].lots == 0  # closed; -2 would be 20 percent
    assert [r.rule for r in machine.refusal_log] == []
    assert machine._state.account[0]["was"] == pytest.approx(200.0)


def bracket(valid_in_minutes, guard):
    columns = COLUMNS[SignalFamily.BRACKET]
    signals = np.full((1, 2, len(columns)), np.nan)
    row = {"long_entry": 101.0, "sl_long": 99.0, "valid_to": (1 + valid_in_minutes) * MINUTE}
    for name, value in row.items():
        signals[0, 0, columns.index(name)] = value
    limits = Limits(moc_guard_minutes=guard)
    machine = Machine(setup(limits, family=SignalFamily.BRACKET, symbols=1))
    bars = market([100.0, 100.0], symbols=1)
    machine.run(bars, SignalMatrix(SignalFamily.BRACKET, signals), 0, 1)
    return machine


def test_no_bracket_is_entered_just_before_the_close_that_would_end_it():
    refused = bracket(14, 15)

    (refusal,) = refused.refusal_log
    assert (refusal.rule, refusal.limit, refusal.was) == ("moc_guard", 15.0, 14.0)
    assert not refused.active_orders()
    assert len(bracket(15, 15).active_orders()) == 1
    assert len(bracket(1, 0).active_orders()) == 1


def test_a_guard_that_no_target_could_meet_is_refused():
    with pytest.raises(ConfigurationError, match="guard before a close"):
        Machine(setup(Limits(moc_guard_minutes=5)))


def test_value_at_risk_is_that_of_the_days_with_positions_scaled_to_the_exposure():
    limits = Limits(max_var_pct=Decimal(4), var_half_life_days=3)
    closes = [100.0, 102.0, 99.0, 101.0, 98.0, 98.0]
    signals = np.full((1, 6, 3), np.nan)
    signals[0, 0, 0], signals[0, 4, 0] = 5.0, 10.0  # of 1 unit each
    machine = Machine(setup(limits, symbols=1))
    bars = market(closes, step=24 * 60 * MINUTE, symbols=1)
    machine.run(bars, SignalMatrix(SignalFamily.TARGET, signals))

    # day 1 has no position; days 2 to 4 have 5 units, and day 5 is judged before it ends
    equity = [1000.0, 1000.0, 985.0, 995.0]
    held = [5 * price for price in closes[1:4]]
    variance = 0.0
    for n in range(3):
        change = (equity[n + 1] - equity[n]) / held[n]
        variance += max(1 / (n + 1), 1 - 2 ** (-1 / 3)) * (change**2 - variance)
    (refusal,) = machine.refusal_log
    assert refusal.rule == "max_var"
    assert refusal.limit == pytest.approx(0.04 * 980.0)
    assert refusal.was == pytest.approx(2.3263478740408408 * variance**0.5 * 980.0)


def test_value_at_risk_is_not_known_before_as_many_days_as_its_half_life():
    limits = Limits(max_var_pct=Decimal("0.001"), var_half_life_days=3)
    signals = np.full((1, 4, 3), np.nan)
    signals[0, 0, 0], signals[0, 3, 0] = 5.0, 10.0
    machine = Machine(setup(limits, symbols=1))
    bars = market([100.0, 102.0, 99.0, 101.0], step=24 * 60 * MINUTE, symbols=1)
    machine.run(bars, SignalMatrix(SignalFamily.TARGET, signals))

    assert not machine.refusals
    assert machine.working_orders["lots"].tolist() == [50]
