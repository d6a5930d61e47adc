"""The two works of the peers' benchmark against its plain-Python oracle.

W1: EMA 20/60 cross on 525,600 one-minute bars, long only, next open. W2: inside-bar bracket with
OCO exits and an exit at the end of the day. The oracle reads shared/bench/peers; nothing of it is
used here but its bars, its definition of the signals and its results.
"""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import (
    Account,
    Costs,
    EngineSetup,
    FillAt,
    FillRules,
    SignalFamily,
    SizeAt,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.records.codes import Leg

pytestmark = pytest.mark.oracle

_MINUTE = 60_000_000


@pytest.fixture(scope="module")
def year(peers):
    """Give the oracle and common modules of the benchmark, and its bars."""
    oracle, common = peers
    return oracle, common, common.make_bars()


def matrix(bars):
    names = ("open", "high", "low", "close", "volume")
    columns = [np.ascontiguousarray(bars[name][None, :]) for name in names]
    return BarMatrix(bars["ts"] // 1000, *columns)


def setup(family, sizing, *, lot="0.00000001", rules=None):
    btc = Instrument(symbol_from_text("BTCUSDT"), "BTC", "USDT", Decimal("0.01"), Decimal(lot))
    costs = Costs(Decimal(10), Decimal(10), slippage_bps=Decimal(1))
    account = Account("USDT", Decimal(100_000))
    return EngineSetup((btc,), account, family, sizing, costs, rules=rules or FillRules())


PCT = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(10))
QTY = Sizing(SizingMode.FIXED, qty=Decimal("0.1"))


def cross(common, bars):
    """W1's entries and exits as targets."""
    up, down = common.cross_signals(bars["close"])
    values = np.full((1, len(up), 3), np.nan)
    values[0, up, 0] = 1.0
    values[0, down, 0] = 0.0
    return SignalMatrix(SignalFamily.TARGET, values)


def inside_bars(common, bars):
    """W2's brackets: entry a tick above the mother bar, stop a tick below, target at 2 R."""
    high, low = bars["high"], bars["low"]
    n = len(high)
    minute = np.arange(n) % 1440
    inside = np.zeros(n, bool)
    inside[1:] = (high[1:] <= high[:-1]) & (low[1:] >= low[:-1])
    inside &= (minute < common.EOD_SUBMIT_MINUTE) & (np.arange(n) >= common.WARMUP)
    at = np.flatnonzero(inside)
    entry = np.round(high[at - 1] + common.TICK, 2)
    stop = np.round(low[at - 1] - common.TICK, 2)
    values = np.full((1, n, 7), np.nan)
    values[0, at, 0], values[0, at, 2] = entry, stop
    values[0, at, 4] = np.round(entry + 2 * (entry - stop), 2)
    values[0, at, 6] = bars["ts"][at] // 1000 + (common.EOD_SUBMIT_MINUTE - minute[at]) * _MINUTE
    return SignalMatrix(SignalFamily.BRACKET, values)


def run(a_setup, bars, signals):
    machine = Machine(a_setup)
    machine.run(matrix(bars), signals)
    return machine


@pytest.mark.parametrize("lot", ["0.00000001", "0.00001"])
def test_w1_percent_of_equity(year, lot):
    oracle, common, bars = year

    machine = run(setup(SignalFamily.TARGET, PCT, lot=lot), bars, cross(common, bars))

    expected = oracle.w1(bars, "pct", lot=float(lot))
    assert len(machine.round_trips) == expected["trades"]
    assert len(machine.fills) == expected["fills"]
    assert machine.equity == pytest.approx(expected["final_equity"], abs=1e-6)
    without_lots = oracle.w1(bars, "pct")["final_equity"]
    if lot == "0.00000001":
        assert machine.equity == pytest.approx(without_lots, rel=1e-6)


@pytest.mark.parametrize(
    ("variant", "rules"),
    [
        ({}, FillRules()),
        ({"fill": "this_close"}, FillRules(fill_at=FillAt.BAR_CLOSE)),
    ],
)
def test_w1_fixed_quantity(year, variant, rules):
    oracle, common, bars = year

    machine = run(setup(SignalFamily.TARGET, QTY, rules=rules), bars, cross(common, bars))

    expected = oracle.w1(bars, "qty", **variant)
    assert len(machine.round_trips) == expected["trades"]
    assert machine.equity == pytest.approx(expected["final_equity"], abs=1e-6)
    assert float(machine.fees) == pytest.approx(expected["fees"], abs=1e-4)


def test_w1_sized_at_the_fill_with_fees(year):
    oracle, common, bars = year
    rules = FillRules(size_at=SizeAt.FILL)

    machine = run(setup(SignalFamily.TARGET, PCT, rules=rules), bars, cross(common, bars))

    expected = oracle.w1(bars, "pct", size_at="fill", lot=1e-8)
    assert len(machine.round_trips) == expected["trades"]
    assert machine.equity == pytest.approx(expected["final_equity"], abs=1e-6)


@pytest.mark.parametrize("inside_entry_bar", [False, True])
def test_w2(year, inside_entry_bar):
    oracle, common, bars = year
    sizing = Sizing(SizingMode.FIXED, qty=Decimal("0.01"))
    rules = FillRules(exits_in_entry_bar=inside_entry_bar)

    machine = run(setup(SignalFamily.BRACKET, sizing, rules=rules), bars, inside_bars(common, bars))

    log = []
    expected = oracle.w2(bars, same_bar_children=inside_entry_bar, log=log)
    trips = machine.round_trips
    rows = [np.searchsorted(bars["ts"] // 1000, trips[name]) for name in ("entry_ts", "exit_ts")]
    kinds = {Leg.STOP_LONG: "sl", Leg.TARGET_LONG: "tp", Leg.EXPIRY: "eod"}
    found = zip(
        rows[0].tolist(), trips["entry_price"].tolist(), rows[1].tolist(),
        trips["exit_price"].tolist(), (kinds[Leg(leg)] for leg in trips["leg"]), strict=True,
    )  # fmt: skip
    assert list(found) == log
    assert len(trips) == expected["trades"]
    assert machine.equity == pytest.approx(expected["final_equity"], abs=1e-6)
