"""LEAN's StopLimitOrder regression: SPY by the day, 2013 to 2016, EMA 30/60, 100 shares.

On an upward trend a buy stop 10 % above the high, limited 11 % above it; once held, on a downward
trend, a sell stop 1 % below the low, limited 2 % below it. LEAN fills a stop limit order at the
worst price that its limit lets pass, whatever the stop was; its end equity is 101,277.61. Ours
fills where the price is when the stop is touched: at the stop, or at an open beyond it.
"""

import os
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instants import time_text
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

pytestmark = pytest.mark.oracle

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_SPY = _SHARED / "data" / "lean" / "equity" / "usa"
_TICK = 10**-6


@pytest.fixture(scope="module")
def days():
    """Daily bars, adjusted by the factors that held at their dates."""
    path = _SPY / "daily" / "spy.zip"
    if not path.is_file():
        pytest.skip(f"no reference data: {path}")
    factors = [line.split(",") for line in (_SPY / "factor_files" / "spy.csv").read_text().split()]
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    ts, rows = [], []
    for line in lines:
        fields = line.split(",")
        day = fields[0][:8]
        if not "20130101" <= day <= "20170101":
            continue
        factor = next(float(r[1]) * float(r[2]) for r in factors if r[0] >= day)
        opened = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        ts.append(int(opened.timestamp()) * 1_000_000)
        rows.append([float(x) / 10_000 * factor for x in fields[1:5]])
    columns = np.array(rows).T
    return BarMatrix(
        np.array(ts, np.int64), *(c[None, :].copy() for c in columns), np.ones((1, len(ts)))
    )


def ema(close, n):
    """Give LEAN's average: begun with the mean of the first n closes."""
    values = np.full(len(close), np.nan)
    values[n - 1] = close[:n].mean()
    for t in range(n, len(close)):
        values[t] = values[t - 1] + (close[t] - values[t - 1]) * 2 / (n + 1)
    return values


@pytest.fixture(scope="module")
def machine(days):
    spy = Instrument(symbol_from_text("SPY"), "SPY", "USD", Decimal("0.000001"), Decimal(1))
    setup = EngineSetup(
        (spy,),
        Account("USD", Decimal(100_000), AccountProfile.MARGIN),
        SignalFamily.TARGET,
        Sizing(SizingMode.FIXED, qty=Decimal(100)),
        Costs(per_share=Decimal("0.005"), minimum_fee=Decimal(1)),
    )
    silent = SignalMatrix(SignalFamily.TARGET, np.full((1, len(days), 3), np.nan))
    fast, slow = ema(days.close[0], 30), ema(days.close[0], 60)
    machine, asked = Machine(setup), 0
    for t in range(len(days)):
        machine.run(days, silent, t, t + 1)
        if asked == 0 and fast[t] > slow[t] * 1.001:
            at = days.high[0, t]
            asked += submit(machine, OrderSide.BUY, at * 1.10, at * 1.11)
        elif asked == len(machine.fills) == 1 and fast[t] < slow[t] * 1.001:
            at = days.low[0, t]
            asked += submit(machine, OrderSide.SELL, at * 0.99, at * 0.98)
    return machine


def submit(machine, side, stop, limit):
    machine.submit(
        0, side, OrderType.STOP_LIMIT, 100,
        stop_ticks=round(stop / _TICK), limit_ticks=round(limit / _TICK),
        reduce_only=side is OrderSide.SELL,
    )  # fmt: skip
    return 1


def test_both_orders_fill_on_the_days_of_lean_for_its_fees(machine):
    fills = machine.fills

    assert [time_text(int(ts))[:10] for ts in fills["ts"]] == ["2013-09-18", "2014-10-15"]
    assert fills["side"].tolist() == [1, -1]
    assert machine.fees == Decimal(2)


def test_the_limits_as_prices_give_the_end_equity_of_lean(machine):
    """The one difference is the price: all of LEAN's figure follows from our two orders."""
    bought, sold = (int(o["limit_ticks"]) * _TICK for o in machine.orders)

    assert round(100_000 + 100 * (sold - bought) - float(machine.fees), 2) == 101_277.61


def test_ours_buys_at_the_stop_and_sells_at_the_open_beyond_it(machine, days):
    at = np.searchsorted(days.ts, machine.fills["ts"])
    stop = int(machine.orders["stop_ticks"][0]) * _TICK
    price = machine.fills["price"]

    assert days.open[0, at[0]] < stop
    assert days.open[0, at[1]] < int(machine.orders["stop_ticks"][1]) * _TICK
    assert price.tolist() == pytest.approx([stop, days.open[0, at[1]]], abs=_TICK)
    assert machine.equity == pytest.approx(100_000 + 100 * (price[1] - price[0]) - 2, abs=1e-6)
