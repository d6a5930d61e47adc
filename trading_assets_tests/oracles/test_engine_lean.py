"""LEAN's BasicTemplateAlgorithm: SPY by the minute, 2013-10-07 to 11, bought on the first bar.

LEAN keeps 0.25 % of cash back, takes 0.005 per share, trades prices adjusted by the factor file,
and fills at the ask close of the bar that decided; its end equity is 101,691.92. Our own rule, the
next bar's open, gives 101,680.02: the fill conventions are told apart by this one number.
"""

import os
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FillAt,
    FillRules,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix

pytestmark = pytest.mark.oracle

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_SPY = _SHARED / "data" / "lean" / "equity" / "usa"
_DAYS = [f"201310{day:02d}" for day in (7, 8, 9, 10, 11)]
_OPENS, _CLOSES = 34_200_000, 57_600_000  # milliseconds after midnight in New York
_TRADE, _BID, _ASK = slice(1, 5), slice(1, 5), slice(6, 10)


@pytest.fixture(scope="module")
def factor():
    path = _SPY / "factor_files" / "spy.csv"
    if not path.is_file():
        pytest.skip(f"no reference data: {path}")
    rows = [line.split(",") for line in path.read_text().split()]
    return next(float(r[1]) * float(r[2]) for r in rows if r[0] >= _DAYS[-1])


def minutes(kind, prices, factor):
    """Read the regular session's bars of the week, adjusted; times are those of New York."""
    ts, rows = [], []
    for number, day in enumerate(_DAYS, start=1):
        with zipfile.ZipFile(_SPY / "minute" / "spy" / f"{day}_{kind}.zip") as archive:
            text = archive.read(archive.namelist()[0]).decode()
        for line in text.split():
            fields = line.split(",")
            if _OPENS <= int(fields[0]) < _CLOSES:
                ts.append(number * DAY + int(fields[0]) * 1000)
                rows.append([float(x) for x in fields[prices]])
    columns = np.array(rows).T / 10_000 * factor
    return BarMatrix(
        np.array(ts, np.int64), *(c[None, :].copy() for c in columns), np.ones((1, len(ts)))
    )


def buy_and_hold(bars, rules, *, targets=(1.0,), costs=None, sizing=None):
    spy = Instrument(symbol_from_text("SPY"), "SPY", "USD", Decimal("0.01"), Decimal(1))
    setup = EngineSetup(
        (spy,),
        Account("USD", Decimal(100_000)),
        SignalFamily.TARGET,
        sizing
        or Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(100), cash_buffer_pct=Decimal("0.25")),
        costs or Costs(per_share=Decimal("0.005")),
        rules=rules,
    )
    values = np.full((1, len(bars), 3), np.nan)
    values[0, : len(targets), 0] = targets
    machine = Machine(setup)
    machine.run(bars, SignalMatrix(SignalFamily.TARGET, values))
    return machine


def test_filled_at_the_next_open(factor):
    machine = buy_and_hold(minutes("trade", _TRADE, factor), FillRules())

    assert machine.positions()[0].lots == 688
    assert machine.fees == Decimal("3.44")
    assert round(machine.equity, 2) == 101_680.02


def test_filled_at_the_ask_close_of_the_deciding_bar(factor):
    trades = minutes("trade", _TRADE, factor)
    machine = buy_and_hold(minutes("quote", _ASK, factor), FillRules(fill_at=FillAt.BAR_CLOSE))

    position = machine.positions()[0]
    equity = float(machine.balances()["USD"]) + position.lots * trades.close[0, -1]
    assert position.lots == 688
    assert machine.fills["price"].tolist() == [pytest.approx(144.78172417, abs=5e-9)]
    assert round(equity, 2) == 101_691.92


def test_filled_at_the_trade_close_of_the_deciding_bar(factor):
    machine = buy_and_hold(minutes("trade", _TRADE, factor), FillRules(fill_at=FillAt.BAR_CLOSE))

    assert round(machine.equity, 2) == 101_697.87


def test_bought_at_the_ask_and_sold_at_the_bid_of_the_next_minute_without_fees(factor):
    """LEAN's ZeroFee regression: all in on the first minute, out on the second, 99,952.34.

    LEAN sizes by the trade's close and fills at the quote's, so the size is taken from a run of
    the trades: 689, where the run with fees has 688.
    """
    rules = FillRules(fill_at=FillAt.BAR_CLOSE)
    sized = buy_and_hold(minutes("trade", _TRADE, factor), rules, costs=Costs())
    lots = sized.positions()[0].lots
    ask, bid = minutes("quote", _ASK, factor), minutes("quote", _BID, factor)
    names = ("open", "high", "low", "close")
    sides = [np.hstack([getattr(ask, n)[:, :1], getattr(bid, n)[:, 1:]]) for n in names]
    bars = BarMatrix(ask.ts, *sides, np.ones_like(ask.close))

    machine = buy_and_hold(
        bars, rules, targets=(1.0, 0.0), costs=Costs(),
        sizing=Sizing(SizingMode.FIXED, qty=Decimal(lots)),
    )  # fmt: skip

    assert machine.fills["lots"].tolist() == [689, 689]
    assert machine.fees == 0
    assert round(float(machine.balances()["USD"]), 2) == 99_952.34


def test_a_stop_that_is_already_passed_fills_at_once(factor):
    """LEAN's StopLossOnOrderEvent: short 100, then a buy stop 2 below the fill: 99,995.41.

    The sale fills at the bid's close of the first minute; the stop, which the next minute opens
    beyond, at the open of its trades.
    """
    trades, bid = minutes("trade", _TRADE, factor), minutes("quote", _BID, factor)
    names = ("open", "high", "low", "close")
    sides = [np.hstack([getattr(bid, n)[:, :1], getattr(trades, n)[:, 1:]]) for n in names]
    bars = BarMatrix(trades.ts, *sides, np.ones_like(trades.close))
    spy = Instrument(symbol_from_text("SPY"), "SPY", "USD", Decimal("0.01"), Decimal(1))
    setup = EngineSetup(
        (spy,),
        Account("USD", Decimal(100_000), AccountProfile.MARGIN),
        SignalFamily.TARGET,
        Sizing(SizingMode.FIXED, qty=Decimal(100)),
        Costs(per_share=Decimal("0.005"), minimum_fee=Decimal(1)),
        rules=FillRules(fill_at=FillAt.BAR_CLOSE),
    )
    values = np.full((1, len(bars), 3), np.nan)
    values[0, 0, 0] = -1.0
    signals = SignalMatrix(SignalFamily.TARGET, values)
    machine = Machine(setup)
    machine.run(bars, signals, 0, 1)
    stop_ticks = round((machine.fills["price"][0] - 2) * 100)
    machine.submit(0, OrderSide.BUY, OrderType.STOP, 100, stop_ticks=stop_ticks, reduce_only=True)

    machine.run(bars, signals, 1)

    assert machine.fills["side"].tolist() == [-1, 1]
    assert machine.fees == Decimal(2)
    assert round(float(machine.balances()["USD"]), 2) == 99_995.41
